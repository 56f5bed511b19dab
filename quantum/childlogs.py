"""A child's log file: written by the child itself, watched and kept small by the supervisor."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

LIMIT = 5_000_000  # bytes; one older file of that size is kept
ECHOES = 10  # lines a look; the rest is only in the file

LEVEL = re.compile(r"\b(ERROR|CRITICAL)\b")
RAISED = re.compile(r"^([A-Za-z_][\w.]*(Error|Exception|Warning|Exit|Refused|Interrupt)|CommandError)\b.*")


def worth_telling(line: str) -> bool:
    """An error's own line: not the traceback around it."""
    return bool(LEVEL.search(line[:120]) or RAISED.match(line))


class ChildLog:
    """Where a child's output goes, and how far it was read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.path = path
        self.read_to = path.stat().st_size

    def errors(self) -> Iterator[str]:
        """The error lines since the last look."""
        told = 0
        for line in self.fresh():
            if worth_telling(line):
                told += 1
                if told <= ECHOES:
                    yield line[:300]
        if told > ECHOES:
            yield f"... and {told - ECHOES} more errors in {self.path}"

    def fresh(self) -> list[str]:
        """Whole lines written since the last look; rotates a file that has grown too large."""
        if self.path.stat().st_size < self.read_to:  # somebody else cut it
            self.read_to = 0
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            chunk = file.read(LIMIT)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        self.read_to += len(whole)
        if self.path.stat().st_size > LIMIT:
            self.rotate()
        return whole.decode(errors="replace").splitlines()

    def rotate(self) -> None:
        """Copy and cut: the child goes on writing to the same file, at its new end."""
        shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
        with self.path.open("r+b") as file:
            file.truncate(0)
        self.read_to = 0

    def tail(self, lines: int = 8) -> list[str]:
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 8000))
            return file.read().decode(errors="replace").splitlines()[-lines:]

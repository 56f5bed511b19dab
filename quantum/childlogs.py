"""A child's log file: written by the child itself, watched and kept small by the supervisor."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from quantum.loglines import SEVERE, parse

LIMIT = 5_000_000  # bytes; one older file of that size is kept
QUIET = 60  # seconds in which the same error is told once
MEMORY = 500  # different errors remembered

BARE = re.compile(r"^(CommandError|[\w.]*Error|SystemExit)\b.*:|^Quantum can't start")


def errors(lines: Sequence[str]) -> Iterator[str]:
    """Each error in one line: the record, and what its traceback ends in."""
    for group in groups(lines):
        record = parse(group[0])
        raised = record.raised if record else ""
        if any(line.startswith("Traceback") for line in group):
            raised = group[-1].strip()
        if record and record.level in SEVERE:
            yield f"{record.text} ({raised})" if raised else record.text
        elif not record and raised:
            yield raised
        elif not record:
            yield from (line for line in group if BARE.match(line))


def groups(lines: Sequence[str]) -> Iterator[list[str]]:
    """A record with the lines that belong to it; blank lines left out."""
    group: list[str] = []
    for line in filter(str.strip, lines):
        if group and parse(line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


class ChildLog:
    """Where a child's output goes, and how far it was read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.path = path
        self.read_to = path.stat().st_size
        self.told: dict[str, float] = {}

    def news(self, now: float) -> list[str]:
        """The errors since the last look; the same one at most once a minute."""
        fresh = dict.fromkeys(line[:300] for line in errors(self.fresh()))
        told = [line for line in fresh if now - self.told.get(line, -QUIET) >= QUIET]
        if len(self.told) > MEMORY:
            self.told.clear()
        self.told |= dict.fromkeys(told, now)
        return told

    def fresh(self) -> list[str]:
        """Whole lines written since the last look; rotates a file that has grown too large.

        A file that is gone or can't be read tells nothing, and is no reason to stop minding its process.
        """
        try:
            return self.look()
        except OSError:
            return []

    def look(self) -> list[str]:
        size = self.path.stat().st_size
        if size == self.read_to:
            return []
        if size < self.read_to:  # somebody else cut it
            self.read_to = 0
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            chunk = file.read(LIMIT)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        self.read_to += len(whole)
        if size > LIMIT:
            self.rotate()
        return whole.decode(errors="replace").splitlines()

    def rotate(self) -> None:
        """Copy and cut: the child goes on writing to the same file, at its new end.

        On a full disk there is no room for the copy; the file is cut all the same, which makes some.
        """
        older = self.path.with_suffix(".log.1")
        try:
            shutil.copyfile(self.path, older)
        except OSError:
            older.unlink(missing_ok=True)
        with self.path.open("r+b") as file:
            file.truncate(0)
        self.read_to = 0

    def tail(self, lines: int = 8) -> list[str]:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 8000))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError as error:
            return [f"{self.path} can't be read: {error.strerror}"]

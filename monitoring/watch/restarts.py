"""Asking the supervisor to start a process again: one small file per process, which it takes away when it has read it.

Where nobody supervises, the file stays and nothing happens: whether it helped is found out by looking.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}", re.ASCII)


def ask(folder: Path, program: str, why: str) -> None:
    """Leave a request; one that is there already is replaced."""
    if not NAME.fullmatch(program):
        raise ValueError(f"{program!r} is no program's name")
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".", dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(why)
    os.replace(draft, folder / program)


def take(folder: Path, programs: Collection[str]) -> list[tuple[str, str]]:
    """The requests that wait for these programs, each once, with why; others may be another supervisor's."""
    found = []
    for path in (folder / name for name in sorted(programs)):
        try:
            found.append((path.name, path.read_text(encoding="utf-8")))
            path.unlink()
        except OSError:  # there is none, or it is not ours to read
            continue
    return found

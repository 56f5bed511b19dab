"""What the probes know of the machine they run on: its disk, and the log files of our processes."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from monitoring.watch import room
from monitoring.watch.probes.facts import LogFile, Machine
from quantum import loglines
from quantum.loglines import parse

TAIL = 64_000  # bytes of a log that are looked at
HOUR = timedelta(hours=1)
MEMORY = re.compile(r"^(MemAvailable|MemTotal):\s+(\d+) kB", re.MULTILINE)
SEVERE = re.compile(rb"^[^\n]*\b(?:ERROR|CRITICAL)\b[^\n]*$", re.MULTILINE)


def look(now: datetime) -> Machine:
    folder = Path(settings.VAR)
    disk = room.look(folder)
    logs = tuple(log(path, now) for path in sorted((folder / "log").glob("*.log")))
    return Machine(disk.free, disk.total, logs, *memory())


def memory(told: Path = Path("/proc/meminfo")) -> tuple[int, int]:
    """Bytes that programs can still have, and bytes in all; (0, 0) where the system does not tell."""
    try:
        found = dict(MEMORY.findall(told.read_text()))
        return int(found["MemAvailable"]) * 1024, int(found["MemTotal"]) * 1024
    except (OSError, KeyError):
        return 0, 0


def log(path: Path, now: datetime) -> LogFile:
    """One file; one that can't be read can't be judged, and counts as shut."""
    try:
        seen = path.stat()
        written = datetime.fromtimestamp(seen.st_mtime, UTC)
        return LogFile(path.stem, seen.st_size, os.access(path, os.W_OK), errors(tail(path), now), written)
    except OSError:
        return LogFile(path.stem, 0, False, 0)


def tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read()


def errors(text: bytes, now: datetime) -> int:
    """Error lines of the last hour; logs are written in UTC."""
    lines = (parse(line.decode(errors="replace")) for line in SEVERE.findall(text))
    return sum(now - HOUR < one.at <= now + HOUR for one in lines if one and one.level in loglines.SEVERE)

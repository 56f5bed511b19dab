"""What the probes know of the machine they run on: its disk, and the log files of our processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path

from django.conf import settings

from monitoring.watch import room
from monitoring.watch.probes.facts import LogFile, Machine
from quantum import loglines
from quantum.loglines import Line, parse

TAILS = (64_000, 400_000, 2_000_000)  # bytes of a log that are looked at: more, where these don't reach back an hour
COUNTED = 1000  # errors of one log; more of them say nothing more
HOUR = timedelta(hours=1)
MEMORY = re.compile(r"^(MemAvailable|MemTotal):\s+(\d+) kB", re.MULTILINE)


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
        text, whole = lately(path, now) if written > now - HOUR else (b"", True)
        return LogFile(path.stem, seen.st_size, os.access(path, os.W_OK), errors(text, now), written, whole)
    except OSError:
        return LogFile(path.stem, 0, False, 0, whole=False)


def lately(path: Path, now: datetime) -> tuple[bytes, bool]:
    """The newest lines, from before the last hour on where they are within reach; and whether they are."""
    text = b""
    for size in TAILS:
        text = tail(path, size)
        if len(text) < size or ((at := begins(text)) and at <= now - HOUR):
            return text, True
    return text, False


def tail(path: Path, size: int = TAILS[0]) -> bytes:
    """The end of the log; where it was cut lately, what was cut off is read too."""
    text = end(path, size)
    older = path.with_suffix(".log.1")
    return end(older, size - len(text)) + text if len(text) < size and older.exists() else text


def end(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read(size)


def begins(text: bytes) -> datetime | None:
    """When its first whole record was written."""
    records = (parse(line.decode(errors="replace")) for line in islice(BytesIO(text), 1, None))
    return next((one.at for one in records if one), None)


def errors(text: bytes, now: datetime) -> int:
    """Error lines of the last hour, as far as they are counted; logs are written in UTC."""
    found = (one for level in loglines.SEVERE for one in records(text, level) if now - HOUR < one.at <= now + HOUR)
    return sum(1 for _ in islice(found, COUNTED))


def records(text: bytes, level: str) -> Iterator[Line]:
    """Those of a level, by a plain search for its name: the text is long, and they are few."""
    name = level.encode()
    at = text.find(name)
    while at >= 0:
        stop = text.find(b"\n", at)
        stop = len(text) if stop < 0 else stop
        one = parse(text[text.rfind(b"\n", 0, at) + 1 : stop].decode(errors="replace"))
        if one and one.level == level:
            yield one
        at = text.find(name, stop)

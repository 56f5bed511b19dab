"""What the probes know of the machine they run on: its disk, and the log files of our processes."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from monitoring.watch.probes.facts import LogFile, Machine

TAIL = 64_000  # bytes of a log that are looked at
HOUR = timedelta(hours=1)
ERROR = re.compile(rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (?:ERROR|CRITICAL)\b", re.MULTILINE)


def look(now: datetime) -> Machine:
    folder = Path(settings.VAR)
    disk = shutil.disk_usage(folder)
    return Machine(disk.free, disk.total, tuple(log(path, now) for path in sorted((folder / "log").glob("*.log"))))


def log(path: Path, now: datetime) -> LogFile:
    """One file; one that can't be read can't be judged, and counts as shut."""
    try:
        return LogFile(path.stem, path.stat().st_size, os.access(path, os.W_OK), errors(tail(path), now))
    except OSError:
        return LogFile(path.stem, 0, False, 0)


def tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read()


def errors(text: bytes, now: datetime) -> int:
    """Error lines of the last hour; logs are written in UTC."""
    times = (datetime.strptime(at.decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for at in ERROR.findall(text))
    return sum(now - HOUR < at <= now + HOUR for at in times)

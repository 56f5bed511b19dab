"""The processes of this house, as its supervisor started them: found by its locks, ended or stopped one by one.

Only children of the process that holds this folder's lock are ever signalled; where there is no /proc there are none.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

PROC = Path("/proc")
CALLS: Mapping[str, re.Pattern[str]] = {
    "web": re.compile(r"quantum\.web "),
    "worker": re.compile(r" -n worker@"),
    "trainer": re.compile(r" -n trainer@"),
    "beat": re.compile(r"celery .*\bbeat "),
    "stream": re.compile(r"manage\.py stream "),
    "practice": re.compile(r"manage\.py practice "),
    "valkey": re.compile(r"valkey|--unixsocket "),
}


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    pid: int
    started_at: datetime


def supervisor(var: Path, name: str = "worker") -> int | None:
    """The process that runs `name` in this folder; None where nobody holds its lock."""
    try:
        with (var / "locks" / name).open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0) or None
    except (OSError, ValueError):
        return None
    return None


def processes(var: Path, now: datetime) -> dict[str, Process]:
    """The supervisor's children of the moment, by name."""
    parent = supervisor(var)
    if parent is None or not PROC.is_dir():
        return {}
    up = uptime()
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = stat(folder)
            if int(fields[1]) != parent or fields[0] == "Z":
                continue
            call = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, IndexError, ValueError):  # it has ended meanwhile
            continue
        name = next((name for name, pattern in CALLS.items() if pattern.search(call)), None)
        if name:
            age = up - int(fields[19]) / os.sysconf("SC_CLK_TCK")
            found[name] = Process(name, int(folder.name), now - timedelta(seconds=max(0.0, age)))
    return found


def stat(folder: Path) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the name before it may hold anything."""
    return (folder / "stat").read_text().rsplit(")", 1)[1].split()


def uptime() -> float:
    return float((PROC / "uptime").read_text().split()[0])


def send(var: Path, name: str, number: signal.Signals, now: datetime) -> int | None:
    """Signal a child of ours; its pid, or None where there is no such child."""
    found = processes(var, now).get(name)
    if found is None:
        return None
    try:
        os.kill(found.pid, number)
    except ProcessLookupError:
        return None
    return found.pid


def wake(var: Path, name: str, pid: int, now: datetime) -> bool:
    """Let a stopped child go on, if it still is the same one."""
    found = processes(var, now).get(name)
    if found is None or found.pid != pid:
        return False
    os.kill(pid, signal.SIGCONT)
    return True

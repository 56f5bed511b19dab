"""Whose heart beats, and whose process is still there: what tells one that hangs from one that is being started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitoring.watch.detectors import silence
from monitoring.watch.detectors.silence import HUNG
from monitoring.watch.evidence import Process, newest_of
from trading.models import ProcessState

NAMES = ("web", "worker", "trainer", "beat", "stream")


def newest(processes: tuple[Process, ...]) -> list[Process]:
    return [one for name in NAMES if (one := newest_of(processes, name))]


def hearts(processes: tuple[Process, ...]) -> dict[str, datetime]:
    return {one.name: one.beat_at for one in newest(processes)}


def living(processes: tuple[Process, ...]) -> frozenset[str]:
    """Those whose process is there on this machine; of another machine's nothing is known."""
    return frozenset(one.name for one in newest(processes) if there(one.host, one.pid))


def there(host: str, pid: int) -> bool:
    if host != socket.gethostname()[:100] or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True


def late(processes: tuple[Process, ...]) -> dict[str, timedelta]:
    """How long after it was due each one's newest heartbeat came."""
    return {one.name: timedelta(milliseconds=one.lag_ms) for one in newest(processes)}


def missed() -> bool:
    """A process that is there has missed beats that others had in time; one query."""
    rows = stored()
    if not rows:
        return False
    since = silence.in_time(*beats(rows))
    return any(since - row.beat_at > HUNG and there(row.host, row.pid) for row in rows)


def woken() -> bool:
    """Everybody slept, or the clock was set: nobody's heart has beaten in time lately; one query."""
    return silence.woken(*beats(stored()))


def stored() -> list[ProcessState]:
    """The newest row of each name."""
    rows = ProcessState.objects.filter(name__in=NAMES).order_by("beat_at")
    return list({row.name: row for row in rows.only("name", "host", "pid", "beat_at", "lag_ms")}.values())


def beats(rows: Iterable[ProcessState]) -> tuple[dict[str, datetime], dict[str, timedelta]]:
    known = [(row.name, row.beat_at, timedelta(milliseconds=row.lag_ms)) for row in rows]
    return {name: at for name, at, _ in known}, {name: lag for name, _, lag in known}

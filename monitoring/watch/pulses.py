"""Whose heart beats, and whose process is still there: what tells one that hangs from one that is being started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import datetime

from monitoring.watch.detectors import HUNG
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


def missed() -> bool:
    """A process that is there has missed beats that others have not; one query."""
    found: dict[str, tuple[datetime, str, int]] = {}
    rows: Iterable[tuple[str, datetime, str, int]] = (
        ProcessState.objects.filter(name__in=NAMES).order_by("beat_at").values_list("name", "beat_at", "host", "pid")
    )
    for name, *last in rows:
        found[name] = tuple(last)  # type: ignore[assignment]
    if not found:
        return False
    youngest = max(at for at, *_ in found.values())
    return any(youngest - at > HUNG and there(host, pid) for at, host, pid in found.values())

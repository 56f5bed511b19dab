"""The restarts' circuit: at most three within ten minutes over everything, then entries are held and a person is told.

What is run again or asked again is no restart: a module is restarted by freeing its claim, a process by ending it.
The circuit opens when a fourth restart is wanted; it closes when the window has room again. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, Action, Ailment, Finding
from monitoring.watch.detectors.proofs import MOST_RESTARTS

MOST, WINDOW = MOST_RESTARTS, timedelta(minutes=10)
RESTARTS = frozenset({Action.RESTART_MODULE, Action.RESTART_PROCESS})


def recent(restarts: Sequence[datetime], now: datetime) -> list[datetime]:
    """Those that count, oldest first."""
    return sorted(at for at in restarts if now - at < WINDOW)


def room(restarts: Sequence[datetime], now: datetime) -> int:
    """How many may be made now."""
    return max(0, MOST - len(recent(restarts, now)))


def again_at(restarts: Sequence[datetime], now: datetime) -> datetime | None:
    """When the next one may be made; None where one may be made now."""
    counted = recent(restarts, now)
    return counted[-MOST] + WINDOW if len(counted) >= MOST else None


def opened(wanted: int, facts: Facts) -> Finding | None:
    """The circuit's finding while it is open: one more restart is wanted than may be made, or it is open already."""
    until = again_at(facts.restarts, facts.now)
    if until is None or not (wanted or Ailment.RESTARTS_EXHAUSTED in facts.since):
        return None
    params: dict[str, str | float] = {
        "restarts": len(recent(facts.restarts, facts.now)),
        "most": MOST,
        "limit": WINDOW.total_seconds(),
        "until": until.isoformat(),
    }
    return Finding(Ailment.RESTARTS_EXHAUSTED, "", "self_healing", CRITICAL, params, True)

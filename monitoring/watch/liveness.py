"""Is a module or a process alive? A pure function of its silence, never of the fact that it was built.

More silence is never better, and who is due less often is never judged harder. A process beats every 3 s: it is late
after 8 s of silence, and down after 12 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

NEVER, UP, LATE, DOWN = "never", "up", "late", "down"
GRACE = timedelta(seconds=5)


def liveness(last_tick: datetime | None, every: timedelta, now: datetime) -> str:
    """never: it has not ticked; up: within its interval and some grace; late: up to three; down: longer."""
    if last_tick is None:
        return NEVER
    silence = now - last_tick
    if silence <= every + max(GRACE, every / 2):
        return UP
    return LATE if silence <= every * 3 + min(GRACE, every) else DOWN


@dataclass(frozen=True, slots=True)
class Expected:
    """A module that must run: which process calls it, how often. What is expected and silent is an alarm."""

    name: str
    title: str
    process: str  # stream, worker
    every: timedelta

"""What is done about findings: the next step of an incident. Pure.

1. A new finding opens an incident; the same one again is counted.
2. Its remedies are tried in order, at once and then after 10, 20 s; three within ten minutes are the limit.
3. After the last one in vain it is escalated: `safety` holds entries where trading is touched, and a person is needed.
   Remedies go on within the limit.
4. It is closed when it is not found any more *and* something newer than the last remedy proves that it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.watch.detectors.findings import LOW, SEVERITIES, Action, Finding, Remedy

LIMIT, WINDOW = 3, timedelta(minutes=10)
FIRST_WAIT = timedelta(seconds=10)
BOOT = timedelta(seconds=30)  # a process that was restarted ends, starts, and works again
CALM = timedelta(seconds=30)  # between two looks while nothing worse than low is open


class Do(StrEnum):
    TRY = "try"
    WAIT = "wait"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next for an incident; `remedy` where something is to be tried, `until` where waiting has an end."""

    do: Do
    remedy: Remedy | None = None
    until: datetime | None = None


def backoff(tries: int, last: str = "") -> timedelta:
    """How long after this many tries the next one may come: 10, 20, 40 s; a process has the time to start."""
    wait = FIRST_WAIT * 2 ** (tries - 1) if tries else timedelta(0)
    return max(wait, BOOT) if last == Action.RESTART_PROCESS else wait


def next_step(finding: Finding, tried: Sequence[datetime], escalated: bool, now: datetime) -> Step:
    """`tried`: when remedies of this key were tried, oldest first; those before the window don't count."""
    recent = [at for at in tried if now - at < WINDOW]
    if not finding.remedies:
        return Step(Do.WAIT)  # its severity alone speaks to the gates
    if recent and now < (due := recent[-1] + backoff(len(recent), remedy_of(finding, len(recent) - 1).action)):
        return Step(Do.WAIT, until=due)
    if len(recent) >= LIMIT:
        return Step(Do.WAIT, until=recent[0] + WINDOW) if escalated else Step(Do.ESCALATE)
    return Step(Do.TRY, remedy_of(finding, len(recent)))


def remedy_of(finding: Finding, n: int) -> Remedy:
    """The remedy of this try, counted from 0; the last one again where there are no more."""
    return finding.remedies[min(n, len(finding.remedies) - 1)]


def worst(severities: Iterable[str]) -> str | None:
    return max(severities, key=SEVERITIES.index, default=None)


def due(last_look: datetime | None, open_severities: Iterable[str], now: datetime, defending: bool = False) -> bool:
    """Every tick while something worse than low is open or positions are being closed, every 30 s otherwise."""
    if defending or last_look is None or any(severity != LOW for severity in open_severities):
        return True
    return now - last_look >= CALM

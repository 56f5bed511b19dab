"""How fast the laws' budgets burn, and who is told of it. Pure.

A law may be broken in one minute of a thousand. Burn rate 1 spends exactly that: the budget of a month in a month. The
pairs of windows and rates are those of Google's Site Reliability Workbook, chapter 5, "Multiwindow, multi-burn-rate
alerts": the long window proves that it matters, the short one that it still lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OBJECTIVE = 0.999  # of the minutes in which we watched
MINUTE = timedelta(minutes=1)


class Law(StrEnum):
    """The laws that are watched minute by minute."""

    ACCOUNTED = "accounted"  # 1: every signal has its decision
    KNOWN = "known"  # 3: no order's outcome stays unknown
    PROTECTED = "protected"  # 5: every position has its stop at the exchange
    FRESH = "fresh"  # 7: candles are young enough to decide on
    RUNNING = "running"  # 8: what must run does


class State(StrEnum):
    KEPT = "kept"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """Told where both windows burn at least this fast."""

    severity: str
    rate: float
    long: timedelta
    short: timedelta

    @property
    def hours(self) -> str:
        return f"{self.long / timedelta(hours=1):g}"


PAGE, TICKET = "page", "ticket"
RULES = (
    Rule(PAGE, 14.4, timedelta(hours=1), timedelta(minutes=5)),
    Rule(PAGE, 6.0, timedelta(hours=6), timedelta(minutes=30)),
    Rule(TICKET, 1.0, timedelta(days=3), timedelta(hours=6)),
)
KEPT_FOR = max(rule.long for rule in RULES)


@dataclass(frozen=True, slots=True)
class Minute:
    at: datetime
    state: State


@dataclass(frozen=True, slots=True)
class Burning:
    """One law over its budget: by which rule, how fast in the long window, how many minutes were lost there."""

    law: Law
    rule: Rule
    rate: float
    lost: int


def rate(minutes: Iterable[Minute], window: timedelta, now: datetime) -> tuple[float, int]:
    """The burn rate over a window, and the minutes lost in it.

    Not known is lost: nobody could have said that the law was kept. Minutes in which nobody watched count as kept, for
    a house that was switched off broke nothing.
    """
    lost = sum(one.state is not State.KEPT for one in minutes if now - window < one.at <= now)
    return lost / (window / MINUTE) / (1 - OBJECTIVE), lost


def burning(law: Law, minutes: Sequence[Minute], now: datetime) -> list[Burning]:
    """Each severity once, by the first rule that speaks; the most urgent first."""
    found: dict[str, Burning] = {}
    for rule in RULES:
        fast, lost = rate(minutes, rule.long, now)
        if fast >= rule.rate and rate(minutes, rule.short, now)[0] >= rule.rate:
            found.setdefault(rule.severity, Burning(law, rule, fast, lost))
    return list(found.values())

"""What closed trades add up to: how often they win, by how much, how deep they fell, and what ended them. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import mean, stdev

from monitoring.show.charts import Z, wilson

ZERO = Decimal(0)
INTERVAL_FROM = 5  # fewer trades have no interval worth showing


@dataclass(frozen=True, slots=True)
class Closed:
    """One closed trade, as the sums need it."""

    at: datetime
    net: Decimal
    fees: Decimal
    funding: Decimal
    r: float
    reason: str


@dataclass(frozen=True, slots=True)
class Group:
    """The trades that ended for the same reason."""

    reason: str
    n: int
    net: Decimal
    mean_r: float
    wins: int


@dataclass(frozen=True, slots=True)
class Results:
    """`profit_factor` is what was won over what was lost, None where nothing was lost; intervals are of 95 %."""

    n: int
    wins: int
    net: Decimal
    fees: Decimal
    funding: Decimal
    mean_r: float
    r_interval: tuple[float, float] | None
    win_interval: tuple[float, float]
    profit_factor: float | None
    deepest: Decimal  # largest fall of the summed results from their highest point, in USDT
    best: Decimal
    worst: Decimal
    groups: tuple[Group, ...]

    @property
    def win_rate(self) -> float:
        return self.wins / self.n

    @property
    def expectancy(self) -> Decimal:
        """Mean result of one trade, in USDT."""
        return self.net / self.n


def results(trades: Sequence[Closed]) -> Results | None:
    """The sums of some trades in any order; None of none."""
    if not trades:
        return None
    ordered = sorted(trades, key=lambda t: t.at)
    nets, rs = [t.net for t in ordered], [t.r for t in ordered]
    wins = [n for n in nets if n > 0]
    lost = -sum((n for n in nets if n < 0), ZERO)
    return Results(
        n=len(nets),
        wins=len(wins),
        net=sum(nets, ZERO),
        fees=sum((t.fees for t in ordered), ZERO),
        funding=sum((t.funding for t in ordered), ZERO),
        mean_r=mean(rs),
        r_interval=around_mean(rs),
        win_interval=wilson(len(wins) / len(nets), len(nets)),
        profit_factor=float(sum(wins, ZERO) / lost) if lost else None,
        deepest=deepest_fall(nets),
        best=max(nets),
        worst=min(nets),
        groups=by_reason(ordered),
    )


def around_mean(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a mean, by the normal approximation; None of too few."""
    if len(values) < INTERVAL_FROM:
        return None
    half = Z * stdev(values) / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def deepest_fall(amounts: Iterable[Decimal]) -> Decimal:
    """How far the running sum fell below its highest point, starting at 0."""
    at = peak = worst = ZERO
    for amount in amounts:
        at += amount
        peak = max(peak, at)
        worst = max(worst, peak - at)
    return worst


def by_reason(trades: Iterable[Closed]) -> tuple[Group, ...]:
    """Most frequent first."""
    found: dict[str, list[Closed]] = defaultdict(list)
    for trade in trades:
        found[trade.reason].append(trade)
    groups = [
        Group(reason, len(ts), sum((t.net for t in ts), ZERO), mean(t.r for t in ts), sum(t.net > 0 for t in ts))
        for reason, ts in found.items()
    ]
    return tuple(sorted(groups, key=lambda g: (-g.n, g.reason)))


def by_day(trades: Iterable[Closed]) -> list[tuple[date, Decimal]]:
    """Net of each day of UTC that had trades, oldest first."""
    found: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for trade in trades:
        found[trade.at.astimezone(UTC).date()] += trade.net
    return sorted(found.items())


def slipped(
    side: str, intended: Decimal | None, filled: Decimal | None, quantity: Decimal, *, entry: bool
) -> Decimal | None:
    """What a worse price than the intended one cost in USDT: below 0 where it was better, None where one is unknown."""
    if intended is None or filled is None:
        return None
    way = 1 if (side == "long") is entry else -1  # a long pays for a higher entry and a lower exit
    return way * (filled - intended) * quantity

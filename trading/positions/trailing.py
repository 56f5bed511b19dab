"""The stop follows the best price, once in profit: never loosened, in steps worth an order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.exchange.venue import Side


@dataclass(frozen=True, slots=True)
class TrailRule:
    """`min_profit` and `step` are fractions of the price, `distance` is in R."""

    min_profit: Decimal = Decimal("0.005")
    distance: Decimal = Decimal(1)
    step: Decimal = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Ride:
    """What trailing needs to know of a position. `best` is the peak of a long, the trough of a short."""

    side: Side
    entry: Decimal
    r: Decimal
    stop: Decimal
    best: Decimal


def better(side: Side, best: Decimal, mark: Decimal) -> Decimal:
    return max(best, mark) if side is Side.LONG else min(best, mark)


def activation(ride: Ride, rule: TrailRule) -> Decimal:
    """The profit in price at which trailing begins: max(min_profit, 1 R)."""
    return max(rule.min_profit * ride.entry, ride.r)


def armed(ride: Ride, rule: TrailRule) -> bool:
    return ride.side.sign * (ride.best - ride.entry) >= activation(ride, rule)


def wanted_stop(ride: Ride, rule: TrailRule) -> Decimal | None:
    """Where the stop should be now; None where it stays (not armed, not better, or a step too small)."""
    if not armed(ride, rule):
        return None
    sign = ride.side.sign
    candidate = ride.best - sign * rule.distance * ride.r
    return candidate if sign * (candidate - ride.stop) >= rule.step * ride.stop else None

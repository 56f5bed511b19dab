"""Where the stops go: prices from the fill, rounded to the venue's filters in the direction that risks less."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.exchange import filters as rules
from trading.exchange.venue import Filters, OrderType, Side

BACKSTOP_BEYOND = Decimal("1.25")  # the backstop is at least this many R away


@dataclass(frozen=True, slots=True)
class Plan:
    """How a position is protected, as distances in price; `band` is how far the limit lies behind the trigger."""

    kind: str  # stop_limit, stop_market
    r: Decimal
    backstop_distance: Decimal
    target_r: Decimal
    band: Decimal

    def __post_init__(self) -> None:
        if self.kind not in ("stop_limit", "stop_market"):
            raise ValueError(f"a stop plan is stop_limit or stop_market, was {self.kind!r}")
        if not (self.r > 0 and self.target_r > 0):
            raise ValueError(f"R and the target must be positive, were {self.r} and {self.target_r}")


@dataclass(frozen=True, slots=True)
class WorkingStop:
    """`limit` is None for a stop-market."""

    trigger: Decimal
    limit: Decimal | None

    @property
    def type(self) -> OrderType:
        return OrderType.STOP if self.limit is not None else OrderType.STOP_MARKET


@dataclass(frozen=True, slots=True)
class Protection:
    """The orders that a position rests on."""

    stop: WorkingStop
    backstop: Decimal
    target: Decimal


def stop_trigger(side: Side, fill: Decimal, r: Decimal, filters: Filters) -> Decimal:
    """One R behind the fill, at least one tick."""
    price = rules.towards_profit(side, fill - side.sign * r, filters)
    nearest = rules.towards_loss(side, fill, filters) - side.sign * filters.tick
    return min(price, nearest) if side is Side.LONG else max(price, nearest)


def working_stop(side: Side, trigger: Decimal, band: Decimal, filters: Filters, kind: str) -> WorkingStop:
    """The stop at `trigger` (already on the tick), its limit `band` behind it but within the venue's PERCENT_PRICE."""
    if kind == "stop_market":
        return WorkingStop(trigger, None)
    limit = rules.towards_loss(side, trigger - side.sign * band, filters)
    return WorkingStop(trigger, rules.within_percent(limit, trigger, filters))


def protection(side: Side, fill: Decimal, plan: Plan, filters: Filters) -> Protection:
    """Stop, backstop and target of a position that was filled at `fill`.

    The limit reaches at least the backstop's trigger (unless PERCENT_PRICE forbids), so that no price lies between
    them at which neither would fill.
    """
    tick = filters.tick
    trigger = stop_trigger(side, fill, plan.r, filters)
    far = max(plan.backstop_distance, plan.r * BACKSTOP_BEYOND)
    backstop = rules.towards_profit(side, fill - side.sign * far, filters)
    beyond = trigger - side.sign * tick
    backstop = min(backstop, beyond) if side is Side.LONG else max(backstop, beyond)
    backstop = max(backstop, tick)
    target = rules.towards_loss(side, fill + side.sign * plan.r * plan.target_r, filters)
    nearest = rules.towards_profit(side, fill, filters) + side.sign * tick
    target = max(target, nearest) if side is Side.LONG else max(min(target, nearest), tick)
    stop = working_stop(side, trigger, max(plan.band, abs(trigger - backstop)), filters, plan.kind)
    made = Protection(stop, backstop, target)
    check(side, fill, made)
    return made


def check(side: Side, fill: Decimal, made: Protection) -> None:
    """Every price lies on its side of the fill, or nothing is sent: a short's stop by a long's formula ends here."""
    sign = side.sign
    if not sign * made.backstop < sign * made.stop.trigger < sign * fill < sign * made.target:
        raise ValueError(
            f"a {side.value} filled at {fill} can't have backstop {made.backstop}, stop {made.stop.trigger}, "
            f"target {made.target}"
        )
    if made.stop.limit is not None and sign * made.stop.limit > sign * made.stop.trigger:
        raise ValueError(f"a {side.value}'s stop limit {made.stop.limit} lies before its trigger {made.stop.trigger}")
    if min(made.backstop, made.stop.trigger, made.stop.limit or made.stop.trigger, made.target) <= 0:
        raise ValueError(f"R is too large for a fill at {fill}: a price would not be positive")


def lots(quantity: Decimal, filters: Filters) -> list[Decimal]:
    """A market quantity in pieces that the venue takes, rounded down to its step."""
    left, pieces = rules.down(quantity, filters.step), []
    largest = rules.down(filters.market_max_quantity, filters.step) or left  # an exit must not wait for a sane rule
    while left > 0:
        pieces.append(min(left, largest))
        left -= pieces[-1]
    return pieces

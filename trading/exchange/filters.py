"""The venue's rules for prices and quantities: one function each, always in the direction that risks less. Pure."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from trading.exchange.venue import Filters, Side


def up(value: Decimal, step: Decimal) -> Decimal:
    """The nearest whole number of steps at or above."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def down(value: Decimal, step: Decimal) -> Decimal:
    """The nearest whole number of steps at or below."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def towards_profit(side: Side, price: Decimal, filters: Filters) -> Decimal:
    """A stop's trigger: a long's is rounded up, a short's down; the loss gets smaller."""
    return up(price, filters.tick) if side is Side.LONG else down(price, filters.tick)


def towards_loss(side: Side, price: Decimal, filters: Filters) -> Decimal:
    """A target (reached sooner) or a stop's limit (filled more surely): a long's is rounded down, a short's up."""
    return down(price, filters.tick) if side is Side.LONG else up(price, filters.tick)


def quantity(wanted: Decimal, filters: Filters, *, at_market: bool) -> Decimal:
    """Never more than wanted or than the venue takes in one order; 0 where that is below its minimum."""
    most = min(filters.max_quantity, filters.market_max_quantity) if at_market else filters.max_quantity
    fitted = down(min(wanted, most), filters.step)
    return fitted if fitted >= filters.min_quantity and fitted > 0 else Decimal(0)


def within_percent(price: Decimal, mark: Decimal, filters: Filters) -> Decimal:
    """A limit price, kept inside the venue's PERCENT_PRICE band around the mark."""
    lowest, highest = up(mark * filters.percent_down, filters.tick), down(mark * filters.percent_up, filters.tick)
    return min(max(price, lowest), highest)

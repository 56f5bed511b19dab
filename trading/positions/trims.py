"""How much of a position a trim may take: in the venue's steps, and so that the rest can still be protected."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.exchange import filters as rules
from trading.exchange.venue import Filters


@dataclass(frozen=True, slots=True)
class TooSmall:
    """Why this trim can't be sent, with the measured value and the limit."""

    sentence: str


def lot(wanted: Decimal, before: Decimal, mark: Decimal, filters: Filters) -> Decimal | TooSmall:
    """`wanted` of `before` in whole steps, rounded down; at `mark` both parts reach the venue's smallest order.

    The venue takes smaller reduce-only orders, but not everywhere, and a rest below its minimum can't be entered,
    trimmed or stopped with a limit on its own: such a position is closed as a whole, or left.
    """
    quantity = rules.down(wanted, filters.step)
    for part, name in ((quantity, "the trim"), (before - quantity, "what it leaves")):
        if part <= 0 or part < filters.min_quantity:
            return TooSmall(
                f"{name} is {plain(part)} in steps of {plain(filters.step)}, "
                f"at least {plain(max(filters.min_quantity, filters.step))}"
            )
        if part * mark < filters.min_notional:
            return TooSmall(
                f"{name} is worth {plain(round(part * mark, 2))} USDT, at least {plain(filters.min_notional)}"
            )
    return quantity


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"

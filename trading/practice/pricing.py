"""The book around the last price, as one formula: a spread, and a price that gives way as an order eats into the book.

The marginal price of a market order moves away linearly with its notional (`IMPACT`: one basis point per 100 000 USDT),
so the average is half-way between the best price and the last one. The depth that clients see is the same book.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.practice.rules import Rules
from trading.practice.values import ZERO

HALF_SPREAD = Decimal("0.00005")
IMPACT = Decimal("1e-9")  # fraction of the price per USDT of notional


@dataclass(frozen=True, slots=True)
class Take:
    """What a market-taking order gets: the quantity within its bound, and the average price."""

    quantity: Decimal
    price: Decimal


def best(price: Decimal, sign: int, rules: Rules) -> Decimal:
    """The best price for a buyer (sign 1: the ask) or a seller (sign -1: the bid) around the last price."""
    if sign > 0:
        return max(rules.ceil_price(price * (1 + HALF_SPREAD)), price + rules.tick)
    return max(min(rules.floor_price(price * (1 - HALF_SPREAD)), price - rules.tick), rules.tick)


def take(price: Decimal, sign: int, quantity: Decimal, bound: Decimal, rules: Rules) -> Take:
    """Fill up to `quantity` at no marginal price beyond `bound`; the average is rounded against the taker."""
    top = best(price, sign, rules)
    room = (bound / top - 1) * sign
    if room < 0:
        return Take(ZERO, ZERO)
    reachable = rules.floor_quantity(room / (IMPACT * price))
    filled = min(quantity, max(reachable, _top_of_book(top, rules)))
    average = top * (1 + sign * IMPACT * filled * price / 2)
    rounded = rules.ceil_price(average) if sign > 0 else rules.floor_price(average)
    return Take(filled, min(rounded, bound) if sign > 0 else max(rounded, bound))


def take_bound(mark: Decimal, sign: int, rules: Rules) -> Decimal:
    """How far from the mark price a market order may reach (the venue's `marketTakeBound`)."""
    bound = mark * (1 + sign * rules.take_bound)
    return rules.floor_price(bound) if sign > 0 else rules.ceil_price(bound)


def depth(price: Decimal, sign: int, levels: int, rules: Rules) -> list[tuple[Decimal, Decimal]]:
    """The book's side a buyer (1) or seller (-1) would take from: price and quantity, best first."""
    top, size = best(price, sign, rules), _top_of_book(best(price, sign, rules), rules)
    rows = ((top + sign * rules.tick * i, size) for i in range(levels))
    return [(p, q) for p, q in rows if p > 0]


def _top_of_book(top: Decimal, rules: Rules) -> Decimal:
    """The quantity that stands at one tick."""
    return max(rules.floor_quantity(rules.tick / top / (IMPACT * top)), rules.step)

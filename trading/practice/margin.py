"""Margin arithmetic of a USDT-margined contract: maintenance, liquidation and bankruptcy price, order margin. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from trading.practice.rules import Bracket
from trading.practice.values import ZERO, Order, Position


def bracket_of(notional: Decimal, brackets: Sequence[Bracket]) -> Bracket:
    return next((b for b in brackets if notional < b.cap), brackets[-1])


def maintenance(notional: Decimal, brackets: Sequence[Bracket]) -> Decimal:
    """Maintenance margin = notional x rate - cum of its bracket (venue's leverage and margin table)."""
    bracket = bracket_of(notional, brackets)
    return max(ZERO, notional * bracket.rate - bracket.cum)


def max_notional(leverage: int, brackets: Sequence[Bracket]) -> Decimal:
    """The largest position that this leverage allows."""
    return max((b.cap for b in brackets if b.leverage >= leverage), default=ZERO)


def liquidation_price(amount: Decimal, entry: Decimal, collateral: Decimal, brackets: Sequence[Bracket]) -> Decimal:
    """The mark price where collateral + unrealised profit equals the maintenance margin; 0 where there is none.

    Solved per bracket: long (q e - c - cum) / (q (1 - r)), short (q e + c + cum) / (q (1 + r)), q the absolute amount.
    """
    quantity = abs(amount)
    if not quantity:
        return ZERO
    sign = 1 if amount > 0 else -1
    price = ZERO
    for b in brackets:
        price = (quantity * entry - sign * (collateral + b.cum)) / (quantity * (1 - sign * b.rate))
        if b.floor <= quantity * price < b.cap:
            return price
    return max(price, ZERO)


def bankruptcy_price(amount: Decimal, entry: Decimal, collateral: Decimal) -> Decimal:
    """Where the collateral is gone."""
    return max(entry - collateral / amount, ZERO) if amount else ZERO


def order_margin(position: Position, orders: Iterable[Order], mark: Decimal) -> Decimal:
    """What the open orders of one symbol reserve: the larger side's notional beyond the position, over leverage.

    Reduce-only orders reserve nothing; in one-way mode an order against the position reserves only what would turn it.
    """
    sides = {1: ZERO, -1: ZERO}
    notional = {1: ZERO, -1: ZERO}
    for order in orders:
        if not order.reduce_only:
            sides[order.sign] += order.remaining
            notional[order.sign] += order.remaining * (order.price or mark)
    reserved = ZERO
    for sign in (1, -1):
        if not sides[sign]:
            continue
        against = max(ZERO, -sign * position.amount)
        opening = max(ZERO, sides[sign] - 2 * against)  # the first closes, the second opens as much as was freed
        reserved = max(reserved, notional[sign] * opening / sides[sign])
    return reserved / position.leverage

"""May this order exist now? Position, status, book and margin decide. Pure but for the engine it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.practice import pricing
from trading.practice.account import TAKER
from trading.practice.margin import max_notional
from trading.practice.values import Algo, Order, Position, Quote, Refused

if TYPE_CHECKING:
    from trading.practice.engine import Engine

REASONS = {
    -2022: "Reduce Only reject",
    -2019: "Margin is insufficient",
    -2027: "Exceeded the maximum allowable position at current leverage",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
    -5021: "FOK order can't be filled immediately",
    -5022: "Post Only order would be executed immediately",
}


def reduces(order: Order | Algo, position: Position) -> bool:
    """It works against the position."""
    return position.sign * order.sign < 0


def words(no: Refused) -> str:
    """Why a conditional order was rejected at its trigger, for the user-data stream."""
    return REASONS.get(no.code, f"Order rejected ({no.code})")


def check(engine: Engine, order: Order, quote: Quote) -> None:
    """Position, margin and book: may this order exist now?"""
    position, rules = engine.account.position(order.symbol), engine.rules[order.symbol]
    if order.reduce_only and not reduces(order, position):
        raise Refused(-2022)
    if not order.reduce_only and engine.status(order.symbol) != "TRADING":
        raise Refused(-4140)
    if order.type == "MARKET":
        bound = pricing.take_bound(quote.mark, order.sign, rules)
        if not pricing.take(quote.price, order.sign, order.quantity, bound, rules).quantity:
            raise Refused(-4131)
    else:
        _check_tif(engine, order, quote)
    if order.reduce_only:
        return
    price = order.price or pricing.best(quote.price, order.sign, rules)
    after = abs(position.amount + order.sign * order.quantity)
    if after > abs(position.amount) and after * price > max_notional(position.leverage, rules.brackets):
        raise Refused(-2027)
    needed = engine.reserved(order.symbol, [order]) - engine.reserved(order.symbol)
    if needed and needed + order.quantity * price * TAKER > engine.available():
        raise Refused(-2019)


def _check_tif(engine: Engine, order: Order, quote: Quote) -> None:
    got = pricing.take(quote.price, order.sign, order.quantity, order.price, engine.rules[order.symbol])
    if order.tif == "GTX" and got.quantity:
        raise Refused(-5022)
    if order.tif == "FOK" and got.quantity < order.quantity:
        raise Refused(-5021)

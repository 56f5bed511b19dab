"""The exchange takes a position over whose margin no longer carries it."""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN
from typing import TYPE_CHECKING

from trading.practice import pricing
from trading.practice.account import CENTS, collateral
from trading.practice.margin import bankruptcy_price
from trading.practice.values import ZERO, Order, Position, Quote

if TYPE_CHECKING:
    from trading.practice.engine import Engine


def liquidate(engine: Engine, position: Position, quote: Quote) -> None:
    """The exchange takes over: orders go, the position is closed, never at a worse price than bankruptcy.

    Fees come out of what is left, never out of anything else.
    """
    for algo in [a for a in engine.algos.values() if a.symbol == position.symbol and a.status == "NEW"]:
        engine.cancel_algo(algo, "EXPIRED", "Liquidation")
    for order in engine.open_orders(position.symbol):
        engine.cancel(order, "EXPIRED")
    rules, sign = engine.rules[position.symbol], -position.sign
    backing = collateral(engine.account, position, engine.marks(), engine.brackets)
    last = bankruptcy_price(position.amount, position.entry, backing)
    best = pricing.best(quote.price, sign, rules)
    price = max(best, rules.ceil_price(last)) if sign < 0 else min(best, rules.floor_price(last))
    order = Order(
        order_id=engine.next_id("order"),
        client_id=f"autoclose-{engine.now}",
        symbol=position.symbol,
        side="BUY" if sign > 0 else "SELL",
        type="MARKET",
        orig_type="LIQUIDATION",
        quantity=abs(position.amount),
        reduce_only=True,
        time=engine.now,
        updated=engine.now,
    )
    engine.orders[order.order_id] = order
    left = max(backing + position.unrealized(price), ZERO).quantize(CENTS, ROUND_FLOOR)
    engine.fill(order, order.quantity, price, quote, maker=False, execution="CALCULATED", most=left)
    fee = min(left - engine.changes.fills[-1].fee, order.quantity * price * rules.liquidation_fee).quantize(
        CENTS, ROUND_HALF_EVEN
    )
    if fee:
        engine.account.wallet -= fee
        engine.earn(position.symbol, "INSURANCE_CLEAR", -fee, "liquidation fee")
        engine.tell_account("INSURANCE_CLEAR", position, quote.mark, -fee)

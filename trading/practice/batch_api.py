"""The signed endpoints that change resting orders, take several at once, or cancel them when nobody calls any more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading.practice import params as read
from trading.practice import shapes, tickets, trade_api
from trading.practice.params import Params
from trading.practice.shapes import Json
from trading.practice.values import OPEN, Order, Refused

if TYPE_CHECKING:
    from trading.practice.exchange import Exchange

MOST_PLACED, MOST_CANCELLED = 5, 10


def amend(x: Exchange, p: Params) -> Json:
    """A resting limit order gets another price and quantity; what no longer is more than has filled is cancelled."""
    order = trade_api.find_one(x, p, -2013)
    if order.status not in OPEN:
        raise Refused(-2013)
    if order.type != "LIMIT" or read.choice(p, "side", ("BUY", "SELL"), -1117) != order.side:
        raise Refused(-4138 if order.type != "LIMIT" else -1117)
    wanted = _wanted(x, p, order)
    if (wanted.price, wanted.quantity) == (order.price, order.quantity):
        raise Refused(-5027)
    return shapes.order(x.engine.amend(order, wanted.price, wanted.quantity))


def _wanted(x: Exchange, p: Params, order: Order) -> Order:
    ticket = {name: p[name] for name in ("quantity", "price") if name in p}
    ticket |= {"symbol": order.symbol, "type": "LIMIT", "side": order.side, "timeInForce": order.tif}
    ticket |= {"goodTillDate": str(order.good_till)} if order.tif == "GTD" else {}
    ticket |= {"reduceOnly": "true"} if order.reduce_only else {}
    rules, mark = x.engine.rules[order.symbol], x.market.mark(order.symbol, x.now)
    return replace(tickets.order_ticket(ticket, rules, mark, order.order_id, x.now), client_id=order.client_id)


def place_batch(x: Exchange, p: Params) -> list[Json]:
    return _each(x, _orders(p), trade_api.place)


def amend_batch(x: Exchange, p: Params) -> list[Json]:
    return _each(x, _orders(p), amend)


def cancel_batch(x: Exchange, p: Params) -> list[Json]:
    """By the venue's ids or by the client's, at most ten."""
    symbol = x.symbol(p)
    name, key = ("orderIdList", "orderId") if p.get("orderIdList") else ("origClientOrderIdList", "origClientOrderId")
    ids = _list(p, name)
    if not 1 <= len(ids) <= MOST_CANCELLED:
        raise Refused(-4082)
    return _each(x, [{"symbol": symbol, key: str(one)} for one in ids], trade_api.cancel)


def count_down(x: Exchange, p: Params) -> Json:
    """Cancel the symbol's open orders unless asked again within so many ms; 0 ends the countdown."""
    symbol, wait = x.symbol(p), read.required_integer(p, "countdownTime")
    x.count_down(symbol, wait)
    return {"symbol": symbol, "countdownTime": str(wait)}


def _each(x: Exchange, orders: list[dict[str, str]], one: Callable[[Exchange, Params], Json]) -> list[Json]:
    """Every order for itself: what one is refused for is its own row."""
    rows: list[Json] = []
    for order in orders:
        try:
            rows.append(one(x, order))
        except Refused as no:
            rows.append({"code": no.code, "msg": no.message or x.tables.error(no.code)[1]})
    return rows


def _orders(p: Params) -> list[dict[str, str]]:
    rows = _list(p, "batchOrders")
    if not 1 <= len(rows) <= MOST_PLACED or not all(isinstance(row, dict) for row in rows):
        raise Refused(-4082)
    return [{str(name): _text(value) for name, value in row.items()} for row in rows]


def _list(p: Params, name: str) -> list[Any]:
    try:
        rows = json.loads(read.text(p, name), parse_float=Decimal)
    except (ValueError, RecursionError):
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.") from None
    if not isinstance(rows, list):
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return rows


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


ROUTES = {
    ("PUT", "/fapi/v1/order"): amend,
    ("POST", "/fapi/v1/batchOrders"): place_batch,
    ("PUT", "/fapi/v1/batchOrders"): amend_batch,
    ("DELETE", "/fapi/v1/batchOrders"): cancel_batch,
    ("POST", "/fapi/v1/countdownCancelAll"): count_down,
}

"""The signed order endpoints: ordinary orders, conditional (algo) orders, and what was traded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.practice import interference, shapes, tickets
from trading.practice import params as read
from trading.practice.params import Params
from trading.practice.shapes import Json
from trading.practice.values import OPEN, Algo, Order, Refused

if TYPE_CHECKING:
    from trading.practice.exchange import Exchange

WEEK_MS = 7 * 86_400_000
KEPT_MS = 90 * 86_400_000  # how long the venue tells income
ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}


# -- ordinary orders ---------------------------------------------------------------------------------------------------
def place(x: Exchange, p: Params) -> Json:
    symbol = _in_one_way_mode(x, p)
    form = read.choice(p, "newOrderRespType", ("ACK", "RESULT"), -1136, "ACK")
    rules, mark = x.engine.rules[symbol], x.market.mark(symbol, x.now)
    ticket = tickets.order_ticket(p, rules, mark, x.engine.next_id("order"), x.now)
    order = x.engine.place(ticket, interference.matching(x.fault))
    return shapes.order(order) if form == "RESULT" else shapes.acknowledged(order)


def find(x: Exchange, p: Params) -> Json:
    return shapes.order(find_one(x, p, -2013))


def find_open(x: Exchange, p: Params) -> Json:
    order = find_one(x, p, -2013)
    if order.status not in OPEN:
        raise Refused(-2013)
    return shapes.order(order)


def cancel(x: Exchange, p: Params) -> Json:
    order = find_one(x, p, -2011)
    if order.status not in OPEN:
        raise Refused(-2011)
    return shapes.order(x.engine.cancel(order))


def open_orders(x: Exchange, p: Params) -> list[Json]:
    return [shapes.order(o) for o in x.engine.open_orders(_optional_symbol(x, p))]


def all_orders(x: Exchange, p: Params) -> list[Json]:
    symbol, limit = x.symbol(p), read.integer(p, "limit", 1, 1000) or 500
    return [shapes.order(o) for o in x.ledger.orders(symbol, read.integer(p, "orderId") or 0, limit)]


def cancel_all(x: Exchange, p: Params) -> Json:
    for order in x.engine.open_orders(x.symbol(p)):
        x.engine.cancel(order)
    return ALL_CANCELLED


# -- conditional orders ------------------------------------------------------------------------------------------------
def place_algo(x: Exchange, p: Params) -> Json:
    symbol = _in_one_way_mode(x, p)
    ticket = tickets.algo_ticket(p, x.engine.rules[symbol], x.engine.quote(symbol), x.engine.next_id("algo"), x.now)
    return shapes.algo(x.engine.place_algo(ticket))


def find_algo(x: Exchange, p: Params) -> Json:
    return shapes.algo(_find_algo(x, p, -2013))


def cancel_algo(x: Exchange, p: Params) -> Json:
    algo = _find_algo(x, p, -2011)
    if algo.status != "NEW":
        raise Refused(-2011)
    x.engine.cancel_algo(algo)
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_id, "code": "200", "msg": "success"}


def open_algos(x: Exchange, p: Params) -> list[Json]:
    return [shapes.algo(a) for a in x.engine.open_algos(_optional_symbol(x, p))]


def all_algos(x: Exchange, p: Params) -> list[Json]:
    return [shapes.algo(a) for a in x.ledger.algos(x.symbol(p), read.integer(p, "limit", 1, 1000) or 500)]


def cancel_all_algos(x: Exchange, p: Params) -> Json:
    for algo in x.engine.open_algos(x.symbol(p)):
        x.engine.cancel_algo(algo)
    return ALL_CANCELLED


# -- what was traded ---------------------------------------------------------------------------------------------------
def user_trades(x: Exchange, p: Params) -> list[Json]:
    fills = x.ledger.fills(
        symbol=x.symbol(p),
        order_id=read.integer(p, "orderId"),
        since=read.integer(p, "startTime") or 0,
        until=read.integer(p, "endTime"),
        from_id=read.integer(p, "fromId"),
        limit=read.integer(p, "limit", 1, 1000) or 500,
    )
    return [shapes.fill(f) for f in fills]


def income(x: Exchange, p: Params) -> list[Json]:
    """Without times the last seven days; never more than three months back. With a page, that page of what is asked."""
    since, until = read.integer(p, "startTime"), read.integer(p, "endTime")
    if since is None and until is None:
        since = x.now - WEEK_MS
    limit = read.integer(p, "limit", 1, 1000) or 100
    rows = x.ledger.income(
        symbol=_optional_symbol(x, p),
        kind=p.get("incomeType") or None,
        since=max(since or 0, x.now - KEPT_MS),
        until=until,
        limit=limit,
        skip=limit * ((read.integer(p, "page", 1) or 1) - 1),
    )
    return [shapes.income(i) for i in rows]


def _in_one_way_mode(x: Exchange, p: Params) -> str:
    """The symbol; in hedge mode, which somebody may have switched on, an order without a position side is refused."""
    if x.faults.account_mode("hedge", x.now):
        raise Refused(-4061)
    return x.symbol(p)


def _optional_symbol(x: Exchange, p: Params) -> str | None:
    return x.symbol(p) if p.get("symbol") else None


def find_one(x: Exchange, p: Params, code: int) -> Order:
    """An open order, or one that is over; of several with the same client id, the open or else the newest."""
    symbol = x.symbol(p)
    order_id, client_id = read.reference(p, "orderId", "origClientOrderId")
    order = x.engine.orders.get(order_id) if order_id is not None else None
    if order is None and order_id is None:
        order = next((o for o in x.engine.orders.values() if o.client_id == client_id and o.symbol == symbol), None)
    order = order or x.ledger.order(order_id, client_id, symbol)
    if order is None or order.symbol != symbol:
        raise Refused(code)
    return order


def _find_algo(x: Exchange, p: Params, code: int) -> Algo:
    algo_id, client_id = read.reference(p, "algoId", "clientAlgoId")
    algo = x.engine.algos.get(algo_id) if algo_id is not None else None
    if algo is None and algo_id is None:
        algo = next((a for a in x.engine.algos.values() if a.client_id == client_id), None)
    algo = algo or x.ledger.algo(algo_id, client_id)
    if algo is None:
        raise Refused(code)
    return algo


ROUTES = {
    ("POST", "/fapi/v1/order"): place,
    ("GET", "/fapi/v1/order"): find,
    ("DELETE", "/fapi/v1/order"): cancel,
    ("GET", "/fapi/v1/openOrder"): find_open,
    ("GET", "/fapi/v1/openOrders"): open_orders,
    ("GET", "/fapi/v1/allOrders"): all_orders,
    ("DELETE", "/fapi/v1/allOpenOrders"): cancel_all,
    ("POST", "/fapi/v1/algoOrder"): place_algo,
    ("GET", "/fapi/v1/algoOrder"): find_algo,
    ("DELETE", "/fapi/v1/algoOrder"): cancel_algo,
    ("GET", "/fapi/v1/openAlgoOrders"): open_algos,
    ("GET", "/fapi/v1/allAlgoOrders"): all_algos,
    ("DELETE", "/fapi/v1/algoOpenOrders"): cancel_all_algos,
    ("GET", "/fapi/v1/userTrades"): user_trades,
    ("GET", "/fapi/v1/income"): income,
}

"""The exchange's desk, for tests and drills: the ground truth, faults, prices, the clock. Not the venue's API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from trading.practice import account_api, shapes
from trading.practice.exchange import Exchange
from trading.practice.faults import BadFault
from trading.practice.shapes import Json
from trading.practice.values import Answer, Fill, Refused

MAX_FILLS = 10_000
MAX_POINTS = 100_000  # of the price path in one advance


class BadRequest(ValueError):
    """What is wrong with a request to the desk, by field."""

    def __init__(self, field: str, message: str, status: int = 400) -> None:
        self.field, self.status = field, status
        super().__init__(message)


def answer(x: Exchange, method: str, path: str, body: str) -> Answer:
    """One request to `/practice/...`; anything wrong with it is a 4xx that names the field."""
    parts = path.strip("/").split("/")[1:]
    try:
        for verb, pattern, function in ROUTES:
            if verb == method and len(pattern) == len(parts) and _fits(pattern, parts):
                x.advance(x.clock_ms())
                return Answer(200, function(x, [p for p, q in zip(parts, pattern, strict=True) if q == "*"], body))
        if any(_fits(pattern, parts) for _, pattern, _ in ROUTES if len(pattern) == len(parts)):
            raise BadRequest("method", f"{method} is not possible here", 405)
        raise BadRequest("path", f"{path} is not part of the desk", 404)
    except (BadRequest, BadFault) as error:
        message = {"code": "bad_request", "message": f"{error.field}: {error}", "fields": {error.field: str(error)}}
        return Answer(getattr(error, "status", 400), {"error": message})


# -- the ground truth --------------------------------------------------------------------------------------------------
def state(x: Exchange, parts: list[str], body: str) -> Json:
    return {
        "now": x.now,
        "market": x.market.describe(x.now),
        "speed": x.market.speed,
        "paused": x.market.paused,
        "balances": account_api.balance(x, {}),
        "positions": [account_api.position_v2(x, p) for p in x.engine.account.held()],
        "orders": [shapes.order(o) for o in x.engine.open_orders()],
        "algo_orders": [shapes.algo(a) for a in x.engine.open_algos()],
        "fills": [_fill(f) for f in x.ledger.fills(limit=MAX_FILLS)],
        "requests": dict(x.requests),
        "unknown_endpoints": dict(x.unknown),
    }


def _fill(f: Fill) -> Json:
    return {
        "trade_id": f.trade_id,
        "order_id": f.order_id,
        "client_order_id": f.client_id,
        "symbol": f.symbol,
        "side": f.side,
        "price": shapes.plain(f.price),
        "quantity": shapes.plain(f.quantity),
        "fee": shapes.money(f.fee),
        "realized": shapes.money(f.realized),
        "maker": f.maker,
        "reduce_only": f.reduce_only,
        "at": f.time,
    }


# -- faults ------------------------------------------------------------------------------------------------------------
def add_fault(x: Exchange, parts: list[str], body: str) -> Json:
    return {"id": x.faults.add(_json(body), x.now).id}


def list_faults(x: Exchange, parts: list[str], body: str) -> Json:
    x.faults.prune(x.now)
    return {"items": [f.describe(x.now) for f in x.faults.faults.values()]}


def end_fault(x: Exchange, parts: list[str], body: str) -> Json:
    if not parts[0].isdecimal() or not x.faults.end(int(parts[0])):
        raise BadRequest("id", f"there is no fault {parts[0]}", 404)
    return {"id": int(parts[0])}


# -- the market --------------------------------------------------------------------------------------------------------
def drive_price(x: Exchange, parts: list[str], body: str) -> Json:
    """`{"symbol", "path": [[seconds, price], ...]}`"""
    given = _object(body, {"symbol", "path"})
    symbol, path = given.get("symbol"), given.get("path")
    if symbol not in x.market.symbols:
        raise BadRequest("symbol", f"unknown symbol {symbol!r}")
    if not isinstance(path, list) or not path or not all(isinstance(p, list) and len(p) == 2 for p in path):
        raise BadRequest("path", "a list of [seconds, price] is wanted")
    if not all(_finite(v) for p in path for v in p):
        raise BadRequest("path", "seconds and prices must be numbers")
    _change(x, "path", lambda: x.market.drive(symbol, [(float(s), float(price)) for s, price in path], x.now))
    return {"symbol": symbol, "points": len(path), "now": x.now}


def set_clock(x: Exchange, parts: list[str], body: str) -> Json:
    """`{"speed": N}`, `{"pause": true}` (false goes on), or, while paused, `{"advance": seconds}`."""
    given = _object(body, {"speed", "pause", "advance"})
    if len(given) != 1:
        raise BadRequest("body", "exactly one of speed, pause, advance is wanted")
    (name, value), market = next(iter(given.items())), x.market
    if name == "speed":
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadRequest("speed", f"a whole number is wanted, was {value!r}")
        _change(x, "speed", lambda: market.set_speed(value, x.now))
    elif name == "pause":
        if not isinstance(value, bool):
            raise BadRequest("pause", f"true or false is wanted, was {value!r}")
        _change(x, "pause", lambda: market.pause(x.now) if value else market.resume(x.now))
    else:
        longest = MAX_POINTS * market.candle_ms // 60_000 // market.speed
        if not _finite(value) or not 0 < value <= longest:
            raise BadRequest("advance", f"a number of seconds within 0..{longest} is wanted, was {value!r}")
        _change(x, "advance", lambda: market.advance(value, x.now))
    return {"speed": market.speed, "paused": market.paused, "now": x.now, "market": market.describe(x.now)}


def _change(x: Exchange, field: str, change: Callable[[], None]) -> None:
    """A change of the market, and of what the ledger knows of it."""
    try:
        change()
    except ValueError as error:
        raise BadRequest(field, str(error)) from None
    x.remember_market()


# -- a human at the venue ----------------------------------------------------------------------------------------------
def cancel_order(x: Exchange, parts: list[str], body: str) -> Json:
    """As if a human cancelled it at the venue: an ordinary or a conditional order, by its id."""
    try:
        return x.cancel_by_hand(int(parts[0]) if parts[0].isdecimal() else 0)
    except Refused:
        raise BadRequest("id", f"there is no open order {parts[0]}", 404) from None


# -- reading -----------------------------------------------------------------------------------------------------------
def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("body", "this is not JSON") from None


def _object(body: str, known: set[str]) -> dict[str, Any]:
    given = _json(body)
    if not isinstance(given, dict):
        raise BadRequest("body", "a JSON object is wanted")
    if unknown := sorted(set(given) - known):
        raise BadRequest(unknown[0], f"unknown field; known are {', '.join(sorted(known))}")
    return given


def _finite(value: Any) -> bool:
    """A number that a float can hold; an endless row of digits is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _fits(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return all(q in ("*", p) for p, q in zip(parts, pattern, strict=True))


ROUTES: tuple[tuple[str, tuple[str, ...], Callable[[Exchange, list[str], str], Json]], ...] = (
    ("GET", ("state",), state),
    ("POST", ("faults",), add_fault),
    ("GET", ("faults",), list_faults),
    ("DELETE", ("faults", "*"), end_fault),
    ("POST", ("price",), drive_price),
    ("POST", ("clock",), set_clock),
    ("POST", ("orders", "*", "cancel"), cancel_order),
)

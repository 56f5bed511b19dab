"""Signed requests to an exchange in process."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.practice.hand_market import KEY, SECRET
from trading.practice.exchange import Exchange
from trading.practice.signing import sign
from trading.practice.values import Answer


def send(x: Exchange, method: str, path: str, **params: Any) -> Answer:
    """A signed request at the exchange's own time; POST and PUT carry their parameters in the body."""
    raw = urlencode(params | {"timestamp": x.clock_ms()})
    raw += f"&signature={sign(raw, SECRET)}"
    headers = {"X-MBX-APIKEY": KEY}
    if method in ("POST", "PUT"):
        return x.handle(method, path, "", headers, raw)
    return x.handle(method, path, raw, headers)


def ask(x: Exchange, method: str, path: str, **params: Any) -> Any:
    answer = send(x, method, path, **params)
    assert answer.status == 200, answer
    return answer.body


def market_order(x: Exchange, side: str, quantity: str, symbol: str = "BTCUSDT", **more: Any) -> Any:
    order = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity, "newOrderRespType": "RESULT"}
    return ask(x, "POST", "/fapi/v1/order", **(order | more))


def limit_order(x: Exchange, side: str, quantity: str, price: str, symbol: str = "BTCUSDT", **more: Any) -> Any:
    order = {
        "symbol": symbol,
        "side": side,
        "type": "LIMIT",
        "quantity": quantity,
        "price": price,
        "timeInForce": "GTC",
    }
    return ask(x, "POST", "/fapi/v1/order", **(order | {"newOrderRespType": "RESULT"} | more))


def algo_order(x: Exchange, side: str, kind: str, trigger: str, symbol: str = "BTCUSDT", **more: Any) -> Any:
    order = {"algoType": "CONDITIONAL", "symbol": symbol, "side": side, "type": kind, "triggerPrice": trigger}
    return ask(x, "POST", "/fapi/v1/algoOrder", **(order | more))


def isolate(x: Exchange, leverage: int = 3, symbol: str = "BTCUSDT") -> None:
    ask(x, "POST", "/fapi/v1/marginType", symbol=symbol, marginType="ISOLATED")
    ask(x, "POST", "/fapi/v1/leverage", symbol=symbol, leverage=leverage)


def position(x: Exchange, symbol: str = "BTCUSDT") -> Any:
    return ask(x, "GET", "/fapi/v2/positionRisk", symbol=symbol)[0]


def wallet(x: Exchange) -> str:
    return ask(x, "GET", "/fapi/v3/balance")[0]["balance"]

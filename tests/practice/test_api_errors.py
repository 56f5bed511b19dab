"""The venue's refusals: their codes and HTTP statuses; and that no input whatever gets a 5xx."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.practice.asking import ask, limit_order, market_order, send
from tests.practice.hand_market import KEY, SECRET, START, Clock, HandMarket, exchange
from trading.practice import exchange as module
from trading.practice import tables
from trading.practice.exchange import Exchange
from trading.practice.market import synthetic
from trading.practice.signing import sign

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "49000",
    "timeInForce": "GTC",
}


@pytest.fixture
def x() -> Exchange:
    return exchange(HandMarket(BTCUSDT=[(0, 50_000)], ETHUSDT=[(0, 3_000)]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "FOOUSDT"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "LONG"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"timeInForce": "DAY"}, -1115),
        ({"timeInForce": ""}, -1102),
        ({"timeInForce": "GTD"}, -1102),
        ({"timeInForce": "GTD", "goodTillDate": START + 1}, -5040),
        ({"quantity": ""}, -1102),
        ({"quantity": "0"}, -4003),
        ({"quantity": "-1"}, -4003),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "1e3"}, -1100),
        ({"quantity": "NaN"}, -1100),
        ({"quantity": "1001"}, -4005),
        ({"quantity": "121", "type": "MARKET", "price": "", "timeInForce": ""}, -4005),
        ({"price": ""}, -1102),
        ({"price": "0"}, -4001),
        ({"price": "-5"}, -4001),
        ({"price": "49000.55"}, -4014),
        ({"price": "49000.123"}, -1111),
        ({"price": "1"}, -4013),
        ({"price": "99999999"}, -4002),
        ({"price": "60000"}, -4016),
        ({"side": "SELL", "price": "40000"}, -4024),
        ({"quantity": "0.001", "price": "1000"}, -4164),
        ({"quantity": "5"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "perhaps"}, -1130),
        ({"closePosition": "true"}, -4136),
        ({"positionSide": "LONG"}, -4061),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "a b"}, -1100),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"type": "MARKET", "price": "49000"}, -1106),
        ({"recvWindow": "70000"}, -1131),
        ({"recvWindow": "x"}, -1100),
    ],
)
def test_an_order_is_refused_as_the_venue_refuses_it(x, change, code):
    answer = send(x, "POST", "/fapi/v1/order", **(ORDER | change))
    assert (answer.status, answer.body["code"]) == (400, code)
    assert answer.body["msg"] != tables.FALLBACK_ERROR[1]
    assert x.engine.orders == {}


def bend(x: Exchange, **changes) -> None:
    """Give BTCUSDT other rules."""
    x.engine.rules["BTCUSDT"] = replace(x.engine.rules["BTCUSDT"], **changes)


def test_a_quantity_off_the_step_is_refused(x):
    bend(x, step=Decimal("0.005"))
    assert send(x, "POST", "/fapi/v1/order", **(ORDER | {"quantity": "0.012"})).body["code"] == -4023


def test_a_reducing_order_may_be_smaller_than_the_least_notional(x):
    market_order(x, "BUY", "0.001")
    bend(x, min_notional=Decimal(500))
    assert send(x, "POST", "/fapi/v1/order", **(ORDER | {"quantity": "0.001"})).body["code"] == -4164
    assert market_order(x, "SELL", "0.001", reduceOnly="true")["status"] == "FILLED"


@pytest.mark.parametrize(
    ("method", "path", "params", "code"),
    [
        ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": 1}, -2013),
        ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": "nobody"}, -2013),
        ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT"}, -1102),
        ("GET", "/fapi/v1/order", {"orderId": 1}, -1102),
        ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "x"}, -1100),
        ("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": 1}, -2011),
        ("DELETE", "/fapi/v1/algoOrder", {"algoId": 1}, -2011),
        ("GET", "/fapi/v1/algoOrder", {}, -1102),
        ("GET", "/fapi/v1/openOrders", {"symbol": "FOO"}, -1121),
        ("GET", "/fapi/v1/userTrades", {}, -1102),
        ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "limit": 5000}, -1130),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT"}, -1102),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, -1130),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": 2, "endTime": 1}, -1023),
        ("GET", "/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": 7}, -4021),
        ("GET", "/fapi/v1/premiumIndex", {"symbol": "btcusdt"}, -1121),
    ],
)
def test_a_question_is_refused_as_the_venue_refuses_it(x, method, path, params, code):
    answer = send(x, method, path, **params)
    assert (answer.status, answer.body["code"]) == (400, code)


def signed(path: str, raw: str, headers: dict | None = None, now: int = START) -> tuple[int, int]:
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), clock=Clock(now))
    answer = x.handle("GET", path, raw, {"X-MBX-APIKEY": KEY} if headers is None else headers)
    return answer.status, answer.body["code"] if isinstance(answer.body, dict) and "code" in answer.body else 0


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (f"timestamp={START}", {}, 401, -2014),
        (f"timestamp={START}", {"X-MBX-APIKEY": "stranger"}, 401, -2015),
        (f"timestamp={START}", None, 400, -1102),
        (f"timestamp={START}&signature=00", None, 400, -1022),
        ("recvWindow=5000&signature=00", None, 400, -1102),
        (f"timestamp={START - 5001}&signature=00", None, 400, -1021),
        (f"timestamp={START + 1000}&signature=00", None, 400, -1021),
        (f"timestamp={START}&timestamp={START}&signature=00", None, 400, -1101),
    ],
)
def test_who_is_not_who_they_say_is_turned_away(raw, headers, status, code):
    assert signed("/fapi/v3/balance", raw, headers) == (status, code)


def test_a_signature_covers_every_parameter_wherever_it_stands():
    raw = f"symbol=BTCUSDT&timestamp={START - 4000}&recvWindow=5000"
    good = sign(raw, SECRET)
    assert signed("/fapi/v2/positionRisk", f"{raw}&signature={good}") == (200, 0)
    assert signed("/fapi/v2/positionRisk", f"signature={good}&{raw}") == (200, 0)
    assert signed("/fapi/v2/positionRisk", f"{raw}&signature={good}", {"x-mbx-apikey": KEY}) == (200, 0)
    forged = raw.replace("BTC", "ETH")
    assert signed("/fapi/v2/positionRisk", f"{forged}&signature={good}") == (400, -1022)


def test_a_body_and_a_query_are_signed_together(x):
    query, body = "symbol=BTCUSDT", f"leverage=4&timestamp={START}"
    headers = {"X-MBX-APIKEY": KEY}
    answer = x.handle("POST", "/fapi/v1/leverage", query, headers, f"{body}&signature={sign(query + body, SECRET)}")
    assert answer.body["leverage"] == 4


def test_an_unknown_path_is_counted_and_a_wrong_method_too(x):
    assert send(x, "GET", "/fapi/v9/order").status == 404
    assert send(x, "PATCH", "/fapi/v1/order").body["code"] == -5000
    assert dict(x.unknown) == {"GET /fapi/v9/order": 1, "PATCH /fapi/v1/order": 1}


def test_every_code_that_is_answered_has_words(x):
    sources = "\n".join(p.read_text() for p in Path(module.__file__).parent.glob("*.py"))
    bare = {int(code) for code in re.findall(r"Refused\((-\d+)\)", sources)}
    assert len(bare) > 25
    assert [code for code in bare if code not in tables.load().errors] == []


JUNK = [
    "",
    "0",
    "-1",
    "NaN",
    "Infinity",
    "1e9",
    "9" * 40,
    "'; DROP",
    "\x00",
    "ä",
    "true",
    "[]",
    "{}",
    "BTCUSDT",
    "%",
    "a" * 300,
]


def test_no_junk_whatever_gets_a_server_error():
    x = exchange(synthetic(7, ("BTCUSDT", "ETHUSDT"), 60_000, START))
    rng = random.Random(5)
    names = [*ORDER, "orderId", "algoId", "clientAlgoId", "triggerPrice", "workingType", "algoType", "reduceOnly"]
    names += ["closePosition", "interval", "limit", "startTime", "endTime", "fromId", "leverage", "marginType"]
    good = ORDER | {"interval": "1m", "triggerPrice": "48000", "algoType": "CONDITIONAL", "leverage": "3"}
    routes = [*module.PUBLIC, *module.SIGNED, *module.KEYED]
    for _ in range(3_000):
        method, path = rng.choice(routes)
        params = {n: rng.choice(JUNK) if rng.random() < 0.4 else good.get(n, "1") for n in rng.sample(names, 8)}
        assert send(x, method, path, **params).status < 500


@pytest.mark.parametrize(
    "raw", ["%", "a=\udcff", "&&&", "=", "a=%zz", "a=%ff", quote("symbol=BTCUSDT"), "a", "x" * 5000, "&".join("ab")]
)
def test_a_malformed_query_is_a_refusal(x, raw):
    assert x.handle("GET", "/fapi/v1/depth", raw).status == 400
    assert 400 <= x.handle("GET", "/fapi/v3/account", raw, {"X-MBX-APIKEY": KEY}).status < 500


def test_a_refused_order_changes_nothing(x):
    limit_order(x, "BUY", "0.01", "49000", newClientOrderId="first")
    before = ask(x, "GET", "/fapi/v3/account")
    for change in ({"newClientOrderId": "first"}, {"quantity": "5"}, {"reduceOnly": "true"}):
        assert send(x, "POST", "/fapi/v1/order", **(ORDER | change)).status == 400
    assert ask(x, "GET", "/fapi/v3/account") == before
    assert x.ledger.orders("BTCUSDT") == list(x.engine.orders.values())
    assert len(x.engine.orders) == 1

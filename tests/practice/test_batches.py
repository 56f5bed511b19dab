"""Orders that are amended, sent several at once, or cancelled because nobody called any more."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, isolate, limit_order, market_order, position, send
from tests.practice.hand_market import Clock, HandMarket, exchange
from trading.practice.ledger import Ledger

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "49000"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def x(clock):
    made = exchange(HandMarket(BTCUSDT=[(0, 50_000)], ETHUSDT=[(0, 3_000)]), clock=clock)
    isolate(made)
    return made


def amend(x, order_id, **more):
    return send(x, "PUT", "/fapi/v1/order", symbol="BTCUSDT", orderId=order_id, **({"side": "BUY"} | more))


def test_a_resting_order_gets_another_price_and_quantity_and_keeps_its_id(x):
    heard = []
    row = limit_order(x, "BUY", "0.1", "49000")
    x.listeners.append(heard.append)
    answer = amend(x, row["orderId"], price="48000", quantity="0.2")
    told = (answer.body["orderId"], answer.body["price"], answer.body["origQty"], answer.body["status"])
    assert told == (row["orderId"], "48000", "0.2", "NEW")
    assert [m["o"]["x"] for m in heard] == ["AMENDMENT"]
    (left,) = ask(x, "GET", "/fapi/v1/openOrders")
    assert left["price"] == "48000"


def test_an_amended_order_may_fill_at_once(x):
    row = limit_order(x, "BUY", "0.1", "49000")
    assert amend(x, row["orderId"], price="50100", quantity="0.1").body["status"] == "FILLED"
    assert Decimal(position(x)["positionAmt"]) == Decimal("0.1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": "49000", "quantity": "0.1"}, -5027),
        ({"price": "49000.05", "quantity": "0.1"}, -4014),
        ({"price": "49000", "quantity": "0.0001"}, -1111),
        ({"price": "49000", "quantity": "100"}, -2019),
        ({"price": "49000"}, -1102),
        ({"price": "49000", "quantity": "0.2", "side": "SELL"}, -1117),
        ({"price": "49000", "quantity": "0.2", "orderId": "1"}, -2013),
    ],
)
def test_a_refused_change_leaves_the_order_as_it_was(x, change, code):
    row = limit_order(x, "BUY", "0.1", "49000")
    assert amend(x, change.pop("orderId", row["orderId"]), **change).body["code"] == code
    (left,) = ask(x, "GET", "/fapi/v1/openOrders")
    assert (left["price"], left["origQty"]) == ("49000", "0.1")


def test_a_post_only_order_amended_into_the_book_is_cancelled(x):
    row = limit_order(x, "BUY", "0.1", "49000", timeInForce="GTX")
    assert amend(x, row["orderId"], price="50100", quantity="0.1").body["status"] == "CANCELED"


def test_an_order_amended_to_what_has_filled_is_cancelled(x):
    x.faults.add({"kind": "partial_fill", "times": 1, "params": {"share": 0.5, "rest": "rests"}}, x.now)
    row = limit_order(x, "BUY", "0.1", "50100")
    answer = amend(x, row["orderId"], price="50000", quantity="0.05")
    assert (answer.body["status"], answer.body["executedQty"]) == ("CANCELED", "0.050")


def test_each_order_of_a_batch_has_its_own_answer(x):
    orders = [LIMIT, LIMIT | {"price": "48000"}, LIMIT | {"symbol": "FOOUSDT"}, LIMIT | {"quantity": "0.0001"}]
    rows = ask(x, "POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(orders))
    assert [row.get("status", row.get("code")) for row in rows] == ["NEW", "NEW", -1121, -1111]
    ids = json.dumps([rows[0]["orderId"], 5])
    rows = ask(x, "DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=ids)
    assert [row.get("status", row.get("code")) for row in rows] == ["CANCELED", -2011]


def test_a_batch_may_amend(x):
    row = limit_order(x, "BUY", "0.1", "49000")
    change = {"symbol": "BTCUSDT", "orderId": row["orderId"], "side": "BUY", "price": "48000", "quantity": "0.1"}
    (answer,) = ask(x, "PUT", "/fapi/v1/batchOrders", batchOrders=json.dumps([change]))
    assert answer["price"] == "48000"


@pytest.mark.parametrize(
    ("batch", "code"), [("[]", -4082), (json.dumps([LIMIT] * 6), -4082), ("[5]", -4082), ("x", -1130), ("{}", -1130)]
)
def test_a_batch_that_is_none_is_refused(x, batch, code):
    assert send(x, "POST", "/fapi/v1/batchOrders", batchOrders=batch).body["code"] == code


def test_orders_go_when_nobody_calls_any_more(x, clock):
    limit_order(x, "BUY", "0.1", "49000")
    market_order(x, "BUY", "0.1", symbol="ETHUSDT")
    algo_order(x, "SELL", "STOP_MARKET", "2900", symbol="ETHUSDT", closePosition="true")
    assert ask(x, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000) == {
        "symbol": "BTCUSDT",
        "countdownTime": "10000",
    }
    clock.now += 9_000
    ask(x, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    clock.now += 9_999
    assert len(ask(x, "GET", "/fapi/v1/openOrders")) == 1
    clock.now += 1
    assert ask(x, "GET", "/fapi/v1/openOrders") == [] and len(x.engine.open_algos()) == 1


def test_a_countdown_ends_at_nought_and_survives_a_restart(clock):
    market, ledger = HandMarket(BTCUSDT=[(0, 50_000)]), Ledger()
    x = exchange(market, ledger, clock)
    limit_order(x, "BUY", "0.1", "49000")
    ask(x, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    again = exchange(market, ledger, clock)
    clock.now += 10_000
    assert ask(again, "GET", "/fapi/v1/openOrders") == []
    limit_order(again, "BUY", "0.1", "49000")
    ask(again, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    ask(again, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=0)
    clock.now += 10_000
    assert len(ask(again, "GET", "/fapi/v1/openOrders")) == 1

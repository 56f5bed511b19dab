"""Faults that a request meets: what was executed, what was told of it, and how."""

from __future__ import annotations

import json

import pytest

from tests.practice.asking import ask, isolate, market_order, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice.faults import Desk

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newClientOrderId": "mine"}
PLACING = {"method": "POST", "path": "/fapi/v1/order"}


def faulty(clock: Clock | None = None, **fault):
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), clock=clock)
    isolate(x)
    x.faults.add(fault, x.now)
    return x


def order(x, **more):
    return send(x, "POST", "/fapi/v1/order", **(ORDER | more))


def found(x):
    return send(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine").body


def test_a_rate_limit_says_how_long_to_be_silent():
    x = faulty(kind="rate_limit", times=1, params={"seconds": 7})
    answer = order(x)
    assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (429, -1003, "7")
    assert found(x)["code"] == -2013


def test_a_rate_limit_counts_its_silence_down_to_its_own_end():
    clock = Clock()
    x = faulty(clock, kind="rate_limit", seconds=30)
    clock.now = START + 10_500
    assert order(x).headers["Retry-After"] == "20"


def test_a_rate_limit_of_a_weight_lets_through_what_is_within_it():
    x = faulty(kind="rate_limit", params={"weight": 10})
    statuses = [send(x, "GET", "/fapi/v3/account").status for _ in range(3)]
    assert statuses[0] == 200 and statuses[-1] == 429


def test_a_ban_names_its_end_and_meets_every_request():
    x = faulty(kind="ban", seconds=120)
    for answer in (order(x), send(x, "GET", "/fapi/v1/time"), send(x, "GET", "/fapi/v1/openOrders")):
        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (418, -1003, "120")
        assert f"banned until {START + 120_000}." in answer.body["msg"]
    assert x.ledger.fills() == []


def test_a_revoked_key_is_refused_while_public_data_flows():
    x = faulty(kind="key_revoked")
    assert (order(x).status, order(x).body["code"]) == (401, -2015)
    assert send(x, "POST", "/fapi/v1/listenKey").body["code"] == -2015
    assert x.handle("GET", "/fapi/v1/time").status == 200


def test_a_timeout_before_has_executed_nothing():
    x = faulty(kind="timeout_before", match=PLACING, times=1, params={"seconds": 3})
    answer = order(x)
    assert (answer.status, answer.body["code"], answer.delay) == (408, -1007, 3)
    assert found(x)["code"] == -2013


@pytest.mark.parametrize(("kind", "executed"), [("timeout_before", False), ("timeout_after", True)])
def test_a_timeout_may_be_no_answer_at_all(kind, executed):
    x = faulty(kind=kind, match=PLACING, times=1, params={"seconds": 3, "answered": False})
    answer = order(x)
    assert answer.reset and answer.delay == 3
    assert bool(x.ledger.fills()) is executed


@pytest.mark.parametrize("kind", ["reset_after", "garbage_body", "html_body"])
@pytest.mark.parametrize("executed", [True, False])
def test_a_torn_answer_tells_nothing_of_what_was_executed(kind, executed):
    x = faulty(kind=kind, match=PLACING, times=1, params={"executed": executed})
    answer = order(x)
    if kind == "reset_after":
        assert answer.reset and answer.body is None
    else:
        assert answer.status == 200 and isinstance(answer.body, str)
        with pytest.raises(ValueError):
            json.loads(answer.body)
    assert found(x).get("status") == ("FILLED" if executed else None)


def test_a_torn_answer_is_the_first_half_of_the_real_one():
    x = faulty(kind="garbage_body", times=1)
    assert order(x).body.startswith('{"orderId":')


def test_a_late_answer_is_the_real_one():
    x = faulty(kind="delay", match=PLACING, times=1, params={"seconds": 12})
    answer = order(x)
    assert (answer.status, answer.delay, answer.body["clientOrderId"]) == (200, 12, "mine")


def test_latency_is_on_the_way_in_and_varies_within_its_jitter():
    x = faulty(kind="latency", match={"path": "/fapi/v1/order"}, params={"seconds": 0.5, "jitter": 1})
    late = [x.lingers("POST", "/fapi/v1/order", "", "symbol=BTCUSDT") for _ in range(20)]
    assert all(0.5 <= seconds < 1.5 for seconds in late) and len(set(late)) == 20
    assert x.lingers("GET", "/fapi/v1/time", "", "") == 0
    assert order(x).status == 200


def test_an_overload_may_spare_the_way_out():
    x = faulty(kind="error_code", match=PLACING, params={"code": -1008, "spares_exits": True}, seconds=60)
    assert order(x).status == 503
    x.faults.end(1)
    market_order(x, "BUY", "0.01")
    x.faults.add({"kind": "error_code", "match": PLACING, "params": {"code": -1008, "spares_exits": True}}, x.now)
    assert order(x, side="SELL", reduceOnly="true").status == 200


def test_every_answer_tells_the_weight_that_its_minute_has_used():
    clock = Clock()
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), clock=clock)
    assert send(x, "GET", "/fapi/v3/account").headers == {"X-MBX-USED-WEIGHT-1M": "5"}
    assert send(x, "GET", "/fapi/v1/openOrders").headers == {"X-MBX-USED-WEIGHT-1M": "45"}
    placed = order(x).headers
    assert placed["X-MBX-USED-WEIGHT-1M"] == "45"
    assert (placed["X-MBX-ORDER-COUNT-10S"], placed["X-MBX-ORDER-COUNT-1M"]) == ("1", "1")
    clock.now = START + 60_000
    assert send(x, "GET", "/fapi/v1/openOrders", symbol="BTCUSDT").headers == {"X-MBX-USED-WEIGHT-1M": "1"}


@pytest.mark.parametrize(("limit", "cost"), [(99, 1), (100, 2), (500, 5), (1000, 5), (1001, 10)])
def test_candles_cost_by_their_number(limit, cost):
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]))
    told = x.handle("GET", "/fapi/v1/klines", f"symbol=BTCUSDT&interval=1m&limit={limit}").headers
    assert told["X-MBX-USED-WEIGHT-1M"] == str(cost)


def test_the_first_of_two_faults_is_met_until_it_is_used_up():
    x = faulty(kind="rate_limit", times=1)
    x.faults.add({"kind": "ban", "times": 1}, x.now)
    assert [order(x).status for _ in range(3)] == [429, 418, 200]
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")["status"] == "FILLED"


def test_latency_is_not_counted_in_times():
    with pytest.raises(ValueError, match="stands for some seconds"):
        Desk().add({"kind": "latency", "times": 1}, 0)

"""The fault desk: what each fault does, to which requests, and how often."""

from __future__ import annotations

import pytest

from tests.practice.asking import algo_order, ask, isolate, market_order, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice.faults import BUILT, Asked, BadFault, Desk
from trading.practice.values import Answer

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newClientOrderId": "mine"}
STOP = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "48000"}


def faulty(clock: Clock | None = None, **fault):
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), clock=clock)
    isolate(x)
    x.faults.add(fault, x.now)
    return x


def order(x) -> Answer:
    return send(x, "POST", "/fapi/v1/order", **ORDER)


def test_an_http_status_is_answered_and_nothing_is_executed():
    x = faulty(kind="http_status", match={"path": "/fapi/v1/order"}, times=1, params={"status": 503})
    assert order(x).status == 503
    assert x.ledger.fills() == []
    assert order(x).status == 200


def test_a_body_of_ones_own_may_be_html():
    x = faulty(kind="http_status", params={"status": 502, "body": "<html>502 Bad Gateway</html>"})
    assert order(x).body == "<html>502 Bad Gateway</html>"


def test_an_error_code_is_answered_with_the_venues_words():
    x = faulty(kind="error_code", match={"method": "POST", "path": "/fapi/v1/order"}, params={"code": -1008})
    answer = order(x)
    assert (answer.status, answer.body) == (503, {"code": -1008, "msg": x.tables.error(-1008)[1]})
    assert send(x, "GET", "/fapi/v1/openOrders").status == 200


def test_a_timeout_after_has_executed_what_it_does_not_tell():
    x = faulty(kind="timeout_after", match={"path": "/fapi/v1/order", "method": "POST"}, times=1, params={"seconds": 9})
    answer = order(x)
    assert (answer.status, answer.body["code"], answer.delay) == (408, -1007, 9)
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")["status"] == "FILLED"


def test_a_stop_is_rejected_and_an_ordinary_order_is_not():
    x = faulty(kind="reject_stop", times=2)
    market_order(x, "BUY", "0.01")
    answers = [send(x, "POST", "/fapi/v1/algoOrder", **STOP, quantity="0.01") for _ in range(3)]
    assert [a.status for a in answers] == [400, 400, 200]
    assert answers[0].body["code"] == -4045
    assert len(x.engine.open_algos()) == 1


def test_a_fault_meets_only_its_symbol():
    clock = Clock()
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)], ETHUSDT=[(0, 3_000)]), clock=clock)
    x.faults.add({"kind": "http_status", "match": {"symbol": "ETHUSDT"}, "params": {"status": 500}}, x.now)
    market_order(x, "BUY", "0.01")
    assert send(x, "POST", "/fapi/v1/order", **(ORDER | {"symbol": "ETHUSDT"})).status == 500


def test_a_fault_ends_with_its_seconds():
    clock = Clock()
    x = faulty(clock, kind="http_status", seconds=5)
    clock.now = START + 4_999
    assert send(x, "GET", "/fapi/v1/openOrders").status == 503
    clock.now = START + 5_000
    assert send(x, "GET", "/fapi/v1/openOrders").status == 200


def test_a_muted_stream_is_silent_for_its_symbol_and_name_only():
    desk = Desk()
    desk.add({"kind": "mute_stream", "match": {"symbol": "BTCUSDT"}, "params": {"stream": "kline"}}, 0)
    assert desk.mutes("btcusdt@kline_1m", "BTCUSDT", 1)
    assert not desk.mutes("ethusdt@kline_1m", "ETHUSDT", 1)
    assert not desk.mutes("btcusdt@markPrice", "BTCUSDT", 1)
    assert desk.on_request(Asked("GET", "/fapi/v1/klines", "BTCUSDT"), 1) is None


def test_faults_are_listed_with_what_is_left_of_them_and_end_by_id():
    x = faulty(kind="http_status", times=3)
    send(x, "GET", "/fapi/v1/openOrders")
    (row,) = [f.describe(x.now) for f in x.faults.faults.values()]
    assert (row["kind"], row["hits"], row["times_left"]) == ("http_status", 1, 2)
    assert x.faults.end(row["id"])
    assert not x.faults.end(row["id"])
    assert send(x, "GET", "/fapi/v1/openOrders").status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ("text", "body"),
        ({}, "kind"),
        ({"kind": 5}, "kind"),
        ({"kind": ["http_status"]}, "kind"),
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "http_status", "count": 1}, "count"),
        ({"kind": "http_status", "match": "all"}, "match"),
        ({"kind": "http_status", "match": {"path": 5}}, "match"),
        ({"kind": "http_status", "match": {"host": "x"}}, "match"),
        ({"kind": "http_status", "params": []}, "params"),
        ({"kind": "http_status", "params": {"status": 200}}, "params.status"),
        ({"kind": "http_status", "params": {"status": "500"}}, "params.status"),
        ({"kind": "http_status", "params": {"status": 500.5}}, "params.status"),
        ({"kind": "http_status", "params": {"colour": 5}}, "params.colour"),
        ({"kind": "change_account_mode", "params": {"hedge": 1}}, "params.hedge"),
        ({"kind": "change_account_mode", "times": 1}, "times"),
        ({"kind": "clock_skew"}, "params.seconds"),
        ({"kind": "clock_skew", "params": {"seconds": True}}, "params.seconds"),
        ({"kind": "error_code"}, "params.code"),
        ({"kind": "error_code", "params": {"code": 200}}, "params.code"),
        ({"kind": "timeout_after", "params": {"seconds": -1}}, "params.seconds"),
        ({"kind": "http_status", "times": 0}, "times"),
        ({"kind": "http_status", "times": True}, "times"),
        ({"kind": "http_status", "times": 1, "seconds": 1}, "times"),
        ({"kind": "http_status", "seconds": "soon"}, "seconds"),
        ({"kind": "http_status", "seconds": float("nan")}, "seconds"),
    ],
)
def test_a_bad_fault_names_its_field(body, field):
    with pytest.raises(BadFault) as error:
        Desk().add(body, 0)
    assert error.value.field == field


CONTRACT = """http_status error_code timeout_before timeout_after reset_after garbage_body html_body delay partial_fill
reject_stop cancel_stop ack_only duplicate_fill_event reorder_events mute_stream drop_stream stale_klines missing_klines
bad_kline frozen_price clock_skew delist change_filters change_account_mode rate_limit ban key_revoked
liquidate latency"""


def test_every_kind_that_is_promised_is_built():
    assert set(CONTRACT.split()) <= set(BUILT)


def test_an_account_whose_mode_somebody_changed_takes_no_order_without_a_side():
    x = faulty(kind="change_account_mode", params={"hedge": True})
    assert ask(x, "GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": True}
    assert ask(x, "GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": False}
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert send(x, "POST", "/fapi/v1/order", **order).body["code"] == -4061
    x.faults.end(1)
    assert send(x, "POST", "/fapi/v1/order", **order).status == 200


def test_a_skewed_clock_is_told_and_judges_by_itself():
    x = faulty(kind="clock_skew", seconds=60, params={"seconds": -30})
    told = x.handle("GET", "/fapi/v1/time").body["serverTime"]
    assert told == x.now - 30_000
    assert send(x, "GET", "/fapi/v3/account").body["code"] == -1021


def test_the_desk_is_bounded():
    desk = Desk()
    for _ in range(100):
        desk.add({"kind": "http_status"}, 0)
    with pytest.raises(BadFault, match="end some first"):
        desk.add({"kind": "http_status"}, 0)


def test_a_failing_stop_leaves_the_position_as_it_was():
    x = faulty(kind="reject_stop", times=1, params={"code": -2021})
    market_order(x, "BUY", "0.01")
    assert send(x, "POST", "/fapi/v1/algoOrder", **STOP, closePosition="true").body["code"] == -2021
    assert algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")["algoStatus"] == "NEW"

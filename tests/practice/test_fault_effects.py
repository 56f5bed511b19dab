"""Faults of the venue itself: orders that fill late or in part, stops that vanish, rules and symbols that change."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, isolate, limit_order, market_order, position, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice.ledger import Ledger

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1", "newOrderRespType": "RESULT"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def x(clock):
    made = exchange(HandMarket(BTCUSDT=[(0, 50_000)], ETHUSDT=[(0, 3_000)]), clock=clock)
    isolate(made)
    return made


def held(x) -> Decimal:
    return Decimal(position(x)["positionAmt"])


def wait(x, clock: Clock, seconds: float) -> None:
    clock.now += int(1000 * seconds)
    x.advance(clock.now)


def test_a_partial_fill_takes_its_share_and_the_rest_expires(x):
    x.faults.add({"kind": "partial_fill", "times": 1, "params": {"share": 0.37}}, x.now)
    row = ask(x, "POST", "/fapi/v1/order", **BUY)
    assert (row["status"], row["executedQty"]) == ("EXPIRED", "0.037")
    assert held(x) == Decimal("0.037")
    assert market_order(x, "BUY", "0.1")["status"] == "FILLED"


def test_the_rest_of_a_partial_fill_may_rest_until_its_owner_cancels_it(x, clock):
    x.faults.add({"kind": "partial_fill", "times": 1, "params": {"share": 0.37, "rest": "rests"}}, x.now)
    row = limit_order(x, "BUY", "0.1", "50100")
    assert (row["status"], row["executedQty"]) == ("PARTIALLY_FILLED", "0.037")
    wait(x, clock, 600)
    row = ask(x, "DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (row["status"], row["executedQty"]) == ("CANCELED", "0.037")


def test_the_rest_of_a_partial_fill_may_fill_later(x, clock):
    x.faults.add({"kind": "partial_fill", "times": 1, "params": {"rest": "rests", "seconds": 10}}, x.now)
    assert ask(x, "POST", "/fapi/v1/order", **BUY)["status"] == "PARTIALLY_FILLED"
    wait(x, clock, 9)
    assert held(x) == Decimal("0.037")
    wait(x, clock, 1)
    assert held(x) == Decimal("0.1")
    assert x.engine.open_orders() == []


def test_an_order_may_be_acknowledged_first_and_filled_later(x, clock):
    heard = []
    x.listeners.append(heard.append)
    x.faults.add({"kind": "ack_only", "times": 1, "params": {"seconds": 3}}, x.now)
    row = ask(x, "POST", "/fapi/v1/order", **BUY)
    assert (row["status"], row["executedQty"], row["avgPrice"]) == ("NEW", "0", "0.00")
    assert [m["o"]["x"] for m in heard if m["e"] == "ORDER_TRADE_UPDATE"] == ["NEW"]
    wait(x, clock, 3)
    assert [m["o"]["X"] for m in heard if m["e"] == "ORDER_TRADE_UPDATE"] == ["NEW", "FILLED"]
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=row["orderId"])["status"] == "FILLED"


def test_an_acknowledged_way_out_never_turns_the_position(x, clock):
    market_order(x, "BUY", "0.1")
    x.faults.add({"kind": "ack_only", "times": 1, "params": {"seconds": 3}}, x.now)
    ask(x, "POST", "/fapi/v1/order", **(BUY | {"side": "SELL", "reduceOnly": "true"}))
    market_order(x, "SELL", "0.06")
    wait(x, clock, 3)
    assert held(x) == Decimal("0")


def test_an_order_that_waits_survives_a_restart_of_the_exchange(clock):
    ledger = Ledger()
    market = HandMarket(BTCUSDT=[(0, 50_000)])
    x = exchange(market, ledger, clock)
    x.faults.add({"kind": "ack_only", "times": 1, "params": {"seconds": 60}}, x.now)
    ask(x, "POST", "/fapi/v1/order", **BUY)
    again = exchange(market, ledger, clock)
    wait(again, clock, 1)
    assert held(again) == Decimal("0.1")


def test_a_resting_stop_vanishes_once_it_is_old_enough(x, clock):
    market_order(x, "BUY", "0.1")
    algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")
    algo_order(x, "SELL", "TAKE_PROFIT_MARKET", "60000", closePosition="true")
    x.faults.add({"kind": "cancel_stop", "times": 1, "params": {"seconds": 5}}, x.now)
    wait(x, clock, 4)
    assert len(x.engine.open_algos()) == 2
    wait(x, clock, 1)
    (left,) = x.engine.open_algos()
    assert left.type == "TAKE_PROFIT_MARKET"
    algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")
    wait(x, clock, 60)
    assert len(x.engine.open_algos()) == 2


def test_a_stop_of_one_type_vanishes_and_another_stays(x, clock):
    market_order(x, "BUY", "0.1")
    algo_order(x, "SELL", "STOP_MARKET", "47000", closePosition="true")
    algo_order(x, "SELL", "STOP", "48000", price="47900", quantity="0.1", reduceOnly="true")
    x.faults.add({"kind": "cancel_stop", "params": {"type": "STOP"}, "match": {"symbol": "BTCUSDT"}}, x.now)
    wait(x, clock, 1)
    assert [a.type for a in x.engine.open_algos()] == ["STOP_MARKET"]


def test_the_venue_takes_a_position_over_once(x, clock):
    market_order(x, "BUY", "0.1")
    algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")
    x.faults.add({"kind": "liquidate", "match": {"symbol": "BTCUSDT"}}, x.now)
    wait(x, clock, 1)
    assert held(x) == Decimal("0") and x.engine.open_algos() == []
    assert x.ledger.fills()[-1].client_id.startswith("autoclose-")
    market_order(x, "BUY", "0.1")
    wait(x, clock, 1)
    assert held(x) == Decimal("0.1")


def test_a_symbol_that_settles_lets_positions_out_and_none_in(x, clock):
    market_order(x, "BUY", "0.1")
    x.faults.add({"kind": "delist", "match": {"symbol": "BTCUSDT"}, "seconds": 60}, x.now)
    told = {s["symbol"]: s["status"] for s in x.handle("GET", "/fapi/v1/exchangeInfo").body["symbols"]}
    assert told == {"BTCUSDT": "TRADING", "ETHUSDT": "TRADING"} | {"BTCUSDT": "SETTLING"}
    assert send(x, "POST", "/fapi/v1/order", **BUY).body["code"] == -4140
    assert market_order(x, "SELL", "0.1", reduceOnly="true")["status"] == "FILLED"
    wait(x, clock, 60)
    assert market_order(x, "BUY", "0.1")["status"] == "FILLED"


def test_a_symbol_in_a_break_takes_no_order_at_all(x):
    market_order(x, "BUY", "0.1")
    x.faults.add({"kind": "delist", "match": {"symbol": "BTCUSDT"}, "params": {"status": "BREAK"}}, x.now)
    out = BUY | {"side": "SELL", "reduceOnly": "true"}
    assert send(x, "POST", "/fapi/v1/order", **out).body["code"] == -1122
    stop = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
    stop |= {"triggerPrice": "48000", "closePosition": "true"}
    assert send(x, "POST", "/fapi/v1/algoOrder", **stop).body["code"] == -1122


def test_filters_change_for_one_symbol_and_change_back(x, clock):
    params = {"tick": "1", "step": 0.01, "min_notional": 400, "min_quantity": "0.01"}
    x.faults.add({"kind": "change_filters", "match": {"symbol": "BTCUSDT"}, "params": params, "seconds": 60}, x.now)
    rows = {s["symbol"]: s for s in x.handle("GET", "/fapi/v1/exchangeInfo").body["symbols"]}
    filters = {f["filterType"]: f for f in rows["BTCUSDT"]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "1" and filters["LOT_SIZE"]["stepSize"] == "0.01"
    assert filters["MIN_NOTIONAL"]["notional"] == "400"
    refused = [
        (BUY | {"quantity": "0.015"}, -4023),
        (BUY | {"quantity": "0.005"}, -4004),
        (BUY | {"type": "LIMIT", "price": "40000", "timeInForce": "GTC", "quantity": "0.01"}, None),
        (BUY | {"type": "LIMIT", "price": "49999.5", "timeInForce": "GTC"}, -4014),
    ]
    for order, code in refused:
        assert send(x, "POST", "/fapi/v1/order", **order).body.get("code") == code
    wait(x, clock, 60)
    assert x.engine.rules["BTCUSDT"].step == Decimal("0.001")
    assert market_order(x, "BUY", "0.015")["status"] == "FILLED"


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("partial_fill", {"share": 1.5}, "params.share"),
        ("partial_fill", {"rest": "stays"}, "params.rest"),
        ("ack_only", {"seconds": 0}, "params.seconds"),
        ("cancel_stop", {"type": "LIMIT"}, "params.type"),
        ("delist", {"status": "GONE"}, "params.status"),
        ("change_filters", {"tick": "0"}, "params.tick"),
        ("change_filters", {"step": "many"}, "params.step"),
        ("change_filters", {"min_notional": True}, "params.min_notional"),
        ("liquidate", {"share": 1}, "params.share"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(x, kind, params, field):
    with pytest.raises(ValueError) as error:
        x.faults.add({"kind": kind, "params": params}, START)
    assert error.value.field == field

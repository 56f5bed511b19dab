"""The desk: the ground truth, prices, the clock, and a human's hand."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, limit_order, market_order, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice import desk
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.market import Market, synthetic
from trading.practice.synthetic import Synthetic


def at(x: Exchange, method: str, path: str, body=None):
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    answer = desk.answer(x, method, f"/practice/{path}", text)
    return answer.status, answer.body


def playing(clock: Clock, ledger: Ledger | None = None) -> Exchange:
    return exchange(synthetic(7, ("BTCUSDT", "ETHUSDT"), 60_000, START), ledger, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def x(clock) -> Exchange:
    return playing(clock)


def test_the_state_is_the_ground_truth():
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]))
    market_order(x, "BUY", "0.01", newClientOrderId="entry")
    order = limit_order(x, "BUY", "0.01", "49000")
    stop = algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")
    send(x, "GET", "/fapi/v1/nowhere")
    status, state = at(x, "GET", "state")
    assert status == 200
    assert state["now"] == START
    assert state["balances"][0]["asset"] == "USDT"
    assert [(p["symbol"], p["positionAmt"], p["leverage"]) for p in state["positions"]] == [("BTCUSDT", "0.01", "20")]
    assert [o["orderId"] for o in state["orders"]] == [order["orderId"]]
    assert [a["algoId"] for a in state["algo_orders"]] == [stop["algoId"]]
    (fill,) = state["fills"]
    assert (fill["client_order_id"], fill["side"], fill["quantity"]) == ("entry", "BUY", "0.01")
    assert fill["reduce_only"] is False
    assert set(fill) >= {"trade_id", "order_id", "symbol", "price", "at"}
    assert state["requests"] == {"POST /fapi/v1/order": 2, "POST /fapi/v1/algoOrder": 1}
    assert state["unknown_endpoints"] == {"GET /fapi/v1/nowhere": 1}


def test_a_price_is_driven_along_a_path_with_its_gaps(x, clock):
    start = float(x.market.price("BTCUSDT", clock.now))
    market_order(x, "BUY", "0.01")
    stop = f"{x.engine.rules['BTCUSDT'].floor_price(Decimal(start * 0.95)):f}"
    algo_order(x, "SELL", "STOP_MARKET", stop, closePosition="true", workingType="MARK_PRICE")
    assert at(x, "POST", "price", {"symbol": "BTCUSDT", "path": [[1, start * 0.98], [2, start * 0.9]]})[0] == 200
    clock.now += 3000
    fill = ask(x, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[-1]
    assert float(fill["price"]) == pytest.approx(start * 0.9, rel=1e-3)
    assert fill["time"] == START + 2000


def test_a_paused_market_stands_still_and_is_advanced_by_hand(x, clock):
    at(x, "POST", "clock", {"pause": True})
    before = x.market.price("BTCUSDT", clock.now)
    clock.now += 3_600_000
    assert x.market.price("BTCUSDT", clock.now) == before
    assert at(x, "POST", "clock", {"advance": 600})[0] == 200
    clock.now += 1000
    assert x.market.price("BTCUSDT", clock.now) != before
    assert at(x, "POST", "clock", {"pause": False})[1]["paused"] is False


def test_a_stop_that_an_advance_passes_fills_on_the_path_in_between(x, clock):
    at(x, "POST", "clock", {"pause": True})
    market_order(x, "BUY", "0.01")
    rules, price = x.engine.rules["BTCUSDT"], x.market.price("BTCUSDT", clock.now)
    trigger = rules.floor_price(price * Decimal("0.999"))
    algo_order(x, "SELL", "STOP_MARKET", f"{trigger:f}", quantity="0.01", reduceOnly="true")
    for _ in range(200):
        clock.now += 1000
        at(x, "POST", "clock", {"advance": 3600})
        clock.now += 1000
        x.advance(clock.now)
        if len(x.ledger.fills()) > 1:
            break
    fill = x.ledger.fills()[-1]
    assert trigger * Decimal("0.97") < fill.price < trigger


def test_speed_pause_and_drives_survive_a_restart(tmp_path, clock):
    x = playing(clock, Ledger(tmp_path / "l.sqlite3"))
    at(x, "POST", "clock", {"speed": 5})
    at(x, "POST", "price", {"symbol": "ETHUSDT", "path": [[1, 12345.6]]})
    clock.now += 5000
    at(x, "POST", "clock", {"pause": True})
    price = x.market.price("ETHUSDT", clock.now)
    ledger = Ledger(tmp_path / "l.sqlite3")
    market = Market.restore(Synthetic(7, ("BTCUSDT", "ETHUSDT")), ledger.recall("market"))
    assert (market.speed, market.paused, market.price("ETHUSDT", clock.now)) == (5, True, price)


@pytest.mark.parametrize("conditional", [False, True])
def test_a_human_cancels_at_the_venue(x, conditional):
    price = x.market.price("BTCUSDT", x.now)
    below = f"{x.engine.rules['BTCUSDT'].floor_price(price * Decimal('0.97')):f}"
    if conditional:
        order = algo_order(x, "SELL", "STOP_MARKET", below, quantity="0.01")["algoId"]
    else:
        order = limit_order(x, "BUY", "0.01", below)["orderId"]
    messages: list[dict] = []
    x.listeners.append(messages.append)
    assert at(x, "POST", f"orders/{order}/cancel")[0] == 200
    assert [m["o"]["X"] for m in messages] == ["CANCELED"]
    assert at(x, "POST", f"orders/{order}/cancel")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "clock", {"speed": 0}, 400, "speed"),
        ("POST", "clock", {"speed": "fast"}, 400, "speed"),
        ("POST", "clock", {"pause": 1}, 400, "pause"),
        ("POST", "clock", {"advance": 60}, 400, "advance"),
        ("POST", "clock", {"advance": -1}, 400, "advance"),
        ("POST", "clock", {}, 400, "body"),
        ("POST", "clock", {"speed": 2, "pause": True}, 400, "body"),
        ("POST", "clock", {"tempo": 2}, 400, "tempo"),
        ("POST", "clock", "{", 400, "body"),
        ("POST", "clock", "[" * 100_000, 400, "body"),
        ("POST", "clock", '{"advance": 1%s}' % ("0" * 400), 400, "advance"),
        ("POST", "price", '{"symbol": "BTCUSDT", "path": [[1, 1%s]]}' % ("0" * 400), 400, "path"),
        ("POST", "price", {"symbol": "BTCUSDT", "path": [[1, 1e300]]}, 400, "path"),
        ("POST", "clock", "[]", 400, "body"),
        ("POST", "price", {"symbol": "FOOUSDT", "path": [[1, 5]]}, 400, "symbol"),
        ("POST", "price", {"symbol": ["BTCUSDT"], "path": [[1, 5]]}, 400, "symbol"),
        ("POST", "price", {"symbol": "BTCUSDT"}, 400, "path"),
        ("POST", "price", {"symbol": "BTCUSDT", "path": []}, 400, "path"),
        ("POST", "price", {"symbol": "BTCUSDT", "path": [[1]]}, 400, "path"),
        ("POST", "price", {"symbol": "BTCUSDT", "path": [[1, "5"]]}, 400, "path"),
        ("POST", "price", {"symbol": "BTCUSDT", "path": [[1, -5]]}, 400, "path"),
        ("POST", "price", '{"symbol": "BTCUSDT", "path": [[1, NaN]]}', 400, "path"),
        ("POST", "faults", {"kind": "earthquake"}, 400, "kind"),
        ("POST", "faults", "nonsense", 400, "body"),
        ("DELETE", "faults/7", None, 404, "id"),
        ("DELETE", "faults/x", None, 404, "id"),
        ("POST", "orders/x/cancel", None, 404, "id"),
        ("PUT", "clock", None, 405, "method"),
        ("GET", "weather", None, 404, "path"),
    ],
)
def test_a_bad_request_to_the_desk_names_its_field(x, method, path, body, status, field):
    got, answer = at(x, method, path, body)
    assert (got, list(answer["error"]["fields"])) == (status, [field])


def test_a_fault_is_posted_listed_and_ended(x):
    number = at(x, "POST", "faults", {"kind": "http_status", "times": 1})[1]["id"]
    assert [f["id"] for f in at(x, "GET", "faults")[1]["items"]] == [number]
    assert at(x, "DELETE", f"faults/{number}") == (200, {"id": number})
    assert at(x, "GET", "faults")[1] == {"items": []}

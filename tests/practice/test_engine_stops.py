"""Conditional orders: when they trigger, what they become, and where they fill."""

from decimal import Decimal

import pytest

from tests.practice.asking import algo_order, ask, isolate, market_order, position, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice.exchange import Exchange

GAP = (50_000, 50_100, 46_000, 45_500, 49_000)


def long_on(*prices, marks=None) -> tuple[Exchange, Clock]:
    """A long position of 0.01 BTC; one point a second."""
    marks = marks or prices
    points = [(i * 1000, p, m) for i, (p, m) in enumerate(zip(prices, marks, strict=True))]
    clock = Clock()
    x = exchange(HandMarket(BTCUSDT=points), clock=clock)
    isolate(x)
    market_order(x, "BUY", "0.01")
    return x, clock


def last_fill(x: Exchange) -> dict:
    return ask(x, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[-1]


def algo_now(x: Exchange, algo: dict) -> dict:
    return ask(x, "GET", "/fapi/v1/algoOrder", algoId=algo["algoId"])


def test_a_stop_in_a_gap_fills_at_the_first_point_beyond_its_trigger_never_at_its_trigger():
    x, clock = long_on(*GAP)
    algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true", workingType="MARK_PRICE")
    clock.now = START + 4000
    fill = last_fill(x)
    assert fill["time"] == START + 2000
    assert 45_900 < Decimal(fill["price"]) < 46_000


def test_a_triggered_stop_is_an_ordinary_order_with_an_id_of_its_own():
    x, clock = long_on(*GAP)
    stop = algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true", clientAlgoId="stop-1")
    clock.now = START + 4000
    after = algo_now(x, stop)
    assert (stop["algoStatus"], stop["actualOrderId"]) == ("NEW", "")
    assert (after["algoStatus"], after["triggerTime"], after["actualQty"]) == ("FINISHED", START + 2000, "0.01")
    order = ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=after["actualOrderId"])
    assert (order["clientOrderId"], order["type"], order["origType"]) == ("stop-1", "MARKET", "STOP_MARKET")
    assert (order["status"], order["reduceOnly"], order["stopPrice"]) == ("FILLED", True, "49500")
    assert after["actualPrice"] == f"{Decimal(order['avgPrice']):.8f}"
    assert ask(x, "GET", "/fapi/v1/openAlgoOrders") == []


def test_a_stop_limit_beyond_which_the_price_jumped_rests_and_fills_when_the_price_comes_back():
    x, clock = long_on(*GAP)
    stop = algo_order(x, "SELL", "STOP", "49500", quantity="0.01", price="48500", reduceOnly="true")
    clock.now = START + 3500
    assert algo_now(x, stop)["algoStatus"] == "TRIGGERED"
    (resting,) = ask(x, "GET", "/fapi/v1/openOrders")
    assert (resting["status"], resting["type"], resting["price"]) == ("NEW", "LIMIT", "48500")
    clock.now = START + 4000
    assert (last_fill(x)["price"], last_fill(x)["maker"]) == ("48500", True)
    assert algo_now(x, stop)["algoStatus"] == "FINISHED"


def test_a_stop_limit_within_its_band_takes_the_books_price():
    x, clock = long_on(50_000, 49_400)
    algo_order(x, "SELL", "STOP", "49500", quantity="0.01", price="48500", reduceOnly="true")
    clock.now = START + 1000
    assert 49_390 < Decimal(last_fill(x)["price"]) < 49_400
    assert last_fill(x)["maker"] is False


def test_cancelling_the_order_of_a_triggered_stop_finishes_the_stop():
    x, clock = long_on(*GAP)
    stop = algo_order(x, "SELL", "STOP", "49500", quantity="0.01", price="48500", reduceOnly="true")
    clock.now = START + 3000
    ask(x, "DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=algo_now(x, stop)["actualOrderId"])
    assert algo_now(x, stop)["algoStatus"] == "FINISHED"
    assert position(x)["positionAmt"] == "0.01"


@pytest.mark.parametrize(("working", "time"), [("CONTRACT_PRICE", 1000), ("MARK_PRICE", 2000)])
def test_the_working_price_decides_when_a_stop_triggers(working, time):
    x, clock = long_on(50_000, 49_000, 49_100, marks=(50_000, 49_800, 49_200))
    algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true", workingType=working)
    clock.now = START + 3000
    assert last_fill(x)["time"] == START + time


def test_price_protection_waits_until_mark_and_last_price_agree():
    x, clock = long_on(50_000, 40_000, 45_000, marks=(50_000, 49_000, 45_100))
    algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true", priceProtect="true")
    clock.now = START + 3000
    assert last_fill(x)["time"] == START + 2000


@pytest.mark.parametrize(
    ("kind", "trigger", "more"),
    [("TAKE_PROFIT_MARKET", "51000", {}), ("TAKE_PROFIT", "51000", {"price": "50900"})],
)
def test_a_target_fills_when_the_price_comes_up_to_it(kind, trigger, more):
    x, clock = long_on(50_000, 50_900, 51_200)
    algo_order(x, "SELL", kind, trigger, quantity="0.01", reduceOnly="true", **more)
    clock.now = START + 3000
    assert 51_190 < Decimal(last_fill(x)["price"]) < 51_200


def test_close_position_takes_its_quantity_at_the_trigger():
    x, clock = long_on(50_000, 50_000, 46_000)
    algo_order(x, "SELL", "STOP_MARKET", "49500", closePosition="true")
    clock.now = START + 1000
    market_order(x, "BUY", "0.02")
    clock.now = START + 2000
    assert Decimal(position(x)["positionAmt"]) == 0
    assert last_fill(x)["qty"] == "0.03"


def test_close_position_expires_with_the_position_and_so_do_its_fellows():
    x, _ = long_on(50_000)
    stop = algo_order(x, "SELL", "STOP_MARKET", "49500", closePosition="true")
    target = algo_order(x, "SELL", "TAKE_PROFIT_MARKET", "52000", closePosition="true")
    reduce_only = algo_order(x, "SELL", "STOP_MARKET", "49000", quantity="0.01", reduceOnly="true")
    market_order(x, "SELL", "0.01")
    assert algo_now(x, stop)["algoStatus"] == algo_now(x, target)["algoStatus"] == "EXPIRED"
    assert algo_now(x, reduce_only)["algoStatus"] == "NEW"


def test_a_reduce_only_stop_without_a_position_is_rejected_at_its_trigger():
    x, clock = long_on(50_000, 48_000)
    stop = algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true")
    messages: list[dict] = []
    x.listeners.append(messages.append)
    market_order(x, "SELL", "0.01")
    clock.now = START + 1000
    assert algo_now(x, stop)["algoStatus"] == "REJECTED"
    assert [m["o"]["rm"] for m in messages if m["e"] == "ALGO_UPDATE" and m["o"]["X"] == "REJECTED"] == [
        "Reduce Only reject"
    ]
    assert Decimal(position(x)["positionAmt"]) == 0


def test_the_nearer_stop_goes_first_when_one_jump_passes_both():
    x, clock = long_on(50_000, 44_000)
    backstop = algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true", workingType="MARK_PRICE")
    working = algo_order(
        x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true", workingType="MARK_PRICE"
    )
    clock.now = START + 1000
    assert algo_now(x, working)["algoStatus"] == "FINISHED"
    assert algo_now(x, backstop)["algoStatus"] == "EXPIRED"


def test_the_backstop_closes_what_the_stop_limit_could_not():
    x, clock = long_on(50_000, 46_000, 44_500)
    algo_order(x, "SELL", "STOP", "49500", quantity="0.01", price="48500", reduceOnly="true")
    algo_order(x, "SELL", "STOP_MARKET", "45000", closePosition="true")
    clock.now = START + 3000
    assert Decimal(position(x)["positionAmt"]) == 0
    assert ask(x, "GET", "/fapi/v1/openOrders") == []
    assert last_fill(x)["time"] == START + 2000


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"type": "STOP_MARKET", "triggerPrice": "50500", "quantity": "0.01"}, -2021),
        ({"type": "TAKE_PROFIT_MARKET", "triggerPrice": "49500", "quantity": "0.01"}, -2021),
        ({"type": "STOP_MARKET", "triggerPrice": "49000", "closePosition": "true"}, -4130),
        ({"type": "STOP_MARKET", "triggerPrice": "51000", "closePosition": "true", "side": "BUY"}, -4509),
        ({"type": "STOP_MARKET", "triggerPrice": "49000", "closePosition": "true", "quantity": "1"}, -4137),
        ({"type": "STOP_MARKET", "triggerPrice": "49000", "closePosition": "true", "reduceOnly": "true"}, -1106),
        ({"type": "STOP", "triggerPrice": "49000", "closePosition": "true", "price": "48000"}, -4136),
        ({"type": "STOP_MARKET", "triggerPrice": "51000", "quantity": "1", "reduceOnly": "true", "side": "BUY"}, -2022),
        ({"type": "STOP", "triggerPrice": "49000", "quantity": "0.01", "price": "30000"}, -4184),
        ({"type": "STOP", "triggerPrice": "51000", "quantity": "0.01", "price": "90000", "side": "BUY"}, -4183),
        ({"type": "STOP", "triggerPrice": "49000", "quantity": "0.01"}, -1102),
        ({"type": "STOP_MARKET", "triggerPrice": "49000.555", "quantity": "0.01"}, -1111),
        ({"type": "STOP_MARKET", "triggerPrice": "-1", "quantity": "0.01"}, -4006),
        ({"type": "STOP_MARKET", "triggerPrice": "49000", "quantity": "0.01", "clientAlgoId": "there"}, -4116),
        ({"type": "STOP_MARKET", "triggerPrice": "49000", "quantity": "0.01", "workingType": "LAST"}, -4031),
        ({"type": "MARKET", "triggerPrice": "49000", "quantity": "0.01"}, -1116),
        ({"type": "STOP_MARKET", "quantity": "0.01"}, -1102),
    ],
)
def test_what_the_algo_book_refuses(order, code):
    x, _ = long_on(50_000)
    algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true", clientAlgoId="there")
    base = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL"}
    answer = send(x, "POST", "/fapi/v1/algoOrder", **(base | order))
    assert (answer.status, answer.body["code"]) == (400, code)


def test_a_stop_and_a_target_may_both_close_the_position():
    x, _ = long_on(50_000)
    algo_order(x, "SELL", "STOP_MARKET", "48000", closePosition="true")
    algo_order(x, "SELL", "TAKE_PROFIT_MARKET", "52000", closePosition="true")
    assert len(ask(x, "GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")) == 2


def test_a_stop_that_would_open_without_margin_is_rejected_at_its_trigger():
    x, clock = long_on(50_000, 51_000)
    stop = algo_order(x, "BUY", "STOP_MARKET", "50500", quantity="1")
    clock.now = START + 1000
    assert algo_now(x, stop)["algoStatus"] == "REJECTED"
    assert position(x)["positionAmt"] == "0.01"


def test_the_paths_of_several_symbols_are_walked_together_in_the_order_of_time():
    clock = Clock()
    points = [(0, 100), (1500, 90), (2500, 80)]
    x = exchange(HandMarket(AAAUSDT=points, BBBUSDT=[(0, 100), (1000, 90), (2000, 80)]), clock=clock)
    for symbol, trigger in (("AAAUSDT", "95"), ("BBBUSDT", "85"), ("AAAUSDT", "85"), ("BBBUSDT", "95")):
        algo_order(x, "SELL", "STOP_MARKET", trigger, symbol, quantity="1")
    clock.now = START + 5000
    x.advance(clock.now)
    times = [(f.time - START, f.symbol) for f in x.ledger.fills()]
    assert times == [(1000, "BBBUSDT"), (1500, "AAAUSDT"), (2000, "BBBUSDT"), (2500, "AAAUSDT")]


def test_the_messages_of_a_stop_tell_its_life():
    x, clock = long_on(50_000, 48_000)
    messages: list[dict] = []
    x.listeners.append(messages.append)
    algo_order(x, "SELL", "STOP_MARKET", "49500", quantity="0.01", reduceOnly="true")
    clock.now = START + 1000
    x.advance(clock.now)
    told = [(m["e"], m.get("o", {}).get("X", m.get("a", {}).get("m"))) for m in messages]
    assert told == [
        ("ALGO_UPDATE", "NEW"),
        ("ALGO_UPDATE", "TRIGGERING"),
        ("ALGO_UPDATE", "TRIGGERED"),
        ("ORDER_TRADE_UPDATE", "NEW"),
        ("ACCOUNT_UPDATE", "ORDER"),
        ("ORDER_TRADE_UPDATE", "FILLED"),
        ("ALGO_UPDATE", "FINISHED"),
    ]


def test_a_conditional_order_is_cancelled_by_either_id():
    x, _ = long_on(50_000)
    first = algo_order(x, "SELL", "STOP_MARKET", "48000", quantity="0.01", clientAlgoId="one")
    algo_order(x, "SELL", "STOP_MARKET", "47000", quantity="0.01", clientAlgoId="two")
    assert ask(x, "DELETE", "/fapi/v1/algoOrder", algoId=first["algoId"])["code"] == "200"
    assert ask(x, "DELETE", "/fapi/v1/algoOrder", clientAlgoId="two")["msg"] == "success"
    assert send(x, "DELETE", "/fapi/v1/algoOrder", clientAlgoId="two").body["code"] == -2011
    assert send(x, "GET", "/fapi/v1/algoOrder", clientAlgoId="three").body["code"] == -2013
    assert [a["algoStatus"] for a in ask(x, "GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")] == ["CANCELED"] * 2

"""Market and limit orders against the price path."""

from decimal import Decimal

import pytest

from tests.practice.asking import ask, isolate, limit_order, market_order, position, send
from tests.practice.hand_market import START, Clock, HandMarket, exchange
from trading.practice.exchange import Exchange


def flat(price: float = 50_000) -> Exchange:
    return exchange(HandMarket(BTCUSDT=[(0, price)]))


def on_path(*prices: float) -> tuple[Exchange, Clock]:
    """One point each second, the first now."""
    clock = Clock()
    return exchange(HandMarket(BTCUSDT=[(i * 1000, p) for i, p in enumerate(prices)]), clock=clock), clock


def test_a_buyer_pays_the_spread_and_a_seller_pays_it_again():
    x = flat()
    bought = Decimal(market_order(x, "BUY", "0.002")["avgPrice"])
    sold = Decimal(market_order(x, "SELL", "0.002")["avgPrice"])
    assert sold < 50_000 < bought
    assert bought - sold < 10


def test_a_larger_order_gets_a_worse_price():
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), balance="10000000")
    ask(x, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=1)
    small, large = (Decimal(market_order(x, "BUY", q)["avgPrice"]) for q in ("0.01", "20"))
    assert Decimal(10) < large - small < Decimal(100)


def test_an_order_beyond_the_book_is_cut_at_the_market_take_bound_and_the_rest_expires():
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000, 47_800)]), balance="100000000")
    ask(x, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=1)
    order = market_order(x, "BUY", "100")
    bound = 47_800 * (1 + x.engine.rules["BTCUSDT"].take_bound)
    reachable = (bound / Decimal("50002.5") - 1) / Decimal("1e-9") / 50_000
    assert order["status"] == "EXPIRED"
    assert Decimal(order["executedQty"]) == pytest.approx(reachable, rel=Decimal("0.001"))
    assert Decimal("50002.5") < Decimal(order["avgPrice"]) < bound


def test_a_market_order_is_refused_where_the_book_lies_beyond_the_bound_around_the_mark_price():
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000, 10_000)]))
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02"}
    assert send(x, "POST", "/fapi/v1/order", **order).body["code"] == -4131


def test_a_resting_limit_fills_as_maker_at_its_price_when_the_path_crosses_it():
    x, clock = on_path(50_000, 49_900, 49_700, 50_100)
    order = limit_order(x, "BUY", "0.01", "49800")
    assert order["status"] == "NEW"
    clock.now = START + 1500
    assert ask(x, "GET", "/fapi/v1/openOrders")[0]["orderId"] == order["orderId"]
    clock.now = START + 3000
    (fill,) = ask(x, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert (fill["price"], fill["maker"], fill["time"]) == ("49800", True, START + 2000)
    assert fill["commission"] == "0.09960000"


def test_a_limit_through_the_book_takes_at_the_books_price_not_its_own():
    order = limit_order(flat(), "BUY", "0.01", "51000")
    assert order["status"] == "FILLED"
    assert Decimal(order["avgPrice"]) < 50_010


@pytest.mark.parametrize(
    ("tif", "price", "answer"),
    [
        ("IOC", "49000", "EXPIRED"),
        ("IOC", "50100", "FILLED"),
        ("FOK", "50100", "FILLED"),
        ("GTX", "49000", "NEW"),
        ("FOK", "49000", -5021),
        ("GTX", "50100", -5022),
    ],
)
def test_time_in_force(tif, price, answer):
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.01",
        "price": price,
        "timeInForce": tif,
    }
    body = send(flat(), "POST", "/fapi/v1/order", **order, newOrderRespType="RESULT").body
    assert body.get("code", body.get("status")) == answer


def test_good_till_date_expires():
    x, clock = on_path(50_000)
    until = START + 700_000
    order = limit_order(x, "BUY", "0.01", "49000", timeInForce="GTD", goodTillDate=until)
    clock.now = until
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"])["status"] == "EXPIRED"


def test_the_short_answer_tells_nothing_of_the_fill():
    x = flat()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    ack = ask(x, "POST", "/fapi/v1/order", **order)
    assert (ack["status"], ack["executedQty"]) == ("NEW", "0")
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=ack["orderId"])["status"] == "FILLED"


def test_a_reduce_only_order_is_cut_down_to_the_position():
    x = flat()
    market_order(x, "BUY", "0.01")
    order = market_order(x, "SELL", "0.05", reduceOnly="true")
    assert (order["status"], order["origQty"]) == ("FILLED", "0.01")
    assert Decimal(position(x)["positionAmt"]) == 0


def test_a_resting_reduce_only_order_expires_when_the_position_is_gone():
    x = flat()
    market_order(x, "BUY", "0.01")
    resting = limit_order(x, "SELL", "0.01", "51000", reduceOnly="true")
    market_order(x, "SELL", "0.01")
    assert ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])["status"] == "EXPIRED"


def test_an_order_through_zero_turns_the_position():
    x = flat()
    isolate(x)
    market_order(x, "BUY", "0.01")
    market_order(x, "SELL", "0.03")
    p = position(x)
    assert p["positionAmt"] == "-0.02"
    assert Decimal(p["entryPrice"]) < 50_000
    assert Decimal(p["isolatedWallet"]) == pytest.approx(
        Decimal(p["entryPrice"]) * Decimal("0.02") / 3, abs=Decimal("0.01")
    )


def test_a_client_id_is_unique_among_open_orders_only():
    x = flat()
    first = limit_order(x, "BUY", "0.01", "49000", newClientOrderId="mine")
    again = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newClientOrderId": "mine"}
    assert send(x, "POST", "/fapi/v1/order", **again).body["code"] == -4116
    ask(x, "DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=first["orderId"])
    second = ask(x, "POST", "/fapi/v1/order", **again)
    found = ask(x, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert found["orderId"] == second["orderId"] != first["orderId"]


def test_cancelling_frees_the_margin_and_cancelling_twice_is_refused():
    x = flat()
    order = limit_order(x, "BUY", "0.02", "45000")
    assert ask(x, "GET", "/fapi/v3/balance")[0]["availableBalance"] == "9955.00000000"
    ref = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert ask(x, "DELETE", "/fapi/v1/order", **ref)["status"] == "CANCELED"
    assert ask(x, "GET", "/fapi/v3/balance")[0]["availableBalance"] == "10000.00000000"
    assert send(x, "DELETE", "/fapi/v1/order", **ref).body["code"] == -2011


def test_all_open_orders_of_one_symbol_go_at_once():
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)], ETHUSDT=[(0, 3_000)]))
    limit_order(x, "BUY", "0.01", "49000")
    limit_order(x, "BUY", "0.01", "48000")
    other = limit_order(x, "BUY", "0.1", "2900", symbol="ETHUSDT")
    ask(x, "DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    assert [o["orderId"] for o in ask(x, "GET", "/fapi/v1/openOrders")] == [other["orderId"]]

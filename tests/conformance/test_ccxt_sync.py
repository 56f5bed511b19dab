"""ccxt's blocking client: market data, account, and the life of every kind of order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import ccxt
import pytest

from tests.conformance.conftest import CONFIG, pointed

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
TRIGGER = {"trigger": True}


@pytest.fixture(scope="module")
def client(venue):
    client = pointed(ccxt.binanceusdm(CONFIG), venue.port)
    client.load_markets()
    return client


@pytest.fixture
def price(client) -> Iterator[float]:
    """The price of a flat account without orders, isolated at leverage 3; and it is left so."""
    flatten(client)
    for symbol in (BTC, ETH):
        with suppress(ccxt.MarginModeAlreadySet):
            client.set_margin_mode("isolated", symbol)
        client.set_leverage(3, symbol)
    yield client.fetch_ticker(BTC)["last"]
    flatten(client)


def flatten(client) -> None:
    for symbol in (BTC, ETH):
        client.cancel_all_orders(symbol)
        client.cancel_all_orders(symbol, TRIGGER)
    for p in client.fetch_positions():
        side = "sell" if p["side"] == "long" else "buy"
        client.create_order(p["symbol"], "market", side, p["contracts"], None, {"reduceOnly": True})


def test_markets_carry_the_filters(client):
    market = client.market(BTC)
    assert (market["id"], market["linear"], market["swap"], market["active"]) == ("BTCUSDT", True, True, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.001, 0.1)
    assert market["limits"]["cost"]["min"] == 5


def test_candles_have_history_and_end_in_the_forming_one(client):
    rows = client.fetch_ohlcv(BTC, "1m", limit=500)
    opened = [row[0] for row in rows]
    assert opened == list(range(opened[0], opened[0] + 500 * 60_000, 60_000))
    assert opened[-1] <= client.fetch_time() < opened[-1] + 61_000
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in rows)
    assert len(client.fetch_ohlcv(BTC, "1h", limit=5)) == 5
    assert len(client.fetch_mark_ohlcv(BTC, "1m", limit=5)) == 5


def test_prices_funding_and_the_book(client):
    book = client.fetch_order_book(BTC, 20)
    assert book["bids"][0][0] < client.fetch_ticker(BTC)["last"] * 1.01
    assert book["bids"][0][0] < book["asks"][0][0]
    assert set(client.fetch_tickers()) == {BTC, ETH, "SOL/USDT:USDT"}
    assert client.fetch_funding_rate(BTC)["fundingTimestamp"] % (8 * 3_600_000) == 0
    assert len(client.fetch_funding_rate_history(BTC, limit=2)) == 2
    assert len(client.fetch_trades(BTC, limit=5)) == 5
    assert set(client.fetch_bids_asks([BTC])) == {BTC}


def test_the_account(client, price):
    balance = client.fetch_balance()["USDT"]
    assert balance["free"] == pytest.approx(balance["total"])
    assert client.fetch_positions() == []
    assert client.fetch_position_mode()["hedged"] is False
    assert client.fetch_leverage(BTC)["longLeverage"] == 3
    assert client.fetch_leverage_tiers([BTC])[BTC][0]["maintenanceMarginRate"] > 0
    assert client.fetch_trading_fee(BTC)["taker"] == 0.0005


def test_setting_the_margin_mode_again_is_told_as_no_change(client, price):
    with pytest.raises(ccxt.MarginModeAlreadySet):
        client.set_margin_mode("isolated", BTC)


def test_a_market_order_fills_and_makes_a_position(client, price):
    order = client.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": "conformance-1"})
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.01, "conformance-1")
    (p,) = client.fetch_positions([BTC])
    assert (p["side"], p["contracts"], p["marginMode"]) == ("long", 0.01, "isolated")
    assert p["liquidationPrice"] == pytest.approx(p["entryPrice"] * 2 / 3, rel=0.02)
    trade = client.fetch_my_trades(BTC)[-1]
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (order["id"], 0.01, "taker")
    assert trade["fee"]["cost"] == pytest.approx(trade["cost"] * 0.0005)
    assert client.fetch_order(order["id"], BTC)["average"] == order["average"]


def test_a_limit_order_rests_and_is_cancelled(client, price):
    order = client.create_order(BTC, "limit", "buy", 0.01, price * 0.97)
    assert order["status"] == "open"
    assert [o["id"] for o in client.fetch_open_orders(BTC)] == [order["id"]]
    assert client.cancel_order(order["id"], BTC)["status"] == "canceled"
    assert client.fetch_order(order["id"], BTC)["status"] == "canceled"
    assert client.fetch_open_orders(BTC) == []
    assert order["id"] in [o["id"] for o in client.fetch_orders(BTC)]


@pytest.mark.parametrize(
    ("kind", "unified", "at", "limit"),
    [
        ("STOP", "limit", 0.97, 0.95),
        ("STOP_MARKET", "market", 0.97, None),
        ("TAKE_PROFIT", "limit", 1.04, 1.03),
        ("TAKE_PROFIT_MARKET", "market", 1.04, None),
    ],
)
def test_conditional_orders_live_in_the_algo_book(client, price, kind, unified, at, limit):
    client.create_order(BTC, "market", "buy", 0.01)
    params = {"triggerPrice": price * at, "reduceOnly": True, "workingType": "MARK_PRICE", "clientOrderId": f"c-{kind}"}
    order = client.create_order(BTC, kind, "sell", 0.01, price * limit if limit else None, params)
    assert (order["status"], order["type"], order["clientOrderId"]) == ("open", unified, f"c-{kind}")
    assert client.fetch_open_orders(BTC) == []
    (found,) = client.fetch_open_orders(BTC, params=TRIGGER)
    assert (found["id"], found["reduceOnly"], found["amount"]) == (order["id"], True, 0.01)
    assert found["triggerPrice"] == pytest.approx(price * at, rel=1e-4)
    assert client.fetch_order(order["id"], BTC, TRIGGER)["status"] == "open"
    client.cancel_order(order["id"], BTC, TRIGGER)
    assert client.fetch_order(order["id"], BTC, TRIGGER)["status"] == "canceled"


def test_a_closing_stop_without_quantity(client, price):
    client.create_order(BTC, "market", "buy", 0.01)
    params = {"triggerPrice": price * 0.9, "closePosition": True, "workingType": "MARK_PRICE"}
    stop = client.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, params)
    assert stop["info"]["closePosition"] is True
    client.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert client.fetch_order(stop["id"], BTC, TRIGGER)["status"] == "expired"


def test_a_driven_price_triggers_the_stop(client, price, venue):
    client.create_order(ETH, "market", "buy", 0.1)
    last = client.fetch_ticker(ETH)["last"]
    params = {"triggerPrice": last * 0.95, "reduceOnly": True, "workingType": "MARK_PRICE", "clientOrderId": "driven"}
    stop = client.create_order(ETH, "STOP_MARKET", "sell", 0.1, None, params)
    assert (
        venue.desk("POST", "price", {"symbol": "ETHUSDT", "path": [[0, last], [0.1, last * 0.9], [5, last * 0.9]]})[0]
        == 200
    )
    for _ in range(50):
        if not client.fetch_positions([ETH]):
            break
    assert client.fetch_positions([ETH]) == []
    info = client.fetch_order(stop["id"], ETH, TRIGGER)["info"]
    fill = client.fetch_order(info["actualOrderId"], ETH)
    assert (info["algoStatus"], fill["status"], fill["clientOrderId"]) == ("FINISHED", "closed", "driven")
    assert fill["average"] == pytest.approx(last * 0.9, rel=1e-3)


def test_refusals_reach_ccxt(client, price):
    with pytest.raises(ccxt.ExchangeError, match="-2019"):
        client.create_order(BTC, "market", "buy", 50)
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        client.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
    with pytest.raises(ccxt.ExchangeError, match="-2021"):
        client.create_order(BTC, "STOP_MARKET", "sell", 0.01, None, {"triggerPrice": price * 1.1})
    with pytest.raises(ccxt.ExchangeError, match="-2013"):
        client.fetch_order("1", BTC)


def test_a_wrong_secret_is_turned_away(venue):
    with pytest.raises(ccxt.BaseError, match="-1022"):
        pointed(ccxt.binanceusdm(CONFIG | {"secret": "guess"}), venue.port).fapiprivatev3_get_balance()


def test_the_exchange_knew_every_endpoint_that_ccxt_asked(client, venue):
    client.fetch_funding_history(BTC)
    assert venue.state()["unknown_endpoints"] == {}

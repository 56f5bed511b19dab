"""The venue's own payloads, read."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trading.exchange import klines, wire
from trading.exchange.streaming import account_symbols
from trading.exchange.venue import OrderRequest, OrderStatus, OrderType, Side

BTC = "BTC/USDT:USDT"


@pytest.fixture
def payload(market_data):
    def read(name: str):
        found = json.loads((market_data / "exchange" / name).read_text())
        return found.get("data", found) if isinstance(found, dict) else found

    return read


@pytest.mark.parametrize(
    ("market", "symbol"),
    [
        ("BTCUSDT", BTC),
        ("1000PEPEUSDT", "1000PEPE/USDT:USDT"),
        ("ETHUSDC", "ETH/USDC:USDC"),
        ("USDCUSDT", "USDC/USDT:USDT"),
        ("BTCUSDT_260327", None),
        ("ETHBTC", None),
        ("USDT", None),
    ],
)
def test_names_go_both_ways(market, symbol):
    assert wire.symbol_of(market) == symbol
    assert symbol is None or wire.market_id(symbol) == market


def test_positions_of_v2_carry_leverage_and_mode(payload):
    [raw] = payload("binance_um/http_json/position_risk.json")
    position = wire.position(raw, BTC)
    assert (position.side, position.quantity) == (Side.LONG, Decimal("0.001"))
    assert (position.leverage, position.margin_mode) == (20, "cross")
    assert (position.entry_price, position.liquidation_price) == (Decimal("50000.0"), Decimal("45000.0"))


def test_what_is_not_held_is_no_position(payload):
    [raw] = payload("binance_um_py/http_responses/http_futures_account_positions_one_way.json")
    assert wire.position(raw, BTC) is None


def test_v3s_leverage_is_notional_by_initial_margin():
    assert wire.leverage({"notional": "-3000.5", "positionInitialMargin": "1000.16"}) == 3
    assert wire.leverage({"notional": "0", "positionInitialMargin": "0"}) is None


def test_an_open_algo_order_is_read(payload):
    [raw] = payload("binance_um/http_json/open_algo_orders.json")
    order = wire.algo_order(raw, BTC)
    assert (order.type, order.status, order.trigger) == (OrderType.STOP_MARKET, OrderStatus.NEW, Decimal("45000.00"))
    assert (order.client_order_id, order.spawned_id) == ("test-algo-order-1", "")


def test_an_ordinary_order_is_read(payload):
    raw = payload("binance_um/http_json/order_response.json")
    order = wire.order(raw, wire.symbol_of(raw["symbol"]))
    assert order.venue_order_id == str(raw["orderId"])
    assert order.quantity == Decimal(raw["origQty"])


def test_fills_are_exact(payload):
    fills = [
        wire.fill(raw, "ETH/USDT:USDT")
        for raw in payload("binance_um_py/http_responses/http_futures_account_trades.json")
    ]
    assert [f.fee for f in fills] == [Decimal("0.00555670"), Decimal("0.00555800")]
    assert fills[1].realized == Decimal("-0.00325000")


@pytest.mark.parametrize(
    ("price", "status"), [("0.13856", OrderStatus.FILLED), ("0", OrderStatus.CANCELED), ("", OrderStatus.CANCELED)]
)
def test_finished_is_filled_only_with_a_price(price, status):
    assert wire.algo_status({"algoStatus": "FINISHED", "actualPrice": price}) is status


def test_the_closed_flag_of_a_kline_is_kept(payload):
    bar, closed = klines.streamed_bar(payload("binance_um/market_data_json/kline_stream_closed.json"))
    assert closed is True
    assert (bar.symbol, bar.open_time) == (BTC, datetime(2021, 12, 5, 23, 41, tzinfo=UTC))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (0.001, 0.0025, 0.001, 0.002, 1000.0)
    assert klines.streamed_bar(payload("binance_um/market_data_json/kline_stream_open.json"))[1] is False


def test_a_mark_of_the_stream_is_exact(payload):
    mark = wire.streamed_mark(payload("binance_um/market_data_json/mark_price_stream.json"))
    assert (mark.price, mark.funding_rate) == (Decimal("11794.15000000"), Decimal("0.00038167"))


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("binance_um/user_data_json/order_update_new.json", {BTC}),
        ("binance_um/user_data_json/algo_update_new.json", {"BNB/USDT:USDT"}),
        ("binance_um_py/ws_messages/ws_futures_algo_update_triggered.json", {"DOGE/USDT:USDT"}),
        ("binance_um/market_data_json/kline_stream_closed.json", set()),
    ],
)
def test_account_events_name_their_symbols(payload, name, symbols):
    assert account_symbols(payload(name)) == symbols


def test_an_account_update_names_every_position(payload):
    raw = payload("binance_um/user_data_json/account_update.json")
    assert len(account_symbols(raw)) == len({p["s"] for p in raw["a"]["P"]})


def test_what_is_no_number_in_a_candle_becomes_nan():
    bar = klines.bar([1_770_000_000_000, "1", None, "", "abc", {}, 0], BTC)
    assert bar.open == 1.0
    assert all(value != value for value in (bar.high, bar.low, bar.close, bar.volume))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "abc", None, {}])
def test_money_must_be_a_finite_number(value):
    with pytest.raises(wire.UNREADABLE):
        wire.number(value)


def test_what_others_place_is_read_as_the_nearest_of_ours():
    assert wire.order_type("TRAILING_STOP_MARKET", None) is OrderType.STOP_MARKET
    assert wire.order_type("SOMETHING_NEW", Decimal(5)) is OrderType.LIMIT
    assert wire.order_type("SOMETHING_NEW", None) is OrderType.MARKET


def request(kind: OrderType, **rest) -> OrderRequest:
    return OrderRequest("qt-1", BTC, "sell", kind, **rest)


def test_a_close_position_stop_has_no_quantity_and_is_not_reduce_only():
    params = wire.conditional_params(
        request(OrderType.STOP_MARKET, trigger=Decimal("1E+2"), close_position=True, reduce_only=True)
    )
    assert params["triggerPrice"] == "100"
    assert params["closePosition"] == "true"
    assert not {"quantity", "reduceOnly", "price"} & set(params)
    assert params["workingType"] == "MARK_PRICE"


@pytest.mark.parametrize(
    "nonsense",
    [
        request(OrderType.STOP_MARKET, close_position=True),
        request(OrderType.STOP_MARKET, trigger=Decimal(1)),
        request(OrderType.STOP_MARKET, trigger=Decimal(1), quantity=Decimal(1), close_position=True),
        request(OrderType.STOP, trigger=Decimal(1), quantity=Decimal(1)),
    ],
)
def test_a_conditional_order_without_what_it_needs_is_not_built(nonsense):
    with pytest.raises(ValueError, match="conditional"):
        wire.conditional_params(nonsense)


@pytest.mark.parametrize("nonsense", [request(OrderType.MARKET), request(OrderType.LIMIT, quantity=Decimal(1))])
def test_an_ordinary_order_without_what_it_needs_is_not_built(nonsense):
    with pytest.raises(ValueError, match="needs a"):
        wire.ordinary_params(nonsense)

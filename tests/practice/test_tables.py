"""The venue's rules: every symbol we can play has real ones, a stranger gets sensible ones."""

import json
from decimal import Decimal

import pytest

from tests.practice.test_market_synthetic import load_tool
from trading.practice import tables
from trading.practice.traits import TRAITS

TABLES = tables.load()
FILTERS = {
    "PRICE_FILTER",
    "LOT_SIZE",
    "MARKET_LOT_SIZE",
    "MAX_NUM_ORDERS",
    "MAX_NUM_ALGO_ORDERS",
    "MIN_NOTIONAL",
    "PERCENT_PRICE",
}


def filters(symbol: str, price: str = "1") -> dict[str, dict]:
    info = TABLES.symbol_info(symbol, Decimal(price))
    return {f["filterType"]: f for f in info["filters"]}


def test_the_table_is_small():
    assert tables.FILE.stat().st_size <= 100_000


def test_bitcoin_has_the_rules_of_production():
    info, rules = TABLES.symbol_info("BTCUSDT", Decimal(100_000)), filters("BTCUSDT", "100000")
    assert rules["PRICE_FILTER"]["tickSize"] == "0.1"
    assert rules["LOT_SIZE"] == {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"}
    assert rules["MARKET_LOT_SIZE"]["maxQty"] == "120"
    assert rules["PERCENT_PRICE"]["multiplierUp"] == "1.0500" and rules["PERCENT_PRICE"]["multiplierDown"] == "0.9500"
    assert info["marketTakeBound"] == "0.05" and info["triggerProtect"] == "0.0500"
    assert info["baseAsset"] == "BTC" and info["pricePrecision"] == 2 and info["quantityPrecision"] == 3


@pytest.mark.parametrize("symbol", [*TRAITS, "NEWCOINUSDT"])
def test_every_entry_is_complete_and_consistent(symbol):
    price = Decimal(repr(TRAITS[symbol].price)) if symbol in TRAITS else Decimal("0.00321")
    info, rules = TABLES.symbol_info(symbol, price), filters(symbol, str(price))
    assert set(rules) == FILTERS
    tick, step = Decimal(rules["PRICE_FILTER"]["tickSize"]), Decimal(rules["LOT_SIZE"]["stepSize"])
    low, high = Decimal(rules["PRICE_FILTER"]["minPrice"]), Decimal(rules["PRICE_FILTER"]["maxPrice"])
    assert 0 < low < price / 10 and price * 10 < high and low % tick == 0
    assert tick / price < Decimal("0.005") and step * price < 200
    assert -tick.normalize().as_tuple().exponent <= info["pricePrecision"]
    assert -step.normalize().as_tuple().exponent <= info["quantityPrecision"]
    assert Decimal(rules["LOT_SIZE"]["minQty"]) >= step
    json.dumps(info)


@pytest.mark.parametrize(
    ("price", "tick", "step"),
    [("0.0000123", "0.000000001", "1"), ("0.5", "0.00001", "1"), ("12.5", "0.001", "0.01"), ("91000", "1", "0.001")],
)
def test_a_stranger_gets_rules_from_its_price(price, tick, step):
    rules = filters("STRANGERUSDT", price)
    assert (rules["PRICE_FILTER"]["tickSize"], rules["LOT_SIZE"]["stepSize"]) == (tick, step)


def test_brackets_rise_in_notional_and_fall_in_leverage():
    for symbol in [*TRAITS, "NEWCOINUSDT"]:
        rows = TABLES.brackets(symbol)
        assert rows[0]["notionalFloor"] == 0 and rows[0]["cum"] == 0
        for a, b in zip(rows, rows[1:], strict=False):
            assert b["notionalFloor"] == a["notionalCap"]
            assert b["initialLeverage"] <= a["initialLeverage"] and b["maintMarginRatio"] >= a["maintMarginRatio"]


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (-1021, 400, "recvWindow"),
        (-1022, 400, "Signature"),
        (-1003, 429, "Too many requests"),
        (-1008, 503, "overloaded"),
        (-2015, 401, "Invalid API-key"),
        (-2013, 400, "Order does not exist."),
        (-2019, 400, "Margin is insufficient."),
        (-2021, 400, "Order would immediately trigger."),
        (-4046, 400, "No need to change margin type."),
        (-4120, 400, "Algo Order API"),
        (-4130, 400, "closePosition"),
        (-4164, 400, "notional must be no smaller than 5"),
        (-4509, 400, "GTE"),
        (-99999, 400, "unknown error"),
    ],
)
def test_errors_have_the_venues_status_and_words(code, status, words):
    got = TABLES.error(code)
    assert got[0] == status and words in got[1]


def test_no_message_has_a_hole_in_it():
    assert not [m for _, m in TABLES.errors.values() if "%s" in m or not m]


# -- against the sources ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def tool():
    return load_tool("make_venue_table")


@pytest.mark.data
def test_the_generator_gives_the_same_bytes(market_data, tool):
    assert tool.write(tool.build(market_data)) == tables.FILE.read_bytes()


@pytest.mark.data
def test_every_recorded_symbol_that_anyone_knows_is_covered(market_data, tool):
    strangers = tool.recorded_symbols(market_data) - set(TABLES.symbols)
    assert strangers == {"BTTUSDT", "PEPEUSDT", "SHIBUSDT"}  # spot only: in no exchangeInfo of the futures


@pytest.mark.data
def test_brackets_are_those_of_the_venue(market_data, tool):
    tiers = tool.load(market_data / "exchange" / tool.TIERS)
    for symbol in TABLES.ladder_of:
        real = [t["info"] for t in tiers[f"{symbol.removesuffix('USDT')}/USDT:USDT"]]
        ours = TABLES.brackets(symbol)
        assert len(ours) == len(real)
        for a, b in zip(ours, real, strict=True):
            assert a["notionalCap"] == int(b["notionalCap"]) and a["initialLeverage"] == int(b["initialLeverage"])
            assert a["notionalFloor"] == int(b["notionalFloor"])
            assert a["maintMarginRatio"] == float(b["maintMarginRatio"])
            assert a["cum"] == pytest.approx(float(b["cum"]), abs=0.01)


@pytest.mark.data
def test_filters_are_those_of_production_but_for_finer_ticks(market_data):
    source = json.loads((market_data / "exchange/binance_um_exchangeInfo_PROD_2022-05-06.json").read_bytes())
    for entry in source["symbols"]:
        if entry["symbol"] not in TABLES.symbols:
            continue
        real = {f["filterType"]: f for f in entry["filters"]}
        ours = filters(entry["symbol"])
        assert Decimal(ours["PRICE_FILTER"]["tickSize"]) <= Decimal(real["PRICE_FILTER"]["tickSize"])
        assert Decimal(ours["MARKET_LOT_SIZE"]["maxQty"]) == Decimal(real["MARKET_LOT_SIZE"]["maxQty"])
        assert ours["PERCENT_PRICE"] == {k: real["PERCENT_PRICE"][k] for k in ours["PERCENT_PRICE"]}
        assert ours["MIN_NOTIONAL"]["notional"] == real["MIN_NOTIONAL"]["notional"]

"""Rounding, over the real rules of the venue."""

import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.exchange import filters, wire
from trading.exchange.venue import Filters, Side

PRICES = st.decimals("0.00001", "200000", places=9, allow_nan=False)
AMOUNTS = st.decimals("0", "100000000", places=9, allow_nan=False)
SIDES = st.sampled_from(list(Side))
BTC = Filters(
    symbol="BTC/USDT:USDT",
    tick=Decimal("0.10"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000),
    market_max_quantity=Decimal(120),
    min_notional=Decimal(100),
)


@pytest.fixture(scope="module")
def rules(market_data) -> list[Filters]:
    folder = market_data / "exchange"
    real = json.loads((folder / "binance_um_exchangeInfo_PROD_2022-05-06.json").read_text())["symbols"]
    older, odd = wire.rules(real, {}, {})
    assert odd == {}
    with gzip.open(folder / "binance_um_exchangeInfo_TESTNET_2025-12-24.json.gz") as file:
        newer, odd = wire.rules(json.load(file)["symbols"], {}, {})
    assert odd == {"OPENUSDT": "ValueError a tick of 0, a step of 1E-7"}  # listed, and not traded yet
    found = [*older.values(), *newer.values()]
    assert len(found) > 700
    return found


@settings(max_examples=300, deadline=None)
@given(data=st.data(), side=SIDES, price=PRICES, amount=AMOUNTS)
def test_rounding_lands_on_the_grid_and_errs_to_the_safe_side(rules, data, side, price, amount):
    rule = data.draw(st.sampled_from(rules))
    nearer = filters.towards_profit(side, price, rule)
    farther = filters.towards_loss(side, price, rule)
    assert nearer % rule.tick == farther % rule.tick == 0
    assert abs(nearer - price) < rule.tick and abs(farther - price) < rule.tick
    assert side.sign * (nearer - price) >= 0 >= side.sign * (farther - price)
    fitted = filters.quantity(amount, rule, at_market=True)
    assert 0 <= fitted <= min(amount, rule.max_quantity, rule.market_max_quantity)
    assert fitted == 0 or (fitted % rule.step == 0 and fitted >= rule.min_quantity)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), price=PRICES, mark=st.decimals("1", "200000", places=6))
def test_a_limit_stays_within_the_venues_band(rules, data, price, mark):
    rule = data.draw(st.sampled_from(rules))
    if mark < 100 * rule.tick:
        return
    kept = filters.within_percent(price, mark, rule)
    assert mark * rule.percent_down <= kept <= mark * rule.percent_up


@pytest.mark.parametrize(
    ("wanted", "at_market", "fitted"),
    [
        ("0.0019", True, "0.001"),
        ("0.0009", True, "0"),
        ("500", True, "120"),
        ("500", False, "500"),
        ("5000", False, "1000"),
        ("0", True, "0"),
    ],
)
def test_a_quantity_is_never_rounded_up(wanted, at_market, fitted):
    assert filters.quantity(Decimal(wanted), BTC, at_market=at_market) == Decimal(fitted)


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.LONG, "100.2", "100.1"), (Side.SHORT, "100.1", "100.2")])
def test_a_stop_is_rounded_to_lose_less_and_a_target_to_be_reached_sooner(side, stop, target):
    assert filters.towards_profit(side, Decimal("100.14"), BTC) == Decimal(stop)
    assert filters.towards_loss(side, Decimal("100.14"), BTC) == Decimal(target)

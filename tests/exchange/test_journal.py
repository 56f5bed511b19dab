"""The venue's income history through the gateway: every kind, page by page, once each; and what was asked for it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.positions.conftest import Venue
from trading.exchange import history
from trading.exchange.errors import Refused, Unreachable
from trading.exchange.venue import Side

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue(db) -> Venue:
    return Venue()


def test_every_kind_is_told_with_its_asset_and_trade(venue):
    began = venue.clock() - timedelta(minutes=1)
    position = venue.enter(Side.LONG)
    venue.drive(venue.at(position, 3))
    venue.sweep()
    journal = venue.gateway.journal(began)
    assert [b.kind for b in journal] == ["TRANSFER", "COMMISSION", "COMMISSION", "REALIZED_PNL"]
    assert {b.asset for b in journal} == {"USDT"}
    deposit, bought, sold, won = journal
    assert (deposit.symbol, deposit.amount, deposit.trade_id) == ("", Decimal(10_000), "")
    assert bought.symbol == "BTC/USDT:USDT" and bought.amount < 0 < won.amount
    assert sold.trade_id == won.trade_id != bought.trade_id
    assert len({b.income_id for b in journal}) == 4


def test_a_long_history_is_read_page_by_page_and_each_line_once(venue, monkeypatch):
    began = venue.clock() - timedelta(minutes=1)
    for _ in range(4):
        position = venue.enter(Side.LONG)
        venue.drive(venue.at(position, 3))
        venue.sweep()
    whole = venue.gateway.journal(began)
    monkeypatch.setattr(history, "PAGE", 3)
    assert venue.gateway.journal(began) == whole and len(whole) == 13


def test_lines_that_no_page_can_tell_apart_are_no_answer(venue, monkeypatch):
    venue.enter(Side.LONG)
    monkeypatch.setattr(history, "PAGE", 1)
    with pytest.raises(Unreachable, match="millisecond"):
        venue.gateway.journal(venue.clock() - timedelta(minutes=1))


def test_without_times_the_venue_tells_a_week_and_never_more_than_three_months(venue):
    def told(**asked):
        return venue.gateway._ask("fapiPrivateGetIncome", asked, list)

    assert len(told()) == 1
    venue.wait(8 * 86_400)
    assert told() == [] and len(told(startTime=1)) == 1
    assert told(startTime=1, page=2) == []
    venue.wait(83 * 86_400)
    assert told(startTime=1) == []


def test_what_is_asked_meanwhile_is_recorded_with_its_answer(venue):
    venue.fault("error_code", code=-4120, method="GET", path="/fapi/v1/openAlgoOrders")
    with venue.gateway.recorded() as calls:
        venue.gateway.account()
        with pytest.raises(Refused):
            venue.gateway.open_orders()
    venue.gateway.account()
    assert [(c.endpoint, c.code) for c in calls] == [
        ("fapiPrivateV3GetAccount", 0), ("fapiPrivateGetOpenOrders", 0), ("fapiPrivateGetOpenAlgoOrders", -4120),
    ]  # fmt: skip
    assert venue.gateway.library.startswith("ccxt 4.")

"""A position as the page shows it: the stop truth above all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.show.held import Held, Protection, badge, patch, rail, seconds_without, value
from monitoring.watch.words import NBSP

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = timedelta(seconds=15)
STOP = Protection("stop", Decimal("29942.0"), 1, "STOP", Decimal("0.12"), True, False, NOW - timedelta(seconds=3))
BTC = Held(
    id=1, symbol="BTC/USDT:USDT", side="long", quantity=Decimal("0.12"), entry=Decimal("30214.5"),
    mark=Decimal("30318.4"), mark_at=NOW, leverage=3, r=Decimal("272.5"), liquidation=Decimal("27470.1"), target=None,
    trailing=False, stop=STOP, backstop=None, unprotected_since=None, seconds_unprotected=1.4,
    opened_at=NOW - timedelta(minutes=5), decision_id=1,
)  # fmt: skip


def test_a_confirmed_stop_is_protection():
    assert badge(BTC, STOP, LIMIT, NOW).state == "ok"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"verified_at": NOW - timedelta(seconds=38)}, "warn"),
        ({"verified_at": None}, "unknown"),
        ({"quantity": Decimal("0.1")}, "warn"),
        ({"quantity": None, "close_position": True}, "ok"),
        ({"price": None}, "fail"),
    ],
)
def test_what_is_not_verified_is_never_drawn_as_protected(changes, state):
    assert badge(BTC, replace(STOP, **changes), LIMIT, NOW).state == state


def test_no_stop_counts_its_seconds_against_the_limit():
    bare = replace(BTC, stop=None, unprotected_since=NOW - timedelta(seconds=2))
    shown = badge(bare, None, LIMIT, NOW)
    assert (shown.state, shown.price, shown.note.replace(NBSP, " ")) == ("fail", "no stop", "2 s of 5 s")
    assert seconds_without(bare, NOW) == pytest.approx(3.4)


@pytest.mark.parametrize(("side", "mark", "profit"), [("long", "30318.4", "12.468"), ("short", "30318.4", "-12.468")])
def test_profit_follows_the_side(side, mark, profit):
    assert value(replace(BTC, side=side), Decimal(mark), NOW).unrealized == Decimal(profit)


def test_the_rail_runs_from_liquidation_to_mark_for_both_sides():
    assert rail(Decimal(110), Decimal(100), Decimal(60)) == 0.8
    assert rail(Decimal(90), Decimal(100), Decimal(140)) == 0.8
    assert rail(Decimal(110), None, Decimal(60)) is None
    assert rail(Decimal(100), Decimal(100), Decimal(100)) is None


def test_a_patch_has_the_numbers_and_the_words_of_the_page():
    row = patch(BTC, Decimal("30000"), NOW)
    assert (row["id"], row["mark"], row["unrealized"]) == (1, "30000", "-25.74")
    assert row["text"]["mark"] == "30,000.0"
    assert row["text"]["unrealized"] == "\u221225.74"
    assert row["text"]["reach"].replace(NBSP, " ") == "0.19 % away, liq. 8.4 %"


def test_all_prices_of_a_row_are_written_alike():
    assert badge(BTC, STOP, LIMIT, NOW).price == "29,942.0"

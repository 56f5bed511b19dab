"""What bears out a candle, or contradicts it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading.exchange.venue import Bar, Mark
from trading.feed.witness import FORMED, Witness, heard_forming, heard_mark, shrunk

MINUTE = timedelta(minutes=1)
T0 = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BAR = Bar("X", T0, 100.0, 102.0, 99.0, 101.0, 5.0)


def mark(price: str, second: int) -> Mark:
    return Mark("X", Decimal(price), Decimal(0), None, T0 + timedelta(seconds=second))


def heard(*prices: str) -> Witness:
    seen = None
    for i, price in enumerate(prices):
        seen = heard_mark(seen, mark(price, 10 * i), MINUTE)
    return seen


def test_a_mark_s_range_is_known_bar_by_bar():
    seen = heard("100", "101", "99", "100", "100", "100", "104", "104")
    assert seen.ranges == ((T0, 99.0, 101.0), (T0 + MINUTE, 104.0, 104.0))
    assert seen.moved(BAR) == pytest.approx(2 / 101)
    assert heard(*["100"] * 13).ranges[0][0] == T0 + MINUTE


def test_a_mark_stands_still_once_it_was_heard_into_the_second_half_of_the_bar():
    assert heard("100", "100", "100", "100").stood_still(BAR, MINUTE)
    assert not heard("100", "100", "100").stood_still(BAR, MINUTE)
    assert not heard("100", "101", "100", "100").stood_still(BAR, MINUTE)
    assert not Witness(100.0, T0 + MINUTE).stood_still(BAR, MINUTE)


def test_a_closed_candle_has_the_range_it_was_told_to_have():
    seen = heard_mark(None, mark("100", 0), MINUTE)
    for high, low in ((101.0, 100.0), (102.0, 99.5), (102.0, 99.0)):
        seen = heard_forming(seen, replace(BAR, high=high, low=low))
    assert seen.formed == ((T0, 99.0, 102.0),)
    assert shrunk(BAR, seen) is None
    assert shrunk(replace(BAR, high=103.0), seen) is None
    assert shrunk(replace(BAR, high=101.5, low=99.5), seen).fields == ("high", "low")
    assert shrunk(replace(BAR, open_time=T0 + MINUTE, high=101.5), seen) is None


def test_a_candle_is_still_held_to_what_was_told_of_it_when_later_ones_form():
    seen = heard_mark(None, mark("100", 0), MINUTE)
    flat = replace(BAR, high=100.0, low=100.0, close=100.0)
    for minute in range(FORMED):
        seen = heard_forming(seen, replace(BAR, open_time=T0 + minute * MINUTE))
        assert shrunk(flat, seen).fields == ("high", "low")
    seen = heard_forming(seen, replace(BAR, open_time=T0 + FORMED * MINUTE))
    assert shrunk(flat, seen) is None, "not remembered for ever"


def test_what_is_told_late_belongs_to_its_own_bar():
    seen = heard_mark(None, mark("100", 0), MINUTE)
    for minute, high in ((0, 101.0), (1, 102.0), (0, 103.0), (3, 104.0), (2, 105.0)):
        seen = heard_forming(seen, replace(BAR, open_time=T0 + minute * MINUTE, high=high))
    assert [(at, high) for at, _, high in seen.formed] == [
        (T0 + minute * MINUTE, high) for minute, high in enumerate((103.0, 102.0, 105.0, 104.0))
    ]


def test_a_stream_that_told_something_else_before_is_believed_in_its_newest_word():
    """A price that stood still, and moves again: the true candle may never have been there."""
    seen = heard_mark(None, mark("100", 0), MINUTE)
    for low, high in ((90.0, 110.0), (99.5, 101.0)):
        seen = heard_forming(seen, replace(BAR, high=high, low=low))
    assert seen.formed == ((T0, 99.5, 101.0),) and shrunk(BAR, seen) is None


def test_a_candle_that_forms_without_a_range_bears_witness_of_nothing():
    seen = heard_mark(None, mark("100", 0), MINUTE)
    for low, high in ((99.0, 102.0), (150.0, 150.0)):
        seen = heard_forming(seen, replace(BAR, high=high, low=low))
    assert seen.formed == () and shrunk(BAR, seen) is None

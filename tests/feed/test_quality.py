import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trading.exchange.venue import Bar
from trading.feed import quality

MINUTE = timedelta(minutes=1)
T0 = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NOW = T0 + timedelta(minutes=10)
GOOD = Bar("BTC/USDT:USDT", T0, 100.0, 102.0, 99.0, 101.0, 5.0)


def test_a_good_candle_has_no_fault():
    assert quality.judge(GOOD, MINUTE, NOW) is None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"close": math.nan}, "nan"),
        ({"high": math.inf}, "nan"),
        ({"volume": -math.inf}, "nan"),
        ({"open_time": T0 + timedelta(seconds=7)}, "off_grid"),
        ({"open_time": NOW + MINUTE}, "future"),
        ({"open_time": NOW}, "unclosed"),
        ({"low": 103.0}, "impossible"),
        ({"low": 0.0}, "impossible"),
        ({"low": -1.0}, "impossible"),
        ({"close": 98.0}, "impossible"),
        ({"open": 102.1}, "impossible"),
        ({"high": 1e308}, "impossible"),
        ({"volume": -0.1}, "impossible"),
        ({"volume": 1e18}, "impossible"),
    ],
)
def test_each_kind_of_broken_candle_is_named(change, kind):
    fault = quality.judge(replace(GOOD, **change), MINUTE, NOW)
    assert fault is not None
    assert fault.kind == kind
    assert fault.detail
    assert all(isinstance(text, str) for text in fault.raw)
    assert set(fault.fields) & {*change, "low", "high"}


def test_a_candle_is_closed_in_the_moment_in_which_it_ends():
    assert quality.judge(GOOD, MINUTE, T0 + MINUTE) is None
    assert quality.judge(GOOD, MINUTE, T0 + MINUTE - timedelta(milliseconds=1)).kind == "unclosed"


def test_a_gap_says_what_is_missing():
    times = [T0, T0 + MINUTE, T0 + 5 * MINUTE, T0 + 7 * MINUTE]
    assert list(quality.gaps("X", times, MINUTE)) == [
        quality.Gap("X", T0 + 2 * MINUTE, T0 + 4 * MINUTE, 3),
        quality.Gap("X", T0 + 6 * MINUTE, T0 + 6 * MINUTE, 1),
    ]


def test_what_is_left_of_a_gap_shrinks_to_nothing():
    gap = quality.Gap("X", T0, T0 + 4 * MINUTE, 5)
    assert quality.left_of(gap, [T0, T0 + 2 * MINUTE], MINUTE) == quality.Gap("X", T0 + MINUTE, T0 + 4 * MINUTE, 3)
    assert quality.left_of(gap, [T0 + i * MINUTE for i in range(5)], MINUTE) is None


def test_of_two_that_differ_at_once_neither_is_believed():
    other = replace(GOOD, close=100.5)
    kept, again = quality.once([GOOD, GOOD, other])
    assert kept == []
    assert [(f.kind, f.fields) for f in again] == [("duplicate", ()), ("disputed", ("close",))]
    assert quality.once([GOOD, GOOD])[0] == [GOOD]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, "duplicate"),
        ({"close": 100.5}, "revised"),
        ({"open_time": T0 - MINUTE}, "order"),
        ({"open_time": T0 + MINUTE}, None),
    ],
)
def test_a_candle_that_was_told_before_is_told_apart(change, kind):
    fault = quality.repeated(replace(GOOD, **change), GOOD)
    assert (fault and fault.kind) == kind


@pytest.mark.parametrize(
    ("timeframe", "step"), [("1m", MINUTE), ("15m", 15 * MINUTE), ("4h", timedelta(hours=4)), ("1d", timedelta(days=1))]
)
def test_a_timeframe_is_a_length(timeframe, step):
    assert quality.step_of(timeframe) == step

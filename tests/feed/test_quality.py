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


def test_a_candle_is_closed_in_the_moment_in_which_it_ends():
    assert quality.judge(GOOD, MINUTE, T0 + MINUTE) is None
    assert quality.judge(GOOD, MINUTE, T0 + MINUTE - timedelta(milliseconds=1)).kind == "unclosed"


def test_a_jump_is_noted_and_a_usual_move_is_not():
    assert quality.spike(GOOD, 100.0) is None
    assert quality.spike(GOOD, 150.0).kind == "spike"


def test_a_gap_says_what_is_missing():
    found = list(quality.gaps("X", [T0, T0 + MINUTE, T0 + 5 * MINUTE, T0 + 7 * MINUTE], MINUTE))
    assert [(f.open_time, f.detail) for f in found] == [
        (T0 + 2 * MINUTE, "3 candles are missing, 2026-01-05 12:02 to 12:04"),
        (T0 + 6 * MINUTE, "1 candle is missing"),
    ]


def test_the_first_of_two_equal_times_wins():
    other = replace(GOOD, close=100.5)
    kept, again = quality.once([GOOD, GOOD, other])
    assert kept == [GOOD]
    assert [f.kind for f in again] == ["duplicate", "revised"]


@pytest.mark.parametrize(
    ("timeframe", "step"), [("1m", MINUTE), ("15m", 15 * MINUTE), ("4h", timedelta(hours=4)), ("1d", timedelta(days=1))]
)
def test_a_timeframe_is_a_length(timeframe, step):
    assert quality.step_of(timeframe) == step

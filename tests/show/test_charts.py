"""Figures: what they say, what they draw, and when there is nothing to draw."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitoring.show import charts

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VENDOR = Path(__file__).resolve().parents[2] / "static/vendor"


def line(*values, step=60):
    return [(NOON + timedelta(seconds=step * i), Decimal(str(v))) for i, v in enumerate(values)]


@pytest.mark.parametrize(
    "figure",
    [
        lambda: charts.equity([]),
        lambda: charts.equity(line(100)),
        lambda: charts.daily_profit([]),
        lambda: charts.codes_over_time([]),
        lambda: charts.codes_over_time([(NOON, "COOLDOWN_ACTIVE", 0)]),
        lambda: charts.calibration([]),
        lambda: charts.calibration([charts.Bin(0.3, 0.3, 0)]),
        lambda: charts.score_history([]),
    ],
)
def test_too_little_is_no_figure(figure):
    assert figure() is None


def test_equity_says_the_change_and_the_deepest_fall_from_the_highest_point():
    figure = charts.equity(line(100, 110, 99, 104.5))
    assert "104.50 USDT, +4.50" in figure.sentence
    assert "Deepest drawdown 10.00" in figure.sentence
    assert "22 Nov 12:02" in figure.sentence
    top, under = figure.traces
    assert top["y"] == [100, 110, 99, 104.5]
    assert under["y"] == [0, 0, -10, -5]


def test_a_gap_in_the_data_is_a_gap_in_the_line():
    points = [*line(1, 2, 3), (NOON + timedelta(hours=3), Decimal(4))]
    assert [v for _at, v in charts.with_gaps(points)] == [1, 2, 3, None, 4]
    assert None not in [v for _at, v in charts.with_gaps(line(1, 2, 3, 4))]


def test_days_are_blue_above_nothing_and_orange_below():
    figure = charts.daily_profit([(date(2026, 11, 20), Decimal("5.5")), (date(2026, 11, 21), Decimal(-2))])
    assert figure.sentence == "+3.50 USDT on 2 days; days with a profit: 1. Best +5.50, worst \u22122.00."
    assert figure.traces[0]["marker"]["color"] == ["--profit-mark", "--loss-mark"]
    assert figure.layout["yaxis"]["rangemode"] == "tozero"


def test_the_most_frequent_codes_are_named_and_the_others_added_up():
    rows = [(NOON, code, n) for code, n in (("A", 9), ("B", 5), ("C", 4), ("D", 2), ("E", 1))]
    figure = charts.codes_over_time([*rows, (NOON + timedelta(hours=1), "A", 1)])
    assert [t["name"] for t in figure.traces] == ["A", "B", "C", "others"]
    assert [t["y"] for t in figure.traces] == [[9, 1], [5, 0], [4, 0], [3, 0]]
    assert figure.sentence == "A gave 10 of 22 answers; 5 different codes."


def test_calibration_weighs_the_difference_by_the_counts():
    figure = charts.calibration([charts.Bin(0.3, 0.2, 300), charts.Bin(0.5, 0.5, 100)], base_rate=0.286)
    assert "7.5\u00a0% on average, over 400 signals" in figure.sentence
    seen = next(t for t in figure.traces if t.get("name") == "Came true")
    low = [y - minus for y, minus in zip(seen["y"], seen["error_y"]["arrayminus"], strict=True)]
    assert low[0] == pytest.approx(0.159, abs=0.002)  # Wilson's bound of 60 in 300


@pytest.mark.parametrize(
    ("share", "n", "low", "high"), [(0.5, 10, 0.237, 0.763), (0, 10, 0, 0.278), (1, 3, 0.438, 1), (0.5, 0, 0, 1)]
)
def test_the_interval_of_a_share_never_leaves_0_to_1(share, n, low, high):
    assert charts.wilson(share, n) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_the_score_is_drawn_in_steps_from_0_to_100():
    figure = charts.score_history([(NOON, 50, 90), (NOON + timedelta(hours=1), 72, 94)])
    assert figure.sentence == "72 of 100, 50 at 22 Nov 12:00; 94 points are measured."
    assert figure.layout["yaxis"]["range"][0] == 0
    assert all(t["line"]["shape"] == "hv" for t in figure.traces)


def test_every_figure_is_plain_json_and_every_colour_a_token():
    figures = [
        charts.equity(line(1, 2)),
        charts.daily_profit([(date(2026, 11, 20), Decimal(1))]),
        charts.codes_over_time([(NOON, "A", 1)]),
        charts.calibration([charts.Bin(0.3, 0.2, 3)]),
        charts.score_history([(NOON, 1, 2), (NOON, 3, 4)]),
    ]
    for figure in figures:
        told = json.dumps(figure.payload)
        assert "#" not in told, figure.name
        assert "rgb" not in told, figure.name
        assert "NaN" not in told, figure.name


@pytest.mark.parametrize("packed", sorted(VENDOR.rglob("*.gz")), ids=lambda p: p.name)
def test_a_packed_library_is_the_library(packed):
    assert gzip.decompress(packed.read_bytes()) == packed.with_suffix("").read_bytes()

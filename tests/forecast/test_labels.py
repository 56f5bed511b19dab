"""Labels: the first touch within the horizon, from the future alone and from no more of it than that."""

from dataclasses import replace

import numpy as np
import pytest

from tests.champions import market
from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.features import WARMUP, atr14
from trading.forecast.labels import UNKNOWN, labels, stop_distance

SPEC = LabelSpec()
AT = WARMUP  # the judged bar of the small stories below
LONG, SHORT = 0, 1


def story(**later: tuple[float, float]) -> Book:
    """Quiet bars of 99..101 (ATR14 = 2, so R = 3, and 2.5 R = 7.5); `b3=(high, low)` is the third bar after AT."""
    values = np.tile([100.0, 101.0, 99.0, 100.0, 5.0], (1, AT + SPEC.horizon + 2, 1))
    for name, (high, low) in later.items():
        values[0, AT + int(name[1:]), 1:3] = high, low
    return Book(("A",), np.arange(values.shape[1]) * 60, values, market(1, 1).step)


def test_r_is_the_larger_of_atr_and_costs():
    spec = replace(SPEC, stop_atr=1.5, min_stop_costs=3, round_trip=0.002)
    assert stop_distance(np.array([2.0, 0.1]), np.array([100.0, 100.0]), spec).tolist() == [3.0, 0.6]
    assert atr14(story())[0, AT] == pytest.approx(2)


@pytest.mark.parametrize(
    ("later", "long", "short"),
    [
        ({}, 0, 0),  # nothing is touched: time is over
        ({"b1": (107.6, 99)}, 1, 0),
        ({"b48": (107.6, 99)}, 1, 0),  # the horizon's last bar counts
        ({"b49": (107.6, 99)}, 0, 0),  # the one after it doesn't
        ({"b3": (101, 96.9), "b4": (107.6, 99)}, 0, 0),  # stopped before
        ({"b3": (107.6, 99), "b4": (101, 96.9)}, 1, 0),  # target before the stop
        ({"b3": (107.6, 96.9)}, 0, 0),  # both in one bar: the stop
        ({"b3": (107.5, 99)}, 1, 0),  # a touch is enough
        ({"b3": (107.4, 99)}, 0, 0),
        ({"b2": (101, 92.4)}, 0, 1),
        ({"b2": (103.1, 99), "b3": (101, 92.4)}, 0, 0),
    ],
)
def test_the_target_must_be_touched_before_the_stop(later, long, short):
    assert labels(story(**later), SPEC)[0, AT].tolist() == [long, short]


def brute(book: Book, spec: LabelSpec) -> np.ndarray:
    """The definition, word for word."""
    out = np.full((*book.values.shape[:2], 2), UNKNOWN, np.int8)
    r = stop_distance(atr14(book), book.column("close"), spec)
    for s, t in np.ndindex(*out.shape[:2]):
        path = book.values[s, t + 1 : t + 1 + spec.horizon]
        if not np.isfinite(r[s, t]) or len(path) < spec.horizon or not np.isfinite(path).all():
            continue
        close = book.values[s, t, 3]
        for side, sign in ((LONG, 1), (SHORT, -1)):
            out[s, t, side] = 0
            for _, high, low, _, _ in path:
                worst, best = (low, high) if sign == 1 else (high, low)
                if sign * (worst - close) <= -r[s, t]:
                    break
                if sign * (best - close) >= spec.target_r * r[s, t]:
                    out[s, t, side] = 1
                    break
    return out


def test_all_symbols_and_bars_at_once_say_what_the_definition_says():
    book = market(2, 500, seed=3)
    book.values[1, 350] = np.nan
    assert np.array_equal(labels(book, SPEC), brute(book, SPEC))


def test_labels_know_the_next_48_bars_and_nothing_later():
    book = market(2, 500)
    whole = labels(book, SPEC)
    for t in (WARMUP, 300, 400):
        values = book.values.copy()
        values[:, t + SPEC.horizon + 1 :] *= 3
        assert np.array_equal(labels(replace(book, values=values), SPEC)[:, t], whole[:, t])


def test_shifting_the_future_changes_labels_and_no_feature():
    """What is learned lies strictly after what it is learned from."""
    from trading.forecast.features import features

    book, t = market(4, 500), 400
    values = book.values.copy()
    values[:, t + 1 :, :4] = book.values[:, t, 3][:, None, None] ** 2 / values[:, t + 1 :, :4]  # mirrored from t on
    values[:, t + 1 :, 1:3] = values[:, t + 1 :, 2:0:-1]
    other = replace(book, values=values)
    assert np.array_equal(features(other)[:, : t + 1], features(book)[:, : t + 1], equal_nan=True)
    assert not np.array_equal(labels(other, SPEC)[:, : t + 1], labels(book, SPEC)[:, : t + 1])


def test_a_row_whose_horizon_is_not_complete_has_no_label():
    book = market(2, 400)
    known = (labels(book, SPEC) != UNKNOWN).all(axis=2)
    assert np.flatnonzero(known[0]).tolist() == list(range(WARMUP - 1, 400 - SPEC.horizon))


def test_a_gap_within_the_horizon_leaves_no_label():
    book = market(1, 600)
    book.values[0, 300] = np.nan
    known = np.flatnonzero((labels(book, SPEC) != UNKNOWN).all(axis=2)[0]).tolist()
    assert known == [*range(WARMUP - 1, 300 - SPEC.horizon), *range(300 + WARMUP, 600 - SPEC.horizon)]


def test_a_market_without_direction_hits_either_side_about_as_often():
    known = labels(market(12, 1500, drift=0.0), LabelSpec(round_trip=0.0))
    rates = [known[..., side][known[..., side] != UNKNOWN].mean() for side in (LONG, SHORT)]
    assert all(0.2 < rate < 0.33 for rate in rates)

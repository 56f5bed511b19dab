"""Features: mirrored exactly, causal, never filled in."""

from dataclasses import replace

import numpy as np
import pytest
import talib

from tests.champions import market
from trading.feed.candles import WINDOW, Book, empty
from trading.forecast import features as feats
from trading.forecast.features import EVEN, NAMES, ODD, SIGNS, WARMUP, features, indicators, sided


def with_values(book: Book, values: np.ndarray) -> Book:
    return replace(book, values=values)


def mirrored(book: Book) -> Book:
    """The market in which every log price has the other sign."""
    opened, high, low, close, volume = np.moveaxis(book.values, 2, 0)
    return with_values(book, np.stack([1 / opened, 1 / low, 1 / high, 1 / close, volume], axis=2))


def test_each_feature_is_odd_or_even_and_has_one_name():
    assert len(set(NAMES)) == len(ODD) + len(EVEN) == len(SIGNS)
    assert features(market(2, 260)).shape == (2, 260, len(NAMES))


def test_mirroring_the_market_flips_every_odd_feature_and_leaves_every_even_one():
    book = market(3, 400)
    here, there = features(book)[:, WARMUP:], features(mirrored(book))[:, WARMUP:]
    assert np.allclose(there, here * SIGNS, atol=1e-7)


def test_a_row_for_short_is_the_row_for_long_of_the_mirrored_market():
    book = market(3, 300)
    assert np.allclose(sided(features(book, 1))[1], features(mirrored(book), 1), atol=1e-7)


def test_features_never_see_the_future():
    book = market(3, 400)
    values = book.values.copy()
    values[:, 300:] *= np.linspace(1.1, 3, 100)[:, None]
    assert np.array_equal(features(book)[:, :300], features(with_values(book, values))[:, :300], equal_nan=True)


def test_the_newest_bar_alone_has_the_features_it_has_among_all():
    book = market(3, 400)
    assert np.array_equal(features(book, 1)[:, 0], features(book)[:, -1])


def test_a_window_sees_what_a_longer_history_sees():
    book = market(3, WINDOW + 700)
    window = book.window(book.last)
    assert np.abs(features(window, 1)[:, 0] - features(book, 1)[:, 0]).max() < 0.02


def test_a_gap_makes_the_bars_after_it_wait_for_a_new_warm_up():
    book = market(2, 700)
    values = book.values.copy()
    values[0, 300] = np.nan
    usable = np.isfinite(features(with_values(book, values))).all(axis=2)
    assert np.flatnonzero(usable[0]).tolist() == [*range(WARMUP - 1, 300), *range(300 + WARMUP, 700)]
    assert np.flatnonzero(usable[1]).tolist() == list(range(WARMUP - 1, 700))


def test_what_lies_before_a_gap_leaves_no_trace_after_it():
    book = market(1, 700)
    values = book.values.copy()
    values[0, 300] = np.nan
    other = values.copy()
    other[0, :300] *= 5
    assert np.array_equal(features(with_values(book, values), 1), features(with_values(book, other), 1))


def test_the_markets_features_are_medians_over_the_symbols_that_are_ready():
    book = market(3, 300)
    values = book.values.copy()
    values[2, -1] = np.nan
    rows = features(with_values(book, values), 1)[:, 0]
    middle = rows[:2, NAMES.index("return_48")].mean()
    assert np.allclose(rows[:2, NAMES.index("market_return_48")], middle)
    assert np.isnan(rows[2]).all()


def test_a_market_that_stands_still_has_features_all_the_same():
    book = market(2, 400)
    values = book.values.copy()
    values[:, 100:, :4] = 20.0
    values[:, 100:, 4] = 0.0
    rows = features(with_values(book, values), 1)
    assert np.isfinite(rows).all()
    assert (rows[:, 0, : NAMES.index("rsi_14")] == 0).all()


def test_wild_candles_are_cut_to_the_limit():
    book = market(1, 300)
    values = book.values.copy()
    values[0, -1, 1:4] *= 1000
    assert np.abs(features(with_values(book, values), 1)).max() == feats.LIMIT


@pytest.mark.parametrize("book", [empty(["A", "B"], market(1, 1).step), market(2, 100), empty([], market(1, 1).step)])
def test_too_little_history_gives_nothing_but_nan(book):
    rows = features(book)
    assert rows.shape == (len(book.symbols), len(book.times), len(NAMES))
    assert np.isnan(rows).all()


def test_indicators_are_those_of_the_newest_bar_in_price():
    book = market(2, 300)
    values = book.values.copy()
    values[1, -1] = np.nan
    facts = indicators(with_values(book, values))
    _, high, low, close, _ = book.values[0].T.copy()
    assert facts.atr14[0] == talib.ATR(high, low, close, 14)[-1]
    assert facts.ema200[0] == talib.EMA(close, 200)[-1]
    assert facts.adx[0] == talib.ADX(high, low, close, 14)[-1]
    assert facts.atr_share[0] == facts.atr14[0] / close[-1]
    assert np.isnan([facts.atr14[1], facts.ema200[1], facts.adx[1], facts.atr_share[1], facts.close[1]]).all()

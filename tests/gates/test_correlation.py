"""Correlation of returns, with gaps; and what it means for two directions."""

from datetime import timedelta

import numpy as np
import pytest

from trading.exchange.venue import Side
from trading.feed.candles import Book
from trading.gates.correlation import FEWEST, between, correlations, pairs, together


def book(moves: np.ndarray, symbols=None) -> Book:
    close = 100 * np.exp(np.cumsum(np.pad(moves, ((0, 0), (1, 0))), axis=1))
    values = np.repeat(close[:, :, None], 5, axis=2)
    names = symbols or tuple(f"S{i}" for i in range(len(moves)))
    return Book(tuple(names), np.arange(close.shape[1]) * 60, values, timedelta(minutes=1))


def noise(symbols: int, bars: int = 200) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.01, (symbols, bars))


def test_it_is_pearsons_correlation_of_log_returns():
    moves = noise(6)
    moves[1] = 0.8 * moves[0] + 0.2 * moves[1]
    known, right = pairs(book(moves)), np.corrcoef(moves)
    assert len(known) == 15
    assert known["S0", "S1"] == pytest.approx(right[0, 1], abs=1e-4)
    assert known["S2", "S4"] == pytest.approx(right[2, 4], abs=1e-4)


def test_gaps_are_left_out_pair_by_pair():
    moves = noise(2)
    holes = moves.copy()
    holes[1, 20:60] = np.nan
    there = np.isfinite(holes[1])
    right = np.corrcoef(moves[:, there])[0, 1]
    assert correlations(holes)[0, 1] == pytest.approx(right, abs=1e-4)


def test_scale_does_not_matter():
    moves = noise(2)
    assert correlations(moves * [[1], [1e-4]])[0, 1] == correlations(moves)[0, 1]


@pytest.mark.parametrize("bad", ["flat", "short", "missing"])
def test_what_cannot_be_measured_is_left_out(bad):
    moves = noise(3)
    moves[1] = {"flat": 0.0, "short": np.nan, "missing": np.nan}[bad]
    if bad == "short":
        moves[1, : FEWEST - 1] = noise(1)[0, : FEWEST - 1]
    assert set(pairs_of(moves)) == {("S0", "S2")}


def pairs_of(moves):
    matrix = correlations(moves)
    return {(f"S{a}", f"S{b}") for a in range(3) for b in range(a + 1, 3) if np.isfinite(matrix[a, b])}


def test_pairs_are_keyed_by_sorted_names_whatever_the_order_of_the_book():
    moves = noise(3)
    one = pairs(book(moves, ("C", "A", "B")))
    assert set(one) == {("A", "B"), ("A", "C"), ("B", "C")}
    assert one["A", "C"] == pytest.approx(np.corrcoef(moves[[1, 0]])[0, 1], abs=1e-4)
    assert between(one, "C", "A") == between(one, "A", "C") == one["A", "C"]
    assert between(one, "A", "A") == 1.0 and between(one, "A", "Z") is None


def test_only_the_newest_bars_count():
    moves = noise(2, 500)
    moves[1, 300:] = moves[0, 300:]
    assert pairs(book(moves))["S0", "S1"] == 1.0


@pytest.mark.parametrize("symbols", [0, 1])
def test_nobody_has_no_pairs(symbols):
    assert pairs(book(noise(2)[:symbols])) == {}


def test_a_young_book_claims_nothing():
    assert pairs(book(noise(2, 10))) == {}


def test_opposite_directions_of_what_moves_together_offset_each_other():
    assert together(0.9, Side.LONG, Side.LONG) == together(0.9, Side.SHORT, Side.SHORT) == 0.9
    assert together(0.9, Side.LONG, Side.SHORT) == -0.9
    assert together(-0.9, Side.LONG, Side.SHORT) == 0.9

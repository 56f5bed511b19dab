"""Neighbouring bars share their fate: intervals widen with it, and effective samples shrink."""

import numpy as np
import pytest

from trading.forecast.evidence import effective, interval, stretches, wilson

BARS = np.arange(480)


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(BARS))


def test_a_stretch_is_one_horizon_of_bars():
    assert stretches(BARS, 48) == 10
    assert stretches(np.array([5, 5, 47]), 48) == 1


def test_the_interval_holds_the_mean_and_is_the_same_each_time():
    low, high = interval(noise(), BARS, 48)
    assert low < noise().mean() < high
    assert (low, high) == interval(noise(), BARS, 48)


def test_values_that_go_together_prove_less_than_loose_ones():
    together = np.repeat(noise()[:10], 48)
    loose = np.random.default_rng(3).permutation(together)
    widths = [np.diff(interval(values, BARS, 48))[0] for values in (together, loose)]
    assert widths[0] > 3 * widths[1]


def test_answers_that_change_with_each_bar_count_once_a_stretch():
    assert effective(np.resize([1.0, 0.0], 480), BARS, 48) == 10
    assert effective((noise() > 0).astype(float), BARS, 4) > 40


def test_answers_that_hold_for_several_stretches_count_less():
    regimes = np.repeat([1.0, 0, 1, 1, 0, 1, 0, 0, 1, 0], 48)
    assert effective(regimes, BARS, 12) == pytest.approx(9, abs=1.5)


def test_answers_that_never_differ_count_once_a_stretch():
    assert effective(np.ones(480), BARS, 48) == 10
    assert effective(np.ones(3), np.array([0, 100, 200]), 48) == 3


def test_a_share_of_few_is_uncertain():
    assert wilson(0.9, 10) == pytest.approx((0.596, 0.982), abs=0.01)
    low, high = wilson(0.9, 1000)
    assert 0.87 < low < 0.9 < high < 0.92

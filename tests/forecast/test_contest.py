"""Only what is better takes over, and what is better must be shown on enough that neither has seen."""

import numpy as np
import pytest

from trading.forecast.contest import Why, judge

N = 2000
BARS = np.repeat(np.arange(N // 4), 4)  # four symbols, 500 bars
RANDOM = np.random.default_rng(5)
CHANCE = RANDOM.uniform(0.1, 0.6, (2, N))
TRUTH = (RANDOM.random((2, N)) < CHANCE).astype(np.int8).T


def blurred(share: float) -> np.ndarray:
    """A voter that knows only so much of the true chance."""
    return CHANCE.mean() + share * (CHANCE - CHANCE.mean())


def meet(champion: float, challenger: float, **options):
    return judge(blurred(champion), blurred(challenger), TRUTH, BARS, horizon=10, **options)


@pytest.mark.parametrize(
    ("champion", "challenger", "why", "promoted"),
    [
        (0.0, 1.0, Why.BETTER, True),
        (1.0, 0.0, Why.WORSE, False),
        (0.8, 0.8, Why.NOT_BETTER, False),
    ],
)
def test_what_is_better_is_promoted_and_all_else_refused(champion, challenger, why, promoted):
    found = meet(champion, challenger)
    assert (found.why, found.promoted) == (why, promoted)


def test_another_opinion_that_knows_as_much_proves_nothing():
    ways = [np.clip(CHANCE + np.random.default_rng(seed).normal(0, 0.05, CHANCE.shape), 0.01, 0.99) for seed in (1, 2)]
    assert judge(*ways, TRUTH, BARS, horizon=10).why is Why.NOT_BETTER


def test_the_numbers_say_why():
    found = meet(0.0, 1.0).numbers
    assert found["low"] < found["gain"] < found["high"]
    assert found["gain"] == pytest.approx(found["champion"]["log_loss"] - found["challenger"]["log_loss"], abs=1e-5)
    assert (found["n"], found["stretches"]) == (N, 50)


def test_a_champion_that_is_not_whole_gives_way_to_whoever_is_not_worse():
    assert meet(0.8, 0.8, whole=False).why is Why.RESTORES
    assert meet(1.0, 0.0, whole=False).why is Why.WORSE


def test_too_few_stretches_prove_nothing_however_good_it_looks():
    found = judge(blurred(0)[:, :200], blurred(1)[:, :200], TRUTH[:200], BARS[:200], horizon=10)
    assert (found.why, found.promoted, found.numbers["stretches"]) == (Why.TOO_LITTLE, False, 5)

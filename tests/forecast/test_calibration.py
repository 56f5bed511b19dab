"""Calibration: promises that are kept, and less of a promise the less was proven."""

import numpy as np
import pytest

from trading.forecast import calibration
from trading.forecast.calibration import Blend, Platt, agreement, auc, figures, hits, logit, reliability, sigmoid


def flips(slope: float, offset: float = -1.0, n: int = 20_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and outcomes that follow them with this slope and offset."""
    random = np.random.default_rng(seed)
    scores = sigmoid(random.normal(-1, 0.7, n))
    return scores, (random.random(n) < sigmoid(slope * logit(scores) + offset)).astype(float)


def test_a_model_that_exaggerates_is_brought_back_to_what_came():
    scores, came = flips(slope=0.6, offset=-0.5)
    platt = Platt.fit(scores, came, blocks=np.arange(len(came)))
    assert (platt.slope, platt.offset) == pytest.approx((0.6, -0.5), abs=0.06)


def test_a_model_that_ranks_backwards_says_the_base_rate_and_nothing_else():
    scores, came = flips(slope=-1)
    answers = Platt.fit(scores, came, blocks=np.arange(len(came)))(np.array([0.1, 0.5, 0.9]))
    assert answers == pytest.approx([came.mean()] * 3, abs=1e-6)


def test_rows_that_share_their_fate_prove_less():
    """The same rows, each a block of its own or a hundred blocks: few blocks leave more of the prior in place."""
    scores, came = flips(slope=2.0, n=2000)
    scores, came = np.repeat(scores[:100], 20), np.repeat(came[:100], 20)
    many = Platt.fit(scores, came, blocks=np.arange(2000)).slope
    few = Platt.fit(scores, came, blocks=np.repeat(np.arange(100), 20)).slope
    assert abs(few - calibration.PRIOR_SLOPE) < abs(many - calibration.PRIOR_SLOPE)


def test_agreement_is_an_input_of_the_ensemble_and_a_tie_supports_nobody():
    votes = np.array([[[0.3], [0.2]], [[0.2], [0.3]], [[0.4], [0.1]], [[0.25], [0.25]]])
    assert agreement(votes).tolist() == [[0.5], [0.25]]


def test_the_blend_keeps_what_its_inputs_promise():
    random = np.random.default_rng(2)
    truth = sigmoid(random.normal(-1, 0.5, (2, 20_000)))
    came = (random.random(truth.shape) < truth).astype(float)
    votes = sigmoid(logit(truth) + random.normal(0, 0.4, (4, *truth.shape)))
    confidence = Blend.fit(votes, came, np.arange(20_000))(votes)
    for row in reliability(confidence.reshape(-1), came.reshape(-1)):
        assert row["n"] < 500 or abs(row["mean"] - row["rate"]) < 0.03


def test_the_blend_answers_whoever_is_left():
    votes = np.full((4, 2, 3), 0.3)
    blend = Blend((0.0, 1.0, 0.0, 0.0))
    assert blend(votes[:1]) == pytest.approx(blend(votes))


def test_auc_is_the_chance_to_rank_a_hit_above_a_miss():
    assert auc(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1])) == 1
    assert auc(np.array([0.3, 0.3, 0.3, 0.3]), np.array([0, 1, 0, 1])) == 0.5
    assert auc(np.array([0.1, 0.9]), np.array([1, 1])) is None


def test_figures_stand_beside_those_of_the_base_rate():
    p, came = np.full(1000, 0.25), (np.arange(1000) % 4 == 0).astype(float)
    said = figures(p, came, base_rate=0.25)
    assert said["log_loss"] == said["base_log_loss"] == pytest.approx(0.562335)
    assert said["brier"] == said["base_brier"] == 0.1875
    assert figures(np.array([]), np.array([]), 0.25) == {"n": 0}


def test_hits_count_what_reaches_a_threshold_and_reliability_leaves_out_empty_bins():
    p, came = np.array([0.1, 0.33, 0.39, 0.4]), np.array([0.0, 1.0, 0.0, 1.0])
    assert hits(p, came, (0.32, 0.5))["0.32"]["n"] == 3
    assert hits(p, came, (0.32, 0.5))["0.5"] == {"n": 0, "mean": None, "rate": None}
    assert sum(row["n"] for row in reliability(p, came)) == 4
    assert all(row["n"] for row in reliability(p, came))

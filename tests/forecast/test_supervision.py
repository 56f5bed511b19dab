"""The Model Supervisor's verdicts: what is bad is called so, what is little too, and the market may lean."""

from dataclasses import replace

import numpy as np
import pytest

from trading.forecast.calibration import in_bins
from trading.forecast.supervision import (
    Advice,
    Labelled,
    Limits,
    Subject,
    Verdict,
    advice,
    bias,
    calibration,
    drift,
    hit_rate,
    look,
    psi,
    to_quarantine,
    votes,
)

LIMITS = Limits(bias=0.65, target_r=2.5, horizon=10)
N = 400  # bars, 40 stretches
BARS = np.arange(N)


def coins(p: float, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(N) < p).astype(float)


def matured(promised: float = 0.36, came: float = 0.36, n: int = N, bars: np.ndarray = BARS) -> Labelled:
    hit = coins(came)[:n]
    return Labelled(np.full(n, promised), hit, np.where(hit > 0, 2.4, -1.1), np.full(n, 0.1), bars[:n])


def subject(kind: str = "xgboost", **changes) -> Subject:
    net = 2 * coins(0.5, 2) - 1
    row = Subject(
        kind=kind,
        version="v1",
        labelled=matured(),
        net=net,
        market=2 * coins(0.5, 3) - 1,
        bars=BARS,
        judged=N,
        voted=N,
        longs=2000,
        shorts=2000,
        agreed=0.8,
        trained_bins=(10, 50, 200, 400, 200, 100, 30, 10, 0, 0, 0, 0),
        recent_bins=(11, 55, 190, 410, 190, 105, 30, 9, 0, 0, 0, 0),
    )
    return replace(row, **changes)


# -- bias -------------------------------------------------------------------------------------------------------------


def test_as_many_of_each_side_are_balanced():
    found = bias(subject(), LIMITS)
    assert (found["verdict"], found["code"]) == ("ok", "BALANCED")
    assert found["low"] < found["value"] < found["high"]


def test_one_side_in_a_market_that_goes_both_ways_is_a_bias():
    found = bias(subject(net=2 * coins(0.9) - 1), LIMITS)
    assert (found["verdict"], found["code"], found["side"]) == ("bad", "ONE_SIDED", "long")
    assert found["low"] > 0.65 > found["market"]


def test_one_side_in_a_one_sided_market_is_none():
    found = bias(subject(net=1 - 2 * coins(0.9), market=1 - 2 * coins(0.8)), LIMITS)
    assert (found["verdict"], found["code"], found["side"]) == ("ok", "MARKET_ONE_SIDED", "short")


def test_without_knowing_the_market_it_stays_a_suspicion():
    found = bias(subject(net=np.ones(N), market=np.zeros(N)), LIMITS)
    assert (found["verdict"], found["market"]) == ("suspect", None)


def test_the_same_share_of_few_independent_bars_proves_nothing():
    """81 % short in one long regime: many signals, few answers."""
    regimes = np.repeat(1 - 2 * (np.arange(10) < 8), 40).astype(float)
    found = bias(subject(net=regimes), LIMITS)
    assert found["value"] == 0.8
    assert found["effective_n"] < 20
    assert found["verdict"] == "ok"


def test_always_the_same_side_counts_once_a_stretch():
    found = bias(subject(net=np.ones(N)), LIMITS)
    assert (found["effective_n"], found["stretches"], found["verdict"]) == (40, 40, "bad")


def test_hundreds_of_signals_within_one_horizon_are_too_few():
    found = bias(subject(net=np.ones(30), market=-np.ones(30), bars=BARS[:30]), LIMITS)
    assert (found["verdict"], found["code"], found["n"], found["wanted"]) == ("unknown", "TOO_SHORT", 3, 8)


def test_ties_take_no_side():
    net = np.where(BARS % 2, 0, 2 * coins(0.5) - 1)
    assert bias(subject(net=net), LIMITS)["n"] == N / 2


# -- calibration and hits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promised", "came", "expected"),
    [(0.36, 0.36, ("ok", "CALIBRATED")), (0.60, 0.36, ("bad", "OVERCONFIDENT")), (0.20, 0.36, ("suspect", "TIMID"))],
)
def test_what_was_promised_is_compared_with_what_came(promised, came, expected):
    found = calibration(matured(promised, came), 10)
    assert (found["verdict"], found["code"]) == expected
    assert found["bins"][0]["n"] == N
    assert (found["brier"] > found["base_brier"] + 0.01) == (expected[1] == "OVERCONFIDENT" or expected[1] == "TIMID")


@pytest.mark.parametrize(
    ("came", "expected"),
    [(0.6, ("ok", "PAYS")), (0.1, ("bad", "LOSES")), (0.33, ("unknown", "UNPROVEN"))],
)
def test_hits_are_judged_by_what_they_pay(came, expected):
    found = hit_rate(matured(came=came), LIMITS)
    assert (found["verdict"], found["code"]) == expected
    assert found["limit"] == pytest.approx(1.1 / 3.5, abs=1e-6)
    assert found["r_low"] < found["mean_r"] < found["r_high"]


def test_too_few_labels_say_how_many_there_are():
    found = hit_rate(matured(n=38), LIMITS)
    assert (found["verdict"], found["code"], found["n"], found["wanted"]) == ("unknown", "TOO_FEW", 38, 200)


def test_many_labels_of_a_short_time_are_too_short():
    found = calibration(matured(bars=BARS // 10), 10)
    assert (found["code"], found["n"], found["labelled"]) == ("TOO_SHORT", 4, N)


# -- votes and drift --------------------------------------------------------------------------------------------------


def test_a_model_that_is_often_mute_is_found():
    found = votes(subject(voted=300, why_mute="no probability"))
    assert (found["verdict"], found["code"], found["value"], found["why"]) == ("bad", "MUTE", 0.75, "no probability")


def test_votes_tell_their_sides():
    found = votes(subject(longs=300, shorts=100))
    assert (found["code"], found["long"], found["short"], found["agreed"]) == ("VOTES", 0.75, 0.25, 0.8)
    assert votes(subject(longs=0, shorts=0))["long"] is None


def test_the_index_of_equal_shares_is_nothing_and_grows_with_the_distance():
    assert psi((10, 20, 30), (100, 200, 300)) == pytest.approx(0)
    assert psi((10, 20, 30), (30, 20, 10)) > 0.25
    assert np.isfinite(psi((0, 100), (100, 0)))


@pytest.mark.parametrize(("shift", "verdict"), [(0, "ok"), (1, "bad")])
def test_drift_is_the_distance_from_what_training_saw(shift, verdict):
    trained = subject().trained_bins
    found = drift(subject(recent_bins=np.roll(trained, 2 * shift).tolist()), 10)
    assert (found["verdict"], found["limit"]) == (verdict, 0.25)


def test_drift_of_little_is_unknown():
    assert drift(subject(recent_bins=(5, 5)), 10)["code"] == "TOO_FEW"
    assert drift(subject(bars=BARS[:20]), 10)["code"] == "TOO_SHORT"


# -- what follows -----------------------------------------------------------------------------------------------------


def found(kind: str = "xgboost", **changes):
    return look(subject(kind, **changes), LIMITS)


LEANING = {"net": 2 * coins(0.9) - 1}


def test_the_worst_topic_is_the_findings_verdict():
    assert found().verdict is Verdict.OK
    assert found(**LEANING).verdict is Verdict.BAD
    empty = Labelled(*(np.array([]) for _ in range(5)))
    none = np.array([])
    nothing = found(labelled=empty, net=none, market=none, bars=none, judged=0, recent_bins=())
    assert nothing.verdict is Verdict.UNKNOWN


def test_a_leaning_or_mute_model_should_not_vote_and_a_leaning_ensemble_should_learn():
    assert advice(found(**LEANING), "ensemble") == (Advice.QUARANTINE, "ONE_SIDED")
    assert advice(found(voted=100), "ensemble") == (Advice.QUARANTINE, "MUTE")
    assert advice(found("ensemble", **LEANING), "ensemble") == (Advice.RETRAIN, "ONE_SIDED")
    assert advice(found(labelled=matured(0.6, 0.2)), "ensemble") == (Advice.RETRAIN, "OVERCONFIDENT")
    assert advice(found(), "ensemble") == (Advice.NONE, "")


def test_enforcement_stops_the_worst_and_leaves_two():
    kinds = {"a": 0.9, "b": 1.0, "c": 0.95, "d": 0.92}
    all_lean = [found(kind, net=2 * coins(p) - 1) for kind, p in kinds.items()]
    assert [f.kind for f in to_quarantine(all_lean, "ensemble", voters=4)] == ["b", "c"]
    assert to_quarantine(all_lean[:2], "ensemble", voters=2) == []
    assert to_quarantine([found("ensemble", **LEANING)], "ensemble", voters=4) == []


def test_the_bins_of_a_poll_are_those_of_training():
    assert sum(in_bins(np.array([0.05, 0.29, 0.33, 0.99]))) == 4

"""The policy's table, exactly; and its medians."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.gates.policy import (
    Facts,
    Regime,
    Volatility,
    measure,
    min_confidence,
    policy,
    regime,
    setting,
    volatility,
)

# regime: minimum confidence at NORMAL, LOW, HIGH, EXTREME volatility
GOLDEN = {
    "TRENDING": (0.32, 0.30, 0.34, 0.39),
    "RANGING": (0.40, 0.38, 0.42, 0.47),
    "NORMAL": (0.38, 0.36, 0.40, 0.45),
}
LEVELS = ("NORMAL", "LOW", "HIGH", "EXTREME")
SIZE = {"NORMAL": 1.0, "LOW": 1.0, "HIGH": 0.5, "EXTREME": 0.5}
ADX = {"TRENDING": 30.0, "RANGING": 12.0, "NORMAL": 22.0}
ATR = {"LOW": 0.003, "NORMAL": 0.01, "HIGH": 0.02, "EXTREME": 0.05}
TABLE = [(r, v, GOLDEN[r][i]) for r in GOLDEN for i, v in enumerate(LEVELS)]


@pytest.mark.parametrize(("of", "level", "minimum"), TABLE)
def test_the_golden_table(of, level, minimum):
    now = policy(Facts(adx=ADX[of], atr_share=ATR[level], symbols=20))
    assert (now.regime, now.volatility, now.min_confidence) == (of, level, minimum)
    assert now.entries_allowed is (level != "EXTREME")
    assert now.size_factor == pytest.approx(SIZE[level] * (0.7 if of == "RANGING" else 1.0))
    assert len(now.why) <= 300


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (0.0, "LOW"),
        (0.00499999, "LOW"),
        (0.005, "NORMAL"),
        (0.01499999, "NORMAL"),
        (0.015, "HIGH"),
        (0.02999999, "HIGH"),
        (0.03, "EXTREME"),
        (9.0, "EXTREME"),
    ],
)
def test_volatility_bands_begin_at_their_bound(share, level):
    assert volatility(share) is Volatility(level)


@pytest.mark.parametrize(
    ("adx", "name"), [(0, "RANGING"), (19.99, "RANGING"), (20, "NORMAL"), (24.99, "NORMAL"), (25, "TRENDING")]
)
def test_regime_bands_begin_at_their_bound(adx, name):
    assert regime(adx) is Regime(name)


def test_a_configured_minimum_is_taken_and_clamped_at_both_ends():
    strict = {Regime.TRENDING: 0.50, Regime.RANGING: 0.55, Regime.NORMAL: 0.52}
    assert min_confidence(Regime.RANGING, Volatility.EXTREME, strict) == 0.60
    assert min_confidence(Regime.TRENDING, Volatility.NORMAL, strict) == 0.50
    assert min_confidence(Regime.NORMAL, Volatility.LOW, {Regime.NORMAL: 0.10}) == 0.15


@given(st.sampled_from(Regime), st.sampled_from(Volatility), st.floats(0.2, 0.55))
def test_more_volatility_never_asks_for_less(of, level, configured):
    order = [Volatility.LOW, Volatility.NORMAL, Volatility.HIGH, Volatility.EXTREME]
    calmer = order[: order.index(level) + 1]
    minima = [min_confidence(of, one, {of: configured}) for one in calmer]
    assert minima == sorted(minima) and 0.15 <= minima[-1] <= 0.60


def test_the_market_is_the_median_over_the_symbols_that_could_be_measured():
    nan = float("nan")
    facts = measure(np.array([0.001, 0.01, 0.5, nan]), np.array([10.0, 30.0, 40.0, 99.0]))
    assert facts == Facts(adx=30.0, atr_share=0.01, symbols=3)


def test_nothing_measured_is_no_policy():
    assert measure(np.array([np.nan]), np.array([np.nan])) is None
    assert measure(np.array([]), np.array([])) is None


@pytest.mark.parametrize("facts", [(float("nan"), 0.01, 3), (20, float("nan"), 3), (101, 0.01, 3), (20, 0.01, 0)])
def test_facts_refuse_nonsense(facts):
    with pytest.raises(ValueError, match="no market facts"):
        Facts(*facts)


def test_the_reason_gives_the_measured_numbers_first():
    assert policy(Facts(17.2, 0.009, 24)).why == (
        "Ranging: trend strength 17, trending from 25; volatility normal: 0.90\u00a0% per bar, high from 1.5\u00a0%; "
        "median of 24 symbols"
    )


def test_each_regime_has_its_setting():
    from quantum.config import Config

    assert {setting(r) for r in Regime} <= set(Config.model_fields)

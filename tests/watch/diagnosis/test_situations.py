"""The bench of planted situations: the right cause first, never a wrong setting, and nothing in a healthy house."""

from datetime import timedelta

import pytest

from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.problem import Cause
from monitoring.watch.diagnosis.rows import diagnose
from tests.show import factories as make
from tests.watch.diagnosis.combined import COMBINED
from tests.watch.diagnosis.house import NOW, healthy, lively, plain_no, reject, signal
from tests.watch.diagnosis.situations import BY_NAME, SINGLE
from trading import tuning
from trading.codes import Code
from trading.models import Candle

MINIMA = (
    "QT_POLICY_MIN_CONF_TRENDING",
    "QT_POLICY_MIN_CONF_RANGING",
    "QT_POLICY_MIN_CONF_NORMAL",
    "QT_CONFIDENCE_THRESHOLD",
)
SETTINGS = {  # what a cause may name: another setting would send its reader to the wrong knob
    Cause.SIGNALS_REJECTED: (*tuning.TUNABLE, "QT_SYMBOLS", "QT_MIN_STOP_COSTS"),  # its code's own
    Cause.SAME_REJECTIONS: (*tuning.TUNABLE, "QT_SYMBOLS", "QT_MIN_STOP_COSTS"),
    Cause.MINIMUM_OVERRIDDEN: ("QT_CONFIDENCE_THRESHOLD",),
    Cause.NEAR_THRESHOLD: MINIMA,
    Cause.THRESHOLD_UNREACHABLE: MINIMA,
    Cause.SLOTS_STUCK: ("QT_MAX_POSITIONS",),
    Cause.SYMBOLS_NOT_TRADING: ("QT_SYMBOLS",),
    Cause.LEVERAGE_MISMATCH: ("QT_MAX_LEVERAGE",),
    Cause.STOP_TOO_NEAR: ("QT_MIN_STOP_COSTS",),
    Cause.CLOSE_FAILS: ("QT_STOP_ESCALATE_SECONDS",),
    Cause.ONE_SIDED: ("QT_BIAS_THRESHOLD",),
    Cause.UNIVERSE_EMPTY: ("QT_SYMBOLS",),
    Cause.LOSS_CONCENTRATED: ("QT_SYMBOLS",),
    Cause.LIMITS_LOOSENED: tuple(tuning.TUNABLE),
}

pytestmark = pytest.mark.django_db


def keys(found):
    return [problem.key for problem in found.problems]


def named_well(found, situation):
    """The right cause and setting first; every setting that is named is one that its cause may name."""
    assert (found.dominant.key, found.dominant.setting) == (situation.first, situation.setting)
    wrong = [(one.key, one.setting) for one in found.problems if one.setting not in ("", *SETTINGS.get(one.cause, ()))]
    assert wrong == []
    assert all(one.knob is not None for one in found.problems if one.setting)


@pytest.fixture
def house():
    healthy()


def test_a_healthy_house_has_no_problem(house):
    assert keys(diagnose(NOW)) == []


def test_a_house_that_trades_has_no_problem():
    lively()
    assert keys(diagnose(NOW)) == []


@pytest.mark.parametrize("situation", SINGLE, ids=lambda one: one.name)
def test_the_planted_cause_is_named_first(house, situation):
    situation.plant()
    found = diagnose(NOW)
    named_well(found, situation)


@pytest.mark.parametrize("situation", COMBINED, ids=lambda one: one.name)
def test_of_several_the_one_that_matters_most_is_named_first(house, situation):
    for name in reversed(situation.plants):
        BY_NAME[name].plant()
    found = diagnose(NOW)
    named_well(found, situation)


def test_the_day_of_198_signals_is_told_with_each_of_its_causes(house):
    """198 candidates against the trend or without a slot, some old candles, and a balancer that nobody called."""
    trend = plain_no(Code.AGAINST_TREND_LONG, 0.964, 0.98, ema200=14.1, override=0.5)
    full = plain_no(Code.MAX_POSITIONS, 7, 6, "QT_MAX_POSITIONS")
    for n in range(198):
        reject(signal(NOW, 1 + n % 50, make.SYMBOLS[2 + (n // 50 + n % 50) % 10], 0.43), full if n % 4 == 0 else trend)
    for one in Candle.objects.filter(symbol__in=make.SYMBOLS[5:8]):
        one.open_time -= timedelta(seconds=29_929)
        one.save()
    BY_NAME["balancer_never_called"].plant()
    found = diagnose(NOW)
    assert (found.signals, found.traded) == (198, 0)
    assert keys(found) == [
        "SIGNALS_REJECTED:AGAINST_TREND_LONG", "CANDLES_STALE", "MODULE_NEVER_CALLED:portfolio_balancer",
    ]  # fmt: skip
    assert [(one.code, one.params["n"]) for one in found.meant] == [("MAX_POSITIONS", 50)]
    stale = found.problems[1]
    assert (stale.params["n"], stale.params["of"]) == (3, 12) and "8\u00a0h" in words.cause(stale)

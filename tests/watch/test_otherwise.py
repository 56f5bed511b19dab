"""Which other value is asked about, and how the answer reads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from monitoring.watch.counterfactuals import Counterfactual
from monitoring.watch.otherwise import another, sentence
from monitoring.watch.rejudge import Named, WhatIf

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
NOBODY = Counterfactual("", 0, 0, None, None, None)


def case(code, value, limit, setting):
    return {"code": code, "value": value, "limit": limit, "setting": setting}


@pytest.mark.parametrize(
    ("one", "asked"),
    [
        (case("MAX_POSITIONS", 7, 6, "QT_MAX_POSITIONS"), ("QT_MAX_POSITIONS", 7)),
        (case("COOLDOWN_ACTIVE", 43.7, 120.0, "QT_COOLDOWN_SECONDS"), ("QT_COOLDOWN_SECONDS", 43)),
        (case("CORRELATION", 0.7812, 0.7, "QT_MAX_CORRELATION"), ("QT_MAX_CORRELATION", 0.79)),
        (case("TOTAL_RISK", 0.0312, 0.03, "QT_MAX_OPEN_RISK"), ("QT_MAX_OPEN_RISK", 0.032)),
        (case("DAILY_LOSS", 0.032, 0.03, "QT_MAX_DAILY_LOSS"), ("QT_MAX_DAILY_LOSS", 0.033)),
        (case("LOW_CONFIDENCE", 0.3651, 0.40, "QT_POLICY_MIN_CONF_RANGING"), ("QT_POLICY_MIN_CONF_RANGING", 0.36)),
        # volatility has added 0.02 to the policy's minimum: it stays on top
        (case("LOW_CONFIDENCE", 0.38, 0.42, "QT_POLICY_MIN_CONF_RANGING"), ("QT_POLICY_MIN_CONF_RANGING", 0.36)),
    ],
)
def test_the_median_case_says_at_which_value_it_would_have_passed(one, asked):
    assert another(one, settings.QUANTUM) == asked


@pytest.mark.parametrize(
    "one",
    [
        case("KILL_SWITCH", "halted", "active", ""),
        case("MIN_NOTIONAL", 4.1, 5.0, "QT_RISK_PER_TRADE"),  # USDT, no share
        case("EXPECTED_COST_TOO_HIGH", 0.30, 0.31, "QT_MIN_STOP_COSTS"),  # shaped the signal itself
        case("CORRELATION", None, 0.7, "QT_MAX_CORRELATION"),
        case("AGAINST_TREND_SHORT", 1.03, 1.02, ""),
        {},
    ],
)
def test_where_no_value_can_be_named_none_is(one):
    assert another(one, settings.QUANTUM) is None


def test_a_value_beyond_what_is_allowed_is_cut_and_what_is_in_force_already_is_not_asked_about():
    high = case("CORRELATION", 1.7, 0.7, "QT_MAX_CORRELATION")
    assert another(high, settings.QUANTUM) == ("QT_MAX_CORRELATION", 1.0)
    assert another(high, settings.QUANTUM.model_copy(update={"QT_MAX_CORRELATION": 1.0})) is None


def test_where_the_limit_was_another_then_and_lets_it_pass_now_nothing_is_asked():
    assert another(case("COOLDOWN_ACTIVE", 3235.0, 7200.0, "QT_COOLDOWN_SECONDS"), settings.QUANTUM) is None


def told(**changes):
    one = Named(1, 1, "BTC/USDT:USDT", "long", NOW, 2.3)
    answer = WhatIf(
        setting="QT_MAX_POSITIONS", value=8, in_force=6, was=6, span=timedelta(hours=1), since=NOW, until=NOW, bars=9,
        signals=198, rejected=171, gained=(one,) * 12, lost=(), untold=0, older=0, unreadable=0,
        result=Counterfactual("", 12, 0, 0.3125, -0.1, 0.72),
    )  # fmt: skip
    return sentence(replace(answer, **changes))


def test_the_answer_has_count_mean_sample_and_interval():
    assert told() == (
        "With QT_MAX_POSITIONS at 8 instead of 6, 12 of the 171 rejected would have passed; "
        "their mean was +0.31 R (12 known to the end, 95 % from −0.10 to +0.72 R)."
    )


def test_a_short_sample_has_no_interval_and_an_unripe_one_no_mean():
    assert "+0.31 R (3 known to the end, too few for an interval)." in told(
        result=Counterfactual("", 3, 0, 0.3125, None, None)
    )
    assert told(result=NOBODY).endswith("what they would have brought is not known yet.")


def test_what_would_not_have_passed_and_what_nobody_knows_is_said():
    said = told(gained=(), result=NOBODY, lost=(told,), older=40, unreadable=2, untold=1)
    assert said == (
        "With QT_MAX_POSITIONS at 8 instead of 6, none of the 171 rejected would have passed. "
        "1 that passed would not have. Only the newest 198 signals were judged again; 40 older ones were not. "
        "2 bars have no stored desk. Of 1 the correlation can't be measured any more."
    )


def test_where_nothing_could_be_judged_again_it_says_why():
    assert told(signals=0, gained=(), unreadable=58) == (
        "Nothing can be judged again: no bar of this window has kept its desk."
    )
    assert told(signals=0, gained=()) == "No signal was judged in this window."

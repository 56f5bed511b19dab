"""The trail of gates: every answer, its measure, and how far from the limit."""

import pytest

from monitoring.show.trail import AT_MOST, GATES, NEEDS, Measure, trail
from tests.show import factories as make
from trading.gates.judge import GATES as ASKED


def test_every_gate_has_its_words():
    assert set(GATES) == set(ASKED.names)


@pytest.mark.parametrize(
    ("value", "limit", "sense", "margin"),
    [(0.61, 0.4, NEEDS, 0.525), (0.3, 0.4, NEEDS, -0.25), (0.78, 0.7, AT_MOST, -0.1143), (1, 0.1, NEEDS, 1.0),
     (0.4, 0.4, NEEDS, 0.0), (5, 0, AT_MOST, -1.0), (0, 0, AT_MOST, 1.0)],
)  # fmt: skip
def test_a_margin_is_the_distance_to_the_limit_as_a_share_of_it(value, limit, sense, margin):
    assert Measure(value, limit, sense, "").margin == pytest.approx(margin, abs=1e-3)


@pytest.mark.django_db
def test_rejections_meet_their_gates_and_later_ones_were_not_asked(now):
    make.policy(now)
    s = make.signal(make.cycle(now, flat=11, signals=1), "LINK/USDT:USDT", confidence=0.37)
    told = trail(make.rejected(s, make.low(0.37), make.cooldown(4301)))
    steps = {step.name: step for _, steps in told.stages for step in steps}
    assert (steps["confidence"].code, steps["cooled_down"].code) == ("LOW_CONFIDENCE", "COOLDOWN_ACTIVE")
    assert steps["cooled_down"].margin == pytest.approx(-0.403, abs=1e-3)
    assert steps["free_slot"].passed is None
    assert steps["fresh_candle"].way == "in"
    assert (told.rejected, told.about) == (2, "21 asked: 19 passed, 2 rejected, 9 not asked")
    assert [change.code for change in told.changes] == ["LOW_CONFIDENCE", "COOLDOWN_ACTIVE"]


@pytest.mark.django_db
def test_a_decision_whose_desk_was_not_kept_still_tells_every_answer(now):
    s = make.signal(make.cycle(now, flat=11, signals=1, desk={}), "LINK/USDT:USDT")
    told = trail(make.decided(s, "traded"))
    assert told.passed == len(ASKED.names)
    assert all(step.margin is None for _, steps in told.stages for step in steps)

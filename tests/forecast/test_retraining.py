"""When a challenger is due, and how the answer reads."""

from dataclasses import replace

import pytest

from trading.forecast.retraining import Facts, due

QUIET = Facts(samples=212, age=300, since_last=300, refused=0)


def test_nothing_due_says_how_far_each_trigger_is():
    found = due(QUIET)
    assert (found.trigger, found.reason) == (
        "",
        "212 of 500 new labelled signals; champions 300 of 1000 bars old; nothing found against them",
    )


@pytest.mark.parametrize(
    ("change", "trigger", "reason"),
    [
        ({"samples": 500}, "samples", "500 new labelled signals"),
        ({"age": 1000.0}, "age", "the champions are 1000 bars old"),
        ({"advice": "ensemble: SHIFTED"}, "advice", "the Model Supervisor found ensemble: SHIFTED"),
        ({"broken": ("xgboost",), "samples": 900}, "broken", "xgboost may not vote"),
    ],
)
def test_each_trigger_is_named(change, trigger, reason):
    found = due(replace(QUIET, **change))
    assert (found.trigger, found.reason) == (trigger, reason)


def test_after_a_training_comes_a_rest_that_refusals_double():
    pressing = replace(QUIET, samples=900, since_last=150)
    assert due(pressing).trigger == "samples"
    waits = due(replace(pressing, refused=1))
    assert (waits.trigger, waits.reason) == (
        "",
        "900 new labelled signals; 150 of 200 bars since the last training, 1 refused in a row",
    )
    assert due(replace(pressing, refused=50, since_last=1000)).trigger == "samples", "the rest is bounded"

"""Liveness is a pure function of silence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.watch.liveness import GRACE, liveness

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = ("up", "late", "down")
seconds = st.floats(0, 1e6, allow_nan=False)
intervals = st.floats(0.5, 1e5, allow_nan=False)


@pytest.mark.parametrize(
    ("silence", "answer"),
    [(None, "never"), (0, "up"), (10, "up"), (15, "up"), (16, "late"), (35, "late"), (36, "down"), (10_000, "down")],
)
def test_silence_alone_tells_whether_a_module_lives(silence, answer):
    last = None if silence is None else NOW - timedelta(seconds=silence)
    assert liveness(last, timedelta(seconds=10), NOW) == answer


@given(intervals)
def test_what_never_ticked_never_lives_however_often_it_is_due(every):
    assert liveness(None, timedelta(seconds=every), NOW) == "never"


@given(seconds, seconds, intervals)
def test_more_silence_is_never_better(one, other, every):
    less, more = sorted((one, other))
    span = timedelta(seconds=every)
    answers = [liveness(NOW - timedelta(seconds=silence), span, NOW) for silence in (less, more)]
    assert ORDER.index(answers[0]) <= ORDER.index(answers[1])


@given(seconds, intervals, intervals)
def test_who_is_due_less_often_is_never_judged_harder(silence, one, other):
    often, seldom = sorted((one, other))
    last = NOW - timedelta(seconds=silence)
    answers = [liveness(last, timedelta(seconds=every), NOW) for every in (often, seldom)]
    assert ORDER.index(answers[1]) <= ORDER.index(answers[0])


@given(intervals, st.floats(0, 1, allow_nan=False))
def test_within_its_interval_and_some_grace_it_is_up_and_beyond_three_it_is_down(every, part):
    span = timedelta(seconds=every)
    assert liveness(NOW - span * part - GRACE, span, NOW) == "up"
    assert liveness(NOW - span * 3 - GRACE - timedelta(milliseconds=1 + every), span, NOW) == "down"


@given(seconds, intervals, st.integers(-(10**6), 10**6))
def test_only_the_distance_counts_not_the_hour(silence, every, shift):
    moved, last = NOW + timedelta(seconds=shift), timedelta(seconds=silence)
    span = timedelta(seconds=every)
    assert liveness(NOW - last, span, NOW) == liveness(moved - last, span, moved)

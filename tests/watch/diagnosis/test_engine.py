"""The order of problems, what follows from what, what is meant, and that every cause can be found and told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from monitoring.control import actions
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.engine import DETECTORS, ranked
from monitoring.watch.diagnosis.follows import FOLLOWS, INCIDENTS
from monitoring.watch.diagnosis.problem import Cause, Problem, Severity
from monitoring.watch.diagnosis.rows import diagnose
from monitoring.watch.diagnosis.sentences import EVIDENCE, WORDS
from monitoring.watch.probes import rows as probe_rows
from tests.show import factories as make
from tests.watch.diagnosis.house import BTC, NOW, ago, change, healthy, lively, plain_no, some
from tests.watch.diagnosis.situations import BY_NAME, SINGLE
from trading.codes import Code
from trading.models import Directive, SwitchChange

OWN = 21  # queries of one diagnosis beside the probes', whatever is stored


def problem(cause=Cause.SIGNALS_REJECTED, subject="", severity=Severity.HIGH, **changes):
    return replace(Problem(cause, subject, severity), **changes)


def order(*problems):
    return [one.cause for one in ranked(problems)]


# -- rank -------------------------------------------------------------------------------------------------------------


def test_money_in_danger_comes_before_what_stops_every_signal():
    blocked = problem(Cause.BARS_NOT_JUDGED, severity=Severity.CRITICAL, share=1.0)
    danger = problem(Cause.OPPOSITE_SIGNAL, severity=Severity.MEDIUM, danger=True, stake=10.0)
    assert order(blocked, danger) == [Cause.OPPOSITE_SIGNAL, Cause.BARS_NOT_JUDGED]


def test_of_two_dangers_the_more_critical_and_of_equals_the_larger_comes_first():
    small = problem(Cause.UNPROTECTED, "A", Severity.CRITICAL, danger=True, stake=10.0)
    large = problem(Cause.UNPROTECTED, "B", Severity.CRITICAL, danger=True, stake=90.0)
    late = problem(Cause.POSITION_OVERDUE, "C", Severity.HIGH, danger=True, stake=5000.0)
    assert [one.subject for one in ranked([late, small, large])] == ["B", "A", "C"]


def test_the_larger_share_of_the_signals_comes_first():
    some_, most = problem(Cause.GATE_FAILS, share=0.3), problem(Cause.UNKNOWN_CODE, "X", share=0.6)
    assert order(some_, most) == [Cause.UNKNOWN_CODE, Cause.GATE_FAILS]


def test_a_root_takes_over_what_follows_from_it():
    dead = problem(Cause.MODULE_DOWN, "position_monitor")
    late = problem(Cause.EXITS_NOT_JUDGED, severity=Severity.CRITICAL, danger=True, stake=800.0)
    first, second = ranked([late, dead])
    assert (first.key, first.danger, first.stake, first.severity) == (dead.key, True, 800.0, Severity.CRITICAL)
    assert (second.key, second.because) == ("EXITS_NOT_JUDGED", dead.key)


def test_what_hits_another_subject_is_no_root():
    ghost = problem(Cause.STOPS_CANCELLED, "A", danger=True)
    naked = problem(Cause.UNPROTECTED, "B", danger=True)
    assert [one.because for one in ranked([ghost, naked])] == ["", ""]


def test_a_hold_follows_from_what_its_incident_is_about():
    hold = problem(Cause.ENTRIES_HELD, "PROCESS_SILENT:stream", share=1.0)
    other = problem(Cause.PROCESS_DOWN, "worker", share=0.2)
    dead = problem(Cause.PROCESS_DOWN, "stream")
    found = {one.key: one for one in ranked([hold, other, dead])}
    assert found[hold.key].because == dead.key and found[dead.key].share == 1.0


def test_a_share_beyond_the_whole_is_refused():
    with pytest.raises(ValueError, match="share"):
        problem(share=1.2)


# -- the table is whole -----------------------------------------------------------------------------------------------


def test_every_cause_has_its_detector_and_its_words():
    assert set(DETECTORS) == set(Cause) == set(WORDS)
    assert len(set(DETECTORS.values())) == len(Cause)


def test_every_cause_is_planted_at_least_once():
    planted = {one.first.split(":")[0] for one in SINGLE}
    assert {cause.value for cause in Cause} - planted == {"SCHEDULE_OFF"}  # its own test stands below


def test_the_table_of_roots_speaks_of_causes_that_there_are():
    names = {root for root, _ in FOLLOWS} | {one for _, many in FOLLOWS for one in many}
    names |= {one for _, many in INCIDENTS for one in many}
    assert {name.rstrip("=").split(":")[0] for name in names} <= {cause.value for cause in Cause}


def test_nothing_is_its_own_root_over_corners():
    roots = {}
    for root, many in FOLLOWS:
        for one in many:
            roots.setdefault(one.rstrip("=").split(":")[0], set()).add(root.split(":")[0])
    for start in roots:
        reached, todo = set(), {start}
        while todo:
            reached |= todo
            todo = {up for one in todo for up in roots.get(one, ())} - reached
        above = {up for one in reached for up in roots.get(one, ())}
        assert start not in above, start


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "nb"])
@pytest.mark.parametrize("situation", SINGLE, ids=lambda one: one.name)
def test_every_problem_can_be_told(situation, language):
    healthy()
    situation.plant()
    with translation.override(language):
        for one in diagnose(NOW).problems:
            said = [words.title(one), words.cause(one), *words.steps(one), *map(words.evidence, one.evidence)]
            assert all(said) and not any("%(" in text or "None" in text for text in said), said
            assert words.steps(one) and one.evidence


@pytest.mark.django_db
def test_a_loosened_limit_is_told_with_both_values_and_its_author():
    healthy()
    BY_NAME["looser_and_looser"].plant()
    said = words.cause(diagnose(NOW).dominant)
    assert said.startswith("From 6 to 20 by k.lund, 2\u00a0h ago: more trades.")


@pytest.mark.django_db
def test_a_setting_is_told_with_its_value_its_default_and_who_changed_it():
    healthy()
    BY_NAME["overridden_minimum"].plant()
    said = words.cause(diagnose(NOW).dominant)
    assert "The policy declares 0.40 for a ranging market; 0.55 binds" in said
    assert "QT_CONFIDENCE_THRESHOLD is 0.55; its default is 0.00. j.berg changed it at 2026-03-01 10:00:20 UTC." in said


@pytest.mark.django_db
def test_the_typical_rejection_is_told_with_both_numbers():
    healthy()
    BY_NAME["everything_cooling_down"].plant()
    found = diagnose(NOW).dominant
    assert words.title(found) == "Cooldown: 57 of 57 signals"
    assert "600\u00a0s since the last order, needs 7,200\u00a0s" in words.cause(found)


# -- what is offered --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("situation", SINGLE, ids=lambda one: one.name)
def test_an_action_is_one_that_people_have(situation):
    healthy()
    situation.plant()
    for one in diagnose(NOW).problems:
        assert one.action is not None
        assert (one.action.control in actions.__all__) if one.action.control else one.action.href
        assert all(evidence.code in EVIDENCE and evidence.href.startswith("/") for evidence in one.evidence)


# -- what is meant ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_halt_on_purpose_is_a_headline_and_no_problem():
    healthy()
    SwitchChange.objects.create(state="halted", at=ago(minutes=50), by="j.berg", reason="cables are changed")
    some(NOW, plain_no(Code.KILL_SWITCH, "halted", "active"), every=1)
    found = diagnose(NOW)
    assert found.problems == ()
    assert [words.meant(one) for one in found.meant] == ["j.berg switched to halted: cables are changed."]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "code",
    [Code.POLICY_NO_NEW_TRADES, Code.EXPECTED_COST_TOO_HIGH, Code.MAX_POSITIONS, Code.DAILY_LOSS, Code.ALREADY_OPEN],
)
def test_what_is_meant_is_no_problem(code):
    healthy()
    some(NOW, plain_no(code, 0.03, 0.03), every=1)
    found = diagnose(NOW)
    assert found.problems == () and [one.code for one in found.meant] == [code]


@pytest.mark.django_db
def test_flat_bars_are_told_with_their_best_confidence():
    healthy()
    (flat,) = diagnose(NOW).meant
    assert flat.code == "FLAT" and "the best confidence was 0.270" in words.meant(flat)


@pytest.mark.django_db
def test_a_training_that_runs_is_no_missing_model():
    healthy()
    BY_NAME["nobody_may_vote"].plant()
    make.training(NOW)
    found = diagnose(NOW)
    assert "NO_MODEL" not in [one.key for one in found.problems]
    assert Code.MODELS_TRAINING in [one.code for one in found.meant]


# -- why nothing happened ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("plant", "says"),
    [
        ("nobody_may_vote", "No signals were produced within 1\u00a0h, because: No model may vote."),
        ("training_ended_badly", "No signals were produced within 1\u00a0h, because: The newest training failed."),
        ("feed_of_this_morning", "No signals were produced within 1\u00a0h, because: Candles are old."),
        ("short_histories", "No signals were produced within 1\u00a0h, because: Too few candles to judge by."),
        ("empty_universe", "No signals were produced within 1\u00a0h, because: The universe is empty."),
        ("executor_dead", "because: Event Driven Executor does not run."),
        ("bell_without_listener", "because: Closed bars are not judged."),
        ("everything_cooling_down", "57 signals and no order within 1\u00a0h, because: Cooldown: 57 of 57 signals."),
    ],
)
def test_the_headline_says_why_there_are_no_signals_or_no_orders(plant, says):
    healthy()
    BY_NAME[plant].plant()
    assert says in words.headline(diagnose(NOW))


@pytest.mark.django_db
def test_flat_bars_are_the_reason_where_nothing_is_wrong():
    healthy()
    said = words.headline(diagnose(NOW))
    assert said.startswith("No signals were produced within 1\u00a0h, because: 696 judgements, all flat;")


@pytest.mark.django_db
def test_where_there_are_orders_there_is_nothing_to_explain():
    lively()
    assert words.headline(diagnose(NOW)) == ""


@pytest.mark.django_db
def test_a_diagnosis_can_be_kept_for_a_while():
    healthy()
    BY_NAME["looser_and_looser"].plant()
    found = diagnose(NOW)
    cache.set("kept", found, 10)
    assert cache.get("kept") == found


# -- one cause at a time ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_schedule_that_is_switched_off_is_named():
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from trading.schedule import PREFIX

    healthy()
    every = IntervalSchedule.objects.create(every=10, period="seconds")
    PeriodicTask.objects.create(name=f"{PREFIX}trailing", task="t", interval=every, enabled=False)
    found = diagnose(NOW)
    assert [one.key for one in found.problems] == ["SCHEDULE_OFF:trailing"]
    assert words.title(found.dominant) == "The schedule of Trailing Stop Manager is off"


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "found"), [(4, []), (6, [f"UNPROTECTED:{BTC}"])])
def test_a_fresh_fill_has_five_seconds_for_its_stop(seconds, found):
    healthy()
    change(BTC, unprotected_since=NOW - timedelta(seconds=seconds), protected_since=None)
    assert [one.key for one in diagnose(NOW).problems] == found


@pytest.mark.django_db
def test_a_directive_that_has_ended_holds_nothing():
    healthy()
    Directive.objects.create(
        level="NO_NEW_TRADES", reason="x", by="self_healing", key="X", at=ago(hours=2), ended_at=ago(hours=1)
    )
    assert diagnose(NOW).problems == ()


# -- cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("fill", [healthy, lively])
def test_one_diagnosis_asks_the_database_a_fixed_number_of_times(fill):
    fill()
    with CaptureQueriesContext(connection) as probed:
        seen = probe_rows.read(NOW)
    with CaptureQueriesContext(connection) as asked:
        diagnose(NOW, seen)
    with CaptureQueriesContext(connection) as whole:
        diagnose(NOW)
    assert len(asked) == OWN
    assert len(whole) <= OWN + len(probed) - 4  # what both need is read once

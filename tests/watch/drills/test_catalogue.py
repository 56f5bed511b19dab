"""The catalogue: enough drills, each of them whole, and every fault as the practice exchange takes it."""

from datetime import timedelta

import pytest

from monitoring.control.drills.gather import READERS
from monitoring.control.drills.hands import BREAKS
from monitoring.watch import healing
from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import ALL, CATALOGUE, EVERY, by_part, longest_ago
from monitoring.watch.drills.spec import Fault, Need, Part
from monitoring.watch.selfhealing import SelfHealing
from tests.builders import NOW
from trading.practice.fault_kinds import check_kind, check_params
from trading.runtime import MODULES

drills = pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)


def test_there_are_forty_and_more_over_every_part():
    assert len(ALL) == len(CATALOGUE) == len(EVERY) >= 40
    assert set(by_part()) == set(Part) == set(words.PARTS) and all(by_part().values())
    assert sum(len(group) for group in by_part().values()) == len(ALL)


def test_they_cover_the_fault_catalogues_rows_and_the_causes():
    rows = {row.strip() for drill in ALL for row in drill.rows.split(",")}
    assert {row[0] for row in rows if row[0] in "ABCD"} == set("ABCD")
    assert sum(row.startswith("21.") for row in rows) >= 10


@drills
def test_each_is_whole(drill):
    assert drill.breaks and drill.detects and drill.verifies
    assert str(drill.title) and str(drill.broken).endswith(".") and str(drill.expected).endswith(".")
    assert 0 < drill.within.detect <= drill.within.act and drill.within.verify > 0
    assert not drill.ends or Need.POSITION in drill.needs


@drills
def test_every_break_has_a_hand_and_every_sign_a_reader(drill):
    assert {type(one) for one in drill.breaks} <= set(BREAKS)
    assert all(isinstance(sign.keys, tuple) for sign in (*drill.detects, *drill.acts, *drill.verifies))
    signs = (*drill.detects, *drill.acts, *drill.verifies)
    assert {sign.kind.partition(".")[0] for sign in signs} <= set(READERS)


@drills
def test_its_faults_are_taken_by_the_desk_and_never_stand_for_ever(drill):
    for one in drill.breaks:
        if isinstance(one, Fault):
            check_params(check_kind(one.kind), dict(one.params))
            assert (one.times is None) != (one.seconds is None)


@drills
def test_modules_and_processes_that_it_waits_for_exist(drill):
    import trading.modules  # noqa: F401 - fills the registry

    for sign in (*drill.acts, *drill.verifies):
        if sign.kind == "tick":
            assert set(sign.keys) <= set(MODULES)
        if sign.kind == "process.started":
            assert set(sign.keys) <= {"worker", "trainer", "stream", "beat", "web", "practice", "valkey"}


@pytest.mark.parametrize("name", ["disk-short", "code-differs"])
def test_what_self_healing_finds_by_its_own_look_alone_has_the_time_of_one(name):
    """It has just looked, comes a tick late, and takes as long as a tick."""
    slowest = (healing.CALM + SelfHealing.every * 3).total_seconds()
    assert slowest < CATALOGUE[name].within.detect <= CATALOGUE[name].within.act


def test_those_that_end_in_a_restart_lie_apart():
    places = [n for n, drill in enumerate(ALL) if drill.restarts]
    assert len(places) >= 8 and min(b - a for a, b in zip(places, places[1:], strict=False)) >= 3


def test_the_fire_drill_takes_what_was_run_longest_ago_and_closes_nothing():
    first = longest_ago({})
    assert first == next(drill for drill in ALL if not drill.ends)
    runs = {drill.name: NOW for drill in ALL} | {"streams-muted": NOW - timedelta(days=1)}
    assert longest_ago(runs).name == "streams-muted"
    runs["exit-answer-lost"] = NOW - timedelta(days=9)
    assert longest_ago(runs).name == "streams-muted"

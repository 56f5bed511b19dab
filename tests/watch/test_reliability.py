"""Promises: kept, broken or not known, by what was run lately and by nothing else; and what a bench's output says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.reliability import FAIL, OK, PROMISES, STOPS, UNKNOWN, Figure, Run, read, told
from tests.builders import NOW


def run(name: str, **changes) -> Run:
    made = Run(name, True, "", NOW - timedelta(hours=1), "abc", "seed 7", "embedded", 0.1, 0.4, 0.9, 0.4)
    return replace(made, **changes)


def line(key: str, runs=(), figures=()):
    return next(one for one in told(runs, figures, NOW) if one.promise.key == key)


def test_where_nothing_was_run_nothing_is_known():
    assert {one.state for one in told((), (), NOW)} == {UNKNOWN}
    assert all(one.value is None for one in told((), (), NOW))


def test_every_drill_that_a_promise_names_exists():
    names = {name for promise in PROMISES for name in promise.drills if name != "*"}
    assert names <= set(CATALOGUE)


def test_the_worst_of_the_last_runs_counts_against_the_limit():
    runs = [run(name) for name in STOPS]
    kept = line("stop-back", runs)
    assert (kept.state, kept.value, kept.n, kept.of, kept.builds) == (OK, 0.4, 4, 4, ("abc",))
    late = [*runs[:3], run(STOPS[3], acted_s=5.2, passed=False, why="ACTED_LATE")]
    assert (line("stop-back", late).state, line("stop-back", late).worst) == (FAIL, STOPS[3])


def test_exactly_the_limit_is_kept():
    assert line("stop-back", [run(name, acted_s=5.0) for name in STOPS]).state == OK


def test_one_drill_that_was_not_run_darkens_its_promise():
    found = line("stop-back", [run(name) for name in STOPS[:3]])
    assert (found.state, found.n, found.of, found.value) == (UNKNOWN, 3, 4, 0.4)


def test_a_drill_that_never_came_so_far_breaks_it():
    runs = [run(name) for name in STOPS[:3]] + [run(STOPS[3], passed=False, acted_s=None, why="NOT_ACTED")]
    assert line("stop-back", runs).state == FAIL


def test_what_is_older_than_a_week_says_nothing():
    old = [run(name, at=NOW - timedelta(days=7, seconds=1)) for name in STOPS]
    assert line("stop-back", old).state == UNKNOWN
    assert line("stop-back", [replace(one, at=NOW - timedelta(days=7)) for one in old]).state == OK


def test_the_newest_run_of_a_drill_wins():
    runs = [run(STOPS[0], acted_s=60.0), *(run(name) for name in STOPS)]
    assert line("stop-back", runs).value == 0.4


def test_one_broken_law_breaks_the_promise_about_all_of_them():
    assert line("laws", [run("worker-killed")]).state == OK
    broken = line("laws", [run("worker-killed"), run("beat-killed", passed=False, why="LAW_BROKEN")])
    assert (broken.state, broken.value, broken.worst, broken.n) == (FAIL, 1, "beat-killed", 2)


def failed(name: str, why: str = "NOT_ACTED", **changes) -> Run:
    return run(name, passed=False, why=why, **{"acted_s": None, "verified_s": None} | changes)


def test_of_a_run_that_failed_before_the_laws_were_judged_nothing_is_known():
    none = line("laws", [failed(f"drill-{n}") for n in range(11)])
    assert (none.state, none.value, none.n, none.of) == (UNKNOWN, None, 0, 11)
    some = line("laws", [run("worker-killed"), failed("beat-killed", "NOT_VERIFIED")])
    assert (some.state, some.value, some.n, some.of) == (UNKNOWN, 0, 1, 2)
    broken = line("laws", [failed("worker-killed", "LAW_BROKEN"), failed("beat-killed")])
    assert (broken.state, broken.value, broken.n, broken.of) == (FAIL, 1, 1, 2)


LONG = [name for promise in PROMISES if promise.key == "unprotected" for name in promise.drills]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (run(LONG[0], unprotected_s=0.0), OK),
        (run(LONG[0], unprotected_s=None), UNKNOWN),
        (failed(LONG[0], "NOT_DETECTED", unprotected_s=0.0), UNKNOWN),
        (failed(LONG[0], unprotected_s=6.0), FAIL),
        (failed(LONG[0], "RUNNER_ENDED", unprotected_s=None), FAIL),
        (failed(LONG[0], "VERIFIED_LATE", unprotected_s=0.4, acted_s=1.0, verified_s=11.0), OK),
    ],
)
def test_seconds_without_a_stop_are_known_where_their_end_was_seen(last, state):
    assert line("unprotected", [last, *(run(name) for name in LONG[1:])]).state == state


@pytest.mark.parametrize(("passed", "state"), [(True, OK), (False, FAIL), (None, UNKNOWN)])
def test_a_recorded_goal_says_it_itself(passed, state):
    figure = Figure("G1", 0.0, "", "0", passed, NOW - timedelta(days=1), "def", "3", "postgres")
    found = line("G1", (), [figure])
    assert (found.state, found.value, found.target, found.profiles) == (state, 0.0, "0", ("postgres",))


def test_the_output_of_a_bench_is_read():
    found, wrong = read("warming up\nBENCH replay_speed 1,234.5 candles/s\nGOAL G1 PASS 0 0\nBENCH G1 0 orders\n")
    assert wrong == []
    assert [(one.name, one.value, one.unit, one.target, one.passed) for one in found] == [
        ("replay_speed", 1234.5, "candles/s", "", None),
        ("G1", 0.0, "orders", "0", True),
    ]


@pytest.mark.parametrize("text", ["BENCH x", "BENCH x nan s", "BENCH x inf s", "GOAL x MAYBE 1 2", "GOAL x PASS"])
def test_a_broken_line_is_named(text):
    found, wrong = read(text)
    assert found == [] and "line 1" in wrong[0]

"""What runs: claimed once, remembered by what it did, and honest about idling and failing."""

from datetime import timedelta

import pytest

from tests.builders import NOW
from trading import runtime
from trading.models import ModuleState
from trading.runtime import Report

pytestmark = pytest.mark.django_db


@pytest.fixture
def module(monkeypatch):
    """A registered module whose next report (or error) the test sets."""

    class Counting:
        name, title, every, queue = "counting", "Counting Module", timedelta(seconds=10), "work"
        answer: Report | Exception = Report(examined=3, actions=1)

        def tick(self, now):
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    one = Counting()
    monkeypatch.setitem(runtime.MODULES, "counting", one)
    return one


def state() -> ModuleState:
    return ModuleState.objects.get(name="counting")


def test_a_tick_leaves_what_it_did(module):
    runtime.run("counting", NOW, called_by="stream")
    row = state()
    assert (row.last_tick, row.last_work, row.examined, row.actions, row.called_by) == (NOW, NOW, 3, 1, "stream")
    assert row.claimed_until is None


def test_an_idle_tick_says_why_and_is_no_work(module):
    runtime.run("counting", NOW, called_by="stream")
    module.answer = Report.idle("nothing to count")
    later = NOW + timedelta(seconds=10)
    runtime.run("counting", later, called_by="beat")
    row = state()
    assert (row.last_tick, row.last_work, row.idle_reason) == (later, NOW, "nothing to count")
    assert (row.examined, row.called_by) == (3, "stream"), "the last useful work stays in sight"


def test_a_module_that_only_idles_has_never_worked(module):
    module.answer = Report.idle("nothing to count")
    runtime.run("counting", NOW, called_by="beat")
    assert (state().last_work, state().called_by) == (None, "beat")


def test_a_failing_tick_is_remembered_and_frees_the_module(module):
    module.answer = RuntimeError("lost count")
    runtime.run("counting", NOW)
    row = state()
    assert row.last_error == "RuntimeError: lost count"
    assert (row.last_work, row.claimed_until) == (None, None)


def test_a_claimed_module_is_not_ticked_twice(module):
    assert runtime.claim("counting", NOW, timedelta(seconds=20))
    assert runtime.run("counting", NOW) is None
    assert runtime.run("counting", NOW + timedelta(seconds=21)) is not None


def test_a_claim_that_was_lost_writes_nothing(module):
    fence = runtime.claim("counting", NOW, timedelta(seconds=1))
    runtime.run("counting", NOW + timedelta(seconds=5), called_by="second")
    runtime.beat("counting", fence, NOW + timedelta(seconds=6), Report(examined=9), "", "first", took_ms=0)
    assert (state().called_by, state().examined) == ("second", 3)


def test_work_done_elsewhere_is_recorded_without_touching_a_claim(module):
    runtime.claim("counting", NOW, timedelta(seconds=20))
    runtime.record("counting", NOW, Report(examined=7), "executor")
    assert (state().examined, state().called_by) == (7, "executor")
    assert state().claimed_until is not None


def test_work_done_elsewhere_hides_no_error_of_its_own_tick(module):
    """Else the executor's beat at each bar would keep a failing risk guard from ever counting as one."""
    module.answer, later = RuntimeError("an order slipped"), NOW + timedelta(seconds=3)
    runtime.run("counting", NOW)
    runtime.record("counting", later, Report(examined=7), "executor")
    assert (state().last_error_at, state().last_tick, state().last_work) == (NOW, NOW, later)
    module.answer = Report(examined=1)
    runtime.run("counting", later)
    runtime.record("counting", later + timedelta(seconds=3), Report(examined=7), "executor")
    assert state().last_tick > later > state().last_error_at


def test_a_name_is_registered_once():
    class Twice:
        name = "executor"

    import trading.modules  # noqa: F401 - fills the registry

    with pytest.raises(ValueError, match="executor is registered twice"):
        runtime.register(Twice)

"""What runs: claimed once, remembered by what it did, and honest about idling and failing."""

from datetime import timedelta

import pytest

from quantum import places
from tests.builders import NOW
from trading import calls, runtime
from trading.heart import Heart
from trading.models import ModuleCall, ModuleState, ProcessState
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


# -- what can't be loaded ---------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_broken():
    before = dict(runtime.BROKEN)
    yield
    runtime.BROKEN.clear()
    runtime.BROKEN.update(before)


def test_every_registered_module_is_named_with_its_file():
    """What a file that can't be imported takes with it must be known without importing it."""
    import monitoring.modules
    import monitoring.watch.modules
    import trading.modules

    named = {**trading.modules.FILES, **monitoring.watch.modules.FILES, **monitoring.modules.FILES}
    ours = {name: type(one).__module__ for name, one in runtime.MODULES.items()}
    assert ours == {name: path for path, names in named.items() for name in names}
    assert set(ours) >= trading.modules.REQUIRED


def test_a_file_that_can_not_be_imported_takes_only_its_own_modules_with_it(nothing_broken, monkeypatch, tmp_path):
    (tmp_path / "quite_broken_modules.py").write_text("import talib_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    runtime.load({"quite_broken_modules": ("oracle", "seer"), "trading.cycle": ("executor",)})
    assert runtime.BROKEN["oracle"] == "ModuleNotFoundError: No module named 'talib_that_is_not_there'"
    assert {"oracle", "seer"} <= runtime.BROKEN.keys() and "executor" not in runtime.BROKEN


def test_a_module_whose_constructor_fails_is_broken_and_never_called(nothing_broken):
    @runtime.register
    class Guard:
        name, title, every, queue = "sore_guard", "Sore Guard", timedelta(seconds=10), "work"

        def __init__(self):
            raise TypeError("unexpected keyword argument 'state_store'")

    assert "sore_guard" not in runtime.MODULES
    assert runtime.run("sore_guard", NOW) is None
    row = ModuleState.objects.get(name="sore_guard")
    assert "state_store" in row.last_error and (row.last_tick, row.last_work) == (None, None)


def test_a_process_that_misses_a_module_that_entries_need_lets_none_in(nothing_broken):
    from trading.cycle import held_back
    from trading.gates.directives import Level

    assert held_back(NOW).level is Level.ALLOW_ALL
    runtime.BROKEN["model_supervisor"] = "ImportError: x"
    assert held_back(NOW).level is Level.ALLOW_ALL, "nothing hangs on it"
    runtime.BROKEN["risk_guard"] = "ImportError: x"
    said = held_back(NOW)
    assert (said.level, said.halts) == (Level.NO_NEW_TRADES, ("risk_guard could not be loaded",))


def test_the_schedule_of_a_module_that_can_not_be_loaded_stays_on(nothing_broken):
    from django_celery_beat.models import PeriodicTask

    from trading import schedule

    schedule.sync(runtime.MODULES)
    runtime.BROKEN["risk_guard"] = "ImportError: x"
    schedule.sync({name: one for name, one in runtime.MODULES.items() if name != "risk_guard"})
    assert PeriodicTask.objects.get(name="tick: risk_guard").enabled


# -- who called how often ---------------------------------------------------------------------------------------------


def test_calls_are_counted_per_minute_and_caller(module):
    for second in (0, 10, 70):
        runtime.run("counting", NOW + timedelta(seconds=second), called_by="beat")
    runtime.record("counting", NOW + timedelta(seconds=71), Report(examined=7, actions=2), "executor")
    module.answer = RuntimeError("lost count")
    runtime.run("counting", NOW + timedelta(seconds=80), called_by="beat")
    module.answer = Report.idle("nothing to count")
    runtime.run("counting", NOW + timedelta(seconds=90), called_by="beat")
    rows = ModuleCall.objects.filter(name="counting").order_by("minute", "caller")
    told = [(row.caller, row.ticks, row.idle, row.errors, row.examined, row.actions) for row in rows]
    assert told == [("beat", 2, 0, 0, 6, 2), ("beat", 3, 1, 1, 3, 1), ("executor", 1, 0, 0, 7, 2)]


def test_counts_are_kept_for_a_day(module):
    for hours in (0, 23, 25):
        calls.count("counting", "beat", NOW - timedelta(hours=hours), Report(examined=1), "", 5)
    assert calls.forget(NOW) == 1
    assert ModuleCall.objects.count() == 2


def test_counting_a_call_is_one_statement(module, django_assert_num_queries):
    with django_assert_num_queries(1):
        calls.count("counting", "beat", NOW, Report(examined=1), "", 5)


def test_a_module_that_hangs_again_and_again_has_been_at_it_since_the_first_time(module):
    runtime.claim("counting", NOW, timedelta(seconds=20))
    runtime.claim("counting", NOW + timedelta(seconds=25), timedelta(seconds=20))
    assert state().claimed_at == NOW
    runtime.run("counting", NOW + timedelta(seconds=50))
    assert (state().claimed_at, state().claimed_until) == (None, None)


def test_what_could_not_be_done_is_told_until_the_next_tick_that_ends(module):
    module.answer = Report(examined=5, failed=2, trouble="2 of 5 did not answer")
    runtime.run("counting", NOW)
    assert (state().failed, state().trouble) == (2, "2 of 5 did not answer")
    module.answer = Report(examined=5)
    runtime.run("counting", NOW + timedelta(seconds=10))
    assert (state().failed, state().trouble) == (0, "")


def test_a_tick_tells_which_code_and_settings_ran_it(module, settings):
    runtime.run("counting", NOW)
    assert (state().build, state().code, state().config_hash) == (
        settings.BUILD, settings.CODE, settings.QUANTUM.fingerprint,
    )  # fmt: skip


# -- hearts -----------------------------------------------------------------------------------------------------------


def test_a_heart_tells_who_it_is_what_it_finished_and_what_it_is_at():
    now = [NOW]
    heart = Heart("worker", lambda: now[0])
    heart.begin("a", "trading.tick executor")
    now[0] += timedelta(seconds=2)
    heart.begin("b", "trading.mind 7")
    heart.beat()
    row = ProcessState.objects.get()
    assert (row.doing, row.doing_since, row.works) == ("trading.tick executor", NOW, 0)
    heart.end("a")
    now[0] += timedelta(seconds=8)
    heart.beat()
    row = ProcessState.objects.get()
    assert (row.doing, row.works, row.work_at, row.lag_ms) == ("trading.mind 7", 1, NOW + timedelta(seconds=2), 5000)
    assert (row.pid, row.started_at, len(row.code)) == (heart.pid, NOW, 12)


def test_a_clock_that_goes_back_does_not_stop_a_heart():
    now = [NOW]
    heart = Heart("web", lambda: now[0])
    now[0] -= timedelta(minutes=5)
    heart.beat()
    assert ProcessState.objects.get().beat_at == NOW


def test_the_code_of_a_process_changes_with_any_of_its_files(tmp_path):
    for folder in ("quantum", "trading", "monitoring"):
        (tmp_path / folder).mkdir()
    (tmp_path / "trading" / "cycle.py").write_text("a = 1")
    before = places.code(tmp_path)
    assert places.code(tmp_path) == before
    (tmp_path / "trading" / "cycle.py").write_text("a = 2")
    assert places.code(tmp_path) != before

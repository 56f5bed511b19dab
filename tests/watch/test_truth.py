"""What looks alive and is not: for every module and every fault the stored rows give the right status within 15 s."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

import monitoring.modules  # noqa: F401 - fills the registry
import trading.modules  # noqa: F401
from monitoring.watch import truth, truthwords, upstream, witness
from monitoring.watch.probes.words import SENTENCES, say
from monitoring.watch.truth import Status
from trading import runtime, schedule
from trading.heart import Heart
from trading.models import ModuleState, ProcessState
from trading.runtime import MODULES, Report

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PROCESSES = ("web", "worker", "trainer", "beat", "stream")
NAMES = tuple(sorted(MODULES))
LIMIT = 15  # seconds


class Clock:
    """Time as the house sees it; it moves when the test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class FakeHouse:
    """Five processes and beat's schedule, second by second; ticks go through the real runtime, hearts are real."""

    def __init__(self, names=NAMES) -> None:
        self.clock, self.names = Clock(), names
        schedule.sync({name: MODULES[name] for name in names})
        PeriodicTask.objects.update(date_changed=START)
        self.hearts = {name: self.heart(name, pid) for pid, name in enumerate(PROCESSES, 100)}
        self.next = dict.fromkeys(names, START)
        self.dead: set[str] = set()
        self.answers: dict[str, Report | Exception | str] = {}

    def heart(self, name: str, pid: int) -> Heart:
        heart = Heart(name, self.clock)
        heart.pid = pid
        return heart

    def second(self) -> None:
        """One second: hearts that are due, then the modules that are due."""
        for name, heart in self.hearts.items():
            if name not in self.dead and heart.due:
                heart.beat()
        off = set(PeriodicTask.objects.filter(enabled=False).values_list("name", flat=True))
        for name in self.names:
            runner = witness.runner_of(name, None)
            if self.clock.now < self.next[name] or {"beat", runner} & self.dead or schedule.PREFIX + name in off:
                continue
            self.next[name] += MODULES[name].every
            self.tick(name)
        self.clock.now += SECOND

    def tick(self, name: str) -> None:
        answer = self.answers.get(name, Report(examined=5, actions=1))
        if answer == "never":
            return
        if answer == "hang":
            runtime.claim(name, self.clock.now, max(MODULES[name].every * 2, runtime.LEASE))
            return
        now = self.clock.now
        fence = runtime.claim(name, now, max(MODULES[name].every * 2, runtime.LEASE))
        if fence is None:
            return
        error = f"{type(answer).__name__}: {answer}" if isinstance(answer, Exception) else ""
        report = Report() if error else answer
        runtime.beat(name, fence, now, report, error, "beat", took_ms=40)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.second()

    def until_next_tick(self, name: str) -> None:
        """To the second before the module is due: from then on a fault of its own can show."""
        while self.clock.now < self.next[name]:
            self.second()

    def table(self) -> witness.Table:
        return witness.read(self.clock.now)

    def status(self, name: str) -> Status:
        return self.table().modules[name].status


@pytest.fixture
def quick(monkeypatch):
    """The slow modules are called more often here: a fault of their own can't show before their next tick anyway."""
    for module in MODULES.values():
        if module.every > 10 * SECOND:
            monkeypatch.setattr(module, "every", 10 * SECOND, raising=False)


@pytest.fixture
def house(quick):
    house = FakeHouse()
    house.run(45)
    assert {one.status for one in house.table().modules.values() if one.name in NAMES} == {Status.RUNNING}
    return house


def import_error(house, name):
    house.dead.add(runner := witness.runner_of(name, None))
    house.second()
    house.dead.discard(runner)
    house.clock.now += SECOND
    house.hearts[runner] = house.heart(runner, 200)  # started anew, and this file is broken now
    house.answers[name] = "never"
    runtime.BROKEN[name] = "ImportError: no module named talib"


def never_started(house, name):
    ModuleState.objects.filter(name=name).delete()
    house.answers[name] = "never"


def hung(house, name):
    house.until_next_tick(name)
    house.answers[name] = "hang"


def dead(house, name):
    house.dead.add(witness.runner_of(name, None))


def idles(house, name):
    house.until_next_tick(name)
    house.answers[name] = Report()


def half_working(house, name):
    house.until_next_tick(name)
    house.answers[name] = Report(examined=5, actions=1, failed=2, trouble="2 of 5 could not be asked for")


FAULTS = {
    import_error: Status.FAILED,
    never_started: Status.NEVER_RAN,
    hung: Status.STUCK,
    dead: Status.DOWN,
    idles: Status.IDLE_TOO_LONG,
    half_working: Status.HALF,
}


@pytest.fixture(autouse=True)
def nothing_broken():
    before = dict(runtime.BROKEN)
    yield
    runtime.BROKEN.clear()
    runtime.BROKEN.update(before)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_module_in_every_fault_has_the_right_status_within_15_s(house, name, fault):
    fault(house, name)
    began, seen = house.clock.now, {}
    while house.clock.now <= began + LIMIT * SECOND:
        house.second()
        seen.setdefault(house.status(name), (house.clock.now - began).total_seconds())
    assert house.status(name) is FAULTS[fault], seen
    assert seen[FAULTS[fault]] <= LIMIT, seen
    table = house.table()
    assert table.modules[name].alarm or FAULTS[fault] is Status.NEVER_RAN
    runner = witness.runner_of(name, None)
    others = [one for one in table.modules.values() if one.name != name and one.seen.runner != runner]
    assert {one.status for one in others if one.name in NAMES} == {Status.RUNNING}, "nobody else is blamed"


def test_an_idle_module_says_why_in_a_sentence(house):
    house.answers["trailing"] = Report.idle("no open position")
    house.run(12)
    told = house.table().modules["trailing"]
    assert (told.status, say(told.code, told.params)) == (Status.IDLE, "Nothing to do: no open position")


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_that_is_killed_or_stopped_is_down_within_15_s(house, process):
    house.dead.add(process)
    house.run(LIMIT)
    assert house.table().process(process).alive(house.clock.now) == "down"
    for other in set(PROCESSES) - {process}:
        assert house.table().process(other).alive(house.clock.now) == "up"


def test_without_beat_no_module_is_said_to_run(house):
    house.dead.add("beat")
    house.run(LIMIT)
    assert {one.status for one in house.table().modules.values() if one.name in NAMES} == {Status.DOWN}
    assert {one.code for one in house.table().modules.values() if one.name in NAMES} == {"nobody-calls"}


def test_a_module_that_is_switched_off_is_off_and_the_keeper_of_positions_is_an_alarm(house):
    PeriodicTask.objects.filter(name__in=["tick: universe", "tick: position_monitor"]).update(enabled=False)
    table = house.table()
    universe, keeper = table.modules["universe"], table.modules["position_monitor"]
    assert (universe.status, universe.alarm) == (Status.OFF, False)
    assert (keeper.status, keeper.alarm) == (Status.OFF, True)


def test_an_hour_of_clean_work_raises_no_alarm():
    """At the modules' own intervals, from the very start: not one false alarm, nothing late, nobody odd."""
    house = FakeHouse()
    wrong = []
    for second in range(3600):
        house.second()
        if second % 7 == 0:  # every phase of every interval
            table = house.table()
            wrong += [(second, one.name, one.status) for one in table.modules.values()
                      if one.name in NAMES and (one.alarm or one.status is Status.LATE)]  # fmt: skip
            wrong += [(second, odd) for odd in table.odd]
            wrong += [(second, one.name) for one in table.processes if one.alive(house.clock.now) != "up"]
    assert wrong == []
    counted = house.table().modules["executor"].seen.calls
    assert counted.share > 0.95 and counted.by.keys() == {"beat"}


def test_after_a_night_switched_off_a_start_is_no_alarm(quick):
    house = FakeHouse()
    house.run(60)
    house.clock.now += timedelta(hours=9)
    house.hearts = {name: house.heart(name, pid) for pid, name in enumerate(PROCESSES, 300)}
    house.next = dict.fromkeys(NAMES, house.clock.now + 12 * SECOND)  # it takes its time
    for _ in range(40):
        house.second()
        table = house.table()
        assert not [one.name for one in table.modules.values() if one.name in NAMES and one.alarm]


def test_a_process_with_other_code_or_settings_than_the_web_is_named(house):
    ProcessState.objects.filter(name="trainer").update(code="0ld0ld0ld")
    ProcessState.objects.filter(name="stream").update(config_hash="other")
    odd = house.table().odd
    assert {(one.process.name, one.what) for one in odd} == {("trainer", "code"), ("stream", "config")}
    assert odd[0].values[0] == "0ld0ld0ld"


def test_the_table_is_read_in_a_number_of_queries_that_no_row_count_changes(house, django_assert_max_num_queries):
    with django_assert_max_num_queries(13):
        house.table()


def test_every_code_has_a_sentence_and_every_status_a_name():
    source = (Path(truth.__file__).read_text(), Path(upstream.__file__).read_text())
    codes = set(re.findall(r'Truth\(seen, [\w.\[\]]+, "([a-z-]+)"', source[0])) | {"silent", "late"}
    dues = set(re.findall(r'(?:Due|followed)\(\s*"([a-z]+)"', source[1]))
    assert len(codes) > 10 and len(dues) > 8
    assert codes | {f"undone-{code}" for code in dues} <= SENTENCES.keys() >= truthwords.WHY.keys()
    assert all(SENTENCES[code] is sentence for code, sentence in truthwords.WHY.items()), "nobody else's code"
    assert dues == set(truthwords.DONE)
    assert set(truthwords.NAMES) == set(truth.SHAPES) == set(Status)


def test_intervals_of_beat_reach_the_expected_number_of_calls(house):
    every, _ = IntervalSchedule.objects.get_or_create(every=30, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(name="tick: universe").update(interval=every, date_changed=START)
    house.run(3600 - 45)
    counted = house.table().modules["universe"].seen.calls
    assert counted.expected == pytest.approx(118, abs=2)

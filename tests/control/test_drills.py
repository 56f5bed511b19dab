"""Drills as they are carried out: asked for with a right and a row, on a real desk, judged by rows, put right."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from monitoring.control import figures, practice
from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.drills import asking, firing, hands, house, runner, stranger, subjects
from monitoring.control.drills.gather import Gatherer
from monitoring.control.drills.hands import CannotBreak
from monitoring.control.drills.runner import Round, World
from monitoring.control.permissions import Actor, NotAllowed
from monitoring.models import AuditEntry, DrillRun, Incident, ReliabilityFigure, RemedyAttempt
from monitoring.watch import ringing, truth, witness
from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.drills.evidence import Evidence, Fact, Subject
from monitoring.watch.drills.judge import Why
from monitoring.watch.drills.spec import Ring, Sign
from tests import builders
from tests.practice.running import Running
from trading import calls, runtime, schedule
from trading.models import Candle, ClockReading, ModuleState, ProcessState, SwitchChange

pytestmark = pytest.mark.django_db

VIEWER, OPERATOR = (Actor(role, frozenset({role})) for role in ("viewer", "operator"))
NAME = "venue-answers-503"
OVERDUE = timedelta(minutes=2)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def desk(exchange, settings, monkeypatch, tmp_path):
    """A house that runs, as far as its lock says, and this exchange, which is whole."""
    settings.VAR = tmp_path
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": exchange.url})
    for fault in exchange.desk("GET", "faults")[1]["items"]:
        exchange.desk("DELETE", f"faults/{fault['id']}")
    monkeypatch.setattr(house, "supervisor", lambda var, name="worker": 4711)
    return exchange


def world(**changes) -> World:
    """The wall's clock, hardly any rest, and laws that hold."""
    return replace(World(rest=lambda s: time.sleep(0.02), alive=lambda: True, laws=lambda since: ()), **changes)


def failing_then_well(now, clock=lambda: datetime.now(UTC)):
    """What the modules' rows would say: an error at once, and a good tick a little later."""
    done = []

    def rest(seconds):
        time.sleep(0.02)
        at = clock()
        fields = {"last_tick": at, "last_error": "", "last_error_at": None}
        if not done:
            fields |= {"last_error": "Unreachable: 503", "last_error_at": at}
        done.append(at)
        for name in ("exchange", "position_monitor"):
            ModuleState.objects.update_or_create(name=name, defaults=fields)
        from trading.models import AccountSnapshot

        AccountSnapshot.objects.create(
            at=at, equity=1, balance=1, available=1, margin_used=0, unrealized=0, mode="practice"
        )

    return rest


class TestAsking:
    def test_it_leaves_a_queued_row_and_one_in_the_audit_log(self, desk, now):
        row = asking.request(NAME, OPERATOR, now, "to see")
        assert (row.name, row.outcome, row.by, row.mode) == (NAME, "queued", "operator", "practice")
        assert row.build and row.seed and row.profile in ("embedded", "postgres")
        entry = AuditEntry.objects.get()
        assert (entry.who, entry.action, entry.target, entry.reason) == ("operator", "drill.start", NAME, "to see")
        assert entry.after == {"run": row.pk}

    def test_a_viewer_may_not(self, desk, now):
        with pytest.raises(NotAllowed, match="drill.start"):
            asking.request(NAME, VIEWER, now)
        assert not DrillRun.objects.exists() and not AuditEntry.objects.exists()

    def test_an_unknown_drill_is_refused_by_name(self, desk, now):
        with pytest.raises(BadRequest, match="no drill set-fire"):
            asking.request("set-fire", OPERATOR, now)

    @pytest.mark.parametrize("mode", ["paper", "testnet", "live"])
    def test_nothing_is_broken_outside_practice_mode(self, desk, settings, now, mode):
        settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_MODE": type(settings.QUANTUM.QT_MODE)(mode)})
        with pytest.raises(Stale, match=f"the mode here is {mode}"):
            asking.request(NAME, OPERATOR, now)
        assert not DrillRun.objects.exists()

    def test_the_schema_knows_no_drill_outside_practice_mode(self, desk, now):
        with pytest.raises(IntegrityError, match="drills_are_run_in_practice_mode_alone|CHECK"), transaction.atomic():
            DrillRun.objects.create(name=NAME, requested_at=now, by="x", build="b", seed="s", profile="embedded",
                                    mode="live")  # fmt: skip

    def test_nothing_is_broken_while_halted(self, desk, now):
        SwitchChange.objects.create(state="halted", at=now, by="someone", reason="lunch")
        with pytest.raises(Stale, match="on halted"):
            asking.request(NAME, OPERATOR, now)

    def test_where_no_house_runs_there_is_nothing_to_drill(self, desk, monkeypatch, now):
        monkeypatch.setattr(house, "supervisor", lambda var, name="worker": None)
        with pytest.raises(Unreachable, match="No house runs"):
            asking.request(NAME, OPERATOR, now)

    def test_one_at_a_time(self, desk, now):
        asking.request(NAME, OPERATOR, now)
        with pytest.raises(Stale, match=f"{NAME} is going on"):
            asking.request("stop-cancelled", OPERATOR, now)

    def test_two_can_not_run_whoever_tries(self, desk, now):
        first, second = asking.queued(NAME, "a", now), asking.queued(NAME, "b", now)
        runner.begin(first, now)
        with pytest.raises(Stale, match="Another drill"), transaction.atomic():
            runner.begin(second, now)

    def test_old_runs_are_forgotten_and_going_ones_never(self, desk, now):
        old = asking.queued(NAME, "a", now - timedelta(days=181))
        going = asking.queued(NAME, "a", now - timedelta(days=181))
        runner.ended(old, "failed", Why.BROKE, {}, now)
        assert asking.prune(now) == 1
        assert list(DrillRun.objects.all()) == [going]


class TestRunning:
    def carried_out(self, now, **changes):
        row = asking.request(NAME, OPERATOR, now)
        return runner.run(row, world(**changes), patience=0.2)

    def test_what_is_found_and_over_has_passed_with_times_of_the_rows(self, desk, now):
        row = self.carried_out(now, rest=failing_then_well(now))
        assert (row.outcome, row.why, row.stage) == ("passed", "", "")
        assert 0 <= row.detected_s < 5 and 0 <= row.verified_s < 5
        assert row.broken_at < row.mended_at <= row.ended_at
        kinds = {kind for _, kind, _ in row.evidence["facts"]}
        assert {"error", "tick", "account"} <= kinds and row.evidence["laws"] == []

    def test_the_fault_stands_while_it_lasts_and_is_ended_afterwards(self, desk, now):
        seen = []
        inner = failing_then_well(now)

        def rest(seconds):
            seen.append([one.kind for one in practice.faults()])
            inner(seconds)

        self.carried_out(now, rest=rest)
        assert seen[0] == ["http_status"] and practice.faults() == []

    def test_what_nobody_finds_has_failed_and_is_put_right_all_the_same(self, desk, now):
        clock = iter(now + timedelta(seconds=3 * n) for n in range(10_000))
        row = self.carried_out(now, clock=lambda: next(clock), rest=lambda s: None)
        assert (row.outcome, row.why) == ("failed", Why.NOT_DETECTED)
        assert row.params["limit"] == CATALOGUE[NAME].within.detect and "error" in row.params["missing"]
        assert practice.faults() == [] and row.undo == []

    def test_a_law_that_is_broken_fails_it(self, desk, now):
        began = time.monotonic()
        clock = lambda: datetime.now(UTC) + timedelta(seconds=40 * (time.monotonic() - began))  # noqa: E731
        inner = failing_then_well(now, clock)
        row = self.carried_out(now, clock=clock, rest=inner, laws=lambda since: ("one order of a kind",))
        assert row.outcome == "failed" and "one order of a kind" in json.dumps(row.evidence["laws"])

    def test_a_house_that_ends_ends_the_drill(self, desk, now):
        alive = iter([True, True, False])
        row = self.carried_out(now, alive=lambda: next(alive, False))
        assert (row.outcome, row.why) == ("failed", Why.RUNNER_ENDED) and practice.faults() == []

    def test_whoever_interrupts_it_leaves_nothing_broken(self, desk, now):
        def rest(seconds):
            raise KeyboardInterrupt

        row = asking.request(NAME, OPERATOR, now)
        with pytest.raises(KeyboardInterrupt):
            runner.run(row, world(rest=rest), patience=0.2)
        row.refresh_from_db()
        assert (row.outcome, row.why) == ("failed", Why.RUNNER_ENDED) and practice.faults() == []

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("stop-cancelled", Why.NO_POSITION),
            ("models-gone", Why.NO_MODELS),
            ("price-spike", Why.NO_SYMBOL),
            ("page-killed", Why.NO_PROCESS),
        ],
    )
    def test_what_lacks_its_subject_is_skipped_and_says_why(self, desk, now, name, why):
        row = runner.run(asking.request(name, OPERATOR, now), world(), patience=0.05)
        assert (row.outcome, row.why) == ("skipped", why) and row.detected_s is None

    @pytest.mark.parametrize(("gone", "outcome"), [(2, "passed"), (99, "skipped")])
    def test_a_position_that_goes_under_its_hands_is_given_up_for_another(self, desk, now, monkeypatch, gone, outcome):
        inner, well, left, there = runner.broken, failing_then_well(now), iter(range(gone)), []

        def broken(*about):
            if next(left, None) is not None:
                raise CannotBreak(Why.POSITION_GONE, symbol="BTC/USDT:USDT")
            there.append(inner(*about))
            return there[0]

        monkeypatch.setattr(runner, "broken", broken)
        row = self.carried_out(now, rest=lambda seconds: well(seconds) if there else None)
        assert (row.outcome, bool(row.broken_at)) == (outcome, bool(there))

    def test_a_fault_that_the_desk_does_not_know_is_skipped(self, desk, now, monkeypatch):
        drill = CATALOGUE[NAME]
        strange = replace(drill, breaks=(replace(drill.breaks[0], kind="earthquake"),))
        monkeypatch.setattr(runner, "CATALOGUE", {NAME: strange})
        row = self.carried_out(now)
        assert (row.outcome, row.why, row.params) == ("skipped", Why.NO_FAULT_KIND, {"kind": "earthquake"})

    def test_nothing_is_broken_on_top_of_something_that_is_wrong(self, desk, now):
        Incident.objects.create(key="FEED_STALE", code="FEED_STALE", subsystem="data_feed", severity="critical",
                                first_seen=now, last_seen=now)  # fmt: skip
        row = self.carried_out(now)
        assert (row.outcome, row.why, row.params) == ("skipped", Why.UNSAFE, {"incident": "FEED_STALE"})

    @pytest.mark.parametrize(("code", "fit"), [("RESTARTS_EXHAUSTED", True), ("FEED_STALE", False)])
    def test_restarts_that_are_used_up_are_waited_for_as_long_as_they_count(self, desk, now, code, fit):
        for key in ("PROCESS_SILENT:worker", code):
            Incident.objects.create(key=key, code=key.split(":")[0], subsystem="self_healing", severity="critical",
                                    first_seen=now, last_seen=now)  # fmt: skip
        waited = [0.0]

        def rest(seconds):
            waited[0] += seconds
            if waited[0] > 400:
                Incident.objects.filter(key=code).update(closed_at=now, verified=True)
            if waited[0] > 500:
                Incident.objects.filter(closed_at=None).update(closed_at=now, verified=True)

        def clock():
            return now + timedelta(seconds=waited[0])

        try:
            subjects.quiet(CATALOGUE[NAME], lambda: True, clock, rest, patience=150)
        except CannotBreak as no:
            assert not fit and no.why is Why.UNSAFE and 150 <= waited[0] < 160
        else:
            assert fit and 500 < waited[0] < 510

    def test_nor_on_top_of_what_a_person_has_broken(self, desk, now):
        practice.break_it(practice.MUTE, OPERATOR, now)
        row = self.carried_out(now)
        assert (row.outcome, row.why) == ("skipped", Why.BROKEN_ALREADY)
        assert [one.kind for one in practice.faults()] == ["mute_stream"]

    def test_what_a_killed_runner_left_broken_is_put_right_by_the_next(self, desk, now):
        schedule.sync({"policy": Policy})
        row = asking.queued(NAME, "a", now - OVERDUE)
        runner.begin(row, now - OVERDUE)
        row.undo = [["schedule", "policy"], ["fault", practice.ask("POST", "faults", {"kind": "mute_stream"})["id"]]]
        row.save()
        hands.scheduled("policy", False)
        assert runner.recover(now) == 1
        row.refresh_from_db()
        assert (row.outcome, row.why, row.undo) == ("failed", Why.RUNNER_ENDED, [])
        assert practice.faults() == [] and PeriodicTask.objects.get(name="tick: policy").enabled


class Policy:
    name, title, queue, every = "policy", "Orchestrator Policy", "work", timedelta(seconds=60)


class TestEntries:
    """A drill of an entry, on an entry that went into its fault or not; nobody finds anything."""

    def ended(self, desk, now, sent, hit):
        clock = iter(now + timedelta(seconds=3 * n) for n in range(10_000))
        left = list(sent)
        position = builders.position(protected_since=now)
        held = {"position": position, "reason": "a test", "requester": "drill", "reduce_only": True}

        def rest(seconds):
            while left:
                kind = left.pop(0)
                at = now + timedelta(seconds=40 - len(left))
                about = {"decision": builders.decision()} if kind == "entry" else held
                builders.order(intent=builders.intent(kind=kind, **about), sent_at=at, updated_at=at)
                if hit and not left:
                    desk.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0")

        row = asking.request("entry-answer-lost", OPERATOR, now)
        return runner.run(row, world(clock=lambda: next(clock), rest=rest), patience=0.2)

    def test_one_that_met_the_fault_and_was_not_found_has_failed(self, desk, now):
        row = self.ended(desk, now, ["stop", "entry"], hit=True)
        assert (row.outcome, row.why, row.params["missing"]) == ("failed", Why.NOT_DETECTED, "entry unknown")

    @pytest.mark.parametrize(
        ("sent", "hit"), [([], False), (["entry"], False), (["stop"], True), (["exit", "entry"], True)]
    )
    def test_where_none_met_it_the_drill_is_skipped(self, desk, now, sent, hit):
        row = self.ended(desk, now, sent, hit)
        assert (row.outcome, row.why) == ("skipped", Why.NO_ENTRY)


class TestFacts:
    """What the rows and the desk say of a break."""

    def told(self, now, *signs, **about):
        found = Gatherer(signs, Subject("BTC/USDT:USDT"), now, **about).look(now + timedelta(seconds=9))
        return {(fact.kind, fact.key) for fact in found}

    @pytest.mark.parametrize(("offset", "kind"), [(30_000, "clock.off"), (-2001, "clock.off"), (900, "clock.right")])
    def test_a_clock_is_off_where_a_reading_since_the_break_says_so(self, now, offset, kind):
        def note(at):
            about = {"offset_ms": offset, "round_trip_ms": 4, "at": at}
            ClockReading.objects.update_or_create(source="stream", defaults=about)
            return self.told(now, Sign("clock.off"))

        assert note(now - timedelta(seconds=1)) == set()
        assert note(now + timedelta(seconds=1)) == {(kind, "stream")}

    def test_a_stream_that_is_dropped_once_more_was_dialled_again(self, desk, now):
        async def dial():
            async with aiohttp.ClientSession() as session, session.ws_connect(f"{desk.url}/ws/btcusdt@markPrice") as ws:
                while not ws.closed:
                    await ws.receive(timeout=5)

        def said():
            return self.told(now, Sign("desk.again", ("drop_stream",)))

        practice.ask("POST", "faults", {"kind": "drop_stream", "seconds": 60})
        assert said() == set()
        asyncio.run(dial())
        assert said() == {("desk.hit", "drop_stream")}
        asyncio.run(dial())
        assert said() == {("desk.again", "drop_stream")}

    def test_a_candle_that_was_taken_away_is_back_where_it_is_there(self, now):
        at = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
        assert self.told(now, Sign("candle.back"), removed=(at,)) == set()
        Candle.objects.create(symbol="BTC/USDT:USDT", timeframe=settings.QUANTUM.timeframe, open_time=at, open=1,
                              high=1, low=1, close=1, volume=1)  # fmt: skip
        assert self.told(now, Sign("candle.back"), removed=(at,)) == {("candle.back", "BTC/USDT:USDT")}

    @pytest.mark.parametrize(("ticks", "said"), [(0, "few"), (12, "few"), (13, "many"), (50, "many")])
    def test_bells_that_were_rung_at_once_led_to_few_ticks_or_to_many(self, desk, now, monkeypatch, ticks, said):
        rung = []
        monkeypatch.setattr(hands.events, "ring", lambda *about, **options: rung.append(about) or True)
        calls.count("executor", "drill", now - timedelta(minutes=9), runtime.Report(), "", 5)
        mine = hands.Hands(Subject(), lambda undo: None)
        mine.apply(Ring("executor", 50))
        assert rung == [("trading.tick", "executor", "drill")] * 50
        for _ in range(ticks):
            calls.count("executor", "drill", now, runtime.Report(), "", 5)
        calls.count("executor", "beat", now, runtime.Report(), "", 5)
        asked = Sign("bells.few", ("executor",))
        ringing.answered("trade", now - timedelta(seconds=1), mine.rung["executor"].at + timedelta(seconds=2))
        assert self.told(now, asked, rung=mine.rung) == set(), "a task that was there before them says nothing"
        after = mine.rung["executor"].at + timedelta(seconds=1)
        ringing.answered("trade", after, after + timedelta(seconds=1))
        assert self.told(now, asked, rung=mine.rung) == {(f"bells.{said}", "executor")}


def test_whatever_process_rings_says_when_so_that_one_tick_answers_many_bells():
    code = (
        "import django; django.setup(); from celery import current_app; from celery.signals import before_task_publish;"
        "from trading import events; sent = {}; current_app.send_task = lambda task, **_:"
        "before_task_publish.send(sender=task, headers=sent); events.ring('trading.tick', 'executor', 'drill');"
        "print('rung' in sent)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split()[-1] == "True"


def test_a_process_is_said_to_have_started_once_although_its_age_comes_out_a_little_different(monkeypatch, now):
    looks = iter(range(3))
    alike = lambda var, at: {"web": house.Process("web", 7, now + timedelta(microseconds=next(looks)))}  # noqa: E731
    monkeypatch.setattr(house, "processes", alike)
    mine = Gatherer((Sign("process.started", ("web",)),), Subject(), now)
    assert {fact for _ in range(3) for fact in mine.look(now)} == {Fact(now, "process.started", "web")}


class TestUnprotected:
    def without(self, now, before, **about):
        """Seconds that a drill has cost the position, 8 s after it had begun."""
        position = builders.position(opened_at=now - timedelta(minutes=5), protected_since=now - timedelta(minutes=4))
        subject = Subject(position.symbol, position.pk)
        type(position).objects.filter(pk=position.pk).update(seconds_unprotected=before)
        row = DrillRun(evidence={"unprotected_before": runner.without_stop(subject, now)})
        type(position).objects.filter(pk=position.pk).update(**about)
        one = Round(row, CATALOGUE["stop-cancelled"], world(), hands.Hands(subject, lambda undo: None),
                    Evidence(now, now, subject=subject))  # fmt: skip
        return runner.unprotected(one, now + timedelta(seconds=8))

    def test_a_stop_that_came_back_is_counted(self, now):
        assert self.without(now, 1.5, seconds_unprotected=2.25) == 0.75

    def test_a_stop_that_never_came_back_counts_until_now(self, now):
        assert self.without(now, 1.5, unprotected_since=now + timedelta(seconds=1), protected_since=None) == 7

    def test_a_position_that_died_without_one_counts_until_then(self, now):
        died = {"status": "closed", "quantity": 0, "closed_at": now + timedelta(seconds=4), "close_reason": "stop"}
        assert self.without(now, 0, unprotected_since=now + timedelta(seconds=1), protected_since=None, **died) == 3


class TestProcesses:
    def test_a_folder_that_nobody_holds_has_no_supervisor(self, tmp_path):
        (tmp_path / "locks").mkdir()
        (tmp_path / "locks" / "worker").write_text("1\n")
        assert house.supervisor(tmp_path) is None and house.processes(tmp_path, datetime.now(UTC)) == {}

    @pytest.mark.skipif(not house.PROC.is_dir(), reason="there is no /proc here")
    def test_only_children_of_who_holds_the_lock_are_ours(self, tmp_path, now):
        from quantum.claims import lock

        with lock(tmp_path / "locks", ["worker"]):
            ours = [sleeper("manage.py", "stream"), sleeper("something", "else")]
            try:
                found = house.processes(tmp_path, datetime.now(UTC))
                assert found["stream"].pid == ours[0].pid
                assert ours[1].pid not in {one.pid for one in found.values()}
                assert abs((found["stream"].started_at - datetime.now(UTC)).total_seconds()) < 5
                assert house.send(tmp_path, "stream", signal.SIGKILL, datetime.now(UTC)) == ours[0].pid
                assert ours[0].wait() == -signal.SIGKILL and ours[1].poll() is None
                assert house.send(tmp_path, "stream", signal.SIGKILL, datetime.now(UTC)) is None
            finally:
                for child in ours:
                    child.kill()
                    child.wait()


def sleeper(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words])


class TestFireDrill:
    def test_it_is_off_by_default(self, desk, now):
        assert firing.FireDrill().tick(now).idle_reason == "fire drills are off (QT_FIRE_DRILL_INTERVAL)"

    def test_it_starts_the_next_one_when_it_is_due_and_names_itself(self, desk, settings, now, monkeypatch):
        launched = []
        monkeypatch.setattr(asking, "launch", launched.append)
        settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_FIRE_DRILL_INTERVAL": 3600})
        assert firing.FireDrill().tick(now).actions == 1
        row = DrillRun.objects.get()
        assert launched == [row] and row.by == "fire_drill" and not CATALOGUE[row.name].ends
        assert AuditEntry.objects.get().who == "fire_drill"
        runner.ended(row, "skipped", Why.NO_POSITION, {"waited": 1.0}, now)
        told = firing.FireDrill().tick(now + timedelta(minutes=59))
        assert told.idle_reason.startswith("the next fire drill is due at")
        assert firing.FireDrill().tick(now + timedelta(minutes=60)).actions == 1
        assert DrillRun.objects.latest().name != row.name


class TestCommand:
    def test_without_a_name_it_lists_them(self, capsys):
        call_command("drill")
        out = capsys.readouterr().out
        assert all(f"\n{name} " in f"\n{out}" for name in CATALOGUE)

    def test_an_unknown_name_is_an_error_in_words(self):
        with pytest.raises(CommandError, match="no drill nonsense"):
            call_command("drill", "nonsense")

    def test_where_no_house_runs_it_says_how_to_start_one(self, desk, monkeypatch):
        monkeypatch.setattr(house, "supervisor", lambda var, name="worker": None)
        with pytest.raises(CommandError, match="manage.py run"):
            call_command("drill", NAME)

    def test_a_table_of_times_and_an_exit_code(self, desk, monkeypatch, capsys):
        def carried(row, *args, **more):
            runner.ended(
                row, "failed", Why.NOT_DETECTED, {"limit": 15.0, "missing": "error exchange"}, row.requested_at
            )

        monkeypatch.setattr(runner, "run", carried)
        with pytest.raises(SystemExit) as ended:
            call_command("drill", NAME)
        assert ended.value.code == 1
        out = capsys.readouterr().out
        assert "Not found within 15 s. Missing: error exchange." in out and "0 passed, 1 failed, 0 skipped" in out


class TestRecording:
    TEXT = "BENCH replay_speed 1200 candles/s\nGOAL G1 PASS 0 0\n"

    def test_each_figure_becomes_a_row_and_the_run_an_audit_entry(self, now):
        rows = figures.record(self.TEXT, "bench.txt", OPERATOR, now, now - timedelta(hours=1), "embedded", "abc", "7")
        assert {(row.name, row.value, row.passed) for row in rows} == {
            ("replay_speed", 1200.0, None),
            ("G1", 0.0, True),
        }
        assert AuditEntry.objects.get().action == "reliability.record"

    def test_the_same_output_counts_once(self, now):
        figures.record(self.TEXT, "bench.txt", OPERATOR, now, now, "embedded")
        with pytest.raises(Stale, match="recorded before"):
            figures.record(self.TEXT, "again.txt", OPERATOR, now, now, "embedded")
        assert ReliabilityFigure.objects.count() == 2

    @pytest.mark.parametrize(("text", "field"), [("hello", "file"), ("BENCH x NaN s", "file")])
    def test_what_says_nothing_is_refused(self, now, text, field):
        with pytest.raises(BadRequest) as no:
            figures.record(text, "f", OPERATOR, now, now, "embedded")
        assert no.value.field == field

    def test_a_viewer_records_nothing(self, now):
        with pytest.raises(NotAllowed):
            figures.record(self.TEXT, "f", VIEWER, now, now, "embedded")

    def test_the_command_reads_a_file(self, tmp_path, capsys):
        path = tmp_path / "bench.txt"
        path.write_text(self.TEXT)
        call_command("reliability", "record", str(path), "--seed", "7")
        assert "2 figures recorded" in capsys.readouterr().out
        call_command("reliability")
        assert "Processes killed at random" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
class TestAStranger:
    def test_it_is_named_by_the_truth_table_while_it_beats_and_gone_when_it_left(self):
        now = timezone.now()
        who = {"host": "here", "pid": 1, "started_at": now, "beat_at": now} | runtime.identity()
        ProcessState.objects.create(name="web", **who)
        stranger.arrive()
        try:
            seen = truth.odd_ones(witness.processes(timezone.now()), timezone.now())
            assert [(one.process.host, one.process.code, one.what) for one in seen] == [
                (stranger.HOST, stranger.CODE, "code")
            ]
        finally:
            hands.undo(["stranger"])
        assert truth.odd_ones(witness.processes(timezone.now()), timezone.now()) == ()
        hands.undo(["stranger"])


def test_a_round_goes_on_with_what_needs_no_restart_while_none_is_left(now):
    left = [CATALOGUE[name] for name in ("worker-frozen", "price-spike", "stream-frozen")]
    assert subjects.next_of(left, now).name == "worker-frozen"
    incident = Incident.objects.create(
        key="PROCESS_SILENT:worker", code="PROCESS_SILENT", subsystem="executor", severity="critical",
        first_seen=now, last_seen=now,
    )  # fmt: skip
    for seconds in (30, 60, 599):
        at = now - timedelta(seconds=seconds)
        RemedyAttempt.objects.create(incident=incident, action="restart_process", target="worker", at=at)
    assert subjects.next_of(left, now).name == "price-spike"
    assert subjects.next_of(left[::2], now).name == "worker-frozen", "which then waits"
    assert subjects.next_of(left, now + timedelta(seconds=2)).name == "worker-frozen"

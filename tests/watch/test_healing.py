"""Remedies with back-off and a limit, verification, escalation, directives: decided purely, and done on rows."""

import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import TestCase

from monitoring.models import Incident, RemedyAttempt
from monitoring.watch import ailments, healer, paging
from monitoring.watch.alerts import words
from monitoring.watch.dataailments import DataSeen
from monitoring.watch.detectors.findings import CRITICAL, LOW, MEDIUM, Action, Ailment, Finding, Remedy
from monitoring.watch.hands import BY, Hands, free_claim
from monitoring.watch.healer import look
from monitoring.watch.healing import Do, backoff, due, next_step
from monitoring.watch.report import SUBSYSTEMS
from monitoring.watch.selfhealing import SelfHealing
from monitoring.watch.watchman import Watchman
from quantum.config import load
from tests import builders as make
from tests.gates.builders import belief, desk
from trading import runtime
from trading.codes import Code
from trading.exchange.venue import Bar, OrderStatus
from trading.feed import rows as feed_rows
from trading.gates import store as gate_store
from trading.gates.directives import Level
from trading.gates.judge import decide
from trading.models import CloseRequest, Directive, ModuleState, Position, ProcessState, UniverseSnapshot
from trading.runtime import Report, record

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
BORN = NOW - timedelta(hours=1)
BTC = "BTC/USDT:USDT"
SECOND = timedelta(seconds=1)
FIRST, SECOND_ONE = Remedy(Action.BACKFILL_CANDLES), Remedy(Action.REFRESH_UNIVERSE)
FINDING = Finding(Ailment.FEED_STALE, "", "data_feed", CRITICAL, {}, True, (FIRST, SECOND_ONE))


@pytest.fixture(autouse=True)
def good_data(monkeypatch):
    """What ails the data has tests of its own: here candles jump, and marks are never renewed."""
    monkeypatch.setattr(healer.dataseen, "read", lambda closes, now: DataSeen())


def ago(seconds: float) -> datetime:
    return NOW - seconds * SECOND


# -- decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tried", "escalated", "do", "remedy"),
    [
        ([], False, Do.TRY, FIRST),
        ([5], False, Do.WAIT, None),
        ([10], False, Do.TRY, SECOND_ONE),
        ([40, 15], False, Do.WAIT, None),
        ([40, 20], False, Do.TRY, SECOND_ONE),
        ([100, 80, 39], False, Do.WAIT, None),
        ([100, 80, 40], False, Do.ESCALATE, None),
        ([100, 80, 40], True, Do.WAIT, None),
        ([601, 80, 40], True, Do.TRY, SECOND_ONE),
    ],
)
def test_the_next_step(tried, escalated, do, remedy):
    step = next_step(FINDING, [ago(s) for s in tried], escalated, NOW)
    assert (step.do, step.remedy) == (do, remedy)


def test_waiting_doubles():
    assert [backoff(n).total_seconds() for n in range(4)] == [0, 10, 20, 40]
    assert [backoff(n, "restart_process").total_seconds() for n in (1, 2, 3)] == [30, 30, 40], "it has to start first"


def test_what_has_no_remedy_is_waited_for():
    assert next_step(replace(FINDING, remedies=()), [], False, NOW).do is Do.WAIT


def test_a_look_is_due_at_every_tick_while_something_is_open_and_each_half_minute_otherwise():
    assert due(None, [], NOW)
    assert not due(ago(29), [], NOW) and due(ago(30), [], NOW)
    assert due(ago(5), [CRITICAL], NOW) and due(ago(5), [MEDIUM], NOW) and not due(ago(5), [LOW], NOW)


# -- on rows ----------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.filterwarnings("error")


class Recording(Hands):
    """Remedies that are written down, and help where the test says so."""

    def __init__(self, helps=None) -> None:
        super().__init__(lambda: NOW)
        self.tried: list[tuple[str, str]] = []
        self.helps = helps or {}

    def _do(self, action: str, target: str = "") -> str:
        self.tried.append((action, target))
        help_ = self.helps.get(action)
        return str(help_() or "done") if help_ else "in vain"

    def run_module(self, name: str) -> str:
        return self._do("run_module", name)

    def restart_module(self, name: str) -> str:
        return self._do("restart_module", name)

    def close(self, request_id: int, waited: bool) -> None:
        self.tried.append(("close here" if waited else "close", str(request_id)))

    def cancel_entries(self) -> None:
        self.tried.append(("cancel entries", ""))

    def restart_process(self, name: str) -> str:
        return self._do("restart_process", name)

    def backfill_candles(self, _: str = "") -> str:
        return self._do("backfill_candles")

    def refresh_universe(self, _: str = "") -> str:
        return self._do("refresh_universe")

    def protect_position(self, position_id: str) -> str:
        return self._do("protect_position", position_id)


class Counting:
    name, title, every, queue = "executor", "Event Driven Executor", 10 * SECOND, "trade"

    def tick(self, now):
        return Report(3, 1)


@pytest.fixture
def house(db, settings, tmp_path, monkeypatch):
    """A healthy house of one module and one symbol, an hour old."""
    settings.QUANTUM = load({})
    settings.VAR = tmp_path
    monkeypatch.setattr(runtime, "MODULES", {"executor": Counting()})
    monkeypatch.setattr(healer, "broker_ms", lambda: 1.0)
    listed = [{"symbol": BTC, "rank": 1, "status": "in", "why": ""}]
    UniverseSnapshot.objects.create(at=NOW, symbols=listed, source="test")
    alive(NOW)
    candles(NOW)
    return tmp_path


def alive(at: datetime, *, heard: bool = True) -> None:
    """The executor ticked, the stream beat."""
    record("executor", at, Report(3, 1), "beat")
    record("stream", at, Report(9) if heard else Report.idle("nothing heard"), "stream")


def candles(at: datetime, bars: int = 3) -> None:
    start = at.replace(second=0, microsecond=0) - bars * 60 * SECOND
    feed_rows.store([bar_at(start + i * 60 * SECOND) for i in range(bars)], "1m", at)


def bar_at(start: datetime) -> Bar:
    """A candle that is like none beside it: what stands still is not believed."""
    price = 100 + start.timestamp() // 60 % 7 / 10
    return Bar(BTC, start, price, price + 1, price - 1, price + 0.5, 5 + price % 1)


def at(seconds: float) -> datetime:
    return NOW + seconds * SECOND


def the_incident() -> Incident:
    return Incident.objects.get()


def test_a_healthy_house_has_no_incidents_and_says_so_in_a_file(house):
    hands = Recording()
    report = look(NOW, BORN, hands)
    assert (report.examined, report.actions, hands.tried) == (2, 0, [])
    assert not Incident.objects.exists() and not Directive.objects.exists()
    told = json.loads((house / "self_healing_report.json").read_text())
    assert set(told) >= {
        "overall_status", "current_safety_policy", "subsystem_health", "detected_issues", "recovery_recommendations",
        "trading_should_continue", "requires_immediate_action", "summary",
    }  # fmt: skip
    assert set(told["subsystem_health"]) == set(SUBSYSTEMS)
    assert told["subsystem_health"]["event_executor"] == "HEALTHY"
    assert told["subsystem_health"]["model_supervisor"] == "UNKNOWN", "nobody told, so nobody knows"
    assert sum(told["summary"].values()) == len(SUBSYSTEMS)
    assert (told["current_safety_policy"], told["trading_should_continue"]) == ("ALLOW_ALL", True)


def test_stale_feed_incident_refresh_verified_closed(house):
    """From fault to proof: entries are held meanwhile, with the code, and allowed afterwards."""
    late = at(300)
    alive(late)
    hands = Recording({"backfill_candles": lambda: None})
    look(late, BORN, hands)
    row = the_incident()
    assert (row.key, row.severity, row.remedy, row.attempts, row.verified) == (
        "FEED_STALE", "critical", "backfill_candles", 1, False,
    )  # fmt: skip
    standing = gate_store.standing(late)
    (verdict,) = decide([belief()], desk(directive=standing.level, halts=standing.halts))
    assert verdict.code is Code.SELF_HEALING_NO_NEW_TRADES
    assert verdict.rejections[0].value == "All candles are old"
    told = json.loads((house / "self_healing_report.json").read_text())
    assert (told["overall_status"], told["current_safety_policy"]) == ("CRITICAL", "NO_NEW_TRADES")
    assert told["detected_issues"][0]["subsystem"] == "data_feed" and told["recovery_recommendations"]
    assert not told["trading_should_continue"]

    hands.helps["refresh_universe"] = lambda: candles(at(311))
    alive(at(311))
    look(at(311), BORN, hands)
    row.refresh_from_db()
    assert hands.tried == [("backfill_candles", ""), ("refresh_universe", "")]
    assert (row.count, row.attempts, row.closed_at) == (2, 2, None), "a remedy alone closes nothing"
    assert gate_store.standing(at(311)).halts

    alive(at(316))
    look(at(316), BORN, hands)
    row.refresh_from_db()
    assert row.verified and row.closed_at == at(316) and row.evidence["symbols"] == 1
    assert not gate_store.standing(at(316)).halts
    assert decide([belief()], desk(directive=gate_store.standing(at(316)).level))[0].accepted
    assert RemedyAttempt.objects.filter(verified_at=at(316)).count() == 2
    assert json.loads((house / "self_healing_report.json").read_text())["subsystem_health"]["data_feed"] == "HEALTHY"


def test_the_same_fault_is_one_row_and_a_second_time_is_another(house):
    for second in (300, 305, 310):
        alive(at(second))
        look(at(second), BORN, Recording())
    assert (the_incident().count, the_incident().first_seen) == (3, at(300))
    candles(at(315))
    alive(at(315))
    look(at(315), BORN, Recording())
    assert the_incident().closed_at == at(315)
    alive(at(700))
    look(at(700), BORN, Recording())
    assert Incident.objects.count() == 2


def stuck(second: float, until: float, hands: Hands, every: float = 5) -> None:
    """The executor never ticks again; looks every few seconds, with everything else in order."""
    while second <= until:
        record("stream", at(second), Report(9), "stream")
        candles(at(second), bars=1)
        look(at(second), BORN, hands)
        second += every


def test_three_remedies_with_growing_pauses_then_it_is_escalated(house):
    hands = Recording()
    stuck(60, 200, hands)
    row = the_incident()
    assert [action for action, _ in hands.tried] == ["restart_module", "restart_module", "restart_process"]
    pauses = [b - a for a, b in pairwise(RemedyAttempt.objects.order_by("at").values_list("at", flat=True))]
    assert [p.total_seconds() for p in pauses] == [10, 20]
    assert row.key == "MODULE_SILENT:executor" and row.escalated_at and not row.closed_at
    told = json.loads((house / "self_healing_report.json").read_text())
    assert told["requires_immediate_action"] and told["subsystem_health"]["event_executor"] == "FAILED"
    assert gate_store.standing(at(200)).level is Level.DEFENSIVE_EXIT and row.paged_at == row.escalated_at
    stuck(210, 650, Recording(), every=20)
    assert RemedyAttempt.objects.count() == 3, "no more than three within ten minutes"
    stuck(660, 665, hands)
    assert RemedyAttempt.objects.count() == 4


def test_a_stuck_module_is_freed_and_ticked_and_that_is_verified(house, monkeypatch):
    """Its claim stands since a worker was killed; freed and run here, because no queue answers."""
    monkeypatch.setattr("trading.events.ring", lambda *a, **k: False)
    ModuleState.objects.filter(name="executor").update(claimed_until=at(900), fence=4)
    later = at(600)
    record("stream", later, Report(9), "stream")
    candles(later)
    monkeypatch.setattr(Counting, "every", 300 * SECOND)
    hands = Hands(clock=lambda: later)
    state = ModuleState.objects.get(name="executor")
    assert free_claim("executor", 300 * SECOND, at(320)) is False, "it may still be at work"
    assert hands.restart_module("executor") == "the queue does not answer; run here"
    state.refresh_from_db()
    assert (state.claimed_until, state.last_tick, state.called_by) == (None, later, "self_healing")
    assert state.fence == 6, "a writer of the old claim is kept out"


def test_a_claim_is_as_old_as_its_beginning_however_long_its_lease(house):
    ModuleState.objects.filter(name="executor").update(claimed_at=at(0), claimed_until=at(900), fence=4)
    assert free_claim("executor", 10 * SECOND, at(20)) is False
    assert free_claim("executor", 10 * SECOND, at(120)) is True


def test_a_module_that_was_restarted_closes_its_incident(house, monkeypatch):
    monkeypatch.setattr("trading.events.ring", lambda *a, **k: False)
    stuck(60, 60, Hands(clock=lambda: at(61)))
    assert the_incident().closed_at is None
    stuck(65, 65, Recording())
    row = the_incident()
    assert row.verified and row.evidence["ticked_at"] == at(61).isoformat() and row.tries.get().verified_at == at(65)
    assert not gate_store.standing(at(66)).halts


def test_a_person_who_lifts_a_directive_is_not_overruled_during_that_incident(house):
    stuck(60, 60, Recording())
    assert gate_store.standing(at(60)).halts
    gate_store.lift("MODULE_SILENT:executor", "mira", at(61))
    stuck(65, 65, Recording())
    assert not gate_store.standing(at(66)).halts and the_incident().closed_at is None


def test_what_a_person_lifted_was_half_the_size_and_not_the_hold_that_an_escalation_asks_for(house):
    make.order(intent=make.intent(decision=make.decision()), status=OrderStatus.UNKNOWN, sent_at=ago(60))

    def later(first: float, last: float) -> None:
        for second in range(int(first), int(last), 5):
            alive(at(second))
            candles(at(second), bars=1)
            look(at(second), BORN, Recording())

    later(5, 10)
    assert gate_store.standing(at(10)).level is Level.REDUCED
    gate_store.lift(the_incident().key, "mira", at(11))
    later(15, 30)
    assert gate_store.standing(at(30)).level is Level.ALLOW_ALL, "she is not overruled"
    later(30, 90)
    assert the_incident().escalated_at and gate_store.standing(at(90)).level is Level.NO_NEW_TRADES


def test_entries_are_held_before_a_remedy_is_tried(house):
    """A remedy may hang on a silent venue for minutes, or take its process down."""

    def killed():
        raise SystemExit

    alive(at(300))
    with pytest.raises(SystemExit):
        look(at(300), BORN, Recording({"backfill_candles": killed}))
    assert gate_store.standing(at(301)).level is Level.NO_NEW_TRADES


def test_a_directive_whose_incident_is_gone_is_ended(house):
    gate_store.direct(Level.NO_NEW_TRADES, "FEED_STALE", "left over", BY, NOW)
    gate_store.direct(Level.REDUCED, "by hand", "careful today", "mira", NOW)
    look(NOW, BORN, Recording())
    assert [d.key for d in Directive.objects.filter(ended_at=None)] == ["by hand"], "a person's own stays"


def test_a_remedy_that_fails_is_recorded_and_the_next_one_is_tried(house):
    def broken():
        raise OSError("no route to host")

    hands = Recording({"backfill_candles": broken})
    alive(at(300))
    look(at(300), BORN, hands)
    tried = RemedyAttempt.objects.get()
    assert (tried.done, tried.detail) == (False, "OSError: no route to host")
    alive(at(310))
    look(at(310), BORN, hands)
    assert hands.tried[-1] == ("refresh_universe", "")


def test_a_silent_stream_an_unprotected_position_and_an_unknown_order_are_found_in_the_rows(house):
    later = at(30)
    alive(later, heard=False)
    place = make.position(unprotected_since=at(10))
    make.order(intent=make.intent(decision=make.decision()), status=OrderStatus.UNKNOWN, sent_at=ago(60))
    hands = Recording()
    look(later, BORN, hands)
    keys = set(Incident.objects.values_list("code", flat=True))
    assert keys == {"STREAM_SILENT", "UNPROTECTED", "ORDER_UNKNOWN"}
    assert set(hands.tried) == {
        ("backfill_candles", ""), ("protect_position", str(place.pk)), ("run_module", "position_monitor"),
    }  # fmt: skip


def test_no_trades_ever_leave_every_subsystem_healthy(house):
    """An hour of looks without a single signal, order or trade: nothing is found."""
    for minute in range(60):
        alive(at(60 * minute))
        candles(at(60 * minute), bars=1)
        look(at(60 * minute), BORN, Recording())
    assert not Incident.objects.exists()


def test_the_module_rests_while_nothing_is_open(house, monkeypatch):
    module = SelfHealing(Recording())
    monkeypatch.setitem(runtime.MODULES, "self_healing", module)
    assert runtime.run("self_healing", NOW, called_by="beat").examined == 2
    rests = runtime.run("self_healing", at(5), called_by="beat").idle_reason
    assert rests == "nothing worse than low is open; the next look is in 25 s"
    alive(at(31))
    assert runtime.run("self_healing", at(31), called_by="beat").examined == 2
    Incident.objects.create(key="x", code="FEED_STALE", subsystem="data_feed", severity="critical", first_seen=NOW,
                            last_seen=NOW)  # fmt: skip
    alive(at(36))
    assert runtime.run("self_healing", at(36), called_by="beat").examined == 2


def test_a_stream_that_falls_silent_is_looked_at_at_once(house, monkeypatch):
    module = SelfHealing(Recording())
    monkeypatch.setitem(runtime.MODULES, "self_healing", module)
    runtime.run("self_healing", NOW, called_by="beat")
    alive(at(20), heard=False)
    assert runtime.run("self_healing", at(20), called_by="beat").examined == 0
    alive(at(25), heard=False)
    assert runtime.run("self_healing", at(25), called_by="beat").examined == 2
    assert the_incident().key == "STREAM_SILENT"


def test_a_module_that_a_person_switched_off_is_not_expected(house):
    from trading.schedule import PREFIX, plan

    plan(runtime.MODULES["executor"])
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.filter(name=f"{PREFIX}executor").update(enabled=False)
    assert healer.ran({}) == ()


def test_nobody_switches_the_keeper_of_positions_off_unnoticed(house, monkeypatch):
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from trading.schedule import PREFIX, plan

    monkeypatch.setattr(Counting, "name", "position_monitor")
    monkeypatch.setattr(runtime, "MODULES", {"position_monitor": Counting()})
    plan(runtime.MODULES["position_monitor"])
    rarely = IntervalSchedule.objects.create(every=10, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.filter(name=f"{PREFIX}position_monitor").update(enabled=False, interval=rarely)
    alive(at(600))
    candles(at(600))
    look(at(600), BORN, Recording())
    assert the_incident().key == "MODULE_SILENT:position_monitor"
    assert gate_store.standing(at(600)).level is Level.NO_NEW_TRADES


def test_a_look_asks_as_many_questions_whatever_is_open(house, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        look(NOW, BORN, Recording())


def test_the_report_is_replaced_as_a_whole(house, monkeypatch):
    look(NOW, BORN, Recording())
    assert [p.name for p in Path(house).iterdir()] == ["self_healing_report.json"]


# -- levels that act --------------------------------------------------------------------------------------------------


def naked_in_vain(hands: Hands, first: float = 30, last: float = 140) -> None:
    """A position without a stop, everything else in order; looks until its remedies are used up."""
    for second in range(int(first), int(last), 5):
        alive(at(second))
        candles(at(second), bars=1)
        look(at(second), BORN, hands)


def test_a_defensive_exit_asks_for_the_close_of_what_is_in_danger_and_of_nothing_else(house):
    bad = make.position(unprotected_since=NOW, decision=make.decision())
    good = make.position(symbol="ETH/USDT:USDT", protected_since=NOW, verified_at=at(139), decision=make.decision())
    hands = Recording()
    naked_in_vain(hands)
    row = CloseRequest.objects.get()
    assert gate_store.standing(at(140)).level is Level.DEFENSIVE_EXIT
    assert (row.position_id, row.requested_by, row.code) == (bad.pk, "self_healing", "self_healing")
    assert row.reason.startswith("DEFENSIVE_EXIT: no stop at the exchange for ") and row.reason.endswith("limit 10 s")
    assert hands.tried.count(("close", str(row.pk))) == 1, "said again it is one request"
    assert hands.tried.count(("close here", str(row.pk))) >= 1, "nobody began it, so it is carried out here"
    assert not CloseRequest.objects.filter(position=good).exists()


def test_what_is_not_asked_for_any_more_is_taken_back_and_a_persons_close_stays(house):
    bad = make.position(unprotected_since=NOW, decision=make.decision())
    other = make.position(symbol="ETH/USDT:USDT", decision=make.decision())
    CloseRequest.objects.create(position=other, requested_by="mira", requested_at=NOW)
    naked_in_vain(Recording())
    assert CloseRequest.objects.filter(position=bad).exists()
    type(bad).objects.filter(pk=bad.pk).update(unprotected_since=None, protected_since=at(141))
    for second in (145, 150):
        alive(at(second))
        look(at(second), BORN, Recording())
    assert [row.requested_by for row in CloseRequest.objects.all()] == ["mira"]
    assert gate_store.standing(at(150)).level is Level.ALLOW_ALL


def test_what_a_person_lifts_closes_nothing_more(house):
    make.position(unprotected_since=NOW, decision=make.decision())
    naked_in_vain(Recording(), last=110)
    gate_store.lift(the_incident().key, "mira", at(111))
    naked_in_vain(Recording(), 115, 140)
    assert gate_store.standing(at(140)).level is Level.ALLOW_ALL and not CloseRequest.objects.exists()


def emergency(house) -> tuple[Recording, list[CloseRequest]]:
    make.position(unprotected_since=NOW, decision=make.decision())
    make.position(symbol="ETH/USDT:USDT", protected_since=NOW, verified_at=NOW, decision=make.decision())
    for key, code in (("UNPROTECTED:1", "UNPROTECTED"), ("PROCESS_SILENT:worker", "PROCESS_SILENT")):
        key = f"UNPROTECTED:{Position.objects.order_by('pk')[0].pk}" if code == "UNPROTECTED" else key
        params = {"symbol": BTC, "process": "worker", "seconds": 99, "limit": 10, "modules": 2}
        Incident.objects.create(key=key, code=code, subsystem="position_monitor", severity="critical", params=params,
                                impacts_trading=True, first_seen=NOW, last_seen=NOW, escalated_at=NOW)  # fmt: skip
    hands = Recording()
    record("stream", at(60), Report(9), "stream")
    candles(at(60))
    look(at(60), BORN, hands)
    return hands, list(CloseRequest.objects.order_by("position"))


def test_an_emergency_closes_all_cancels_entries_and_only_a_person_ends_it(house):
    hands, closes = emergency(house)
    assert gate_store.standing(at(60)).level is Level.EMERGENCY_SHUTDOWN
    assert [row.reason for row in closes] == ["EMERGENCY_SHUTDOWN: everything is closed, a person is needed"] * 2
    assert ("cancel entries", "") in hands.tried and {r.code for r in closes} == {"self_healing"}
    told = json.loads((house / "self_healing_report.json").read_text())
    assert told["current_safety_policy"] == "EMERGENCY_SHUTDOWN" and told["requires_immediate_action"]
    assert told["policy_because"] == ["PROCESS_SILENT:worker", f"UNPROTECTED:{closes[0].position_id}"]
    Incident.objects.update(verified=True, closed_at=at(61))
    Position.objects.update(unprotected_since=None)
    alive(at(65))
    look(at(65), BORN, hands)
    standing = gate_store.standing(at(65))
    assert standing.level is Level.EMERGENCY_SHUTDOWN and "a position has no stop" in standing.halts[0]
    (verdict,) = decide([belief()], desk(directive=standing.level, halts=standing.halts))
    assert verdict.code is Code.SELF_HEALING_NO_NEW_TRADES
    assert verdict.rejections[0].facts == {"level": "EMERGENCY_SHUTDOWN", "halts": 1}
    gate_store.lift("EMERGENCY_SHUTDOWN", "mira", at(66))
    alive(at(70))
    look(at(70), BORN, hands)
    assert gate_store.standing(at(70)).level is Level.ALLOW_ALL


def test_an_emergency_that_a_person_lifted_stays_lifted_while_its_faults_go_on(house):
    hands, _ = emergency(house)
    gate_store.lift("EMERGENCY_SHUTDOWN", "mira", at(61))
    record("stream", at(65), Report(9), "stream")
    candles(at(65))
    look(at(65), BORN, hands)
    assert gate_store.standing(at(65)).level is Level.DEFENSIVE_EXIT, "what each fault asks for alone still stands"


# -- the restarts' circuit --------------------------------------------------------------------------------------------


def restarted(*seconds: float, key: str = "MODULE_SILENT:trailing") -> None:
    """Restarts that were made for something else, which is over."""
    past = Incident.objects.create(key=key, code="MODULE_SILENT", subsystem="trailing", severity="high", verified=True,
                                   first_seen=BORN, last_seen=BORN, closed_at=NOW)  # fmt: skip
    for second in seconds:
        RemedyAttempt.objects.create(incident=past, action="restart_process", target="worker", at=at(second))


def test_a_fourth_restart_within_ten_minutes_is_not_made_entries_are_held_and_a_person_is_told(house):
    told: list[int] = []
    heard = lambda sender, incident_id, **_: told.append(incident_id)  # noqa: E731
    paging.paged.connect(heard)
    restarted(0, 10, 20)
    hands = Recording()
    with TestCase.captureOnCommitCallbacks(execute=True):
        stuck(60, 90, hands)
    paging.paged.disconnect(heard)
    assert hands.tried == [], "whoever wanted it"
    row = Incident.objects.get(code="RESTARTS_EXHAUSTED")
    assert (row.severity, row.escalated_at, row.paged_at) == ("critical", at(60), at(60))
    assert told == [row.pk] and list(paging.waiting()) == [row]
    standing = gate_store.standing(at(90))
    assert "Too many restarts" in standing.halts and standing.level is Level.NO_NEW_TRADES
    assert "3 within 10\u00a0min, at most 3" in ailments.sentence(row.code, row.params)


def test_the_circuit_closes_when_the_window_has_room_and_then_the_restart_comes(house):
    restarted(0, 10, 20)
    hands = Recording()
    stuck(60, 595, hands, every=15)
    assert hands.tried == [] and Incident.objects.get(code="RESTARTS_EXHAUSTED").closed_at is None
    stuck(600, 605, hands)
    row = Incident.objects.get(code="RESTARTS_EXHAUSTED")
    assert row.verified and row.evidence == {"restarts": 2} and hands.tried == [("restart_module", "executor")]


def test_what_is_run_or_asked_again_is_no_restart(house):
    restarted(0, 10, 20)
    make.order(intent=make.intent(decision=make.decision()), status=OrderStatus.UNKNOWN, sent_at=ago(60))
    hands = Recording()
    alive(at(5))
    candles(at(5))
    look(at(5), BORN, hands)
    assert hands.tried == [("run_module", "position_monitor")]
    assert not Incident.objects.filter(code="RESTARTS_EXHAUSTED").exists()


def test_a_page_is_made_once_and_waits_until_somebody_has_seen_it(house):
    stuck(60, 200, Recording())
    row = the_incident()
    assert row.paged_at == row.escalated_at and not paging.page(row, at(300))
    row.refresh_from_db()
    assert row.paged_at != at(300)
    Incident.objects.update(acknowledged_at=at(301), acknowledged_by="mira")
    assert not paging.waiting().exists()


# -- its own thread ---------------------------------------------------------------------------------------------------


def test_a_work_queue_that_hangs_does_not_stop_self_healing(house, monkeypatch):
    """Two threads serve the queue, both hang; the tick that beat sent waits behind them, and the watchman acts."""
    module = SelfHealing(Recording())
    monkeypatch.setitem(runtime.MODULES, "self_healing", module)
    module.born = BORN
    hang, ran = threading.Event(), []
    with ThreadPoolExecutor(max_workers=2) as work:
        hung = [work.submit(hang.wait, 30) for _ in range(2)]
        waiting = work.submit(lambda: ran.append("self_healing"))
        alive(at(300))
        watchman = Watchman("worker", clock=lambda: at(300))
        assert watchman.look(), "never ticked: at once"
        assert the_incident().key == "FEED_STALE" and RemedyAttempt.objects.exists()
        assert not watchman.look(), "ticked just now"
        state = ModuleState.objects.get(name="self_healing")
        assert (state.called_by, state.last_tick) == ("worker itself", at(300))
        watchman.clock = lambda: at(300) + module.every * 2
        assert watchman.look(), "the queue has still not ticked it"
        assert not waiting.done() and not any(one.done() for one in hung) and ran == []
        hang.set()


def test_the_watchman_leaves_alone_what_its_queue_serves(house, monkeypatch):
    monkeypatch.setitem(runtime.MODULES, "self_healing", SelfHealing(Recording()))
    runtime.run("self_healing", NOW, called_by="beat")
    watchman = Watchman("worker", clock=lambda: at(9))
    assert not watchman.look()
    ModuleState.objects.filter(name="self_healing").update(claimed_until=at(30))
    watchman.clock = lambda: at(20)
    assert not watchman.look(), "somebody is at it"


@pytest.mark.parametrize(
    ("since", "behind", "ticks"), [(3, 9.5, True), (2, 9.5, False), (3, 8.5, False), (9.9, 0, False), (10, 0, True)]
)
def test_the_watchman_does_not_wait_for_the_schedule_where_a_process_hangs(house, monkeypatch, since, behind, ticks):
    """Of the scheduler's own silence its schedule never tells; and twice 10 s are too late for it."""
    module = SelfHealing(Recording())
    module.born = BORN
    monkeypatch.setitem(runtime.MODULES, "self_healing", module)
    runtime.run("self_healing", at(30 - since), called_by="beat")
    beats(30, "web", "worker", "trainer", "stream")
    beats(30 - behind, "beat")
    assert Watchman("worker", clock=lambda: at(30)).look() is ticks
    opened = Incident.objects.filter(key="PROCESS_SILENT:beat").exists()
    assert opened is (ticks and behind > 9)


NAMES = ("web", "worker", "trainer", "beat", "stream")


def beats(second: float, *names: str, late: float = 0) -> None:
    """Hearts of processes that are there."""
    for name in names or NAMES:
        ProcessState.objects.update_or_create(
            name=name,
            host=socket.gethostname()[:100],
            pid=os.getpid(),
            defaults={"started_at": BORN, "beat_at": at(second), "lag_ms": int(late * 1000)},
        )


@pytest.fixture
def watched(house, monkeypatch):
    """Self-healing and its watchman in one process; both can be called at any second."""
    module = SelfHealing(Recording())
    module.born = BORN
    monkeypatch.setitem(runtime.MODULES, "self_healing", module)
    watchman = Watchman("worker", clock=lambda: NOW)

    def go_round(second: float) -> None:
        watchman.clock = lambda: at(second)
        watchman.look()

    def tick(second: float) -> None:
        runtime.run("self_healing", at(second), called_by="beat")

    return SimpleNamespace(module=module, go_round=go_round, tick=tick)


@pytest.mark.parametrize("jump", [20, 3600])
@pytest.mark.parametrize("first", ["tick", "go_round"])
@pytest.mark.parametrize("woken", [(), ("web",), NAMES])
def test_who_wakes_with_the_machine_is_not_started_again(watched, jump, first, woken):
    """Whoever is first to beat or to look: nobody was silent while everybody slept."""
    beats(2)
    watched.tick(3)
    watched.go_round(4)
    if woken:
        beats(jump + 5, *woken, late=jump)
    getattr(watched, first)(jump + 5)
    beats(jump + 8, "web", "worker")
    watched.tick(jump + 10)
    beats(jump + 12)
    alive(at(jump + 12))
    candles(at(jump + 12))
    watched.tick(jump + 15)
    assert watched.module.hands.tried == [] and not Incident.objects.exists()


def test_who_stays_behind_after_the_machine_slept_is_found_soon(watched):
    beats(2)
    watched.go_round(4)
    watched.tick(3605)
    for second in (3608, 3611, 3614, 3617):
        watched.go_round(second)
        beats(second, "web", "worker", "trainer", "stream")
        alive(at(second))
        candles(at(second))
    watched.tick(3618)
    assert watched.module.hands.tried == [("restart_process", "beat")]


def test_who_hangs_alone_is_found_as_soon_as_ever(watched):
    beats(2)
    watched.tick(3)
    for second in (5, 8, 11.2):
        watched.go_round(second)
        beats(second, "web", "worker", "trainer", "stream", late=0.1)
        alive(at(second))
    watched.tick(11.5)
    assert watched.module.hands.tried == [("restart_process", "beat")]


def test_a_clock_that_was_set_back_blinds_nobody(watched):
    watched.module.born = at(3600)
    assert watched.module.watch(NOW) == NOW


def test_what_another_release_found_stops_nobody(house):
    row = Incident.objects.create(key="OF_TOMORROW:x", code="OF_TOMORROW", subsystem="x", severity="critical",
                                  params={}, first_seen=NOW, last_seen=NOW)  # fmt: skip
    healer.take_stock([], healer.facts(NOW, BORN))
    row.refresh_from_db()
    assert row.closed_at and row.verified
    assert ailments.title(row.code, {}) == "OF_TOMORROW" and ailments.sentence(row.code, {})
    assert words.title("INCIDENT", {"incident": row.code}) == "OF_TOMORROW", "and no test message"


def test_the_watchman_outlives_whatever_its_look_runs_into(monkeypatch):
    from django.db import InterfaceError

    watchman, looks = Watchman("worker"), []
    monkeypatch.setattr("monitoring.watch.watchman.close_old_connections", lambda: None)
    monkeypatch.setattr(watchman.over, "wait", lambda seconds: len(looks) == 3)

    def look():
        looks.append(1)
        raise (InterfaceError("connection already closed"), KeyError("self_healing"), OSError("gone"))[len(looks) - 1]

    monkeypatch.setattr(watchman, "look", look)
    watchman.watch()
    assert len(looks) == 3


def test_every_worker_process_has_a_watchman():
    from celery.signals import worker_ready

    from monitoring import tasks

    assert tasks.watch in [receiver() for _, receiver in worker_ready.receivers]

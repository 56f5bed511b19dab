"""Wired and never called, called and idle in vain, loaded nowhere, other code than the rest: each is an alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from monitoring.watch import history, scorecard, truth, witness
from monitoring.watch.detectors.engine import detect
from monitoring.watch.detectors.facts import Facts, Ran
from monitoring.watch.detectors.findings import CRITICAL, HIGH, LOW, MEDIUM
from monitoring.watch.detectors.proofs import proof
from monitoring.watch.evidence import Due, Evidence, Process
from monitoring.watch.liveness import Expected
from monitoring.watch.probes import core, learned
from monitoring.watch.probes.answers import State
from monitoring.watch.probes.rows import pulse_of
from monitoring.watch.truth import Status, judge
from monitoring.watch.wiring import Fault, faults, noted
from tests.show import factories as make
from tests.watch.probes.builders import healthy
from trading import calls
from trading.models import Candle, ModuleState, Position
from trading.runtime import Report, record

NOW = datetime(2026, 3, 1, 12, 0, 50, tzinfo=UTC)
SECOND = timedelta(seconds=1)


# -- what detectors make of it ----------------------------------------------------------------------------------------


def guard(**changes) -> Evidence:
    one = Expected("risk_guard", "Risk Guard", "worker", 60 * SECOND)
    seen = Evidence(one, "trainer", True, NOW - 4 * SECOND, NOW - 4 * SECOND, examined=3)
    return replace(seen, **changes)


def found(*seen: Evidence, since: float | None = None, **changes) -> list[tuple[str, str]]:
    """Keys and severities, for a house whose risk guard weighs most."""
    known = Ran("risk_guard", "Risk Guard", "trainer", 60 * SECOND, NOW, CRITICAL)
    wired = faults([judge(one, NOW) for one in seen], changes.pop("odd", ()), changes.pop("vital", ()))
    facts = Facts(NOW, NOW - timedelta(hours=1), (known,), stream_beat=NOW, stream_heard=NOW, wired=wired, **changes)
    if since is not None:
        facts = replace(facts, since={f"{one.code}:{one.subject}": NOW - since * SECOND for one in wired})
    return [(one.key, one.severity) for one in detect(facts)]


def test_what_works_or_idles_for_a_reason_is_no_finding():
    assert found(guard(), guard(idle_reason="no signal since 11:59:30", last_work=None)) == []


def test_evaluations_that_do_not_move_with_the_signals_are_an_alarm_that_holds_entries():
    idle = guard(due=Due("evaluations", 9, 0, 40 * SECOND))
    assert judge(idle, NOW).status is Status.IDLE_TOO_LONG
    assert found(idle) == [("MODULE_IDLE:risk_guard", LOW)], "noted at first"
    assert found(idle, since=31) == [("MODULE_IDLE:risk_guard", CRITICAL)]
    assert found(guard(due=Due("evaluations", 9, 0, 10 * SECOND)), since=31) == [], "a moment ago"


def test_half_of_the_work_is_less_than_none_of_it():
    assert found(guard(due=Due("evaluations", 90, 40, 40 * SECOND)), since=31) == [("MODULE_IDLE:risk_guard", MEDIUM)]


def test_idle_in_vain_is_not_over_because_nobody_keeps_the_score():
    keeper = Ran("scorekeeper", "Scorekeeper", "trainer", 5 * SECOND, NOW - 200 * SECOND)
    facts = Facts(NOW, NOW - timedelta(hours=1), (keeper,), scored_at=NOW - 200 * SECOND)
    assert proof("MODULE_IDLE", "risk_guard", facts, NOW - 110 * SECOND) is None
    assert proof("MODULE_IDLE", "risk_guard", replace(facts, scored_at=None), NOW) is None
    assert proof("MODULE_IDLE", "risk_guard", replace(facts, scored_at=NOW - SECOND), NOW - 5 * SECOND)
    assert proof("MODULE_IDLE", "risk_guard", replace(facts, modules=()), NOW), "nobody is expected to look"


def test_what_could_not_be_loaded_weighs_at_once():
    broken = guard(broken="ImportError: No module named talib")
    assert found(broken, vital={"risk_guard"}) == [("MODULE_NOT_LOADED:risk_guard", CRITICAL)]
    other = replace(broken, one=replace(broken.one, name="model_supervisor"))
    assert found(other, vital={"risk_guard"}) == [("MODULE_NOT_LOADED:model_supervisor", HIGH)]


def process(name: str, **changes) -> Process:
    row = Process(name, "house", 7, "1e0bb68e961d", "3c2bf78e37ba", "0" * 12, NOW - 600 * SECOND, NOW - SECOND)
    return replace(row, **changes)


@pytest.mark.parametrize(("real", "severity"), [(False, MEDIUM), (True, CRITICAL)])
def test_a_worker_with_other_code_is_named_and_with_real_money_lets_nothing_in(real, severity):
    odd = truth.odd_ones((process("web"), process("worker", code="01dc0de")), NOW)
    assert found(odd=odd, real=real) == [("CODE_DIFFERS:worker@house", severity)]


def test_a_process_that_is_gone_is_not_odd():
    gone = process("worker", code="01dc0de", beat_at=NOW - 60 * SECOND)
    assert truth.odd_ones((process("web"), gone), NOW) == ()


def test_without_beat_the_scheduler_is_blamed_and_nobody_else():
    old = tuple(
        Ran(name, name, "worker", 10 * SECOND, NOW - 60 * SECOND, CRITICAL) for name in ("executor", "trailing")
    )
    facts = Facts(NOW, NOW - timedelta(hours=1), old, stream_beat=NOW, stream_heard=NOW)
    assert [one.key for one in detect(facts)] == ["PROCESS_SILENT:worker"]
    blamed = detect(replace(facts, hearts={"beat": NOW - 60 * SECOND, "web": NOW}))
    assert [one.key for one in blamed] == ["PROCESS_SILENT:beat"]
    again = replace(facts, hearts={"beat": NOW})
    assert proof("PROCESS_SILENT", "beat", again, NOW - 30 * SECOND)


# -- what the rows make of it -----------------------------------------------------------------------------------------


@pytest.fixture
def house(db, now):
    """Ten minutes of work, two signals a bar, everything counted as the executor counts it."""
    make.running(now)
    make.hearts(now)
    calls.count("executor", "beat", now - timedelta(minutes=19), Report(examined=12), "", 30)
    for back in range(10, -1, -1):
        bar(now, back)
    return now


@pytest.fixture
def now():
    """A quarter past a bar's end: it is settled, and what the executor asked about is old enough to be judged."""
    return datetime(2026, 3, 1, 12, 0, 40, tzinfo=UTC)


def a_minute_later(later: datetime) -> None:
    """Everything beats on, and every symbol has its next candle."""
    for state in ModuleState.objects.all():
        make.beat(state.name, later)
    make.hearts(later)
    for symbol in make.SYMBOLS:
        row = Candle.objects.filter(symbol=symbol).order_by("-open_time").first()
        row.pk, row.open_time = None, make.bar_of(later)
        row.save()


def bar(now: datetime, back: int, without: str = "") -> None:
    judged = make.cycle(now, back, signals=2, flat=10)
    for name, report in (("models", Report(12, 2)), ("risk_guard", Report(2, 2)), ("portfolio_balancer", Report(1))):
        if name != without:
            calls.count(name, "executor", judged.at, report, "", 0)


def status(name: str, now: datetime) -> tuple[Status, str]:
    one = witness.read(now).modules[name]
    return one.status, one.code


def test_a_clean_house_has_nothing_waiting(house):
    told = witness.read(house).modules
    assert {one.name: one.code for one in told.values() if one.alarm} == {}
    due = told["risk_guard"].seen.due
    assert (due.code, due.asked, due.done) == ("evaluations", 22, 22)


@pytest.mark.parametrize(
    ("name", "code"),
    [("risk_guard", "undone-evaluations"), ("models", "undone-votes"), ("portfolio_balancer", "undone-batches")],
)
def test_wired_but_never_called_by_the_executor_is_an_alarm_at_the_next_bar(house, name, code):
    later = house + timedelta(minutes=1)
    a_minute_later(later)
    bar(later, 0, without=name)
    assert status(name, later) == (Status.IDLE_TOO_LONG, code)
    others = {"risk_guard", "models", "portfolio_balancer"} - {name}
    assert not [one for one in others if witness.read(later).modules[one].alarm]


def test_the_guards_probe_is_green_only_while_its_evaluations_move_with_the_signals(house):
    later = house + timedelta(minutes=1)
    a_minute_later(later)
    bar(later, 0, without="risk_guard")
    pulses = {name: pulse_of(one) for name, one in witness.read(later).modules.items()}
    facts = replace(healthy(), now=later, pulses=pulses)
    assert (core.asked(facts).state, core.asked(facts).code) == (State.FAIL, "undone-evaluations")
    fine = {name: pulse_of(one) for name, one in witness.read(house).modules.items()}
    assert core.asked(replace(healthy(), now=house, pulses=fine)).code != "undone-evaluations"


def test_the_balancers_probe_fails_where_no_batch_reaches_it(house):
    later = house + timedelta(minutes=1)
    a_minute_later(later)
    bar(later, 0, without="portfolio_balancer")
    pulses = {name: pulse_of(one) for name, one in witness.read(later).modules.items()}
    assert learned.called(replace(healthy(), now=later, pulses=pulses)).code == "undone-batches"


def test_a_closed_bar_that_nobody_judges_is_the_executors(house):
    later = house + timedelta(minutes=1)
    a_minute_later(later)
    ModuleState.objects.filter(name="executor").update(idle_reason="waiting for 1 of 12 symbols")
    assert status("executor", later) == (Status.IDLE_TOO_LONG, "undone-bars")


def test_positions_whose_exits_nobody_evaluates_are_an_alarm_within_15_s_of_the_limit(house):
    make.position("BTC/USDT:USDT", house, opened_at=house - timedelta(minutes=2))
    assert status("position_monitor", house)[0] is Status.RUNNING
    ModuleState.objects.filter(name="position_monitor").update(
        last_work=house - 31 * SECOND, idle_reason="no open position and no open order"
    )
    assert status("position_monitor", house) == (Status.IDLE_TOO_LONG, "undone-exits")


def test_trailing_without_stored_parameters_works_by_half(house):
    make.position("BTC/USDT:USDT", house, opened_at=house - timedelta(minutes=2))
    make.position("ETH/USDT:USDT", house, opened_at=house - timedelta(minutes=2), r=Decimal(0))
    assert status("trailing", house) == (Status.HALF, "half-trails")
    Position.objects.update(r=Decimal(0))
    assert status("trailing", house) == (Status.IDLE_TOO_LONG, "undone-trails")


def test_a_supervisor_that_is_not_fed_with_outcomes_works_on_nothing(house):
    config = settings.QUANTUM
    old = house - (config.QT_HORIZON_BARS + 20) * config.bar
    of = make.cycle(old, 0, at=old)
    make.signal(of, "BTC/USDT:USDT")
    assert status("model_supervisor", house) == (Status.IDLE_TOO_LONG, "undone-outcomes")


def test_a_signal_of_another_timeframe_waits_for_no_outcome(house):
    config = settings.QUANTUM
    old = house - (config.QT_HORIZON_BARS + 20) * config.bar
    make.signal(make.cycle(old, 0, at=old, timeframe="3d"), "BTC/USDT:USDT")
    assert status("model_supervisor", house)[1] != "undone-outcomes"


def test_what_the_scorekeeper_saw_becomes_an_incident(house):
    later = house + timedelta(minutes=1)
    a_minute_later(later)
    bar(later, 0, without="risk_guard")
    card = history.measure(later)
    seen = noted(scorecard.kept(card), card.at, later + 5 * SECOND)
    assert [(one.code, one.subject, one.reason) for one in seen] == [
        ("MODULE_IDLE", "risk_guard", "undone-evaluations")
    ]
    assert noted(scorecard.kept(card), card.at, later + 100 * SECOND) == (), "an old look says nothing of now"
    assert noted({}, None, later) == ()


def test_no_open_position_and_no_signal_are_no_alarm(house):
    for name in ("position_monitor", "trailing", "risk_guard"):
        record(name, house, Report.idle("nothing to do"), "beat")
        assert status(name, house) == (Status.IDLE, "nothing-to-do")


def test_faults_are_values(house):
    assert all(isinstance(one, Fault) for one in faults(witness.read(house).modules.values(), ()))

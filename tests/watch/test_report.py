"""The report for people who read files, and what the earlier system's self-healing got wrong: SH-1 to SH-12."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils.module_loading import autodiscover_modules

from monitoring.models import HealthScore, Incident
from monitoring.watch import healer, report, safety
from monitoring.watch.detectors import engine, exchange, feed, ground, proofs, running, silence
from monitoring.watch.detectors import facts as rested_on
from monitoring.watch.detectors.facts import Facts, Ran
from monitoring.watch.detectors.findings import CRITICAL, HIGH, LOW, MEDIUM, SEVERITIES, Action, Finding
from monitoring.watch.hands import Hands
from monitoring.watch.healer import look
from monitoring.watch.report import CRITICALLY, DEGRADED, FAILED, HEALTHY, NEEDED, SUBSYSTEMS, UNKNOWN, Issue
from monitoring.watch.safety import Policy
from tests.watch import test_healing as healing_tests
from tests.watch.test_healing import BORN, BTC, NOW, Recording, alive, at, candles
from trading.gates import store
from trading.gates.directives import Level, strictness
from trading.models import Directive
from trading.runtime import MODULES

pytestmark = pytest.mark.filterwarnings("error")
house = healing_tests.house
THIRTEEN = {
    "data_feed", "exchange_connection", "ai_model", "event_executor", "orchestrator", "portfolio_balancer",
    "model_supervisor", "retraining_orchestrator", "position_monitor", "risk_guard", "database", "universe_os",
    "logging",
}  # fmt: skip
FIELDS = {
    "overall_status", "current_safety_policy", "subsystem_health", "detected_issues", "recovery_recommendations",
    "trading_should_continue", "requires_immediate_action", "summary",
}  # fmt: skip
ISSUE = {
    "id", "subsystem", "severity", "timestamp", "description", "symptoms", "root_cause", "impacts_trading",
    "affects_subsystems",
}  # fmt: skip
OPEN = Issue("FEED_STALE", "data_feed", CRITICAL, NOW, "All candles are old", ("312 s",), True, False, "Fetch them")


def ran(name: str, ticked: float | None = 3) -> Ran:
    last = None if ticked is None else NOW - timedelta(seconds=ticked)
    return Ran(name, name.title(), "trainer", timedelta(seconds=10), last)


ALL = tuple(ran(source) for source in SUBSYSTEMS.values() if source not in ("database", "broker", "trainer"))
GOOD = Facts(now=NOW, born=BORN, modules=ALL, closes={BTC: NOW - timedelta(seconds=20)}, stream_beat=NOW,
             stream_heard=NOW)  # fmt: skip


def told(facts: Facts = GOOD, *issues: Issue, level: Level = Level.ALLOW_ALL, probed=None) -> dict:
    return report.report(facts, issues, Policy(level, tuple(i.id for i in issues)), probed or {})


def written(folder: Path) -> dict:
    return json.loads((folder / "self_healing_report.json").read_text())


# -- its fields -------------------------------------------------------------------------------------------------------


def test_it_has_every_field_and_every_subsystem_and_ours_beside_them():
    whole = told(GOOD, OPEN, level=Level.NO_NEW_TRADES)
    assert set(whole) >= FIELDS and set(whole["subsystem_health"]) > THIRTEEN
    assert set(whole["detected_issues"][0]) == ISSUE
    assert set(whole["summary"]) >= {"healthy", "degraded", "critical", "failed"}
    assert sum(whole["summary"].values()) == len(SUBSYSTEMS)
    assert {"trailing_stop_manager", "message_broker", "self_healing"} < set(whole["subsystem_health"])


@pytest.mark.parametrize(
    ("issues", "level", "overall", "goes_on", "at_once"),
    [
        ((), Level.ALLOW_ALL, HEALTHY, True, False),
        ((replace(OPEN, severity=LOW),), Level.ALLOW_ALL, HEALTHY, True, False),
        ((replace(OPEN, severity=MEDIUM),), Level.ALLOW_ALL, DEGRADED, True, False),
        ((replace(OPEN, severity=HIGH),), Level.REDUCED, DEGRADED, True, False),
        ((OPEN,), Level.NO_NEW_TRADES, CRITICALLY, False, False),
        ((replace(OPEN, escalated=True),), Level.DEFENSIVE_EXIT, FAILED, False, True),
        ((replace(OPEN, escalated=True),), Level.EMERGENCY_SHUTDOWN, FAILED, False, True),
    ],
)
def test_its_verdict_follows_from_what_is_open(issues, level, overall, goes_on, at_once):
    whole = told(GOOD, *issues, level=level)
    assert (whole["overall_status"], whole["current_safety_policy"]) == (overall, level.value)
    assert (whole["trading_should_continue"], whole["requires_immediate_action"]) == (goes_on, at_once)


def test_an_issue_names_its_cause_and_what_it_touches():
    issue = told(GOOD, replace(OPEN, id="MODULE_SILENT:universe", subsystem="universe"))["detected_issues"][0]
    assert (issue["root_cause"], issue["subsystem"], issue["severity"]) == ("MODULE_SILENT", "universe_os", "CRITICAL")
    assert issue["affects_subsystems"] == ["data_feed", "event_executor"] and issue["symptoms"] == ["312 s"]
    quiet = told(GOOD, replace(OPEN, impacts_trading=False))["detected_issues"][0]
    assert quiet["affects_subsystems"] == []


def test_what_it_says_to_be_touched_is_one_of_its_own_subsystems():
    named = {name for names in report.AFFECTS.values() for name in names} | set(report.AFFECTS)
    assert named <= set(SUBSYSTEMS) and set(SUBSYSTEMS) >= NEEDED


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_trading_needs_and_nobody_tells_of_is_critical_after_two_intervals(name):
    """UNKNOWN is one minute's grace; then it counts as failing."""
    mute = replace(GOOD, modules=tuple(r for r in ALL if r.name != SUBSYSTEMS[name]),
                   closes={} if name == "data_feed" else GOOD.closes)  # fmt: skip
    young = replace(mute, born=NOW - timedelta(seconds=59))
    assert told(young)["subsystem_health"][name] == UNKNOWN == told(young)["overall_status"]
    assert told(mute)["subsystem_health"][name] == CRITICALLY == told(mute)["overall_status"]


def test_what_trading_does_not_need_may_stay_unknown():
    mute = replace(GOOD, modules=tuple(r for r in ALL if r.name not in ("model_supervisor", "logging")))
    assert told(mute)["subsystem_health"]["model_supervisor"] == UNKNOWN
    assert told(mute)["overall_status"] == HEALTHY and told(mute)["summary"]["unknown"] == 2


def test_it_is_written_as_a_whole_also_where_the_disk_takes_nothing(house, monkeypatch):
    look(NOW, BORN, Recording())
    before = (house / "self_healing_report.json").read_text()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    look(at(5), BORN, Recording())
    assert (house / "self_healing_report.json").read_text() == before, "the old one stands, whole"
    assert [path.name for path in house.iterdir()] == ["self_healing_report.json"], "and no draft is left"


# -- what the earlier one got wrong -----------------------------------------------------------------------------------


def test_sh_1_everything_that_is_watched_is_written_by_who_is_watched():
    """Overall can be HEALTHY: each subsystem's evidence is the beat of its module, not a file that nobody writes."""
    whole = told(GOOD)
    assert set(whole["subsystem_health"].values()) == {HEALTHY} and whole["overall_status"] == HEALTHY
    modules = {source for source in SUBSYSTEMS.values() if source not in ("database", "broker", "trainer", "logging")}
    autodiscover_modules("modules")
    assert modules <= set(MODULES), "each is the name of a module that beats"


def test_sh_2_the_feed_is_as_old_as_its_newest_candle_and_a_remedy_that_brings_one_cures_it(house):
    alive(at(300))
    look(at(300), BORN, Recording({"backfill_candles": lambda: candles(at(300))}))
    assert written(house)["subsystem_health"]["data_feed"] == CRITICALLY
    alive(at(305))
    look(at(305), BORN, Recording())
    assert written(house)["subsystem_health"]["data_feed"] == HEALTHY


def test_sh_3_no_trade_makes_nothing_ill_and_nothing_stays_ill_for_want_of_one(house):
    """Replayed: entries are held, so that nothing trades; the fault ends; entries come back without a trade."""
    alive(at(300))
    look(at(300), BORN, Recording())
    assert strictness(store.standing(at(300)).level) >= strictness(Level.NO_NEW_TRADES)
    for minute in range(6, 66):
        alive(at(60 * minute))
        candles(at(60 * minute), bars=7 if minute == 6 else 1)
        look(at(60 * minute), BORN, Recording())
    assert store.standing(at(3960)).level is Level.ALLOW_ALL and not Incident.objects.filter(closed_at=None).exists()
    assert written(house)["subsystem_health"]["data_feed"] == HEALTHY


def test_sh_4_what_is_recommended_is_done_and_what_is_directed_reaches_the_gates(house):
    alive(at(300))
    hands = Recording()
    look(at(300), BORN, hands)
    assert hands.tried == [("backfill_candles", "")] and written(house)["recovery_recommendations"]
    assert Directive.objects.get().level == "NO_NEW_TRADES" == store.standing(at(300)).level.value


def test_sh_5_a_worse_fault_is_never_held_less():
    asked = [safety.level(safety.Fault("k", "FEED_STALE", severity, True, False)) for severity in SEVERITIES]
    assert [strictness(level) for level in asked] == sorted(strictness(level) for level in asked)
    assert set(Level) == {*asked, Level.DEFENSIVE_EXIT, Level.EMERGENCY_SHUTDOWN}, "and each can be reached"


def test_sh_6_one_fault_is_one_row_with_first_and_last_seen(house):
    for second in (300, 305, 310):
        alive(at(second))
        look(at(second), BORN, Recording())
    row = Incident.objects.get()
    assert (row.first_seen, row.last_seen, row.count) == (at(300), at(310), 3)
    assert not re.search(r"\d{4}", row.key), "no time in its name"


def test_sh_7_and_8_no_health_is_the_existence_of_a_file():
    """Neither a model's nor the database's: the one votes and is measured, the other was asked for these facts."""
    judges = (engine, exchange, feed, ground, proofs, rested_on, running, silence)
    for module in (*judges, healer, report, safety):
        source = inspect.getsource(module)
        assert not re.search(r"\.exists\(\)|\.stat\(|st_mtime|is_file", source), module.__name__


def test_sh_9_one_age_has_one_meaning(house):
    """Old candles are the feed's fault alone; the universe is judged by its own module."""
    alive(at(300))
    look(at(300), BORN, Recording())
    assert [row.subsystem for row in Incident.objects.all()] == ["data_feed"]
    assert written(house)["subsystem_health"]["universe_os"] == UNKNOWN


def test_sh_10_one_function_writes_it():
    root = Path(healer.__file__).parents[2]
    code = [path for name in ("monitoring", "trading", "quantum") for path in (root / name).rglob("*.py")]
    writers = [path.name for path in code if '"self_healing_report.json"' in path.read_text()]
    assert writers == ["healer.py"]


@pytest.mark.parametrize(
    ("states", "status"),
    [(("ok", "ok"), HEALTHY), (("ok", "fail"), DEGRADED), (("ok", "unknown"), UNKNOWN), ((), UNKNOWN)],
)
def test_sh_11_logging_is_as_its_probes_measured_it(house, states, status):
    points = [{"probe": f"logging.{i}", "of": 1, "state": state} for i, state in enumerate(states)]
    evidence = {"parts": [{"key": "logging", "points": points}]}
    HealthScore.objects.create(at=NOW, overall=90, coverage=90, status="ok", evidence=evidence)
    look(NOW, BORN, Recording())
    assert written(house)["subsystem_health"]["logging"] == status
    HealthScore.objects.update(at=NOW - timedelta(minutes=5))
    look(at(1), BORN, Recording())
    assert written(house)["subsystem_health"]["logging"] == UNKNOWN, "an old measurement is none"


def test_sh_12_a_remedy_counts_when_its_effect_was_seen(house):
    """Done is not helped: the incident closes by what is newer than the remedy, and says what that was."""
    alive(at(300))
    look(at(300), BORN, Recording({"backfill_candles": lambda: None}))
    alive(at(305))
    look(at(305), BORN, Recording())
    row = Incident.objects.get()
    assert row.attempts and not row.verified and row.closed_at is None and row.tries.get().verified_at is None
    candles(at(312))
    alive(at(312))
    look(at(312), BORN, Recording())
    row.refresh_from_db()
    assert row.verified and row.evidence["newest_s"] < 90 and row.tries.first().verified_at == at(312)


def test_every_action_that_a_finding_can_name_has_a_hand():
    for action in Action:
        assert callable(getattr(Hands, action.value))
    assert inspect.signature(Finding).parameters["remedies"]

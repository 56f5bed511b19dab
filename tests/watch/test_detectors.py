"""What is found of which facts, and what proves that it is over."""

import ast
import inspect
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.watch import ailments
from monitoring.watch.dataailments import Aside, DataSeen, Hole, Reading, Stood
from monitoring.watch.detectors.engine import DETECTORS, detect
from monitoring.watch.detectors.facts import Facts, Lost, Naked, Ran
from monitoring.watch.detectors.findings import CRITICAL, LOW, MEDIUM, Action, Ailment
from monitoring.watch.detectors.proofs import PROOFS, proof
from monitoring.watch.detectors.running import process_silent
from monitoring.watch.moneyfaults import MoneyFault
from monitoring.watch.room import Room
from monitoring.watch.wiring import Fault

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BORN = NOW - timedelta(hours=1)
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def ran(name: str, ticked: float | None = 3, every: float = 10, **changes) -> Ran:
    row = {"title": name.title(), "program": "worker", "severity": CRITICAL}
    last = None if ticked is None else ago(ticked)
    return Ran(name=name, every=timedelta(seconds=every), last_tick=last, **row | changes)


HEALTHY = Facts(
    now=NOW,
    born=BORN,
    modules=(ran("executor"), ran("position_monitor"), ran("universe", program="trainer", severity=MEDIUM, every=300)),
    stream_beat=ago(4),
    stream_heard=ago(4),
    closes={BTC: ago(20), ETH: ago(20)},
    training_beat=None,
    database_ms=2.0,
    broker_ms=1.0,
)


def codes(facts: Facts) -> list[str]:
    return [finding.key for finding in detect(facts)]


def without(name: str, one: Ran) -> tuple[Ran, ...]:
    return (*(r for r in HEALTHY.modules if r.name != name), one)


def test_nothing_is_found_where_all_is_well():
    assert detect(HEALTHY) == []


ALL_BEAT = dict.fromkeys(("web", "worker", "trainer", "beat", "stream"), ago(1))
HERE = frozenset(ALL_BEAT)


def test_who_lives_and_misses_three_beats_that_others_had_is_started_again():
    for name in ALL_BEAT:
        hung = replace(HEALTHY, hearts=ALL_BEAT | {name: ago(10.5)}, living=HERE)
        found = detect(hung)
        assert [one.key for one in found] == [f"PROCESS_SILENT:{name}"]
        assert found[0].remedies[0].target == name and found[0].params["process"] == name
        assert codes(replace(hung, hearts=ALL_BEAT | {name: ago(9.5)})) == []


def test_no_heart_is_silent_where_no_beat_could_be_stored_or_nobody_watched():
    assert codes(replace(HEALTHY, hearts=dict.fromkeys(ALL_BEAT, ago(30)), living=HERE)) == []
    assert codes(replace(HEALTHY, hearts=ALL_BEAT | {"worker": ago(40)}, living=HERE, born=ago(5))) == []


@pytest.mark.parametrize("jump", [10, 20, 3600])
def test_nobody_hangs_because_the_first_to_wake_has_beaten(jump):
    """The machine slept, or its clock was set: the first beat after that is late by all of it."""
    for name in ALL_BEAT:
        asleep = dict.fromkeys(ALL_BEAT, ago(jump + 4)) | {name: ago(0)}
        late = {name: timedelta(seconds=jump - 1)}
        assert codes(replace(HEALTHY, hearts=asleep, late=late, living=HERE)) == []
    two = dict.fromkeys(ALL_BEAT, ago(jump + 4)) | {"web": ago(0), "beat": ago(1)}
    late = {"web": timedelta(seconds=jump - 1), "beat": timedelta(seconds=jump)}
    assert codes(replace(HEALTHY, hearts=two, late=late, living=HERE)) == []


def test_who_hangs_is_found_while_another_has_just_woken():
    hung = replace(HEALTHY, hearts=ALL_BEAT | {"worker": ago(10.5), "web": ago(0)}, living=HERE)
    assert codes(replace(hung, late={"web": timedelta(seconds=60)})) == ["PROCESS_SILENT:worker"]
    assert codes(replace(hung, late={"beat": timedelta(seconds=0.2)})) == ["PROCESS_SILENT:worker"]


@pytest.mark.parametrize(("beat", "heard"), [(40, 40), (3, 40)])
def test_a_stream_that_has_just_begun_is_not_ended_before_it_hears_and_not_spared_for_ever(beat, heard):
    silent = replace(HEALTHY, stream_beat=ago(beat), stream_heard=ago(heard), hearts=ALL_BEAT, living=HERE)
    assert codes(replace(silent, started={"stream": ago(20)})) == []
    assert len(codes(replace(silent, started={"stream": ago(46)}))) == 1
    dying = replace(silent, stream_beat=ago(91), stream_heard=ago(91), started={"stream": ago(20)})
    assert codes(dying) == ["PROCESS_SILENT:stream"]


def test_who_waits_for_a_broker_that_hangs_is_not_started_again_in_vain():
    modules = (ran("executor", 60), ran("position_monitor", 60))
    hung = replace(HEALTHY, modules=modules, hearts=ALL_BEAT | {"beat": ago(60)}, living=HERE, broker_ms=None)
    assert codes(hung) == ["BROKER_SILENT"]
    back = replace(hung, broker_ms=1.0)
    assert codes(replace(back, since={"BROKER_SILENT": ago(50)})) == []
    assert codes(back) == ["PROCESS_SILENT:beat"]
    lost = replace(hung, hearts=ALL_BEAT | {"worker": ago(11)})
    assert set(codes(lost)) == {"BROKER_SILENT", "PROCESS_SILENT:worker"}


def test_who_has_ended_is_left_to_its_supervisor_while_it_may_be_starting():
    ended = replace(HEALTHY, hearts=ALL_BEAT | {"worker": ago(30)}, living=HERE - {"worker"})
    assert codes(ended) == []
    [late] = detect(replace(ended, hearts=ALL_BEAT | {"worker": ago(60)}))
    assert late.key == "PROCESS_SILENT:worker" and late.severity == CRITICAL and late.remedies == ()
    [lost] = detect(replace(ended, hearts=ALL_BEAT | {"worker": ago(121)}))
    assert [one.action for one in lost.remedies] == [Action.RESTART_PROCESS] * 3


def test_who_has_just_begun_has_the_time_to_come_to_its_modules_once():
    modules = (ran("executor", 70), ran("position_monitor", 70))
    begun = replace(HEALTHY, modules=modules, hearts=ALL_BEAT, living=HERE, started={"worker": ago(20)})
    assert codes(begun) == []
    assert codes(replace(begun, started={"worker": ago(50)})) == ["PROCESS_SILENT:worker"]
    always = (ran("executor", 140), ran("position_monitor", 140))
    assert codes(replace(begun, modules=always)) == ["PROCESS_SILENT:worker"]


DIFFERENCE = {"kind": "COMMISSION", "symbol": BTC, "ours": "-1.23", "theirs": "-1.25", "difference": "-0.02",
              "day": "2026-03-01"}  # fmt: skip
CASES = [
    ({"modules": without("executor", ran("executor", 120))}, "MODULE_SILENT:executor"),
    ({"modules": without("executor", ran("executor", None))}, "MODULE_SILENT:executor"),
    ({"modules": (ran("executor", 120), ran("position_monitor", 90))}, "PROCESS_SILENT:worker"),
    (
        {"modules": (ran("executor", 46), ran("position_monitor", 46), ran("retraining", 50, every=300))},
        "PROCESS_SILENT:worker",
    ),
    (
        {"modules": (ran("executor", 46), ran("position_monitor", 46), ran("risk_guard", 2, every=30, elsewhere=True))},
        "PROCESS_SILENT:worker",
    ),
    ({"stream_beat": ago(60), "stream_heard": ago(60)}, "PROCESS_SILENT:stream"),
    ({"stream_beat": None, "stream_heard": None}, "PROCESS_SILENT:stream"),
    ({"stream_heard": ago(30)}, "STREAM_SILENT"),
    ({"closes": {BTC: ago(400), ETH: ago(300)}}, "FEED_STALE"),
    ({"closes": {BTC: None, ETH: None}}, "FEED_STALE"),
    ({"closes": {BTC: ago(400), ETH: ago(20)}}, "SYMBOLS_STALE"),
    ({"training_beat": ago(180)}, "TRAINING_STUCK"),
    ({"naked": (Naked(7, BTC, ago(12)),)}, "UNPROTECTED:7"),
    ({"lost": (Lost(9, BTC, ago(90)),)}, "ORDER_UNKNOWN:9"),
    ({"database_ms": 1500.0}, "DATABASE_SLOW"),
    ({"broker_ms": None}, "BROKER_SILENT"),
    ({"room": Room(999_000_000, 10**12)}, "DISK_SHORT"),
    ({"room": Room(1_900_000, 20_000_000)}, "DISK_SHORT"),
    ({"money": (MoneyFault("MONEY_DIFFERS", "2026-03-01", DIFFERENCE),)}, "MONEY_DIFFERS:2026-03-01"),
    ({"money": (MoneyFault("STOPS_BROKEN", "", {"what": "place -4120", "symbol": BTC}),)}, "STOPS_BROKEN"),
    ({"critical": (ran("risk_guard", 61, every=30),)}, "PART_UNKNOWN:risk_guard"),
    ({"critical": (ran("risk_guard", None, every=30),)}, "PART_UNKNOWN:risk_guard"),
    ({"critical": (ran("data_feed", 3),), "closes": {}}, "PART_UNKNOWN:candles"),
    (
        {"hearts": {"beat": ago(60)}, "modules": (ran("executor", 120), ran("position_monitor", 90))},
        "PROCESS_SILENT:beat",
    ),
    (
        {
            "wired": (
                Fault(
                    "MODULE_NOT_LOADED",
                    "risk_guard",
                    "not-loaded",
                    {"module": "Risk Guard", "error": "ImportError: x"},
                    at_once=True,
                ),
            )
        },
        "MODULE_NOT_LOADED:risk_guard",
    ),
    (
        {
            "wired": (
                Fault(
                    "MODULE_IDLE",
                    "risk_guard",
                    "undone-evaluations",
                    {"module": "Risk Guard", "asked": 9, "done": 0, "age_s": 40.0},
                ),
            )
        },
        "MODULE_IDLE:risk_guard",
    ),
    (
        {
            "wired": (
                Fault(
                    "CODE_DIFFERS",
                    "worker@h",
                    "code-differs",
                    {"process": "worker", "than": "web", "mine": "a1", "other": "b2"},
                    at_once=True,
                ),
            )
        },
        "CODE_DIFFERS:worker@h",
    ),
]

SECOND = timedelta(seconds=1)
CLOSES = {BTC: ago(20), ETH: ago(20)}
CASES += [
    ({"data": DataSeen(clock=Reading(3 * SECOND, timedelta(0), ago(3)))}, "CLOCK_OFF"),
    ({"data": DataSeen(still={BTC: Stood(ago(60), ago(1))}, closes=CLOSES | {BTC: ago(80)})}, "FEED_FROZEN"),
    ({"data": DataSeen(holes=(Hole(BTC, 5, ago(300)),))}, "GAP_OPEN"),
    ({"data": DataSeen(aside={"spike": Aside(1, (BTC,), ago(2))})}, "QUARANTINE:spike"),
    ({"data": DataSeen(marks={BTC: ago(31)})}, "MARK_STALE"),
]


@pytest.mark.parametrize(("change", "key"), CASES)
def test_each_ailment_is_found_alone_and_can_be_said(change, key):
    facts = replace(HEALTHY, **change)
    assert codes(facts) == [key]
    finding = detect(facts)[0]
    for words in (ailments.title(finding.code, finding.params), ailments.sentence(finding.code, finding.params)):
        assert words and "%(" not in words and "None" not in words


def test_every_ailment_has_a_case_a_proof_and_words():
    assert {key.split(":")[0] for _, key in CASES} | {"MODULE_FAILING", "RESTARTS_EXHAUSTED"} == set(Ailment)
    assert set(PROOFS) == set(ailments.TITLES) == set(ailments.SENTENCES) == set(Ailment)
    assert set(ailments.ACTIONS) == set(Action)


@pytest.mark.parametrize(
    "change",
    [
        {"modules": without("executor", ran("executor", 40))},
        {"stream_heard": ago(19)},
        {"closes": {BTC: ago(100), ETH: ago(100)}},
        {"naked": (Naked(7, BTC, ago(9)),)},
        {"lost": (Lost(9, BTC, ago(50)),)},
        {"training_beat": ago(110)},
        {"closes": {}},
        {"critical": (ran("risk_guard", 59, every=30), ran("executor", 99))},
        {"critical": (ran("data_feed", 3),), "closes": {}, "born": ago(50), "stream_heard": ago(4)},
    ],
)
def test_what_is_merely_late_is_none(change):
    assert detect(replace(HEALTHY, **change)) == []


def test_nothing_was_silent_for_longer_than_we_watch():
    """After a night switched off, the first look finds a sleeping house, not a broken one."""
    old = {"modules": (ran("executor", 30_000), ran("position_monitor", 30_000)), "stream_beat": ago(30_000)}
    old |= {"stream_heard": ago(30_000), "closes": {BTC: ago(30_000)}, "naked": (Naked(1, BTC, ago(30_000)),)}
    assert detect(replace(HEALTHY, born=ago(5), **old)) == []
    assert codes(replace(HEALTHY, born=ago(200), **old)) == [
        "FEED_STALE", "PROCESS_SILENT:stream", "PROCESS_SILENT:worker", "UNPROTECTED:1",
    ]  # fmt: skip


def test_the_real_age_is_told_all_the_same():
    facts = replace(HEALTHY, born=ago(200), closes={BTC: ago(29_929)})
    assert detect(facts)[0].params["seconds"] == 29_929
    assert "8\u00a0h 18\u00a0min" in ailments.sentence("FEED_STALE", detect(facts)[0].params)


def test_an_error_that_passes_is_noted_and_one_that_stays_weighs_as_much_as_its_module():
    failing = ran("executor", last_error="VenueError: no answer", last_error_at=ago(3))
    facts = replace(HEALTHY, modules=without("executor", failing))
    assert [(f.key, f.severity) for f in detect(facts)] == [("MODULE_FAILING:executor", LOW)]
    lasting = replace(facts, since={"MODULE_FAILING:executor": ago(45)})
    assert [(f.key, f.severity, f.impacts_trading) for f in detect(lasting)] == [
        ("MODULE_FAILING:executor", CRITICAL, True)
    ]


# -- proof --------------------------------------------------------------------------------------------------------


def test_absence_of_a_finding_is_no_proof():
    """Silent before, late now: not found any more, and not over either."""
    since = ago(60)
    facts = replace(HEALTHY, modules=without("executor", ran("executor", 70)), stream_heard=ago(61))
    assert proof("MODULE_SILENT", "executor", facts, since) is None
    assert proof("STREAM_SILENT", "", facts, since) is None
    assert proof("FEED_STALE", "", replace(HEALTHY, closes={}), since) is None


@pytest.mark.parametrize(
    ("code", "subject"),
    [
        ("MODULE_SILENT", "executor"),
        ("MODULE_FAILING", "executor"),
        ("PROCESS_SILENT", "worker"),
        ("PROCESS_SILENT", "stream"),
        ("STREAM_SILENT", ""),
        ("FEED_STALE", ""),
        ("SYMBOLS_STALE", ""),
        ("TRAINING_STUCK", ""),
        ("UNPROTECTED", "7"),
        ("ORDER_UNKNOWN", "9"),
        ("DATABASE_SLOW", ""),
        ("BROKER_SILENT", ""),
        ("DISK_SHORT", ""),
        ("PART_UNKNOWN", "executor"),
        ("PART_UNKNOWN", "candles"),
        ("PART_UNKNOWN", "gone"),
        ("RESTARTS_EXHAUSTED", ""),
    ],
)
def test_what_came_back_is_proven_with_a_number(code, subject):
    shown = proof(code, subject, HEALTHY, ago(60))
    assert shown and ailments.proof(shown) and "%(" not in ailments.proof(shown)
    assert set(shown) <= set(ailments.PROOFS)


def test_a_process_whose_modules_a_person_switched_off_is_not_missed_for_ever():
    others = tuple(r for r in HEALTHY.modules if r.program != "worker")
    assert proof("PROCESS_SILENT", "worker", replace(HEALTHY, modules=others), ago(60)) == {"expected": "no longer"}


@pytest.mark.parametrize(
    ("code", "subject", "change"),
    [
        ("MODULE_FAILING", "executor",
         {"modules": without("executor", ran("executor", last_error="x", last_error_at=ago(3)))}),
        ("SYMBOLS_STALE", "", {"closes": {BTC: ago(20), ETH: ago(400)}}),
        ("SYMBOLS_STALE", "", {"closes": {BTC: ago(20), ETH: None}}),
        ("TRAINING_STUCK", "", {"training_beat": ago(300)}),
        ("UNPROTECTED", "7", {"naked": (Naked(7, BTC, ago(3)),)}),
        ("ORDER_UNKNOWN", "9", {"lost": (Lost(9, BTC, ago(3)),)}),
        ("BROKER_SILENT", "", {"broker_ms": None}),
        ("PART_UNKNOWN", "risk_guard", {"critical": (ran("risk_guard", 90),)}),
        ("PART_UNKNOWN", "candles", {"closes": {}}),
        ("RESTARTS_EXHAUSTED", "", {"restarts": (ago(1), ago(2), ago(599))}),
    ],
)  # fmt: skip
def test_what_goes_on_is_not_proven_over(code, subject, change):
    assert proof(code, subject, replace(HEALTHY, **change), ago(60)) is None


# -- no cycles of dependencies ----------------------------------------------------------------------------------------

FORBIDDEN = {"decision", "signal", "trade", "fill", "cycle", "intent", "funnel", "conservation", "outcome"}
WATCH = Path("monitoring/watch")
HEALERS = ("healing.py", "healer.py", "hands.py", "directing.py", "safety.py", "defence.py",
           "circuit.py", "report.py", "selfhealing.py", "watchman.py")  # fmt: skip


def test_nothing_that_heals_imports_what_trading_brings_forth():
    """Holding entries can't be the reason for holding them on: no detector can see that nothing is traded."""
    detectors = sorted((WATCH / "detectors").glob("*.py"))
    assert detectors
    for path in (*detectors, *(WATCH / name for name in HEALERS)):
        tree = ast.parse(path.read_text())
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert {word.lower() for word in named} & FORBIDDEN == set(), path


def test_every_detector_rests_on_declared_facts_alone_and_none_of_them_is_about_trading():
    declared = {field.name for field in fields(Facts)} | {"silence"}
    assert not any(word in name for name in declared for word in FORBIDDEN)
    for judge in (*DETECTORS, *PROOFS.values()):
        tree = ast.parse(dedent(inspect.getsource(judge)).strip().rstrip(",") if judge.__name__ != "<lambda>" else "0")
        read = {
            node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "facts"
        }  # fmt: skip
        assert read <= declared, (judge.__name__, read - declared)
        assert all(isinstance(cell.cell_contents, str) for cell in judge.__closure__ or ()), "no other input"


@pytest.mark.django_db
def test_the_facts_are_read_without_a_look_at_what_trading_brings_forth(monkeypatch):
    """Every question that a look asks the database, by the tables that it names.

    An order of unknown outcome is asked for by its intent. The truth table is left out: it asks whether somebody
    answered the signals and bars that there were, which come whether entries are held or not; without any, it finds
    nothing (`test_no_trades_ever_leave_every_subsystem_healthy`).
    """
    from monitoring.watch import healer

    table = SimpleNamespace(modules={}, odd=(), processes=())
    monkeypatch.setattr(healer.witness, "read", lambda *about, **more: table)
    with CaptureQueriesContext(connection) as asked:
        healer.facts(NOW, BORN)
    tables = {name for one in asked for name in re.findall(r'"((?:trading|monitoring)_[a-z]+)"', one["sql"])}
    assert tables >= {"trading_modulestate", "trading_position", "monitoring_incident"}
    assert {name.removeprefix("trading_") for name in tables} & (FORBIDDEN - {"intent"}) == set()


@pytest.mark.parametrize(("name", "severity", "trading"), [("web", "high", False), ("stream", "critical", True)])
def test_without_its_page_the_house_trades_on(name, severity, trading):
    found = process_silent(name, timedelta(minutes=5), 0, Facts(now=NOW, born=BORN))
    assert (found.severity, found.impacts_trading) == (severity, trading)

"""What is found of which facts, and what proves that it is over."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.watch import ailments
from monitoring.watch.detectors import (
    CRITICAL,
    LOW,
    MEDIUM,
    PROOFS,
    Action,
    Ailment,
    Facts,
    Lost,
    Naked,
    Ran,
    detect,
    proof,
)

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


CASES = [
    ({"modules": without("executor", ran("executor", 120))}, "MODULE_SILENT:executor"),
    ({"modules": without("executor", ran("executor", None))}, "MODULE_SILENT:executor"),
    ({"modules": (ran("executor", 120), ran("position_monitor", 90))}, "PROCESS_SILENT:worker"),
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
]


@pytest.mark.parametrize(("change", "key"), CASES)
def test_each_ailment_is_found_alone_and_can_be_said(change, key):
    facts = replace(HEALTHY, **change)
    assert codes(facts) == [key]
    finding = detect(facts)[0]
    for words in (ailments.title(finding.code, finding.params), ailments.sentence(finding.code, finding.params)):
        assert words and "%(" not in words and "None" not in words


def test_every_ailment_has_a_case_a_proof_and_words():
    assert {key.split(":")[0] for _, key in CASES} | {"MODULE_FAILING"} == set(Ailment)
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
    ],
)  # fmt: skip
def test_what_goes_on_is_not_proven_over(code, subject, change):
    assert proof(code, subject, replace(HEALTHY, **change), ago(60)) is None


def test_no_trades_make_nothing_unhealthy():
    """Nothing of what finds faults knows decisions, signals or trades: holding entries can't keep them held."""
    for name in ("detectors.py", "healing.py", "healer.py", "report.py"):
        tree = ast.parse((Path("monitoring/watch") / name).read_text())
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert named & {"Decision", "Signal", "Trade", "Fill", "Cycle", "funnel", "conservation"} == set(), name

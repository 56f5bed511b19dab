"""The decision table: monotone in severity and number; which positions are closed; the restarts' circuit. All pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.watch import circuit, defence, safety
from monitoring.watch.defence import Danger, Exposure
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, HIGH, LOW, MEDIUM, SEVERITIES, Ailment
from monitoring.watch.safety import Fault, decide, level
from trading.exchange.venue import Side
from trading.gates.directives import Level, strictness

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAKED = Fault("UNPROTECTED:7", Ailment.UNPROTECTED, CRITICAL, True, True)
KEEPER = Fault("PROCESS_SILENT:worker", Ailment.PROCESS_SILENT, CRITICAL, True, True)
OUTAGE = [
    Fault("STREAM_SILENT", Ailment.STREAM_SILENT, CRITICAL, True, True),
    Fault("FEED_STALE", Ailment.FEED_STALE, CRITICAL, True, True),
    Fault("MODULE_FAILING:exchange", Ailment.MODULE_FAILING, CRITICAL, True, True),
    Fault("MODULE_FAILING:position_monitor", Ailment.MODULE_FAILING, CRITICAL, True, True),
    Fault("ORDER_UNKNOWN:9", Ailment.ORDER_UNKNOWN, HIGH, True, True),
]


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def fault(severity: str, impacts: bool = True, in_vain: bool = False, code: Ailment = Ailment.FEED_STALE) -> Fault:
    return Fault(code, code, severity, impacts, in_vain)


# -- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "impacts", "in_vain", "asks"),
    [
        (LOW, True, False, Level.ALLOW_ALL),
        (MEDIUM, True, False, Level.ALLOW_ALL),
        (MEDIUM, False, True, Level.ALLOW_ALL),
        (MEDIUM, True, True, Level.NO_NEW_TRADES),
        (HIGH, True, False, Level.REDUCED),
        (HIGH, False, True, Level.REDUCED),
        (HIGH, True, True, Level.NO_NEW_TRADES),
        (CRITICAL, False, False, Level.NO_NEW_TRADES),
        (CRITICAL, False, True, Level.NO_NEW_TRADES),
        (CRITICAL, True, False, Level.NO_NEW_TRADES),
        (CRITICAL, True, True, Level.DEFENSIVE_EXIT),
    ],
)
def test_what_one_fault_asks_for(severity, impacts, in_vain, asks):
    one = fault(severity, impacts, in_vain)
    assert level(one) is asks
    assert decide([one]) == safety.Policy(asks, (one.key,) if asks is not Level.ALLOW_ALL else ())


@pytest.mark.parametrize("code", [Ailment.DISK_SHORT, Ailment.STOPS_BROKEN, Ailment.RESTARTS_EXHAUSTED])
def test_what_only_entries_would_make_worse_holds_them_at_once(code):
    assert level(fault(HIGH, code=code)) is Level.NO_NEW_TRADES


def test_nothing_open_allows_all():
    assert decide([]) == safety.Policy(Level.ALLOW_ALL)


def test_an_emergency_is_a_missing_stop_and_nobody_to_place_it_both_in_vain():
    assert decide([NAKED]).level is decide([KEEPER]).level is Level.DEFENSIVE_EXIT
    both = decide([NAKED, KEEPER, *OUTAGE])
    assert both == safety.Policy(Level.EMERGENCY_SHUTDOWN, ("PROCESS_SILENT:worker", "UNPROTECTED:7"))
    assert decide([NAKED, replace(KEEPER, in_vain=False)]).level is Level.DEFENSIVE_EXIT


def test_an_outage_of_the_exchange_never_closes_everything():
    assert decide(OUTAGE).level is Level.DEFENSIVE_EXIT
    assert decide([*OUTAGE, NAKED]).level is Level.DEFENSIVE_EXIT


faults = st.builds(
    lambda code, subject, severity, impacts, in_vain: Fault(
        f"{code}:{subject}" if subject else code, code, severity, impacts, in_vain
    ),
    st.sampled_from(list(Ailment)),
    st.sampled_from(["", "worker", "position_monitor", "exchange", "7", "8"]),
    st.sampled_from(SEVERITIES),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(faults, max_size=8), faults)
def test_one_more_fault_never_gives_a_milder_policy(some, more):
    assert strictness(decide([*some, more]).level) >= strictness(decide(some).level)


@given(st.lists(faults, min_size=1, max_size=8), st.data())
def test_a_worse_fault_never_gives_a_milder_policy(some, data):
    i = data.draw(st.integers(0, len(some) - 1))
    was = some[i]
    worse = replace(
        was,
        severity=data.draw(st.sampled_from(SEVERITIES[SEVERITIES.index(was.severity) :])),
        impacts_trading=was.impacts_trading or data.draw(st.booleans()),
        in_vain=was.in_vain or data.draw(st.booleans()),
    )
    assert strictness(decide([*some[:i], worse, *some[i + 1 :]]).level) >= strictness(decide(some).level)


@given(st.lists(faults, max_size=8), st.randoms())
def test_the_order_of_the_faults_changes_nothing(some, shuffler):
    mixed = list(some)
    shuffler.shuffle(mixed)
    assert decide(mixed) == decide(some)


@given(st.lists(faults, max_size=8))
def test_what_is_stricter_than_nothing_names_its_faults(some):
    policy = decide(some)
    assert bool(policy.because) is (policy.level is not Level.ALLOW_ALL)
    assert set(policy.because) <= {one.key for one in some}


# -- what is closed ---------------------------------------------------------------------------------------------------

SAFE = Exposure(
    position_id=1, symbol="BTC/USDT:USDT", side=Side.LONG, entry=D(100), opened_at=ago(900), stop=D(98),
    liquidation=D(70), mark_at=ago(2), verified_at=ago(5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "danger", "says"),
    [
        ({}, None, ""),
        ({"unprotected_since": ago(9)}, None, ""),
        ({"unprotected_since": ago(12)}, Danger.UNPROTECTED, "no stop at the exchange for 12 s, limit 10 s"),
        ({"breached_at": ago(5)}, None, ""),
        ({"breached_at": ago(14)}, Danger.BEYOND_STOP, "its stop was passed 14 s ago, limit 10 s"),
        ({"liquidation": D(96)}, None, ""),
        ({"liquidation": D("96.5")}, Danger.NEAR_LIQUIDATION, "liquidation is 1.75 stop distances away, at least 2"),
        ({"liquidation": D("96.5"), "stop": D("100.5")}, None, ""),
        ({"liquidation": None}, None, ""),
        ({"side": Side.SHORT, "stop": D(102), "liquidation": D(103)}, Danger.NEAR_LIQUIDATION, "1.50 stop distances"),
        ({"mark_at": ago(600)}, None, ""),
        ({"verified_at": ago(600)}, None, ""),
        ({"mark_at": ago(70), "verified_at": ago(90)}, Danger.UNSEEN, "was seen for 70 s, limit 60 s"),
        ({"mark_at": None, "verified_at": None, "opened_at": ago(30)}, None, ""),
        ({"mark_at": None, "verified_at": None}, Danger.UNSEEN, "was seen for 900 s"),
    ],
)
def test_a_defensive_exit_closes_what_is_in_danger(change, danger, says):
    found = defence.to_close(Level.DEFENSIVE_EXIT, [replace(SAFE, **change)], ago(3), NOW)
    assert [one.danger for one in found] == ([danger] if danger else [])
    assert all(one.sentence.startswith("DEFENSIVE_EXIT: ") and says in one.sentence for one in found)


def test_while_the_exchange_is_silent_nothing_is_closed_for_not_being_seen():
    unseen = replace(SAFE, mark_at=ago(900), verified_at=ago(900))
    for heard in (None, ago(31)):
        assert defence.to_close(Level.DEFENSIVE_EXIT, [unseen], heard, NOW) == []
    assert defence.to_close(Level.DEFENSIVE_EXIT, [unseen], ago(29), NOW)


@pytest.mark.parametrize("at", list(Level))
def test_each_level_closes_at_least_what_a_milder_one_does(at):
    many = [replace(SAFE, position_id=1), replace(SAFE, position_id=2, unprotected_since=ago(60))]
    closed = {one.position_id for one in defence.to_close(at, many, ago(3), NOW)}
    assert closed == {Level.DEFENSIVE_EXIT: {2}, Level.EMERGENCY_SHUTDOWN: {1, 2}}.get(at, set())


# -- the circuit ------------------------------------------------------------------------------------------------------


def facts(*restarts: float, open_: bool = False) -> Facts:
    since = {Ailment.RESTARTS_EXHAUSTED.value: ago(9)} if open_ else {}
    return Facts(now=NOW, born=ago(9999), restarts=tuple(ago(s) for s in restarts), since=since)


@pytest.mark.parametrize(
    ("restarts", "room"),
    [((), 3), ((5,), 2), ((5, 6, 599), 0), ((5, 6, 600), 1), ((1, 2, 3, 4, 5), 0), ((700, 800, 900), 3)],
)
def test_three_restarts_within_ten_minutes_and_no_more(restarts, room):
    assert circuit.room(facts(*restarts).restarts, NOW) == room


def test_it_opens_when_a_fourth_is_wanted_and_closes_when_the_window_has_room():
    assert circuit.opened(1, facts(10, 20)) is None
    assert circuit.opened(0, facts(10, 20, 30)) is None, "three were enough"
    finding = circuit.opened(1, facts(10, 20, 30))
    assert finding is not None and finding.params["until"] == (ago(30) + circuit.WINDOW).isoformat()
    assert (finding.severity, finding.impacts_trading, finding.remedies) == (CRITICAL, True, ())
    assert circuit.opened(0, facts(10, 20, 30, open_=True)), "it stays open"
    assert circuit.opened(1, facts(10, 20, 600, open_=True)) is None


def test_the_severities_are_those_of_the_table_in_order():
    asked = [safety.LEVELS[severity] for severity in SEVERITIES]
    assert all(strictness(a) <= strictness(b) for a, b in pairwise(asked))

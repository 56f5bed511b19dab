"""Every probe says yes of a healthy system, and no or "unknown" where it should: with its numbers, in words."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.watch.probes import PROBES, State, answers
from monitoring.watch.probes.facts import (
    Account,
    Balance,
    Bell,
    Check,
    Cycles,
    Finding,
    LogFile,
    Machine,
    Supervision,
    Switch,
    Topic,
    Training,
    Trouble,
    Universe,
)
from monitoring.watch.probes.held import Closing
from monitoring.watch.probes.words import FIXES, QUESTIONS, SENTENCES, fix, question, say
from monitoring.watch.scorecard import PARTS
from tests.watch.probes.builders import (
    CHECKS,
    NOW,
    SYMBOLS,
    ago,
    champion,
    healthy,
    held,
    holding,
    pulse,
    tally,
    with_pulse,
)

OK, FAIL, UNKNOWN = State.OK, State.FAIL, State.UNKNOWN
IDLE = {"decided": (tally(),), "last_traded": ago(minutes=71)}


def test_a_healthy_system_answers_yes_to_everything():
    said = answers(healthy())
    assert {key: one.code for key, one in said.items() if one.state is not OK} == {}
    assert len(said) == len(PROBES)


def test_of_a_system_that_never_ran_nothing_is_known_to_be_well():
    bare = replace(
        healthy(), pulses={}, stream=None, cycles=Cycles(), decided=(), holdings=(), held=(), worst_gap=None,
        policy=None, champions=(),
        training=Training(), universe=None, account=None, clock=None, ping=None, finding=None, supervision=None,
        balance=None, machine=None, running={}, bells={}, slots=(0, 0),
        sent=0, last_traded=None,
    )  # fmt: skip
    said = answers(bare)
    assert {one.state for key, one in said.items() if key.endswith((".alive", ".steady"))} == {UNKNOWN}
    yes = {key for key, one in said.items() if one.state is OK}
    assert yes == {  # true of nothing at all, and said so
        "executor.accounts", "executor.answered", "position_monitor.protected", "position_monitor.verified",
        "position_monitor.no_gap", "position_monitor.exits", "trailing.priced", "trailing.follows",
        "risk_guard.unanimous", "risk_guard.within",
        "data_feed.believable", "data_feed.whole", "exchange.takes_orders", "self_healing.calm",
        "database_validator.one_mode",
    }  # fmt: skip


CASES = [
    # every module
    ("policy.alive", with_pulse("policy", last_tick=None), FAIL, "never-called"),
    ("policy.alive", with_pulse("policy", last_tick=ago(seconds=36)), FAIL, "silent"),
    ("policy.alive", with_pulse("policy", last_tick=ago(seconds=20)), OK, "ticks"),
    ("policy.punctual", with_pulse("policy", last_tick=ago(seconds=20)), FAIL, "late"),
    ("policy.punctual", with_pulse("policy", scheduled=False), FAIL, "schedule-off"),
    ("policy.steady", with_pulse("policy", error="ValueError: no", error_at=ago(seconds=4)), FAIL, "tick-failed"),
    ("policy.steady", with_pulse("policy", error="ValueError: no", error_at=ago(seconds=14)), OK, "no-error"),
    # executor
    ("executor.judges", healthy(cycles=Cycles()), UNKNOWN, "no-bar"),
    ("executor.judges", healthy(cycles=Cycles(), training=Training(running=True, stage="x")), UNKNOWN, "training"),
    ("executor.judges", healthy(cycles=Cycles(1, 3, 3, {}, ago(minutes=3), NOW, 3)), FAIL, "bar-late"),
    ("executor.judges", healthy(cycles=Cycles(1, 3, 0, {}, ago(minutes=2), NOW, 0, {"NO_MODEL": 3})), FAIL,
     "nothing-evaluated"),
    ("executor.trades", healthy(**IDLE), FAIL, "idle"),
    ("executor.trades", healthy(decided=()), OK, "no-signals"),
    ("executor.trades", healthy(cycles=Cycles()), UNKNOWN, "no-bar"),
    ("executor.trades", healthy(decided=(), cycles=Cycles(60, 180, 0, {}, ago(minutes=2), NOW, 0, {"FEED_STALE": 3})),
     UNKNOWN, "nothing-evaluated"),
    ("executor.trades", healthy(decided=(tally("pending", "", 2),)), OK, "pending"),
    ("executor.trades", healthy(decided=(tally(n=4, first=ago(minutes=12)),), last_traded=None), OK, "young"),
    ("executor.trades", healthy(decided=(tally(),), last_traded=ago(minutes=12)), OK, "young"),
    ("executor.trades", healthy(decided=(tally("failed", "EXCHANGE_REJECT", 3),), last_traded=None), FAIL, "idle"),
    ("executor.accounts", healthy(undecided=(7, 9)), FAIL, "undecided"),
    ("executor.answered", healthy(adrift=((5, ago(seconds=61)),)), FAIL, "orders-unknown"),
    ("executor.answered", healthy(adrift=((5, ago(seconds=59)),)), OK, "orders-known"),
    # policy
    ("policy.measured", healthy(policy=None), UNKNOWN, "policy-never"),
    ("policy.measured", with_pulse("policy", last_work=ago(seconds=151)), FAIL, "policy-old"),
    ("policy.in_force", healthy(policy=None), UNKNOWN, "policy-never"),
    # positions
    ("position_monitor.protected", healthy(holdings=(holding(protected_since=None, unprotected_since=ago(seconds=6)),)),
     FAIL, "naked"),
    ("position_monitor.protected", healthy(holdings=(holding(protected_since=None, unprotected_since=ago(seconds=2)),)),
     OK, "protecting"),
    ("position_monitor.protected", healthy(holdings=(holding(protected_since=None, opened_at=ago(seconds=9)),)),
     FAIL, "naked"),
    ("position_monitor.verified", healthy(holdings=(holding(stop_seen_at=ago(seconds=38)),)), FAIL, "stop-unseen"),
    ("position_monitor.verified", healthy(holdings=(holding(backstop_seen_at=None),)), FAIL, "stop-unseen"),
    ("position_monitor.verified", healthy(holdings=(holding(opened_at=ago(seconds=9), stop_seen_at=None),)), OK,
     "stops-seen"),
    ("position_monitor.no_gap", healthy(worst_gap=(4, 5.2)), FAIL, "gap"),
    ("trailing.sees_all", with_pulse("trailing", last_work=ago(seconds=41)), FAIL, "works-on-nothing"),
    ("trailing.sees_all", healthy(holdings=()), OK, "no-positions"),
    ("trailing.priced", healthy(holdings=(holding(mark_at=ago(seconds=31)),)), FAIL, "mark-old"),
    ("trailing.follows", healthy(held=(held(best=106.0),)), FAIL, "trails-behind"),
    ("trailing.follows", healthy(held=(held(best=106.0, stop=103.5, trailing=True),)), OK, "trails"),
    ("trailing.follows", healthy(held=(held(best=106.0, status="closing"),)), OK, "trails"),
    # ways out
    ("position_monitor.exits", healthy(held=(held(stop=100.0),)), FAIL, "stop-wrong-side"),
    ("position_monitor.exits", healthy(held=(held(side="short", stop=99.0),)), FAIL, "stop-wrong-side"),
    ("position_monitor.exits", healthy(held=(held(stop=101.0, best=103.0, trailing=True),)), OK, "exits-open"),
    ("position_monitor.exits", healthy(held=(held(r=0.0),)), FAIL, "no-stop-distance"),
    ("position_monitor.exits", healthy(held=(held(r=float("nan")),)), FAIL, "no-stop-distance"),
    ("position_monitor.exits", healthy(closings=(Closing(1, SYMBOLS[0], ago(seconds=31), "no answer"),)), FAIL,
     "close-fails"),
    ("position_monitor.exits", healthy(closings=(Closing(1, SYMBOLS[0], ago(seconds=31)),)), OK, "exits-open"),
    ("position_monitor.exits", healthy(closings=(Closing(1, SYMBOLS[0], ago(seconds=121)),)), FAIL, "close-fails"),
    ("position_monitor.exits", healthy(closings=(Closing(9, SYMBOLS[0], ago(hours=1)),)), OK, "exits-open"),
    ("position_monitor.exits", healthy(held=(held(breached_at=ago(seconds=41)),)), FAIL, "stop-passed"),
    ("position_monitor.exits", healthy(held=(held(breached_at=ago(seconds=39)),)), OK, "exits-open"),
    ("position_monitor.exits", healthy(held=(held(looked_at=ago(seconds=61)),)), FAIL, "not-looked-at"),
    ("position_monitor.exits", healthy(held=(held(looked_at=None, opened_at=ago(seconds=50)),)), OK, "exits-open"),
    ("position_monitor.exits", healthy(held=(held(expires_at=ago(seconds=61)),)), FAIL, "overdue"),
    # risk guard
    ("risk_guard.unanimous", healthy(after_stop=1, switch=Switch("halted", NOW, "mira", "cables")), FAIL,
     "left-after-stop"),
    ("risk_guard.within", healthy(held=(held(leverage=20),)), FAIL, "leverage-over"),
    ("risk_guard.within", healthy(held=(held(notional=31_000.0),)), FAIL, "exposure-over"),
    ("risk_guard.within", healthy(held=(held(notional=29_000.0),)), OK, "slots"),
    ("exchange.takes_orders", healthy(entries=8, fruitless=5), FAIL, "entries-fruitless"),
    ("exchange.takes_orders", healthy(entries=8, fruitless=4), OK, "orders-taken"),
    ("exchange.takes_orders", healthy(entries=4, fruitless=4), OK, "orders-taken"),
    ("exchange.ours_alone", healthy(held=(held(flat_seen_at=ago(seconds=61)),)), FAIL, "ghost"),
    ("exchange.ours_alone", healthy(held=(held(flat_seen_at=ago(seconds=59)),)), OK, "none-foreign"),
    ("database_validator.one_mode", healthy(strange={"trades": 4}), FAIL, "rows-of-another-mode"),
    ("models.intact", healthy(champions=(champion("xgboost", alarm="other features"),)), FAIL, "alarmed"),
    ("risk_guard.asked", healthy(decided=()), OK, "nothing-to-ask"),
    ("risk_guard.asked", replace(with_pulse("risk_guard", last_work=ago(hours=1)),
                                 decided=(tally(last=ago(minutes=5)),)), FAIL, "not-asked"),
    ("risk_guard.asked", replace(with_pulse("risk_guard", last_work=None), decided=(tally(last=ago(minutes=5)),)), FAIL,
     "not-asked"),
    ("risk_guard.unanimous", healthy(slipped=(12,)), FAIL, "slipped"),
    ("risk_guard.within", healthy(holdings=tuple(holding(id=n) for n in range(7))), FAIL, "too-many"),
    # models
    ("models.voting", healthy(champions=(champion("logistic"),)), FAIL, "few-vote"),
    ("models.voting", healthy(champions=()), UNKNOWN, "no-model"),
    ("models.intact", healthy(champions=(champion("logistic", quarantined="it answered NaN"),)), FAIL, "quarantined"),
    ("models.skilled", healthy(champions=(champion("logistic", log_loss=0.61),)), FAIL, "unskilled"),
    ("models.skilled", healthy(champions=(champion("logistic", log_loss=None),)), UNKNOWN, "skill-unmeasured"),
    ("models.calibrated", healthy(supervision=None), UNKNOWN, "not-supervised"),
    ("models.calibrated", healthy(supervision=Supervision(ago(seconds=9), calibration=Topic("unknown", 41))), UNKNOWN,
     "calibration-unmeasured"),
    ("models.calibrated", healthy(supervision=Supervision(ago(seconds=9), calibration=Topic("bad", 400, 0.2, 0.05))),
     FAIL, "calibration-bad"),
    ("models.calibrated", healthy(supervision=Supervision(ago(minutes=31), calibration=Topic("ok", 400, 0.0, 0.05))),
     UNKNOWN, "expired"),
    ("model_supervisor.looks", healthy(supervision=Supervision(ago(seconds=31))), FAIL, "look-old"),
    ("model_supervisor.unbiased", healthy(supervision=Supervision(ago(seconds=9), Topic("bad", 400, 0.81, 0.65))), FAIL,
     "bias-bad"),
    ("portfolio_balancer.called", healthy(balance=Balance(ago(seconds=61), "beat")), FAIL, "look-old"),
    ("portfolio_balancer.called", replace(
        healthy(balance=Balance(ago(seconds=58), "beat"), decided=(tally("traded", "", 1, last=ago(seconds=55)),))),
     FAIL, "batch-unseen"),
    ("portfolio_balancer.balanced", healthy(balance=Balance(ago(seconds=5), "beat", ((SYMBOLS[0], "CORRELATED"),))),
     FAIL, "trims"),
    ("portfolio_balancer.called", healthy(balance=None), UNKNOWN, "never-looked"),
    ("retraining_orchestrator.ended_well", healthy(training=Training()), UNKNOWN, "never-trained"),
    ("retraining_orchestrator.ended_well", healthy(training=Training(outcome="failed", error="no", ended_at=NOW)), FAIL,
     "training-failed"),
    ("retraining_orchestrator.young", healthy(champions=(champion("logistic", trained_at=ago(days=15)),)), FAIL,
     "models-old"),
    # data
    ("data_feed.streams", healthy(stream=pulse("stream", last_work=ago(seconds=31))), FAIL, "rest-instead"),
    ("data_feed.flows", healthy(stream=pulse("stream", every=timedelta(seconds=5), examined=0)), FAIL, "stream-thin"),
    ("data_feed.flows", healthy(stream=pulse("stream", every=timedelta(seconds=5), examined=1)), OK, "stream-flows"),
    ("data_feed.flows", healthy(stream=pulse("stream", last_work=ago(seconds=31))), FAIL, "stream-thin"),
    ("data_feed.flows", healthy(stream=None), UNKNOWN, "no-tick-yet"),
    ("data_feed.fresh", healthy(universe=None), UNKNOWN, "no-universe"),
    ("data_feed.fresh", healthy(universe=Universe(NOW, SYMBOLS, {})), UNKNOWN, "no-candle"),
    ("data_feed.fresh", healthy(universe=Universe(NOW, SYMBOLS, {SYMBOLS[1]: ago(hours=8.3)})), FAIL, "candles-old"),
    ("data_feed.complete", healthy(cycles=Cycles(60, 180, 178, {"FEED_STALE": 2}, ago(minutes=2), NOW, 3)), FAIL,
     "bars-missing"),
    ("data_feed.complete", healthy(cycles=Cycles(60, 180, 80, {"NO_MODEL": 100}, ago(minutes=2), NOW, 3)), OK,
     "bars-there"),
    ("data_feed.believable", healthy(faults={"gap": 2}), FAIL, "candles-refused"),
    ("data_feed.whole", healthy(gaps=(3, 2)), FAIL, "gaps-open"),
    ("exchange.clock", healthy(clock=None), UNKNOWN, "clock-unmeasured"),
    ("exchange.clock", healthy(clock=(0, ago(minutes=2))), UNKNOWN, "clock-unmeasured"),
    ("exchange.clock", healthy(clock=(-501, NOW)), FAIL, "clock-off"),
    ("exchange.clock", healthy(clock=(500, NOW)), OK, "clock-right"),
    # database
    ("database_validator.schema", healthy(finding=None), UNKNOWN, "never-validated"),
    ("database_validator.schema", healthy(finding=Finding(NOW, 1.0, (
        Check("tables", False, "table-missing", {"tables": ["trading_fill"], "n": 1}),))), FAIL, "table-missing"),
    ("database_validator.writes", healthy(finding=Finding(NOW, None, (
        Check("write", False, "write-failed", {"error": "disk is full"}),))), FAIL, "write-failed"),
    ("database_validator.schema", healthy(finding=Finding(ago(minutes=17), 1.0, tuple(
        Check(name, True, "there") for name in CHECKS))), UNKNOWN, "expired"),
    ("database_validator.keeps", healthy(finding=Finding(NOW, 1.0, (
        Check("durability", True, "durable"), Check("integrity", False, "pages-broken", {"error": "row 7"})))),
     FAIL, "pages-broken"),
    ("database_validator.keeps", healthy(finding=Finding(NOW, 1.0, ())), UNKNOWN, "never-validated"),
    ("database_validator.quick", healthy(finding=Finding(NOW, 251.0, ())), FAIL, "database-slow"),
    # universe and exchange
    ("universe.snapshot", healthy(universe=Universe(ago(minutes=31), SYMBOLS, {})), FAIL, "universe-old"),
    ("universe.tradable", healthy(universe=Universe(NOW, (), {})), FAIL, "nothing-tradable"),
    ("universe.covered", healthy(universe=Universe(NOW, SYMBOLS, {SYMBOLS[0]: NOW})), UNKNOWN, "symbols-unmeasured"),
    ("exchange.account", healthy(account=Account(ago(seconds=46), Decimal(1), 3)), FAIL, "account-old"),
    ("exchange.pings", healthy(ping=None), UNKNOWN, "no-ping"),
    ("exchange.pings", healthy(ping=(9, ago(seconds=61))), FAIL, "ping-old"),
    ("exchange.pings", healthy(ping=(9, ago(seconds=60))), OK, "pings"),
    ("exchange.prompt", healthy(account=Account(NOW, Decimal(1), 2001)), FAIL, "exchange-slow"),
    ("exchange.prompt", healthy(account=Account(NOW, Decimal(1), None)), UNKNOWN, "latency-unmeasured"),
    ("exchange.prompt", healthy(account=Account(ago(minutes=4), Decimal(1), 3)), UNKNOWN, "expired"),
    ("exchange.takes_orders", healthy(refused=5), FAIL, "orders-refused"),
    ("exchange.takes_orders", healthy(refused=4), OK, "orders-taken"),
    ("exchange.ours_alone", healthy(account=Account(NOW, Decimal(1), 3, (SYMBOLS[2],))), FAIL, "foreign"),
    # watching
    ("self_healing.calm", healthy(troubles=(Trouble(3, "UNPROTECTED:BTC", "critical", ago(minutes=3), 1, False),)),
     FAIL, "critical-open"),
    ("self_healing.helps", healthy(troubles=(Trouble(3, "STREAM_SILENT", "high", ago(minutes=3), 6, False),)), FAIL,
     "helpless"),
    ("self_healing.helps", healthy(troubles=(Trouble(3, "RESTARTS_EXHAUSTED", "critical", ago(minutes=3), 0, True),)),
     FAIL, "without-remedy"),
    ("self_healing.helps", healthy(troubles=(Trouble(3, "STREAM_SILENT", "high", ago(minutes=3), 2, False),)), OK,
     "remedies-help"),
    ("self_healing.rings", healthy(bells={}), UNKNOWN, "no-bell"),
    ("self_healing.rings", healthy(bells={"trade": Bell(NOW, 9), "work": Bell(ago(seconds=61), 9)}), FAIL,
     "bell-silent"),
    ("self_healing.rings", healthy(bells={"work": Bell(ago(hours=9), 9)}, running={"worker": ago(seconds=5)}), UNKNOWN,
     "no-bell"),
    ("self_healing.rings", healthy(bells={"work": Bell(NOW, 9)}), FAIL, "bell-never"),
    ("self_healing.rings", healthy(bells={"work": Bell(NOW, 9)}, running={"worker": ago(seconds=59)}), UNKNOWN,
     "no-bell"),
    ("self_healing.rings", healthy(bells={"trade": Bell(NOW, 10_001), "work": Bell(NOW, 9)}), FAIL, "bell-slow"),
    ("self_healing.slots", healthy(slots=(0, 0)), UNKNOWN, "no-slots"),
    ("self_healing.slots", healthy(slots=(799, 1000)), FAIL, "slots-lost"),
    ("self_healing.slots", healthy(slots=(800, 1000)), OK, "slots-kept"),
    ("logging.recent", healthy(running={"web": ago(minutes=2)}), FAIL, "logs-mute"),
    ("logging.recent", healthy(running={"web": ago(hours=1), "worker": ago(hours=1)}), FAIL, "logs-mute"),
    ("logging.recent", healthy(running={}), UNKNOWN, "no-logs"),
    ("logging.memory", healthy(machine=Machine(10**11, 10**12)), UNKNOWN, "no-memory"),
    ("logging.memory", healthy(machine=Machine(10**11, 10**12, (), 149, 1000)), FAIL, "memory-short"),
    ("logging.memory", healthy(machine=Machine(10**11, 10**12, (), 150, 1000)), OK, "memory-room"),
    ("logging.written", healthy(machine=Machine(1, 1, (LogFile("web", 1, False, 0),))), FAIL, "logs-shut"),
    ("logging.written", healthy(machine=Machine(1, 1)), UNKNOWN, "no-logs"),
    ("logging.bounded", healthy(machine=Machine(1, 1, (LogFile("web", 30_000_000, True, 0),))), FAIL, "log-large"),
    ("logging.room", healthy(machine=Machine(999_000_000, 10**12)), FAIL, "disk-short"),
    ("logging.quiet", healthy(machine=Machine(1, 1, (LogFile("web", 1, True, 21),))), FAIL, "errors-many"),
    ("logging.quiet", healthy(machine=Machine(1, 1, (LogFile("web", 1, True, 0, whole=False),))), UNKNOWN,
     "errors-unread"),
    ("logging.quiet", healthy(machine=Machine(1, 1, (LogFile("web", 1, True, 21, whole=False),))), FAIL,
     "errors-many"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "facts", "state", "code"), CASES, ids=lambda case: case if isinstance(case, str) else ""
)
def test_a_probe_says_no_where_it_should(key, facts, state, code):
    said = answers(facts)[key]
    assert (said.state, said.code) == (state, code)
    sentence = say(said.code, said.params)
    assert sentence and "%(" not in sentence and "?" not in sentence


MEANT = [
    ({"switch": Switch("halted", NOW, "mira", "a release")}, "stopped"),
    ({"execution": False}, "execution-off"),
    ({"decided": (tally(code="POLICY_NO_NEW_TRADES", meant=True),)}, "meant"),
    ({"decided": (tally(code="MAX_POSITIONS", meant=True), tally(n=90))}, "meant"),
    ({"decided": (tally(code="EXPECTED_COST_TOO_HIGH", meant=True),)}, "meant"),
]


def test_a_bell_that_was_never_answered_names_its_queue():
    said = answers(healthy(bells={"work": Bell(NOW, 9)}))["self_healing.rings"]
    assert say(said.code, said.params).startswith("No task of the queue trade was ever run")


@pytest.mark.parametrize(("why", "code"), MEANT)
def test_idleness_that_is_meant_costs_nothing(why, code):
    said = answers(healthy(**IDLE | why))["executor.trades"]
    assert (said.state, said.code) == (OK, code)


def test_the_idle_sentence_has_both_numbers_and_the_code():
    said = answers(healthy(**IDLE))["executor.trades"]
    told = say(said.code, said.params).replace("\u00a0", " ")
    assert told == "198 signals and no executed order for 1 h 11 min; limit 30 min. 198 by COOLDOWN_ACTIVE."
    assert said.params["href"] == "/decisions/?code=COOLDOWN_ACTIVE"


def test_a_risk_guard_that_was_built_and_never_called_is_no_blank():
    said = answers(replace(with_pulse("risk_guard", last_tick=None, last_work=None), decided=(tally(),)))
    assert (said["risk_guard.alive"].state, said["risk_guard.alive"].code) == (FAIL, "never-called")
    assert said["risk_guard.asked"].state is UNKNOWN


def test_no_old_finding_counts_as_known():
    young = answers(healthy(now=NOW))["database_validator.schema"]
    assert young.expires and young.as_of and young.expires - young.as_of == timedelta(minutes=16)
    old = answers(healthy(now=NOW + timedelta(minutes=15)))["database_validator.schema"]
    assert (old.state, old.code) == (UNKNOWN, "expired")


def test_every_component_has_ten_points_of_probes():
    worth = {part.key: sum(probe.of for probe in PROBES if probe.part == part.key) for part in PARTS}
    assert worth == {part.key: 10 for part in PARTS}
    assert len({probe.key for probe in PROBES}) == len(PROBES)


def test_every_probe_has_a_question_and_a_fix():
    assert [probe.key for probe in PROBES if question(probe.key) == probe.key or not fix(probe.key)] == []
    known = {probe.key for probe in PROBES} | {probe.question for probe in PROBES}
    assert set(QUESTIONS) | set(FIXES) <= known


def test_every_probe_has_a_case_where_it_says_no_or_unknown():
    generic = {probe.key for probe in PROBES if probe.question in ("alive", "punctual", "steady")}
    assert {probe.key for probe in PROBES} - generic - {case[0] for case in CASES if case[2] is not OK} == set()


def test_every_code_that_a_case_gives_is_told_in_words():
    said = [one for _, facts, _, _ in CASES for one in answers(facts).values()] + list(answers(healthy()).values())
    assert {one.code for one in said} - set(SENTENCES) == set()


def test_every_module_of_the_house_that_the_score_names_is_expected(settings):
    from monitoring.watch.manifest import expected

    names = {one.name for one in expected()}
    assert {part.key for part in PARTS} - names == {"logging"}


def test_pulses_tell_liveness_by_silence_alone():
    assert pulse("x", last_tick=None).alive(NOW) == "never"
    assert pulse("x", last_tick=ago(seconds=16)).alive(NOW) == "late"

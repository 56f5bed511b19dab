"""Operations and truth: what does not run although it looks so, who loosened what, whose rows these are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from monitoring.watch.detectors.feed import STREAM_QUIET
from monitoring.watch.diagnosis.causes.counting import stake
from monitoring.watch.diagnosis.facts import Facts
from monitoring.watch.diagnosis.problem import Action, Cause, Evidence, Problem, Severity
from monitoring.watch.liveness import DOWN
from monitoring.watch.probes.facts import Pulse

VITAL = ("executor", "risk_guard", "position_monitor")
NEEDED = ("data_feed", "exchange", "trailing", "policy", "models", "self_healing", "universe")
EXITS = ("position_monitor", "trailing")  # what looks after open positions
JUDGES = ("executor",)  # what no signal comes without
QUIET = timedelta(seconds=60)  # of a whole process
YOUNG = timedelta(minutes=2)  # a new house has called nobody yet
ERRORS, OF_TICKS = 5, 0.2  # ticks of the hour that ended in an error
IDLE_PROBES = {  # what says that a module ticks and sees nothing of what there is to see
    "trailing.sees_all": ("trailing", "works-on-nothing"),
    "risk_guard.asked": ("risk_guard", "not-asked"),
    "portfolio_balancer.called": ("portfolio_balancer", "look-old", "batch-unseen"),
    "model_supervisor.looks": ("model_supervisor", "look-old"),
    "policy.measured": ("policy", "policy-old"),
}
STARTS, RESTARTS = 4, 3  # of one process within an hour
LOSSES, CONCENTRATED, SPREAD = 10, 0.5, 3  # trades, share of all losses, symbols
SOON = timedelta(days=7)
MUCH = 1.5  # times the first value


def severity(name: str) -> Severity:
    if name in VITAL:
        return Severity.CRITICAL
    return Severity.HIGH if name in NEEDED else Severity.MEDIUM


def module(name: str) -> Evidence:
    return Evidence("module", {"name": name}, "/modules/")


def of_module(
    facts: Facts,
    cause: Cause,
    name: str,
    params: dict,
    since: datetime | None = None,
    weight: Severity | None = None,
) -> Problem:
    """What ails one module: open money is in danger where it looks after that, signals where it makes them."""
    minds = name in EXITS and bool(facts.held)
    return Problem(
        cause, name, weight or severity(name), {"module": name, **params}, (module(name),), "",
        Action("tick_module", name, "/modules/"), share=1.0 if name in JUDGES else 0.0, danger=minds,
        stake=stake(facts.held) if minds else 0.0, since=since,
    )  # fmt: skip


# -- processes and modules --------------------------------------------------------------------------------------------


def dead(facts: Facts) -> dict[str, list[Pulse]]:
    """Processes of which no module ticks any more, two at least: not even the one that is due most often."""
    by_program: dict[str, list[Pulse]] = {}
    for name, pulse in facts.seen.pulses.items():
        by_program.setdefault(facts.programs.get(name, ""), []).append(pulse)
    return {program: pulses for program, pulses in by_program.items() if program and all_silent(pulses, facts)}


def all_silent(pulses: list[Pulse], facts: Facts) -> bool:
    called = [pulse for pulse in pulses if pulse.last_tick]
    if sum(pulse.alive(facts.now) == DOWN for pulse in called) < 2:
        return False
    newest = max(pulse.last_tick for pulse in called if pulse.last_tick)
    often = min(called, key=lambda pulse: pulse.every)
    return often.alive(facts.now) == DOWN and facts.now - newest > QUIET


def process_down(facts: Facts) -> Iterator[Problem]:
    """A process that nothing is heard of any more."""
    for program, pulses in dead(facts).items():
        last = max((pulse.last_tick for pulse in pulses if pulse.last_tick), default=facts.now)
        yield silent_process(facts, program, last, len(pulses))
    stream = facts.seen.stream
    if stream and stream.last_tick and stream.alive(facts.now) == DOWN:
        yield silent_process(facts, "stream", stream.last_tick, 1)


def silent_process(facts: Facts, program: str, last: datetime, modules: int) -> Problem:
    params = {"process": program, "age_s": facts.ago(last), "modules": modules}
    minds = program == "worker" and bool(facts.held)
    return Problem(
        Cause.PROCESS_DOWN, program, Severity.CRITICAL, params, (Evidence("modules", {"n": modules}, "/modules/"),), "",
        Action(href="/modules/"), share=1.0, danger=minds, stake=stake(facts.held) if minds else 0.0, since=last,
    )  # fmt: skip


def modules_broken(facts: Facts) -> Iterator[Problem]:
    """A module that a process could not load: its error was written down, and the module is not there."""
    for name, (process, why) in sorted(facts.broken.items()):
        yield of_module(facts, Cause.MODULE_BROKEN, name, {"process": process, "error": why[:200]})


def modules_never_called(facts: Facts) -> Iterator[Problem]:
    """Wired, and nobody has ever called it."""
    if facts.born and facts.now - facts.born < YOUNG:
        return
    for name, pulse in facts.seen.pulses.items():
        waited = facts.now - facts.born if facts.born else None
        if pulse.last_tick or not pulse.scheduled or (waited and waited < pulse.every * 3):
            continue
        params = {"every_s": pulse.every.total_seconds(), "age_s": waited.total_seconds() if waited else None}
        yield of_module(facts, Cause.MODULE_NEVER_CALLED, name, params, facts.born)


def modules_down(facts: Facts) -> Iterator[Problem]:
    """It has ticked once, and is silent for much longer than it should be."""
    gone = {pulse.name for pulses in dead(facts).values() for pulse in pulses}
    for name, pulse in facts.seen.pulses.items():
        if name in gone or not pulse.scheduled or pulse.last_tick is None or pulse.alive(facts.now) != DOWN:
            continue
        params = {"age_s": facts.ago(pulse.last_tick), "every_s": pulse.every.total_seconds()}
        yield of_module(facts, Cause.MODULE_DOWN, name, params, pulse.last_tick)


def modules_fail(facts: Facts) -> Iterator[Problem]:
    """Its newest run ended in an error, or many of the last hour did."""
    for name, pulse in facts.seen.pulses.items():
        ticks, errors = facts.calls.get(name, (0, 0))
        often = errors >= ERRORS and errors >= OF_TICKS * ticks
        if not pulse.failing and not often:
            continue
        params = {"error": pulse.error[:200], "errors": errors, "ticks": ticks}
        weight = severity(name) if often or name in VITAL else Severity.MEDIUM
        yield of_module(facts, Cause.MODULE_FAILS, name, params, pulse.error_at, weight)


def works_on_nothing(facts: Facts) -> Iterator[Problem]:
    """It ticks in time, and does not see what there is to see."""
    for probe, (name, *codes) in IDLE_PROBES.items():
        answer = facts.failed(probe)
        if answer is None or answer.code not in codes:
            continue
        pulse = facts.seen.pulses.get(name)
        params = {"idle": pulse.idle_reason if pulse else "", "examined": pulse.examined if pulse else 0,
                  "age_s": answer.params.get("age_s")}  # fmt: skip
        found = of_module(facts, Cause.WORKS_ON_NOTHING, name, params, pulse.last_work if pulse else None)
        yield found


def schedule_off(facts: Facts) -> Iterator[Problem]:
    """Somebody switched off the schedule that calls a module."""
    for name, pulse in facts.seen.pulses.items():
        if pulse.scheduled:
            continue
        ticking = pulse.alive(facts.now) != DOWN and pulse.last_tick is not None
        weight = Severity.LOW if ticking else severity(name)
        found = of_module(facts, Cause.SCHEDULE_OFF, name, {"by": pulse.called_by, "ticks": ticking}, None, weight)
        yield found


def stream_silent(facts: Facts) -> Iterator[Problem]:
    """The stream's process runs, and the venue says nothing to it: what is stored looks alive and is old."""
    stream = facts.seen.stream
    if stream is None or stream.last_tick is None or stream.alive(facts.now) == DOWN:
        return
    heard = stream.last_work
    if heard is None or facts.now - heard <= STREAM_QUIET:
        return
    params = {"age_s": facts.ago(heard), "limit_s": STREAM_QUIET.total_seconds()}
    yield Problem(
        Cause.STREAM_SILENT, "", Severity.CRITICAL, params, (module("data_feed"),), "",
        Action("tick_module", "data_feed", "/modules/"), since=heard,
    )  # fmt: skip


def crash_loop(facts: Facts) -> Iterator[Problem]:
    """A process that is started again and again, until the supervisor gives it up and stops entries."""
    told = {name: (n - 1, at) for name, (n, at) in facts.starts.items() if n >= STARTS}
    told |= {name: pair for name, pair in facts.restarts.items() if pair[0] >= RESTARTS and name not in told}
    lost, at, why = lost_process(facts)
    if lost and at:
        told.setdefault(lost, (facts.starts.get(lost, (1, at))[0] - 1, at))
    for name, (n, first) in sorted(told.items()):
        params = {"process": name, "n": n, "limit": RESTARTS, "given_up": why if name == lost else ""}
        yield Problem(
            Cause.CRASH_LOOP, name, Severity.CRITICAL if name == lost else Severity.HIGH, params,
            (Evidence("modules", {"n": 0}, "/modules/"),), "", Action(href="/modules/"), since=first,
            share=1.0 if name == lost else 0.0,
        )  # fmt: skip


def lost_process(facts: Facts) -> tuple[str, datetime | None, str]:
    """The process that the supervisor gave up, when and why: "supervisor: stream ended for the 5th time"."""
    if facts.given_up is None:
        return "", None, ""
    at, said = facts.given_up
    why = said.removeprefix("supervisor:").strip()
    return why.split(" ", 1)[0], at, f"{why[:200]}."


# -- truth ------------------------------------------------------------------------------------------------------------


def rows_of_another_mode(facts: Facts) -> Iterator[Problem]:
    """Rows that another mode wrote stand among ours: paper results would be told as real ones."""
    mine = facts.rules.mode
    groups: Mapping[str, Sequence[Any]] = {
        "decisions": facts.judged,
        "orders": facts.entries,
        "trades": facts.trades,
        "positions": facts.held,
    }
    modes = {what: [one.mode for one in rows] for what, rows in groups.items()}
    other = {what: [mode for mode in found if mode != mine] for what, found in modes.items()}
    n = sum(map(len, other.values()))
    if not n:
        return
    what = max(other, key=lambda name: len(other[name]))
    params = {"n": n, "mode": mine, "other": other[what][0], "what": what}
    yield Problem(
        Cause.ROWS_OF_ANOTHER_MODE, "", Severity.CRITICAL, params, (Evidence(what, {"n": n}, f"/{what}/"),), "",
        Action("set_switch", "halted"), danger=bool(other["positions"]),
        stake=stake(one for one in facts.held if one.mode != mine),
    )  # fmt: skip


def loss_concentrated(facts: Facts) -> Iterator[Problem]:
    """One symbol lost most of what was lost."""
    lost: dict[str, float] = {}
    for one in facts.trades:
        if one.net < 0:
            lost[one.symbol] = lost.get(one.symbol, 0.0) - one.net
    total, net = sum(lost.values()), sum(one.net for one in facts.trades)
    if len(facts.trades) < LOSSES or net >= 0 or len({one.symbol for one in facts.trades}) < SPREAD:
        return
    symbol = max(lost, key=lambda name: (lost[name], name))
    part = lost[symbol] / total
    if part <= CONCENTRATED:
        return
    n = sum(one.symbol == symbol for one in facts.trades)
    params = {"symbol": symbol, "n": n, "of": len(facts.trades), "loss": round(-lost[symbol], 2), "share": part,
              "limit_share": CONCENTRATED}  # fmt: skip
    yield Problem(
        Cause.LOSS_CONCENTRATED, symbol, Severity.MEDIUM, params,
        (Evidence("trades", {"n": n}, "/trades/"),), "QT_SYMBOLS", Action(href="/trades/"),
    )  # fmt: skip


def orders_past_a_gate(facts: Facts) -> Iterator[Problem]:
    """An order left although a gate said no, was not asked, or the switch was off."""
    slipped, halted = facts.seen.slipped, facts.seen.switch
    late = [
        one
        for one in facts.entries
        if halted.state != "active" and halted.at and one.sent_at > halted.at + timedelta(seconds=5)
    ]
    if not slipped and not late:
        return
    params = {"n": len(slipped) + len(late), "slipped": len(slipped), "switch": len(late), "ids": list(slipped[:5])}
    proof = Evidence("orders", {"n": len(late)}, "/orders/")
    if slipped:
        proof = Evidence("decision", {"n": len(slipped)}, f"/decisions/{slipped[0]}/")
    yield Problem(
        Cause.ORDERS_PAST_A_GATE, "", Severity.CRITICAL, params, (proof,), "",
        Action("set_switch", "halted"), danger=True, stake=stake(facts.held),
        since=min((one.sent_at for one in late), default=None),
    )  # fmt: skip


def limits_loosened(facts: Facts) -> Iterator[Problem]:
    """A limit lets in more risk than it was first set to, and who did that."""
    for one in facts.loosened:
        low, high = sorted((abs(one.value), abs(one.first)))
        far = high > MUCH * low or one.steps >= RESTARTS
        params = {"setting": one.name, "value": one.value, "first": one.first, "by": one.by, "reason": one.reason[:160],
                  "steps": one.steps, "age_s": facts.ago(one.at)}  # fmt: skip
        weight = Severity.MEDIUM if far and facts.now - one.at < SOON else Severity.LOW
        yield Problem(
            Cause.LIMITS_LOOSENED, one.name, weight, params, (Evidence("audit", {"setting": one.name}, "/settings/"),),
            one.name, Action("tune", one.name, f"/settings/#{one.name}"), since=one.at,
        )  # fmt: skip


DETECTORS = {
    Cause.PROCESS_DOWN: process_down,
    Cause.MODULE_BROKEN: modules_broken,
    Cause.MODULE_NEVER_CALLED: modules_never_called,
    Cause.MODULE_DOWN: modules_down,
    Cause.MODULE_FAILS: modules_fail,
    Cause.WORKS_ON_NOTHING: works_on_nothing,
    Cause.SCHEDULE_OFF: schedule_off,
    Cause.STREAM_SILENT: stream_silent,
    Cause.CRASH_LOOP: crash_loop,
    Cause.ROWS_OF_ANOTHER_MODE: rows_of_another_mode,
    Cause.LOSS_CONCENTRATED: loss_concentrated,
    Cause.ORDERS_PAST_A_GATE: orders_past_a_gate,
    Cause.LIMITS_LOOSENED: limits_loosened,
}

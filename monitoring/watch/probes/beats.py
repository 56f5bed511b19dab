"""What every module is asked: does it tick, in time, and without an error? Pure."""

from __future__ import annotations

from datetime import datetime

from monitoring.watch.liveness import DOWN, LATE, NEVER
from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.facts import Facts, Pulse
from monitoring.watch.truth import Status, Truth

DEAD = frozenset({Status.FAILED, Status.STUCK, Status.DOWN})
AILING = frozenset({Status.FAILING, Status.HALF, Status.IDLE_TOO_LONG})


def alive(part: str, of: int) -> Probe:
    return Probe(f"{part}.alive", of, lambda facts: ticks(part, facts))


def punctual(part: str, of: int) -> Probe:
    return Probe(f"{part}.punctual", of, lambda facts: in_time(part, facts))


def steady(part: str, of: int) -> Probe:
    return Probe(f"{part}.steady", of, lambda facts: without_error(part, facts))


def ticks(part: str, facts: Facts) -> Answer:
    """Recent ticks; one that was built and never called is a fault, not a blank."""
    pulse = facts.pulses.get(part)
    if pulse is None:
        return unknown("not-registered", name=part)
    if pulse.truth and pulse.truth.status in DEAD:
        return fail(pulse.truth.code, **pulse.truth.params)
    if soon(pulse):
        return unknown("no-tick-yet")
    if pulse.last_tick is None:
        return fail("never-called", every_s=pulse.every.total_seconds())
    params = {"age_s": age(pulse.last_tick, facts.now), "every_s": pulse.every.total_seconds()}
    return fail("silent", **params) if pulse.alive(facts.now) == DOWN else ok("ticks", **params)


def soon(pulse: Pulse) -> bool:
    """Its process has just begun: it may have had no time to tick."""
    told = pulse.truth
    if told is None or told.seen.born is None:
        return False
    return told.status is Status.STARTING or (told.status is Status.NEVER_RAN and not told.alarm)


def lagging(pulse: Pulse) -> Truth | None:
    """Its line of the truth table, where what was asked of it upstream and what it did don't move together."""
    told = pulse.truth
    return told if told and told.status in AILING and told.code.startswith(("undone-", "half-")) else None


def in_time(part: str, facts: Facts) -> Answer:
    pulse = facts.pulses.get(part)
    if pulse is None or pulse.last_tick is None:
        return unknown("no-tick-yet")
    if not pulse.scheduled:
        return fail("schedule-off")
    if soon(pulse):
        return unknown("no-tick-yet")
    params = {"age_s": age(pulse.last_tick, facts.now), "every_s": pulse.every.total_seconds()}
    return fail("late", **params) if pulse.alive(facts.now) in (LATE, DOWN, NEVER) else ok("in-time", **params)


def without_error(part: str, facts: Facts) -> Answer:
    pulse = facts.pulses.get(part)
    if pulse is None or pulse.last_tick is None:
        return unknown("no-tick-yet")
    if pulse.truth and pulse.truth.status in AILING:
        return fail(pulse.truth.code, **pulse.truth.params)
    if pulse.failing:
        return fail("tick-failed", error=pulse.error[:200], age_s=age(pulse.last_tick, facts.now))
    return ok("no-error")


def age(at: datetime, now: datetime) -> float:
    return round(max(0.0, (now - at).total_seconds()), 1)

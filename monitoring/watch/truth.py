"""Is a module what it looks like? One judgement from stored evidence, and never from the fact that it was built. Pure.

The rules are asked in order, and the first that answers counts:

1. FAILED: it could not be loaded or made.           2. OFF: a person has switched its schedule off.
3. DOWN, LATE: the process that runs it is silent.   4. STUCK: it was claimed, and has not come back.
5. NEVER_RAN, STARTING: not since its process began. 6. DOWN, LATE: who calls it is silent, or it is silent itself.
7. HALF, FAILING: its newest tick failed, in part or as a whole.
8. IDLE_TOO_LONG: it ticks, and does not do what waits for it; or does nothing and gives no reason.
9. IDLE: nothing to do, and why.                     10. RUNNING: its newest tick was useful work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitoring.watch.evidence import BEATS, Due, Evidence, Process
from monitoring.watch.liveness import DOWN, LATE, NEVER, UP, liveness

START = timedelta(seconds=30)  # a process's time to bring each module's first tick
MOST = 0.9  # of what was asked; what a batch or two at the window's edges may lack
KEEPER = "position_monitor"  # without it no passed stop is escalated: never off on purpose


class Status(StrEnum):
    RUNNING = "running"
    IDLE = "idle"
    STARTING = "starting"
    LATE = "late"
    OFF = "off"
    NEVER_RAN = "never_ran"
    DOWN = "down"
    FAILED = "failed"
    STUCK = "stuck"
    FAILING = "failing"
    HALF = "half"
    IDLE_TOO_LONG = "idle_too_long"


ALARMS = frozenset({Status.DOWN, Status.FAILED, Status.STUCK, Status.FAILING, Status.HALF, Status.IDLE_TOO_LONG})
SHAPES: Mapping[Status, str] = {
    **dict.fromkeys(ALARMS, "fail"),
    Status.RUNNING: "ok",
    Status.IDLE: "ok",
    Status.STARTING: "unknown",
    Status.NEVER_RAN: "unknown",
    Status.LATE: "warn",
    Status.OFF: "warn",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of the truth table: configured, built, called, effect, and what that makes it."""

    seen: Evidence
    status: Status
    code: str  # why, as a code; `params` its numbers
    params: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False  # worse than its status alone

    @property
    def name(self) -> str:
        return self.seen.one.name

    @property
    def alarm(self) -> bool:
        return self.urgent or self.status in ALARMS

    @property
    def shape(self) -> str:
        return "fail" if self.alarm else SHAPES[self.status]

    @property
    def configured(self) -> bool:
        return self.seen.scheduled is not False

    @property
    def built(self) -> bool | None:
        """Whether its process could load it; None where no process has said so."""
        if self.seen.broken:
            return False
        return True if self.seen.process or self.seen.last_tick else None


def judge(seen: Evidence, now: datetime) -> Truth:
    """The first rule that answers."""
    for rule in RULES:
        if (truth := rule(seen, now)) is not None:
            return truth
    return Truth(seen, Status.RUNNING, "works", {"n": seen.examined, "age_s": age(seen.last_work, now)})


def age(at: datetime | None, now: datetime) -> float:
    return round(max(0.0, (now - at).total_seconds()), 1) if at else 0.0


def lives(truth: Truth, now: datetime) -> str:
    """never, up, late or down: its silence, and what is known beyond it. What can't be called is not up."""
    if truth.seen.last_tick is None:
        return NEVER
    return BEYOND.get(truth.status) or liveness(truth.seen.last_tick, truth.seen.one.every, now)


# -- the rules --------------------------------------------------------------------------------------------------------


def not_loaded(seen: Evidence, now: datetime) -> Truth | None:
    return Truth(seen, Status.FAILED, "not-loaded", {"error": seen.broken}) if seen.broken else None


def switched_off(seen: Evidence, now: datetime) -> Truth | None:
    if seen.scheduled is not False:
        return None
    return Truth(seen, Status.OFF, "schedule-off", urgent=seen.one.name == KEEPER)


def process_silent(seen: Evidence, now: datetime) -> Truth | None:
    """The process that runs it is silent, and nobody else has ticked it since."""
    if seen.process is None or ticked_after(seen, seen.process.beat_at):
        return None
    return silent_because("process-silent", seen.process, seen, now)


def hung(seen: Evidence, now: datetime) -> Truth | None:
    if seen.claimed_at is None or now - seen.claimed_at <= seen.usual:
        return None
    params = {"age_s": age(seen.claimed_at, now), "limit_s": seen.usual.total_seconds()}
    return Truth(seen, Status.STUCK, "not-back", params)


def not_since_start(seen: Evidence, now: datetime) -> Truth | None:
    """Never called at all; or not yet since its process began."""
    late = bool(seen.born and now - seen.born > START + seen.one.every / 2)
    if seen.last_tick is None:
        return Truth(seen, Status.NEVER_RAN, "never-called", {"every_s": seen.one.every.total_seconds()}, urgent=late)
    overdue = liveness(seen.last_tick, seen.one.every, now) != UP
    if seen.born and seen.last_tick < seen.born and overdue and not late:
        return Truth(seen, Status.STARTING, "starting", {"age_s": age(seen.born, now)})
    return None


def caller_silent(seen: Evidence, now: datetime) -> Truth | None:
    """Its schedule is right, but the process that reads schedules is silent."""
    if not seen.scheduled or seen.caller is None or ticked_after(seen, seen.caller.beat_at):
        return None
    return silent_because("nobody-calls", seen.caller, seen, now)


def silent(seen: Evidence, now: datetime) -> Truth | None:
    alive = liveness(seen.last_tick, seen.one.every, now)
    if alive in (UP, NEVER):
        return None
    params = {"age_s": age(seen.last_tick, now), "every_s": seen.one.every.total_seconds()}
    return Truth(seen, STATUS[alive], "silent" if alive == DOWN else "late", params)


def failing(seen: Evidence, now: datetime) -> Truth | None:
    """Its newest tick ended in an error; where only a part of it was broken, it works by half."""
    if not (seen.error_at and seen.last_tick and seen.error_at >= seen.last_tick):
        return None
    params = {"error": seen.error[:200], "age_s": age(seen.error_at, now)}
    if seen.error.startswith("PartBroken:"):
        return Truth(seen, Status.HALF, "part-broken", params)
    return Truth(seen, Status.FAILING, "tick-failed", params)


def half(seen: Evidence, now: datetime) -> Truth | None:
    """A part of its work can't be done, or is not done."""
    if seen.failed:
        return Truth(seen, Status.HALF, "part-failed", {"n": seen.failed, "of": seen.examined, "why": seen.trouble})
    if seen.calls.never_came:
        return Truth(seen, Status.HALF, "own-tick-uncalled", {"n": seen.calls.expected, "by": ", ".join(seen.calls.by)})
    due = seen.due
    if due and due.overdue and 0 < due.done < due.asked * MOST:
        return Truth(seen, Status.HALF, f"half-{due.code}", told(due))
    return None


def works_on_nothing(seen: Evidence, now: datetime) -> Truth | None:
    """Work waits and is not done; or it does nothing, and says nothing of why."""
    due = seen.due
    if due and due.overdue and due.asked and not due.done:
        return Truth(seen, Status.IDLE_TOO_LONG, f"undone-{due.code}", told(due))
    if not seen.idle_reason and (seen.last_work is None or (seen.last_tick and seen.last_work < seen.last_tick)):
        return Truth(seen, Status.IDLE_TOO_LONG, "no-reason", {"age_s": age(seen.last_work, now)})
    return None


def idle(seen: Evidence, now: datetime) -> Truth | None:
    return Truth(seen, Status.IDLE, "nothing-to-do", {"why": seen.idle_reason}) if seen.idle_reason else None


RULES: tuple[Callable[[Evidence, datetime], Truth | None], ...] = (
    not_loaded,
    switched_off,
    process_silent,
    hung,
    not_since_start,
    caller_silent,
    silent,
    failing,
    half,
    works_on_nothing,
    idle,
)
STATUS = {LATE: Status.LATE, DOWN: Status.DOWN}
BEYOND = {Status.FAILED: DOWN, Status.STUCK: DOWN, Status.DOWN: DOWN, Status.LATE: LATE}


def ticked_after(seen: Evidence, at: datetime) -> bool:
    """Somebody else has ticked it since."""
    return seen.last_tick is not None and seen.last_tick > at + BEATS * 2


def silent_because(code: str, process: Process, seen: Evidence, now: datetime) -> Truth | None:
    alive = process.alive(now)
    if alive == UP:
        return None
    params = {"process": process.name, "age_s": age(process.beat_at, now)}
    if seen.last_tick is None:
        return Truth(seen, Status.NEVER_RAN, code, params, urgent=alive == DOWN)
    return Truth(seen, STATUS[alive], code, params)


def told(due: Due) -> dict[str, Any]:
    waits = due.waits.total_seconds() if due.waits else 0.0
    return {"asked": number(due.asked), "done": number(due.done), "age_s": round(waits, 1)}


def number(n: float) -> float:
    return int(n) if n == int(n) else round(n, 1)


# -- who runs other code than the rest (Knight, 1 August 2012) ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Odd:
    """A process that runs other code, or other settings, than the web process does."""

    process: Process
    than: Process
    what: str  # code, config

    @property
    def values(self) -> tuple[str, str]:
        one, other = self.process, self.than
        return (one.code, other.code) if self.what == "code" else (one.config_hash, other.config_hash)


def odd_ones(processes: tuple[Process, ...], now: datetime) -> tuple[Odd, ...]:
    """Living processes whose code or settings differ from the web process's; without one, from the newest's."""
    living = [one for one in processes if one.alive(now) == UP]
    webs = [one for one in living if one.name == "web"]
    if len(living) < 2:
        return ()
    than = max(webs or living, key=lambda one: one.started_at)
    found = [Odd(one, than, "code") for one in living if one.code != than.code]
    return (*found, *(Odd(one, than, "config") for one in living if one.config_hash != than.config_hash))

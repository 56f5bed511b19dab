"""Carries out one drill, from its queued row to its verdict.

1. Nothing is broken unless the house runs, in practice mode, active, and with nothing wrong that weighs.
2. Each break's undo is stored before it is done; the time of the last break counts.
3. Twice a second: facts are gathered and judged; a lasting fault is ended as the drill says.
4. Whatever happens, everything is put right; verdict, times and evidence are stored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from monitoring.control import practice
from monitoring.control.actions import Stale, Unreachable
from monitoring.control.drills import gather, house, subjects
from monitoring.control.drills.gather import Gatherer
from monitoring.control.drills.hands import CannotBreak, Hands, Undo, lasting, undo
from monitoring.models import DrillRun
from monitoring.watch import uncovered
from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.drills.evidence import Evidence, Fact, Subject, as_json, kept, wanted
from monitoring.watch.drills.judge import Verdict, Why, fault_of, judge
from monitoring.watch.drills.spec import Drill, Need, Until
from trading import events
from trading.models import Intent, Order, Position

log = logging.getLogger(__name__)

LOOK = 0.4  # seconds between two looks
BEAT = timedelta(seconds=5)
GONE = timedelta(seconds=60)  # a runner without a sign of life for so long is dead
GRACE = timedelta(seconds=1)  # rows of the last moment may still be on their way
WAIT = 150.0  # seconds that a drill waits for a quiet house, and for a position
CHOICES = 5  # positions that are tried
ALGOS = (*gather.GUARDS, Intent.PROBE)
RELEASE = "release"  # the undo that lasts until the end


class HouseEnded(RuntimeError):
    """The house was stopped during the drill."""


@dataclass(frozen=True, slots=True)
class World:
    """What a runner needs of the world outside the rows; tests give their own."""

    clock: Callable[[], datetime] = timezone.now
    rest: Callable[[float], None] = time.sleep
    alive: Callable[[], bool] = lambda: house.supervisor(Path(settings.VAR)) is not None
    laws: Callable[[datetime], tuple[str, ...]] = gather.broken_laws


@dataclass
class Round:
    """One drill in the making."""

    row: DrillRun
    drill: Drill
    world: World
    hands: Hands
    evidence: Evidence
    facts: set[Fact] = field(default_factory=set)
    breached: bool = False  # a law was seen broken since the last look at which all held


def run(
    row: DrillRun, world: World | None = None, say: Callable[[str], None] = lambda text: None, patience: float = WAIT
) -> DrillRun:
    """Carry it out; the row as it ended. `Stale` where another one is running."""
    world = world or World()
    drill = CATALOGUE[row.name]
    begin(row, world.clock())
    try:
        rest = resting(row, world)
        subjects.quiet(drill, world.alive, world.clock, rest, patience)
        say("waiting for a position" if Need.POSITION in drill.needs else "breaking")
        one = chosen_and_broken(row, drill, world, rest, patience)
        named = ", ".join(type(step).__name__.lower() for step in drill.breaks)
        say(f"broken: {named} {one.evidence.subject.symbol}".rstrip())
        verdict = watch(one, say)
        conclude(one, verdict)
    except CannotBreak as no:
        ended(row, DrillRun.SKIPPED, no.why, no.params, world.clock())
    except HouseEnded:
        ended(row, DrillRun.FAILED, Why.RUNNER_ENDED, {}, world.clock())
    except (DatabaseError, Unreachable, OSError) as error:
        log.exception("drill %s could not be carried out", row.name)
        told = {"error": f"{type(error).__name__}: {error}"[:200]}
        ended(row, DrillRun.FAILED, Why.BROKE, told, world.clock())
    except BaseException:
        ended(row, DrillRun.FAILED, Why.RUNNER_ENDED, {}, world.clock())
        raise
    finally:
        mend(row)
    events.changed("drills", "reliability")
    return row


# -- the row -----------------------------------------------------------------------------------------------------------


def begin(row: DrillRun, now: datetime) -> None:
    """Take it: one at a time."""
    recover(now)
    try:
        taken = DrillRun.objects.filter(pk=row.pk, outcome=DrillRun.QUEUED).update(
            outcome=DrillRun.RUNNING, stage="waiting", started_at=now, beat_at=now
        )
    except IntegrityError:
        taken = 0
    if not taken:
        raise Stale("Another drill is running: one at a time.")
    row.refresh_from_db()
    events.changed("drills")


def resting(row: DrillRun, world: World) -> Callable[[float], None]:
    """Wait, and say now and then that somebody is waiting."""

    def rest(seconds: float) -> None:
        world.rest(seconds)
        now = world.clock()
        if not world.alive():
            raise HouseEnded
        if now - (row.beat_at or now) > BEAT:
            row.beat_at = now
            row.save(update_fields=["beat_at"])

    return rest


def recover(now: datetime) -> int:
    """Put right what runners that were killed have left broken; how many there were."""
    dead = DrillRun.objects.filter(outcome=DrillRun.RUNNING, beat_at__lt=now - GONE)
    found = list(dead)
    for row in found:
        mend(row)
        ended(row, DrillRun.FAILED, Why.RUNNER_ENDED, {}, now)
    never = DrillRun.objects.filter(outcome=DrillRun.QUEUED, requested_at__lt=now - GONE * 10)
    for row in never:
        ended(row, DrillRun.FAILED, Why.RUNNER_ENDED, {}, now)
    return len(found)


def ended(row: DrillRun, outcome: str, why: str, params: dict, now: datetime) -> None:
    row.outcome, row.why, row.params, row.ended_at, row.stage = outcome, why, dict(params), now, ""
    fields = ["outcome", "why", "params", "ended_at", "stage"]
    for _ in range(5):  # what was broken may be the database
        try:
            row.save(update_fields=fields)
            return
        except DatabaseError:
            connection.close()
            time.sleep(2)
    row.save(update_fields=fields)


def noting(row: DrillRun) -> Callable[[Undo], None]:
    def note(one: Undo) -> None:
        row.undo = [*row.undo, one]
        row.save(update_fields=["undo"])

    return note


def mend(row: DrillRun, all_of_it: bool = True) -> None:
    """Put right what is noted, newest first; what can't be now stays noted."""
    left: list[Undo] = []
    for one in reversed(row.undo):
        if one[0] == RELEASE and not all_of_it:
            left.insert(0, one)
            continue
        try:
            undo(one)
        except (Unreachable, DatabaseError, OSError) as error:
            log.warning("drill %s: %s is not put right: %s", row.name, one[0], error)
            left.insert(0, one)
    row.undo = left
    with suppress(DatabaseError):
        row.save(update_fields=["undo"])


# -- one drill ---------------------------------------------------------------------------------------------------------


def chosen_and_broken(
    row: DrillRun, drill: Drill, world: World, rest: Callable[[float], None], patience: float
) -> Round:
    """One whose position closes, or whose stop moves, under the drill's hands is given up for another."""
    tries = 0
    while True:
        subject = subjects.choose(drill, world.clock, rest, patience)
        try:
            return broken(row, drill, subject, world)
        except CannotBreak as no:
            tries += 1
            if no.why is not Why.POSITION_GONE or tries == CHOICES:
                raise
            mend(row)
            rest(LOOK)


def broken(row: DrillRun, drill: Drill, subject: Subject, world: World) -> Round:
    """Break it; the moment before the last break is the one that counts."""
    row.evidence = {"unprotected_before": without_stop(subject, world.clock())}
    hands = Hands(subject, noting(row))
    at = world.clock()
    for one in drill.breaks:
        at = world.clock()
        hands.apply(one)
    row.broken_at, row.stage, row.beat_at = at, "broken", world.clock()
    row.save(update_fields=["broken_at", "stage", "beat_at", "evidence"])
    return Round(row, drill, world, hands, Evidence(at, at, subject=subject))


def watch(one: Round, say: Callable[[str], None]) -> Verdict:
    """Look until all has been shown, or time is up."""
    gatherer = Gatherer(
        wanted(one.drill, one.evidence.subject),
        one.evidence.subject,
        one.evidence.broken_at,
        one.hands.removed,
        one.hands.rung,
    )
    verdict, stage = Verdict(), "broken"
    while True:
        if not one.world.alive():
            raise HouseEnded
        now = one.world.clock()
        look(one, gatherer, now)
        verdict = judge(one.drill, one.evidence)
        if one.evidence.mended_at is None and over(one, verdict, now):
            if one.drill.until is not Until.SPENT:
                mend(one.row, all_of_it=False)
            for step in one.drill.after:
                one.hands.apply(step)
            one.evidence = replace(one.evidence, mended_at=max(over_at(one), one.evidence.broken_at))
            verdict = judge(one.drill, one.evidence)
        if (reached := stage_of(verdict)) != stage or now - (one.row.beat_at or now) > BEAT:
            if reached != stage:
                say(told(reached, verdict))
            stage = reached
            beat(one, stage, now)
        if verdict.complete or now > deadline(one, verdict):
            return verdict
        one.world.rest(LOOK)


def look(one: Round, gatherer: Gatherer, now: datetime) -> None:
    """One look; what can't be read now is read the next time."""
    with suppress(DatabaseError, Unreachable):
        one.facts.update(gatherer.look(now))
    one.facts = set(kept(one.facts, gatherer.signs))
    laws, lawful_at = one.evidence.laws, one.evidence.lawful_at
    found = replace(one.evidence, looked_at=now, facts=tuple(sorted(one.facts)))
    if judge(one.drill, found).acted_at is not None:
        try:
            laws = one.world.laws(found.broken_at)
        except (DatabaseError, Unreachable) as error:
            laws = (f"not known: {error}"[:120],)
        if laws:
            one.breached, lawful_at = True, None
        elif lawful_at is None:
            lawful_at = now if one.breached else found.broken_at
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    one.evidence = replace(found, laws=laws, lawful_at=lawful_at)


def over(one: Round, verdict: Verdict, now: datetime) -> bool:
    """Whether the fault is to be ended now, or has ended by itself. In vain, it is ended too."""
    match one.drill.until:
        case Until.DETECTED:
            reached = verdict.detected_at is not None
        case Until.ACTED:
            reached = verdict.detected_at is not None and verdict.acted_at is not None
        case _:
            return now >= over_at(one)
    limit = max(one.drill.within.detect, one.drill.within.act)
    return reached or (now - one.evidence.broken_at).total_seconds() > limit


def over_at(one: Round) -> datetime:
    """When the fault was over: as it lasts by itself, or now."""
    if one.drill.until is Until.SPENT:
        return one.evidence.broken_at + timedelta(seconds=lasting(one.drill.breaks) if not one.drill.ends else 0)
    return one.world.clock()


def deadline(one: Round, verdict: Verdict) -> datetime:
    """Until when what comes next may still come in time."""
    began, within = one.evidence.broken_at, one.drill.within
    if verdict.detected_at is None:
        return began + timedelta(seconds=within.detect) + GRACE
    if verdict.acted_at is None:
        return began + timedelta(seconds=within.act) + GRACE
    return max(one.evidence.mended_at or began, began) + timedelta(seconds=within.verify) + GRACE


def stage_of(verdict: Verdict) -> str:
    if verdict.complete:
        return "verified"
    if verdict.acted_at is not None:
        return "acted"
    return "detected" if verdict.detected_at is not None else "broken"


def told(stage: str, verdict: Verdict) -> str:
    took = {"detected": verdict.detected_s, "acted": verdict.acted_s, "verified": verdict.verified_s}.get(stage)
    return stage if took is None else f"{stage} after {took:.1f} s"


def beat(one: Round, stage: str, now: datetime) -> None:
    one.row.stage, one.row.beat_at = stage, now
    with suppress(DatabaseError):
        one.row.save(update_fields=["stage", "beat_at"])


def conclude(one: Round, verdict: Verdict) -> None:
    """Store the verdict with its evidence."""
    row, now = one.row, one.world.clock()
    no = fault_of(one.drill, verdict)
    outcome, why, params = (DrillRun.FAILED, *no) if no else (DrillRun.PASSED, "", {})
    if Need.ENTRY in one.drill.needs and verdict.detected_at is None and not met(one):
        outcome, why, params = DrillRun.SKIPPED, Why.NO_ENTRY, {"limit": one.drill.within.detect}
    row.mended_at = one.evidence.mended_at
    row.detected_s, row.acted_s, row.verified_s = verdict.detected_s, verdict.acted_s, verdict.verified_s
    row.unprotected_s = unprotected(one, now)
    row.evidence = as_json(one.evidence) | {"missing": list(verdict.missing)}
    fields: Iterable[str] = ("mended_at", "detected_s", "acted_s", "verified_s", "unprotected_s", "evidence")
    row.save(update_fields=fields)
    ended(row, outcome, why, dict(params), now)


def met(one: Round) -> bool:
    """Whether an entry went into the fault: it was the first order that left, and the desk does not say otherwise.

    Algo orders do not concern it; an exit that left before the entry has taken it instead.
    """
    sent = Order.objects.filter(sent_at__gte=one.evidence.broken_at).exclude(intent__kind__in=ALGOS)
    if sent.order_by("sent_at", "id").values_list("intent__kind", flat=True).first() != Intent.ENTRY:
        return False
    mine = {undone[1] for undone in one.row.undo if undone[0] == "fault"}
    try:
        waiting = {fault.id for fault in practice.faults(5) if not fault.hits}
    except Unreachable:
        return True
    return not mine & waiting


def unprotected(one: Round, now: datetime) -> float | None:
    """Seconds without a stop that the drill has cost the position so far: one that never came back counts too."""
    before, after = one.row.evidence.get("unprotected_before"), without_stop(one.evidence.subject, now)
    return None if before is None or after is None else round(max(0.0, after - before), 3)


def without_stop(subject: Subject, now: datetime) -> float | None:
    row = Position.objects.filter(pk=subject.position or 0).first()
    if row is None:
        return None
    return uncovered.seconds(row.seconds_unprotected, row.unprotected_since, row.closed_at, now)

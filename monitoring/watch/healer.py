"""Self-healing's shell: reads the facts, keeps incidents, tries remedies, speaks to the gates, writes its report.

One look:
1. Facts from the rows; findings from the detectors.
2. Incidents in one transaction: new ones opened, known ones counted, proven ones closed.
3. Directives equal to what the open incidents ask for.
4. Each open one's next step: a remedy is tried (outside any transaction) and recorded, or it is escalated, which the
   directives follow at once; the report is written.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone, translation
from django_celery_beat.models import PeriodicTask

from monitoring.models import Incident, RemedyAttempt
from monitoring.watch import ailments, healing, restarts, rows
from monitoring.watch.detectors import (
    CRITICAL,
    HIGH,
    MEDIUM,
    Facts,
    Finding,
    Lost,
    Naked,
    Ran,
    Remedy,
    detect,
    proof,
)
from monitoring.watch.healing import Do
from monitoring.watch.report import Issue, report, write
from trading import events, runtime, tuning
from trading.exchange.venue import OrderStatus
from trading.feed import rows as feed_rows
from trading.gates import store as gate_store
from trading.gates.directives import Level, strictest, strictness
from trading.models import Directive, ModuleState, Order, Position, TrainingRun
from trading.runtime import Report
from trading.schedule import PREFIX

log = logging.getLogger(__name__)

BY = "self_healing"
PROGRAMS = {"trade": "worker", "work": "trainer", "train": "trainer"}  # who ticks what is on a queue
WEIGHT = dict.fromkeys(
    ("executor", "position_monitor", "data_feed", "exchange", "risk_guard"), CRITICAL
) | dict.fromkeys(("trailing", "policy", "models", "universe"), HIGH)
LONGEST_CLAIM = timedelta(seconds=60)  # a module that holds its claim for longer, and than it usually takes, is stuck
REPORT = "self_healing_report.json"
KEEPER = "position_monitor"  # looks after what is open: expected whatever its schedule has become
SLOWEST = timedelta(seconds=60)  # of its own interval, as far as that counts
STREAM = "stream"  # the row in which the stream process says that it lives, and when it heard the venue
BROKER_ANSWERS = 2.0  # seconds


# -- facts ------------------------------------------------------------------------------------------------------------


def facts(now: datetime, born: datetime) -> Facts:
    """Everything that the detectors rest on; nine queries, whatever is open."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    database_ms = (time.perf_counter() - began) * 1000
    states = rows.module_states()
    stream = states.get(STREAM)
    training = TrainingRun.objects.filter(outcome="running").values_list("beat_at", flat=True).first()
    lost = Order.objects.filter(status=OrderStatus.UNKNOWN).values_list("pk", "intent__symbol", "sent_at")
    symbols = feed_rows.universe()
    closes = rows.newest_closes(symbols, now) if symbols else {}
    return Facts(
        now=now,
        born=born,
        modules=ran(states),
        stream_beat=stream.last_tick if stream else None,
        stream_heard=stream.last_work if stream else None,
        closes={symbol: closes.get(symbol) for symbol in symbols},
        max_age=tuning.effective().max_data_age,
        training_beat=training,
        training_silence=rows.TRAINING_SILENCE,
        naked=unprotected(),
        lost=tuple(Lost(*row) for row in lost),
        database_ms=database_ms,
        broker_ms=broker_ms(),
        since=dict(Incident.objects.filter(closed_at=None).values_list("key", "first_seen")),
    )


def unprotected() -> tuple[Naked, ...]:
    open_ = Position.objects.exclude(status=Position.CLOSED).filter(unprotected_since__isnull=False)
    found = open_.values_list("pk", "symbol", "unprotected_since")
    return tuple(Naked(pk, symbol, since) for pk, symbol, since in found if since)


def ran(states: Mapping[str, ModuleState]) -> tuple[Ran, ...]:
    """Every registered module but this one; whose schedule a person has switched off is not expected to run.

    The keeper of positions always is: without it no passed stop is escalated, and entries must not go on as if it were.
    """
    schedules = PeriodicTask.objects.filter(name__startswith=PREFIX).select_related("interval")
    planned = {task.name.removeprefix(PREFIX): task for task in schedules}
    found = []
    for name, module in runtime.MODULES.items():
        task, state = planned.get(name), states.get(name)
        if name == BY or (task and not task.enabled and name != KEEPER):
            continue
        own = task.interval.schedule.run_every if task and task.interval else module.every
        own = min(own, SLOWEST) if name == KEEPER else own
        found.append(
            Ran(
                name=name,
                title=str(module.title),
                program=PROGRAMS.get(module.queue, module.queue),
                every=max(own, timedelta(seconds=1)),
                last_tick=state.last_tick if state else None,
                severity=WEIGHT.get(name, MEDIUM),
                last_error=state.last_error if state else "",
                last_error_at=state.last_error_at if state else None,
            )
        )
    return tuple(found)


def broker_ms() -> float | None:
    """How long the broker takes to answer; None where it doesn't."""
    began = time.perf_counter()
    try:
        with redis.Redis.from_url(
            settings.LAYER_URL, socket_timeout=BROKER_ANSWERS, socket_connect_timeout=BROKER_ANSWERS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return None
    return (time.perf_counter() - began) * 1000


# -- remedies ---------------------------------------------------------------------------------------------------------


class Hands:
    """The remedies, one method each: what it did in words, or an exception. Tests give their own."""

    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self.clock = clock

    def restart_module(self, name: str) -> str:
        """Free a claim that nobody can still be working on, and have the module ticked by its own queue."""
        module = runtime.MODULES[name]
        freed = free_claim(name, module.every, self.clock())
        if events.ring("trading.tick", name, BY, queue=module.queue, expires=60):
            return f"{'its claim was freed; ' if freed else ''}asked on the queue {module.queue}"
        done = runtime.run(name, self.clock(), called_by=BY)
        return "the queue does not answer; " + ("run here" if done is not None else "somebody else is at it")

    def restart_process(self, name: str) -> str:
        restarts.ask(Path(settings.VAR) / "restarts", name, "self-healing: nothing was heard of it")
        return "the supervisor was asked to start it again"

    def backfill_candles(self, _: str = "") -> str:
        """Fetch what is missing by REST, in order, and start the executor if anything came."""
        from trading.exchange.gateway import venue
        from trading.feed.modules import fill_in

        done = fill_in(venue(), settings.QUANTUM.timeframe, self.clock())
        return f"{done.actions} candles fetched for {done.examined} symbols" + (
            f"; {done.idle_reason}" if done.idle_reason else ""
        )

    def refresh_universe(self, _: str = "") -> str:
        from trading.feed import universe

        made = universe.refresh(self.clock(), BY)
        return f"{len(made.symbols)} symbols listed; {self.backfill_candles()}"

    def protect_position(self, position_id: str) -> str:
        if events.ring("trading.mind", int(position_id), BY):
            return "its keeper was called"
        runtime.run("position_monitor", self.clock(), called_by=BY)
        return "the queue does not answer; the position monitor was run here"


def free_claim(name: str, every: timedelta, now: datetime) -> bool:
    """End a claim that has lasted far longer than the module takes. Its fencing token keeps a late writer out."""
    state = ModuleState.objects.filter(name=name, claimed_until__isnull=False).first()
    if state is None or state.claimed_until is None:
        return False
    began = state.claimed_until - max(every * 2, runtime.LEASE)
    if now - began <= max(LONGEST_CLAIM, timedelta(milliseconds=4 * state.took_ms)):
        return False
    mine = ModuleState.objects.filter(pk=state.pk, fence=state.fence, claimed_until=state.claimed_until)
    return bool(mine.update(claimed_until=None, fence=F("fence") + 1))


def attempt(incident: Incident, remedy: Remedy, hands: Hands, now: datetime) -> RemedyAttempt:
    """Try it, and record that it was tried before: whoever is killed in between has not tried for nothing."""
    with transaction.atomic():
        tried = RemedyAttempt.objects.create(incident=incident, action=remedy.action, target=remedy.target, at=now)
        Incident.objects.filter(pk=incident.pk).update(attempts=F("attempts") + 1, remedy=remedy.action)
    incident.attempts, incident.remedy = incident.attempts + 1, remedy.action
    try:
        tried.detail, tried.done = getattr(hands, remedy.action.value)(remedy.target)[:300], True
    except Exception as error:  # noqa: BLE001 - whatever a remedy runs into, the others are still to be tried
        log.warning("%s %s failed: %s", remedy.action, remedy.target, error)
        tried.detail = f"{type(error).__name__}: {error}"[:300]
    tried.save(update_fields=["detail", "done"])
    return tried


# -- incidents --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """An open incident with what was found of it now; None: not found, and not yet proven to be over."""

    incident: Incident
    finding: Finding | None


def take_stock(found: Sequence[Finding], seen: Facts) -> tuple[list[Case], int]:
    """Open, count and close: the cases that stay open, and how many incidents were opened or closed."""
    by_key = {finding.key: finding for finding in found}
    with transaction.atomic():
        there = {row.key: row for row in Incident.objects.select_for_update().filter(closed_at=None)}
        proven = {key: shown for key in there.keys() - by_key.keys() if (shown := proven_over(there[key], seen))}
        for key, row in there.items():
            if key in by_key:
                refresh(row, by_key[key], seen.now)
            elif key in proven:
                row.verified, row.closed_at, row.evidence = True, seen.now, dict(proven[key])
        changed = ["severity", "params", "impacts_trading", "last_seen", "count", "verified", "closed_at", "evidence"]
        Incident.objects.bulk_update(there.values(), changed)
        closed = [there[key].pk for key in proven]
        RemedyAttempt.objects.filter(incident__in=closed, done=True, verified_at=None).update(verified_at=seen.now)
        fresh = [opened(by_key[key], seen.now) for key in by_key.keys() - there.keys()]
        Incident.objects.bulk_create(fresh)
        if fresh or closed:
            events.changed("incidents", "verdict")
    for row in fresh:
        log.warning("incident: %s", row.key)
    still = [row for key, row in there.items() if key not in proven] + fresh
    return [Case(row, by_key.get(row.key)) for row in still], len(fresh) + len(closed)


def opened(finding: Finding, now: datetime) -> Incident:
    return Incident(
        key=finding.key,
        code=finding.code,
        subsystem=finding.subsystem,
        severity=finding.severity,
        params=dict(finding.params),
        impacts_trading=finding.impacts_trading,
        first_seen=now,
        last_seen=now,
    )


def refresh(row: Incident, finding: Finding, now: datetime) -> None:
    row.severity, row.params, row.impacts_trading = finding.severity, dict(finding.params), finding.impacts_trading
    row.last_seen, row.count = now, row.count + 1


def proven_over(row: Incident, seen: Facts) -> Mapping[str, str | float] | None:
    """Evidence that is newer than the last time it was seen."""
    return proof(row.code, row.key.partition(":")[2], seen, row.last_seen)


def tries(keys: Iterable[str], now: datetime) -> dict[str, list[datetime]]:
    """When remedies were tried for each key within the window, earlier incidents of the same key included."""
    found: dict[str, list[datetime]] = {}
    recent = RemedyAttempt.objects.filter(incident__key__in=list(keys), at__gt=now - healing.WINDOW).order_by("at")
    for key, at in recent.values_list("incident__key", "at"):
        found.setdefault(key, []).append(at)
    return found


def treat(cases: Sequence[Case], hands: Hands, now: datetime) -> int:
    """Each case's next step; how many remedies were tried."""
    tried = tries((case.incident.key for case in cases), now)
    done = 0
    for case in cases:
        row = case.incident
        if case.finding is None:
            continue
        step = healing.next_step(case.finding, tried.get(row.key, []), row.escalated_at is not None, now)
        if step.do is Do.TRY and step.remedy is not None:
            attempt(row, step.remedy, hands, now)
            done += 1
        elif step.do is Do.ESCALATE:
            row.escalated_at = now
            row.save(update_fields=["escalated_at"])
            log.error("incident %s: %d remedies in vain, a person is needed", row.key, healing.LIMIT)
    return done


# -- the gates --------------------------------------------------------------------------------------------------------


def speak(cases: Sequence[Case], now: datetime) -> Level:
    """Make the directives equal to what the open incidents ask for; the strictest of them.

    What a person has lifted during an incident stays lifted; something stricter they have not lifted.
    """
    wanted = {c.incident.key: c for c in cases if asked_for(c.incident) is not Level.ALLOW_ALL}
    mine = Directive.objects.filter(by=BY)
    standing = set(mine.filter(ended_at=None).values_list("key", flat=True))
    by_people = mine.filter(key__in=wanted, ended_at__isnull=False).exclude(ended_by=BY).order_by("ended_at")
    lifted: dict[str, Level] = {}
    for row in by_people:
        if row.ended_at and row.ended_at >= wanted[row.key].incident.first_seen:
            lifted[row.key] = strictest((Level(row.level), lifted.get(row.key, Level.ALLOW_ALL)))
    for key in standing - wanted.keys():
        gate_store.lift(key, BY, now)
    for key, case in wanted.items():
        level = asked_for(case.incident)
        if strictness(level) > strictness(lifted.get(key, Level.ALLOW_ALL)):
            gate_store.direct(level, key, reason(case.incident), BY, now)
    return strictest(asked_for(c.incident) for c in cases)


def asked_for(row: Incident) -> Level:
    return healing.level(row.severity, row.impacts_trading, row.escalated_at is not None)


def reason(row: Incident) -> str:
    """In English, because it is stored."""
    with translation.override("en"):
        return ailments.title(row.code, row.params)


# -- one look ---------------------------------------------------------------------------------------------------------


def look(now: datetime, born: datetime, hands: Hands) -> Report:
    """Find, remember, treat, speak, tell."""
    seen = facts(now, born)
    cases, changed = take_stock(detect(seen), seen)
    policy = speak(cases, now)  # entries are held first: a remedy may take long
    tried = treat(cases, hands, now)
    if any(case.incident.escalated_at == now for case in cases):
        policy = speak(cases, now)
    tell(seen, cases, policy)
    panels = ("incidents", "verdict") if cases or changed else ()
    return Report(examined=len(seen.modules) + len(seen.closes), actions=changed + tried, panels=panels)


def tell(seen: Facts, cases: Sequence[Case], policy: Level) -> None:
    """The report's file; a disk that takes nothing must not keep us from healing."""
    with translation.override("en"):
        issues = [issue(case.incident) for case in cases]
    content = report(seen, issues, policy)
    try:
        write(Path(settings.VAR) / REPORT, json.loads(json.dumps(content, default=str)))
    except OSError as error:
        log.warning("the report could not be written: %s", error)


def issue(row: Incident) -> Issue:
    return Issue(
        id=row.key,
        subsystem=row.subsystem,
        severity=row.severity,
        at=row.first_seen,
        description=ailments.title(row.code, row.params),
        symptoms=(ailments.sentence(row.code, row.params),),
        impacts_trading=row.impacts_trading,
        escalated=row.escalated_at is not None,
        recommendation=ailments.action(row.remedy) if row.remedy else "",
    )

"""Self-healing's shell: reads the facts, keeps incidents, tries remedies, speaks to the gates, writes its report.

One look:
1. Facts from the rows; findings from the detectors.
2. Incidents in one transaction: new ones opened, known ones counted, proven ones closed.
3. Directives equal to what the open incidents ask for (`directing`), and closes of what is in danger.
4. Each open one's next step: a remedy is tried (outside any transaction) and recorded, or it is escalated, which the
   directives follow at once; a person is told of what is critical. Restarts end with the circuit's room.
5. The report is written.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import translation
from django_celery_beat.models import PeriodicTask

from monitoring.models import HealthScore, Incident, RemedyAttempt
from monitoring.watch import (
    ailments,
    circuit,
    dataseen,
    directing,
    healing,
    money,
    paging,
    pulses,
    rows,
    wiring,
    witness,
)
from monitoring.watch import room as disk
from monitoring.watch.detectors.engine import detect
from monitoring.watch.detectors.facts import Facts, Lost, Naked, Ran
from monitoring.watch.detectors.findings import CRITICAL, HIGH, MEDIUM, Ailment, Finding, Remedy
from monitoring.watch.detectors.proofs import proof
from monitoring.watch.hands import BY, Hands
from monitoring.watch.healing import Do
from monitoring.watch.report import SUBSYSTEMS, Issue, of_points, report, write
from monitoring.watch.safety import Policy
from trading import events, runtime, tuning
from trading.exchange.venue import OrderStatus
from trading.feed import rows as feed_rows
from trading.models import ModuleState, Order, Position, TrainingRun
from trading.modules import REQUIRED
from trading.runtime import Report
from trading.schedule import PREFIX

log = logging.getLogger(__name__)

PROGRAMS = {"trade": "worker", "work": "trainer", "train": "trainer"}  # who ticks what is on a queue
WEIGHT = dict.fromkeys(
    ("executor", "position_monitor", "data_feed", "exchange", "risk_guard"), CRITICAL
) | dict.fromkeys(("trailing", "policy", "models", "universe"), HIGH)
REPORT = "self_healing_report.json"
KEEPER = "position_monitor"  # looks after what is open: expected whatever its schedule has become
SLOWEST = timedelta(seconds=60)  # of its own interval, as far as that counts
ELSEWHERE = frozenset({"models", "risk_guard", "portfolio_balancer", "data_feed"})  # the executor, the stream beat too
STREAM = "stream"  # the row in which the stream process says that it lives, and when it heard the venue
PROBED = timedelta(minutes=2)  # a score is stored at least every minute
BROKER_ANSWERS = 2.0  # seconds


# -- facts ------------------------------------------------------------------------------------------------------------


def facts(now: datetime, born: datetime) -> Facts:
    """Everything that the detectors rest on; sixteen queries and the truth table's five, whatever is open."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    database_ms = (time.perf_counter() - began) * 1000
    states = rows.module_states()
    stream = states.get(STREAM)
    training = TrainingRun.objects.filter(outcome="running").values_list("beat_at", flat=True).first()
    lost = Order.objects.filter(status=OrderStatus.UNKNOWN).values_list("pk", "intent__symbol", "sent_at")
    symbols = feed_rows.universe()
    known = rows.newest_closes(symbols, now) if symbols else {}
    closes = {symbol: known.get(symbol) for symbol in symbols}
    noted = list(Incident.objects.filter(closed_at=None).values_list("key", "first_seen", "acknowledged_by"))
    table = witness.read(now, witness.Known(states), alone=True)
    score, scored_at = newest_score()
    return Facts(
        now=now,
        born=born,
        modules=ran(states),
        critical=needed(states),
        stream_beat=stream.last_tick if stream else None,
        stream_heard=stream.last_work if stream else None,
        closes=closes,
        data=dataseen.read(closes, now),
        max_age=tuning.effective().max_data_age,
        training_beat=training,
        training_silence=rows.TRAINING_SILENCE,
        naked=unprotected(),
        lost=tuple(Lost(*row) for row in lost),
        database_ms=database_ms,
        room=disk.look(Path(settings.VAR)),
        broker_ms=broker_ms(),
        since={key: first_seen for key, first_seen, _ in noted},
        seen_by={key: by for key, _, by in noted if by},
        restarts=restarted(now),
        hearts=pulses.hearts(table.processes),
        late=pulses.late(table.processes),
        started={one.name: one.started_at for one in pulses.newest(table.processes)},
        living=pulses.living(table.processes),
        wired=(*wiring.faults(table.modules.values(), table.odd, REQUIRED), *wiring.noted(score, scored_at, now)),
        scored_at=scored_at,
        real=not settings.QUANTUM.practising,
        money=money.faults(settings.QUANTUM.mode, now),
        unexplained=money.unexplained(),
    )


def newest_score() -> tuple[Mapping[str, Any], datetime | None]:
    """What the newest score rests on, and when that was seen; one query."""
    last = HealthScore.objects.order_by("-at", "-id").values_list("evidence", "at").first()
    return last or ({}, None)


def restarted(now: datetime) -> tuple[datetime, ...]:
    """When modules and processes were restarted within the circuit's window; one query."""
    tried = RemedyAttempt.objects.filter(action__in=list(circuit.RESTARTS), at__gt=now - circuit.WINDOW)
    return tuple(tried.order_by("at").values_list("at", flat=True))


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
        found.append(as_ran(module, state, min(own, SLOWEST) if name == KEEPER else own))
    return tuple(found)


def needed(states: Mapping[str, ModuleState]) -> tuple[Ran, ...]:
    """What trading needs, by its own interval and whether a person has switched its schedule off or not."""
    critical = [module for name, module in runtime.MODULES.items() if WEIGHT.get(name) == CRITICAL]
    return tuple(as_ran(module, states.get(module.name), module.every) for module in critical)


def as_ran(module: runtime.Module, state: ModuleState | None, every: timedelta) -> Ran:
    return Ran(
        name=module.name,
        title=str(module.title),
        program=PROGRAMS.get(module.queue, module.queue),
        every=max(every, timedelta(seconds=1)),
        last_tick=state.last_tick if state else None,
        severity=WEIGHT.get(module.name, MEDIUM),
        last_error=state.last_error if state else "",
        last_error_at=state.last_error_at if state else None,
        elsewhere=module.name in ELSEWHERE,
    )


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


def treat(cases: Sequence[Case], hands: Hands, seen: Facts) -> int:
    """Each case's next step; how many remedies were tried. A restart needs room in the circuit."""
    tried = tries((case.incident.key for case in cases), seen.now)
    room, done = circuit.room(seen.restarts, seen.now), 0
    for case in cases:
        row = case.incident
        if case.finding is None:
            continue
        step = healing.next_step(case.finding, tried.get(row.key, []), row.escalated_at is not None, seen.now)
        if step.do is Do.ESCALATE:
            escalate(row, seen.now)
        if step.do is not Do.TRY or step.remedy is None:
            continue
        if step.remedy.action in circuit.RESTARTS:
            if not room:
                continue
            room -= 1
        attempt(row, step.remedy, hands, seen.now)
        done += 1
    return done


def escalate(row: Incident, now: datetime) -> None:
    """Its remedies were in vain: a person is needed, and told where it is critical."""
    row.escalated_at = now
    row.save(update_fields=["escalated_at"])
    log.error("incident %s: a person is needed", row.key)
    if row.severity == CRITICAL:
        paging.page(row, now)


# -- one look ---------------------------------------------------------------------------------------------------------


def look(now: datetime, born: datetime, hands: Hands) -> Report:
    """Find, remember, speak, treat, tell."""
    seen = facts(now, born)
    cases, changed = take_stock(found(seen), seen)
    for case in cases:
        if case.incident.code == Ailment.RESTARTS_EXHAUSTED and case.incident.escalated_at is None:
            escalate(case.incident, now)
    policy = directing.speak([case.incident for case in cases], now)  # entries are held first: a remedy may take long
    tried = treat(cases, hands, seen)
    if any(case.incident.escalated_at == now for case in cases):
        policy = directing.speak([case.incident for case in cases], now)
    closed = directing.enforce(hands, now)
    tell(seen, cases, policy)
    panels = ("incidents", "verdict") if cases or changed or closed else ()
    return Report(examined=len(seen.modules) + len(seen.closes), actions=changed + tried + closed, panels=panels)


def found(seen: Facts) -> list[Finding]:
    """What the detectors find, and the restarts' circuit where these want more than it has room for."""
    findings = detect(seen)
    tried = tries((one.key for one in findings), seen.now)
    steps = [healing.next_step(one, tried.get(one.key, []), False, seen.now) for one in findings]
    wanted = sum(step.remedy is not None and step.remedy.action in circuit.RESTARTS for step in steps)
    exhausted = circuit.opened(wanted, seen)
    return [exhausted, *findings] if exhausted else findings


def tell(seen: Facts, cases: Sequence[Case], policy: Policy) -> None:
    """The report's file; a disk that takes nothing must not keep us from healing."""
    with translation.override("en"):
        issues = [issue(case.incident) for case in cases]
    content = report(seen, issues, policy, probed(seen.now))
    try:
        write(Path(settings.VAR) / REPORT, json.loads(json.dumps(content, default=str)))
    except OSError as error:
        log.warning("the report could not be written: %s", error)


def probed(now: datetime) -> dict[str, str]:
    """What the newest score's probes said of the subsystems that no module tells of; one query."""
    newest = HealthScore.objects.filter(at__gt=now - PROBED).order_by("-at").values_list("evidence", flat=True).first()
    parts = {part["key"]: part["points"] for part in (newest or {}).get("parts", [])}
    return {name: of_points(parts[source]) for name, source in SUBSYSTEMS.items() if source in parts}


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

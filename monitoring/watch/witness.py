"""What is stored of every module and process, read once and judged: rows in, the truth table out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q, Sum

import trading.modules  # noqa: F401 - whose queue and interval count here
from monitoring.watch import truth
from monitoring.watch.evidence import Calls, Due, Evidence, Process, newest_of
from monitoring.watch.liveness import Expected
from monitoring.watch.manifest import expected
from monitoring.watch.truth import Truth
from monitoring.watch.upstream import WINDOW, Counted, counted_since, dues
from trading import runtime, schedule
from trading.calls import minute_of
from trading.models import ModuleCall, ModuleState, ProcessState
from trading.schedule import Plan

PROGRAMS = {"trade": "worker", "work": "trainer", "train": "trainer"}  # who ticks what is on a queue


@dataclass(frozen=True, slots=True)
class Table:
    """The truth table of one moment."""

    at: datetime
    modules: Mapping[str, Truth]
    processes: tuple[Process, ...]

    @property
    def odd(self) -> tuple[truth.Odd, ...]:
        return truth.odd_ones(self.processes, self.at)

    def process(self, name: str) -> Process | None:
        return newest_of(self.processes, name)


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that the asker has read already; what is None is read here."""

    states: Mapping[str, ModuleState] | None = None
    plans: Mapping[str, Plan] | None = None


NOTHING = Known()


def read(now: datetime, known: Known = NOTHING, *, alone: bool = False) -> Table:
    """Judge every module that is expected or scheduled; ten queries, less what is known.

    `alone`: by their own rows, without a look at what waits for them upstream; four queries.
    """
    states = module_states() if known.states is None else known.states
    plans = schedule.plans() if known.plans is None else known.plans
    here = processes(now)
    listed = {one.name: one for one in expected({name: (plan.every, plan.enabled) for name, plan in plans.items()})}
    for name, plan in plans.items():  # scheduled, and perhaps never imported by this process
        if plan.enabled:
            listed.setdefault(name, Expected(name, plan.title or name, "worker", plan.every))
    beat = newest_of(here, "beat")
    counted = calls(now, beat.started_at if beat else now - WINDOW)
    waiting = {} if alone else dues(now, states, counted, here)
    seen = [
        evidence(one, states.get(one.name), plans.get(one.name), counted, here, beat, waiting.get(one.name), now)
        for one in listed.values()
    ]
    return Table(now, {one.one.name: truth.judge(one, now) for one in seen}, here)


def module_states() -> dict[str, ModuleState]:
    return {state.name: state for state in ModuleState.objects.all()}


def processes(now: datetime) -> tuple[Process, ...]:
    """The newest heartbeat of each process on each machine; one query."""
    found: dict[tuple[str, str], Process] = {}
    for row in ProcessState.objects.order_by("beat_at"):
        found[row.name, row.host] = Process(
            row.name, row.host, row.pid, row.build, row.code, row.config_hash, row.started_at, row.beat_at,
            row.work_at, row.works, row.doing, row.doing_since, row.lag_ms, row.broken,
        )  # fmt: skip
    return tuple(found.values())


def calls(now: datetime, born: datetime) -> tuple[Counted, ...]:
    """Who called which module how often within the window, and since the scheduler was born; one query."""
    since = max(minute_of(now) - WINDOW + timedelta(minutes=1), minute_of(born))
    rows = ModuleCall.objects.filter(minute__gte=since).values_list("name", "caller")
    summed = rows.annotate(
        n=Sum("ticks"), i=Sum("idle"), e=Sum("errors"), x=Sum("examined"), a=Sum("actions"), s=Max("slowest_ms"),
        first=Min("minute"), last=Max("minute", filter=Q(examined__gt=0)), any=Max("minute"),
    )  # fmt: skip
    return tuple(
        Counted(name, caller, n, i, e, x, a, slowest, first, last or newest)
        for name, caller, n, i, e, x, a, slowest, first, last, newest in summed
    )


def evidence(
    one: Expected,
    state: ModuleState | None,
    plan: Plan | None,
    counted: Sequence[Counted],
    here: tuple[Process, ...],
    beat: Process | None,
    due: Due | None,
    now: datetime,
) -> Evidence:
    runner = runner_of(one.name, plan)
    process = newest_of(here, runner)
    said: dict[str, Any] = {}
    if state is not None:
        said = {
            name: getattr(state, name)
            for name in ("last_tick", "last_work", "claimed_at", "examined", "actions", "failed", "trouble",
                         "idle_reason", "called_by")
        }  # fmt: skip
        said |= {"error": state.last_error, "error_at": state.last_error_at}
    mine = [row for row in counted if row.name == one.name]
    born = max((p.started_at for p in (process, beat) if p), default=None)
    if due and due.waits is not None:  # nothing has waited for longer than there was anybody to do it
        due = replace(due, waits=min(due.waits, now - born) if born else None)
    return Evidence(
        one=one,
        runner=runner,
        scheduled=plan.enabled if plan else None,
        broken=process.broken.get(one.name, "") if process else runtime.BROKEN.get(one.name, ""),
        process=process,
        caller=beat,
        calls=counts(mine, one, plan, (process, beat), counted, now),
        due=due,
        **said,
    )


def runner_of(name: str, plan: Plan | None) -> str:
    """The process that ticks it, by the queue on which it is called."""
    module = runtime.MODULES.get(name)
    queue = module.queue if module else plan.queue if plan else ""
    return PROGRAMS.get(queue, "trainer")


def counts(
    mine: Sequence[Counted],
    one: Expected,
    plan: Plan | None,
    by: tuple[Process | None, ...],
    counted: Sequence[Counted],
    now: datetime,
) -> Calls:
    """The module's calls, and how many were due since it could be called: for beat's calls, by its schedule."""
    since = counted_since(counted, now)
    starts = [since, *(p.started_at for p in by if p), *([plan.changed_at] if plan and plan.changed_at else [])]
    span = max(timedelta(0), now - max(starts))
    every = plan.every if plan and plan.every else one.every
    return Calls(
        by={row.caller: row.ticks for row in sorted(mine, key=lambda row: -row.ticks)},
        expected=int(span / every) if every and (plan is None or plan.enabled) else 0,
        idle=sum(row.idle for row in mine),
        errors=sum(row.errors for row in mine),
        examined=sum(row.examined for row in mine),
        actions=sum(row.actions for row in mine),
        slowest=timedelta(milliseconds=max((row.slowest_ms for row in mine), default=0)),
        window=span,
        planned=plan is not None,
    )

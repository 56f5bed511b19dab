"""What waits for each module that has something upstream, and what of it was done: rows in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q

from monitoring.models import Incident
from monitoring.watch.evidence import SOON, Due, Process, newest_of
from monitoring.watch.truth import MOST
from trading import runtime
from trading.calls import minute_of
from trading.feed import quality
from trading.feed import rows as feed_rows
from trading.models import Candle, Cycle, ModuleState, Position, Signal

WINDOW = timedelta(hours=1)
SETTLED = timedelta(seconds=12)  # a closed bar's late symbols are in by then
LOOKS = timedelta(seconds=35)  # self-healing looks twice a minute at least
WATCHED, SELDOM = 3, timedelta(minutes=1)  # minutes of positions before their looks are counted; what one waits then
LABELS = 3  # bars after its horizon by which a signal has an outcome
DAY = timedelta(days=1)
FILLING = ("loading history", "waiting for the venue")  # reasons of the data feed that explain missing candles
ALWAYS = frozenset({"universe", "exchange", "database_validator", "scorekeeper"})  # each tick of these finds work


@dataclass(frozen=True, slots=True)
class Counted:
    """One caller's calls of one module within the window."""

    name: str
    caller: str
    ticks: int
    idle: int
    errors: int
    examined: int
    actions: int
    slowest_ms: int
    first: datetime  # minutes
    last: datetime


def counted_since(counted: Sequence[Counted], now: datetime) -> datetime:
    """The window's start; where counting began within it, the minute after that."""
    first = min((row.first for row in counted), default=now)
    return max(now - WINDOW, first + timedelta(minutes=1))


def dues(
    now: datetime, states: Mapping[str, ModuleState], counted: Sequence[Counted], here: tuple[Process, ...]
) -> dict[str, Due]:
    """What waits for each module that has something upstream; six queries, whatever is stored."""
    config = settings.QUANTUM
    worker = newest_of(here, "worker")
    since = max(counted_since(counted, now), worker.started_at if worker else now - WINDOW)
    cycles = judged_since(min(since, now - config.bar * 2))
    found: dict[str, Due | None] = batches(now, [row for row in cycles if row.at > since], counted)
    found |= bars(now, states, config.bar, {row.bar for row in cycles})
    found |= held(now, states, counted, since)
    found["model_supervisor"] = unlabelled(now, states, counted)
    found["self_healing"] = open_incidents(now, states.get("self_healing"))
    found |= {name: always(now, states.get(name), name) for name in ALWAYS}
    return {name: due for name, due in found.items() if due is not None}


@dataclass(frozen=True, slots=True)
class Batch:
    """One judged bar: when it was judged, and what the executor asked about."""

    bar: datetime
    at: datetime
    evaluated: int
    signals: int


def judged_since(since: datetime) -> list[Batch]:
    """The bars judged since then, oldest first; one query. None is judged later than the close of the bar after it."""
    config = settings.QUANTUM
    mine = Cycle.objects.filter(timeframe=config.timeframe, bar__gt=since - config.bar * 2, at__gt=since).order_by("at")
    return [Batch(*row) for row in mine.values_list("bar", "at", "evaluated", "signals")]


def batches(now: datetime, cycles: Sequence[Batch], counted: Sequence[Counted]) -> dict[str, Due | None]:
    """What the executor asks at each bar: votes, the guard's evaluations, the balancer's look."""
    rows = [row for row in cycles if row.at <= now - SOON]
    by = {row.name: row for row in counted if row.caller == "executor"}
    judged = [(row.at, row.evaluated) for row in rows if row.evaluated]
    asked = [(row.at, row.signals) for row in rows if row.signals]
    looked = by.get("portfolio_balancer")
    return {
        "models": followed("votes", judged, by.get("models"), now),
        "risk_guard": followed("evaluations", asked, by.get("risk_guard"), now),
        "portfolio_balancer": followed(
            "batches", [(at, 1) for at, _ in judged], looked, now, looked.ticks if looked else 0
        ),
    }


def followed(
    code: str, batch: Sequence[tuple[datetime, int]], count: Counted | None, now: datetime, done: int | None = None
) -> Due | None:
    """What was asked in batches against what was counted. A batch newer than the newest count waits."""
    if not batch:
        return None
    asked = sum(n for _, n in batch)
    done = (count.examined if count else 0) if done is None else done
    last = count.last if count else None
    undone = [at for at, _ in batch if last is None or minute_of(at) > last]
    if undone:
        return Due(code, sum(n for at, n in batch if at in set(undone)), 0, now - undone[0])
    return Due(code, asked, min(done, asked), now - batch[0][0] if done < asked * MOST else None)


def bars(
    now: datetime, states: Mapping[str, ModuleState], step: timedelta, known: Set[datetime]
) -> dict[str, Due | None]:
    """The newest settled bar: fetched, measured, judged; two queries."""
    bar = quality.newest_closed(now - SETTLED, step)
    symbols = feed_rows.universe()
    if not symbols:
        return {}
    frame = settings.QUANTUM.timeframe
    there = Candle.objects.filter(timeframe=frame, open_time=bar, symbol__in=symbols).count()
    judged = any(one >= bar for one in known)
    waited, feed = now - (bar + step + SETTLED), states.get("data_feed")
    filling = bool(feed and feed.idle_reason.startswith(FILLING))
    policy = states.get("policy")
    measured = bool(policy and policy.last_work and policy.last_work >= bar + step)
    every = runtime.MODULES["policy"].every if "policy" in runtime.MODULES else step
    return {
        "data_feed": None if filling else Due("candles", len(symbols), there, None if there else waited),
        "executor": Due("bars", 1, int(judged), None if judged else waited) if there else None,
        "policy": Due("measures", 1, int(measured), None if measured else waited, every + SOON) if there else None,
    }


def held(
    now: datetime, states: Mapping[str, ModuleState], counted: Sequence[Counted], since: datetime
) -> dict[str, Due | None]:
    """Open positions: their exits evaluated, their stops trailed; one query."""
    mine = Position.objects.exclude(status=Position.CLOSED).filter(opened_at__lte=now - SOON)
    seen = mine.aggregate(n=Count("id"), first=Min("opened_at"), rideable=Count("id", filter=Q(r__gt=0)))
    if not seen["n"]:
        return {}
    n, first = seen["n"], seen["first"]
    monitor, trailing = (looked(name, states.get(name), first, now) for name in ("position_monitor", "trailing"))
    slow = too_seldom(counted, max(since, first), now)
    lacking = n - seen["rideable"]
    return {
        "position_monitor": Due("exits", n, n * slow, SELDOM)
        if slow
        else Due("exits", n, 0 if monitor else n, monitor),
        "trailing": Due("trails", n, 0 if trailing else n - lacking, trailing or (now - first if lacking else None)),
    }


def looked(name: str, state: ModuleState | None, first: datetime, now: datetime) -> timedelta | None:
    """How long open positions wait for this module's look, where that is too long."""
    module = runtime.MODULES.get(name)
    limit = max(SOON, module.every * 1.5 if module else SOON)
    waited = now - max(first, state.last_work if state and state.last_work else first)
    return waited if waited > limit else None


def too_seldom(counted: Sequence[Counted], since: datetime, now: datetime) -> float:
    """Evaluations of each open position's exits in a minute, where that is less than one; 0 where it is well."""
    module, minutes = runtime.MODULES.get("position_monitor"), (now - since) / timedelta(minutes=1)
    if minutes < WATCHED or module is None or module.every > timedelta(seconds=30):
        return 0.0
    looks = sum(row.ticks - row.idle - row.errors for row in counted if row.name == "position_monitor") / minutes
    return looks if looks < MOST else 0.0


def unlabelled(now: datetime, states: Mapping[str, ModuleState], counted: Sequence[Counted]) -> Due | None:
    """Signals whose horizon is over by some bars and that have no outcome, of one day; one query.

    Cycles of other timeframes, if there are any, are left out, rather than ours joined: so indexes alone are read.
    """
    config, feed = settings.QUANTUM, states.get("data_feed")
    if feed and feed.idle_reason.startswith("loading history"):
        return None
    matures = (config.QT_HORIZON_BARS + LABELS) * config.bar
    cut = now - matures - timedelta(seconds=config.QT_MODEL_SUPERVISOR_INTERVAL)
    mine = Signal.objects.filter(outcome__isnull=True, at__lt=cut, at__gt=cut - DAY)
    others = Cycle.objects.filter(Q(timeframe__lt=config.timeframe) | Q(timeframe__gt=config.timeframe))
    seen = mine.exclude(cycle__in=others).aggregate(n=Count("id"), first=Min("at"))
    labelled = sum(row.actions for row in counted if row.name == "model_supervisor")
    if not seen["n"]:
        return Due("outcomes", labelled, labelled) if labelled else None
    return Due("outcomes", seen["n"] + labelled, labelled, now - seen["first"] - matures)


def open_incidents(now: datetime, state: ModuleState | None) -> Due | None:
    """Open incidents that nobody looked at for too long; one query."""
    seen = (
        Incident.objects.filter(closed_at=None).exclude(severity="low").aggregate(n=Count("id"), at=Min("first_seen"))
    )
    if not seen["n"] or state is None or state.last_work is None:
        return None
    waited = now - max(state.last_work, seen["at"])
    return Due("incidents", seen["n"], 0 if waited > LOOKS else seen["n"], waited, LOOKS)


def always(now: datetime, state: ModuleState | None, name: str) -> Due | None:
    """For a module that finds work at every tick: its newest tick did some."""
    if state is None or state.last_tick is None or not state.idle_reason:
        return None
    every = runtime.MODULES[name].every if name in runtime.MODULES else SOON
    return Due("ticks", 1, 0, now - (state.last_work or state.last_tick - every))

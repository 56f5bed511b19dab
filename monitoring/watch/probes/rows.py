"""The probes' queries: all that they may know of one moment, in a number of queries that no row count changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q

from monitoring.models import DatabaseFinding, Incident
from monitoring.watch import data_quality, ringing, uncovered, witness
from monitoring.watch.liveness import UP
from monitoring.watch.probes import machine, open_rows
from monitoring.watch.probes.facts import (
    Account,
    Balance,
    Bell,
    Champion,
    Check,
    Cycles,
    Facts,
    Finding,
    Holding,
    Limits,
    Pulse,
    Supervision,
    Switch,
    Tally,
    Topic,
    Training,
    Trouble,
    Universe,
)
from monitoring.watch.rows import module_states, newest_closes
from monitoring.watch.truth import Truth
from trading import tuning
from trading.codes import MEANINGS, Code
from trading.exchange.venue import OrderStatus
from trading.feed.candles import WINDOW
from trading.models import (
    AccountSnapshot,
    BalanceLook,
    CandleFault,
    CandleGap,
    Cycle,
    Decision,
    Intent,
    ModelFinding,
    ModelVersion,
    ModuleState,
    Order,
    PolicyVersion,
    Position,
    Signal,
    SwitchChange,
    TrainingRun,
    TrimProposal,
    UniverseSnapshot,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RUNS, BARS, SOME = 5, 256, 20
RESTING = (OrderStatus.NEW, OrderStatus.PARTIAL, OrderStatus.TRIGGERED)
STREAM_BEAT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that the asker has read already, so that nobody reads them twice; what is None is read here."""

    config: Any = None
    states: Mapping[str, ModuleState] | None = None
    switch: Any = None  # anything with its state, at, by and reason
    positions: Sequence[Position] | None = None
    policy: PolicyVersion | None = None
    runs: Sequence[TrainingRun] | None = None  # the newest first
    universe: Any = None  # anything with at, inside and closed
    account: AccountSnapshot | None = None
    incidents: Sequence[Incident] | None = None
    table: witness.Table | None = None


NOTHING = Known()


def read(now: datetime, known: Known = NOTHING) -> Facts:
    """One look at everything; 37 queries less what is known, one less where nothing is open, and the machine's disk."""
    bar, span = settings.QUANTUM.bar, window()
    states = module_states() if known.states is None else known.states
    table = witness.read(now, witness.Known(states)) if known.table is None else known.table
    ticked = data_quality.clock(now)
    stopped, tallies = switch(known.switch), decided(now, span)
    positions = open_positions() if known.positions is None else known.positions
    held = tuple(map(open_rows.of_position, positions))
    orders = open_rows.sent(now, span, stopped)
    return Facts(
        now=now,
        bar=bar,
        window=span,
        limits=limits(known.config),
        pulses={name: pulse_of(truth) for name, truth in table.modules.items()},
        stream=stream(states),
        running={one.name: one.started_at for one in table.processes if one.alive(now) == UP},
        bells=bells(states),
        slots=slots(table),
        switch=stopped,
        execution=settings.QUANTUM.execution_enabled,
        cycles=cycles(now, span),
        decided=tallies,
        undecided=undecided(now),
        last_traded=Decision.objects.filter(outcome=Decision.TRADED).aggregate(at=Max("at"))["at"],
        slipped=slipped(now),
        holdings=holdings(positions),
        held=held,
        closings=open_rows.closings(),
        worst_gap=worst_gap(now),
        adrift=adrift(),
        sent=orders["sent"],
        refused=orders["refused"],
        entries=orders["entries"],
        fruitless=orders["fruitless"],
        after_stop=orders["after_stop"],
        strange=open_rows.strange(now, held, orders["strange_orders"], sum(one.strange for one in tallies)),
        policy=policy(known.policy),
        champions=champions(),
        training=training(known.runs),
        universe=universe(now, known.universe),
        faults=faults(now),
        gaps=gaps(now),
        clock=(ticked.offset_ms, ticked.at) if ticked else None,
        ping=(ticked.round_trip_ms, ticked.at) if ticked else None,
        account=account(known.account),
        finding=finding(),
        supervision=supervision(),
        balance=balance(),
        troubles=troubles(known.incidents),
        machine=machine.look(now),
    )


def window() -> timedelta:
    """An hour; with long bars, four of them."""
    return max(HOUR, settings.QUANTUM.bar * 4)


def limits(config: Any = None) -> Limits:
    config, second = config or tuning.effective(), timedelta(seconds=1)
    return Limits(
        data_age=config.max_data_age + second * 5,
        stop_seen=max(second * 15, second * config.QT_POSITION_MONITOR_INTERVAL * 2),
        idle=max(timedelta(minutes=30), config.bar * 3),
        max_positions=config.QT_MAX_POSITIONS,
        max_leverage=config.QT_MAX_LEVERAGE,
        trail_profit=config.QT_TRAILING_MIN_PROFIT,
        trail_distance=config.QT_TRAIL_DISTANCE,
        escalate=second * config.QT_STOP_ESCALATE_SECONDS,
        monitor=second * config.QT_POSITION_MONITOR_INTERVAL,
    )


# -- what runs --------------------------------------------------------------------------------------------------------


def pulse_of(told: Truth) -> Pulse:
    seen = told.seen
    return Pulse(
        name=seen.one.name,
        every=seen.one.every,
        last_tick=seen.last_tick,
        last_work=seen.last_work,
        examined=seen.examined,
        actions=seen.actions,
        idle_reason=seen.idle_reason,
        error=seen.error,
        error_at=seen.error_at,
        called_by=seen.called_by,
        scheduled=seen.scheduled is not False,
        truth=told,
    )


def stream(states: Mapping[str, ModuleState]) -> Pulse:
    """The stream process's own beat."""
    state = states.get("stream")
    if state is None:
        return Pulse("stream", STREAM_BEAT)
    return Pulse("stream", STREAM_BEAT, state.last_tick, state.last_work, state.examined, state.actions)


def slots(table: witness.Table) -> tuple[int, int]:
    """Calls of the window that were made, of those that were due by schedule."""
    counts = [one.seen.calls for one in table.modules.values() if one.seen.calls.planned]
    return sum(min(calls.own, calls.expected) for calls in counts), sum(calls.expected for calls in counts)


def bells(states: Mapping[str, ModuleState]) -> dict[str, Bell]:
    """What came of the newest task that was enqueued on each queue to see whether it runs."""
    rows = {queue: states.get(ringing.row(queue)) for queue in ringing.QUEUES}
    return {queue: Bell(row.last_work, row.lag_ms) for queue, row in rows.items() if row and row.last_work}


def switch(last: Any = None) -> Switch:
    last = last or SwitchChange.objects.order_by("-id").first()
    return Switch(last.state, last.at, last.by, last.reason) if last else Switch()


# -- signals and decisions --------------------------------------------------------------------------------------------


def cycles(now: datetime, span: timedelta) -> Cycles:
    """The newest bars; one query."""
    rows = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe).order_by("-bar")
    seen = list(rows.values_list("bar", "at", "symbols", "evaluated", "not_evaluated")[:BARS])
    if not seen:
        return Cycles()
    inside = [row for row in seen if row[1] > now - span]
    absent: Counter[str] = Counter()
    for row in inside:
        absent.update(row[4])
    bar, at, _, evaluated, missing = seen[0]
    symbols, judged = sum(row[2] for row in inside), sum(row[3] for row in inside)
    return Cycles(len(inside), symbols, judged, dict(absent), bar, at, evaluated, missing)


def decided(now: datetime, span: timedelta) -> tuple[Tally, ...]:
    """The window's decisions by outcome and code; one query."""
    rows = Decision.objects.filter(at__gt=now - span, at__lte=now).order_by().values_list("outcome", "code")
    foreign = Count("id", filter=~Q(mode=settings.QUANTUM.mode))
    counted = rows.annotate(n=Count("id"), first=Min("at"), last=Max("at"), strange=foreign)
    return tuple(
        Tally(outcome, code, n, first, last, outcome == Decision.REJECTED and meant(code), strange)
        for outcome, code, n, first, last, strange in counted
    )


def meant(code: str) -> bool:
    """The rejection is explained idleness: it costs no health."""
    return code in Code.__members__ and MEANINGS[Code(code)].meant


def undecided(now: datetime) -> tuple[int, ...]:
    """Some of the last day's signals that have no decision, were there any; one query."""
    mine = Signal.objects.filter(at__gt=now - DAY, decision__isnull=True)
    return tuple(mine.order_by("id").values_list("id", flat=True)[:SOME])


def slipped(now: datetime) -> tuple[int, ...]:
    """Decisions of the last hour that led to an order although a gate said no, or was not asked; one query."""
    through = Decision.objects.filter(at__gt=now - HOUR).exclude(outcome=Decision.REJECTED)
    rows = through.order_by("-id").values_list("id", "gates")
    return tuple(pk for pk, gates in rows if not (gates and all(gate["passed"] is True for gate in gates)))


# -- positions and orders ---------------------------------------------------------------------------------------------


def open_positions() -> Sequence[Position]:
    """One query."""
    return list(Position.objects.exclude(status=Position.CLOSED))


def holdings(found: Sequence[Position]) -> tuple[Holding, ...]:
    """Open positions, and when the exchange last showed their stops; one query, where something is open."""
    rows = sorted(found, key=lambda row: row.pk)
    seen = stops_seen(row.pk for row in rows) if rows else {}
    return tuple(
        Holding(
            id=row.pk,
            symbol=row.symbol,
            notional=row.quantity * (row.mark_price or row.entry_price),
            opened_at=row.opened_at,
            unprotected_since=row.unprotected_since,
            protected_since=row.protected_since,
            mark_at=row.mark_at,
            stop_seen_at=seen.get((row.pk, Intent.STOP)),
            backstop_seen_at=seen.get((row.pk, Intent.BACKSTOP)),
        )
        for row in rows
    )


def stops_seen(positions: Iterable[int]) -> dict[tuple[int, str], datetime]:
    mine = Order.objects.filter(intent__position__in=list(positions), intent__kind__in=[Intent.STOP, Intent.BACKSTOP])
    rows = mine.filter(status__in=RESTING).order_by().values_list("intent__position", "intent__kind")
    return {(pk, kind): at for pk, kind, at in rows.annotate(at=Max("verified_at")) if at}


def worst_gap(now: datetime) -> tuple[int, float] | None:
    """Of what is open, or was closed within the day, whenever it was opened; one query."""
    lately = Position.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now - DAY))
    rows = lately.values_list("id", "seconds_unprotected", "unprotected_since", "closed_at")
    gaps = ((pk, uncovered.seconds(counted, since, closed, now)) for pk, counted, since, closed in rows)
    return max(gaps, key=lambda one: one[1], default=None)


def adrift() -> tuple[tuple[int, datetime], ...]:
    """Orders whose outcome is unknown, and since when."""
    rows = Order.objects.filter(status__in=[OrderStatus.UNKNOWN, OrderStatus.SENDING]).order_by("sent_at")
    return tuple(rows.values_list("id", "sent_at")[:SOME])


# -- models and data --------------------------------------------------------------------------------------------------


def champions() -> tuple[Champion, ...]:
    """Who votes on what is played now, and who of the same training may not; one query."""
    config = settings.QUANTUM
    rows = ModelVersion.objects.filter(
        status__in=[ModelVersion.CHAMPION, ModelVersion.QUARANTINED],
        data_source=config.data_source,
        timeframe=config.timeframe,
    )
    known = list(rows.order_by("-trained_at", "kind")[:SOME])
    standing = {row.version for row in known if row.status == ModelVersion.CHAMPION}
    return tuple(champion(row) for row in known if row.status == ModelVersion.CHAMPION or row.version in standing)


def champion(row: ModelVersion) -> Champion:
    whole = (row.metrics.get("ensemble") or {}).get("out_of_sample") or row.metrics.get("out_of_sample") or {}
    quarantined = row.status == ModelVersion.QUARANTINED
    out = (row.alarm or "no reason given") if quarantined else ""
    return Champion(
        row.kind,
        row.version,
        row.trained_at,
        out,
        whole.get("log_loss"),
        whole.get("base_log_loss"),
        whole.get("n", 0),
        "" if quarantined else row.alarm,
    )


def policy(row: PolicyVersion | None = None) -> tuple[int, datetime] | None:
    """The version in force and since when; one query."""
    row = row or PolicyVersion.objects.order_by("-version").first()
    return (row.version, row.since) if row else None


def newest_runs() -> list[TrainingRun]:
    """One query."""
    return list(TrainingRun.objects.order_by("-started_at", "-id")[:RUNS])


def training(runs: Sequence[TrainingRun] | None = None) -> Training:
    """What runs, and how the newest one ended; one query."""
    runs = newest_runs() if runs is None else runs
    now = next((run for run in runs if run.outcome == "running"), None)
    last = next((run for run in runs if run.outcome != "running"), None)
    return Training(
        running=now is not None,
        stage=now.stage if now else "",
        outcome=last.outcome if last else "",
        ended_at=last.finished_at if last else None,
        error=last.error if last else "",
    )


def universe(now: datetime, seen: Any = None) -> Universe | None:
    """The newest snapshot and its symbols' newest candles; two queries, three where a symbol has no recent one."""
    if seen is not None:
        return Universe(seen.at, seen.inside, seen.closed)
    last = UniverseSnapshot.objects.order_by("-at").first()
    if last is None:
        return None
    inside = tuple(row["symbol"] for row in last.symbols if row.get("status") == "in")
    return Universe(last.at, inside, newest_closes(inside, now))


def faults(now: datetime) -> dict[str, int]:
    """Candles of the last hour that were put aside, by kind; one query. A revision or a repeat harms nobody."""
    rows = CandleFault.objects.filter(last_seen__gt=now - HOUR, timeframe=settings.QUANTUM.timeframe)
    harmful = rows.exclude(kind__in=["duplicate", "unclosed", "revised", "order", "jump"]).order_by()
    return dict(harmful.values("kind").annotate(n=Count("id")).values_list("kind", "n"))


def gaps(now: datetime) -> tuple[int, int]:
    """Open gaps within the window of the features, and the symbols that have one; one query."""
    since = now - WINDOW * settings.QUANTUM.bar
    rows = CandleGap.objects.filter(timeframe=settings.QUANTUM.timeframe, filled_at=None, last__gte=since)
    seen = rows.aggregate(n=Count("id"), symbols=Count("symbol", distinct=True))
    return seen["n"], seen["symbols"]


def account(last: AccountSnapshot | None = None) -> Account | None:
    last = last or AccountSnapshot.objects.order_by("-at").first()
    if last is None:
        return None
    return Account(last.at, last.equity, last.latency_ms, tuple(row["symbol"] for row in last.external))


def finding() -> Finding | None:
    last = DatabaseFinding.objects.order_by("-at", "-id").first()
    if last is None:
        return None
    checks = tuple(Check(one["check"], one["passed"], one["code"], one["params"]) for one in last.checks)
    return Finding(last.at, last.latency_ms, checks)


# -- those who watch --------------------------------------------------------------------------------------------------


def supervision() -> Supervision | None:
    last = ModelFinding.objects.filter(kind=ModelFinding.ENSEMBLE).order_by("-at").first()
    return Supervision(last.at, topic(last.bias), topic(last.calibration)) if last else None


def topic(told: Mapping) -> Topic:
    return Topic(told.get("verdict") or "unknown", told.get("n") or 0, told.get("value"), told.get("limit"),
                 told.get("wanted") or 0, told.get("side") or "")  # fmt: skip


def balance() -> Balance | None:
    """The newest look, and the trims that stand; two queries."""
    last = BalanceLook.objects.order_by("-at").values_list("at", "asked_by").first()
    trims = TrimProposal.objects.filter(state=TrimProposal.OPEN).order_by("-value").values_list("symbol", "why")
    return Balance(*last, tuple(trims[:SOME])) if last else None


def troubles(known: Sequence[Incident] | None = None) -> tuple[Trouble, ...]:
    rows = Incident.objects.filter(closed_at__isnull=True).order_by("first_seen") if known is None else known
    return tuple(
        Trouble(row.pk, row.key, row.severity, row.first_seen, row.attempts, row.escalated_at is not None)
        for row in rows[:SOME]
    )

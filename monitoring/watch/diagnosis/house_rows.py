"""The diagnosis's queries about orders, open positions, people and processes. Every function says how many it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum

from monitoring.models import AuditEntry, RemedyAttempt
from monitoring.watch.diagnosis.facts import (
    Cancelled,
    Hold,
    Loosened,
    Refusals,
    Sent,
    Won,
)
from monitoring.watch.probes import open_rows
from monitoring.watch.probes.held import Held
from trading import tuning
from trading.exchange.venue import OrderStatus
from trading.gates.directives import Level, holds_entries
from trading.models import (
    Directive,
    Intent,
    ModuleCall,
    Order,
    OrderMove,
    Position,
    ProcessState,
    Signal,
    SwitchChange,
    Trade,
    TunedSetting,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DECISIONS, ORDERS, TRADES, SOME = 600, 20, 500, 50
SETTLES = timedelta(seconds=10)  # an order that should fill at once, until its outcome is known
AUDITED = timedelta(days=30)
ENDED = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.EXPIRED, OrderStatus.CANCELED)
STARTED, STOPS = ("restart_process",), (Intent.STOP, Intent.BACKSTOP)


# -- orders and trades ------------------------------------------------------------------------------------------------

SENT = ("id", "intent__kind", "intent__symbol", "status", "sent_at", "error_code", "mode")


def entries() -> tuple[Sent, ...]:
    """The newest orders that should have opened something; one query."""
    rows = Order.objects.filter(intent__kind=Intent.ENTRY).order_by("-id").values_list(*SENT)
    return tuple(Sent(*row) for row in rows[:ORDERS])


def refusals(now: datetime, span: timedelta) -> tuple[Refusals, ...]:
    """The window's refused orders by the venue's code; one query."""
    mine = Order.objects.filter(status__in=ENDED, updated_at__gt=now - span, error_code__isnull=False)
    rows = mine.order_by().values("error_code").annotate(
        n=Count("id"), first=Min("updated_at"), last=Max("updated_at"),
        stops=Count("id", filter=Q(intent__kind__in=STOPS)),
    )  # fmt: skip
    told = rows.values_list("error_code", "n", "first", "last", "stops")[:SOME]
    return tuple(Refusals(code or 0, n, first, last, stops) for code, n, first, last, stops in told)


def unsettled(now: datetime) -> tuple[Sent, ...]:
    """Orders whose outcome should be known by now; one query."""
    waits = Q(status__in=[OrderStatus.SENDING, OrderStatus.UNKNOWN])
    waits |= Q(status__in=[OrderStatus.NEW, OrderStatus.PARTIAL], intent__type="MARKET")
    mine = Order.objects.filter(waits, sent_at__lte=now - SETTLES).order_by("sent_at")
    return tuple(Sent(*row) for row in mine.values_list(*SENT)[:SOME])


def trades(now: datetime) -> tuple[Won, ...]:
    """The last day's closed trades; one query."""
    rows = Trade.objects.filter(closed_at__gt=now - DAY, closed_at__lte=now).order_by("-closed_at")
    told = rows.values_list("symbol", "side", "net", "opened_at", "closed_at", "mode")[:TRADES]
    return tuple(Won(symbol, side, float(net), began, ended, mode) for symbol, side, net, began, ended, mode in told)


# -- what is open -----------------------------------------------------------------------------------------------------


def open_positions() -> list[Position]:
    return list(Position.objects.exclude(status=Position.CLOSED).select_related("decision").order_by("id"))


def of_position(row: Position) -> Held:
    """With the leverage that was decided; the row's decision was read with it."""
    decided = (row.decision.ticket or {}).get("leverage") if row.decision else None
    return replace(open_rows.of_position(row), ticket_leverage=int(decided) if decided else None)


def opposed(held: Sequence[Held], now: datetime) -> dict[str, tuple[int, datetime]]:
    """Signals against a held side that no signal for it has followed, and since when; one query."""
    if not held:
        return {}
    side = {one.symbol: one for one in held}
    mine = Signal.objects.filter(symbol__in=list(side), at__gt=now - DAY, at__lte=now).order_by("-at", "-id")
    found: dict[str, tuple[int, datetime]] = {}
    over: set[str] = set()
    for symbol, said, at in mine.values_list("symbol", "side", "at")[:DECISIONS]:
        if symbol in over or at <= side[symbol].opened_at or said == side[symbol].side:
            over.add(symbol)
        else:
            found[symbol] = (found.get(symbol, (0, at))[0] + 1, at)
    return found


def cancelled(held: Sequence[Held], now: datetime) -> tuple[Cancelled, ...]:
    """Stops of open positions that were cancelled within the hour; one query."""
    if not held:
        return ()
    mine = OrderMove.objects.filter(
        became=OrderStatus.CANCELED, at__gt=now - HOUR, order__intent__kind__in=STOPS,
        order__intent__position__in=[one.id for one in held],
    ).order_by("-at")  # fmt: skip
    rows = mine.values_list("order__intent__position", "order__intent__symbol", "order__intent__kind", "at", "why")
    return tuple(Cancelled(*row) for row in rows[:SOME])


# -- people and the house ---------------------------------------------------------------------------------------------


def loosened(tuned: Mapping[str, TunedSetting], now: datetime) -> tuple[Loosened, ...]:
    """Limits in force that let in more than their first value does; one query."""
    first = settings.QUANTUM
    config = tuning.overlay(first, {name: row.value for name, row in tuned.items()})
    mine = AuditEntry.objects.filter(action="limits.loosen", at__gt=now - AUDITED).order_by()
    steps = dict(mine.values_list("target").annotate(n=Count("id")))
    found = []
    for name, row in tuned.items():
        rule = tuning.TUNABLE.get(name)
        was, is_ = (tuning.first_value(of, name) for of in (first, config)) if rule else (0.0, 0.0)
        if rule and rule.eases(was, is_):
            by, at, why = row.changed_by, row.changed_at, row.reason
            found.append(Loosened(name, float(is_), float(was), by, at, why, steps.get(name, 0)))
    return tuple(found)


def holds(now: datetime) -> tuple[Hold, ...]:
    """Standing directives that hold entries; one query."""
    rows = Directive.objects.filter(Q(until__isnull=True) | Q(until__gt=now), ended_at__isnull=True, at__lte=now)
    told = rows.order_by("at").values_list("level", "key", "reason", "at")[:SOME]
    return tuple(Hold(*row) for row in told if holds_entries(Level(row[0])))


def restarts(now: datetime) -> dict[str, tuple[int, datetime]]:
    """Processes that self-healing started again within the hour, how often and since when; one query."""
    rows = RemedyAttempt.objects.filter(action__in=STARTED, at__gt=now - HOUR).order_by().values_list("target")
    return {target: (n, first) for target, n, first in rows.annotate(n=Count("id"), first=Min("at"))}


def processes(now: datetime) -> dict[str, dict]:
    """How often each process started within the hour, and what the newest of each could not load; one query."""
    starts: dict[str, tuple[int, datetime]] = {}
    broken: dict[str, tuple[str, str]] = {}
    newest: set[str] = set()
    rows = ProcessState.objects.filter(beat_at__gt=now - HOUR).order_by("-started_at")
    for name, began, failed in rows.values_list("name", "started_at", "broken")[:TRADES]:
        if name not in newest:
            broken |= {module: (name, str(why)) for module, why in failed.items()}
        newest.add(name)
        if began > now - HOUR:
            starts[name] = (starts.get(name, (0, began))[0] + 1, began)
    return {"starts": starts, "broken": broken}


def calls(now: datetime) -> dict[str, tuple[int, int]]:
    """Each module's ticks and errors of the hour; one query."""
    rows = ModuleCall.objects.filter(minute__gt=now - HOUR).order_by().values_list("name")
    return {name: (ticks, errors) for name, ticks, errors in rows.annotate(t=Sum("ticks"), e=Sum("errors"))}


def given_up(switch: SwitchChange | None) -> tuple[datetime, str] | None:
    """When the supervisor stopped entries because it lost a process, and why."""
    if switch is None or switch.by != "supervisor" or switch.state == SwitchChange.ACTIVE:
        return None
    return switch.at, switch.reason

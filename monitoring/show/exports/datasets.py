"""What can be exported: a dataset's columns, filters, and who may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from monitoring.models import AuditEntry, HealthScore, Incident
from monitoring.show.api import shapes
from monitoring.show.api.incidents import SEVERITY
from monitoring.show.api.incidents import STATUS as INCIDENT_STATUS
from monitoring.show.api.lists import CODE, KIND, OPEN, OUTCOME, SIDE, STATUS, timeframe
from monitoring.show.api.query import SPAN, SYMBOL, Field
from monitoring.show.api.risk import ACTION, TARGET, WHO
from monitoring.show.exports.pages import Row, pages
from monitoring.show.scene import Scene
from trading.models import Candle, Decision, Fill, IncomeEntry, Order, Position, Signal, Trade

INTEGER, NUMBER, MONEY, TEXT, TIME, BOOLEAN, JSON = "integer", "number", "money", "text", "time", "boolean", "json"
KINDS: tuple[tuple[type[models.Field], str], ...] = (
    (models.DecimalField, MONEY),
    (models.FloatField, NUMBER),
    (models.BooleanField, BOOLEAN),
    (models.DateTimeField, TIME),
    (models.JSONField, JSON),
    (models.IntegerField, INTEGER),
    (models.ForeignKey, INTEGER),
    (models.CharField, TEXT),
    (models.TextField, TEXT),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file, its kind, and where the rows keep it."""

    name: str
    kind: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`equal` maps a parameter to the column that it must equal; `read` yields the rows, a page at a time."""

    name: str
    columns: tuple[Column, ...]
    read: Callable[[Mapping[str, Any]], Iterator[list[Row]]]
    fields: tuple[Field, ...] = ()
    permit: str = "look"


def columns_of(model: type[models.Model], names: str) -> tuple[Column, ...]:
    """From `name` or `name=path`; the kind is the model field's."""
    pairs = [(name, path or name) for name, _, path in (word.partition("=") for word in names.split())]
    return tuple(Column(name, kind_of(model, path), path) for name, path in pairs)


def kind_of(model: type[models.Model], path: str) -> str:
    """The kind of a column, through relations where the path crosses some."""
    *relations, last = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    field = model._meta.get_field(last)
    return next(kind for known, kind in KINDS if isinstance(field, known))


def table(
    name: str,
    model: type[models.Model],
    names: str,
    time: str,
    fields: tuple[Field, ...] = (),
    equal: Mapping[str, str] | None = None,
    permit: str = "look",
    also: Callable[[Mapping[str, Any]], Q] | None = None,
) -> Dataset:
    """A dataset that is a table: oldest first, filtered by time and by the columns of `equal`."""
    columns, paths = columns_of(model, names), dict(equal or {field.name: field.name for field in fields})

    def read(asked: Mapping[str, Any]) -> Iterator[list[Row]]:
        same = {path: asked[field] for field, path in paths.items() if asked[field] is not None}
        return pages(model, [c.path for c in columns], same, also(asked) if also else Q(), time, asked)

    return Dataset(name, columns, read, (*SPAN, *fields), permit)


def still_open(asked: Mapping[str, Any]) -> Q:
    if asked["status"] == "all":
        return Q()
    closed = Q(status=Position.CLOSED)
    return closed if asked["status"] == "closed" else ~closed


def still_there(asked: Mapping[str, Any]) -> Q:
    return Q() if asked["status"] == "all" else Q(closed_at__isnull=asked["status"] == "open")


MODULE_COLUMNS = tuple(Column(*pair) for pair in (
    ("name", TEXT), ("title", TEXT), ("status", TEXT), ("why", TEXT), ("liveness", TEXT),
    ("last_tick", TIME), ("last_work", TIME),
    ("examined", INTEGER), ("actions", INTEGER), ("idle_reason", TEXT), ("last_error", TEXT), ("last_error_at", TIME),
    ("called_by", TEXT), ("every_s", NUMBER), ("lag_s", NUMBER), ("process", TEXT), ("code", TEXT),
))  # fmt: skip


def modules(asked: Mapping[str, Any]) -> Iterator[list[Row]]:
    """Every module that must run, the silent ones too."""
    told = [shapes.module(pulse) for pulse in Scene(timezone.now()).pulses]
    yield [tuple(row[column.name] for column in MODULE_COLUMNS) for row in told]


SIGNALS = table(
    "signals", Signal,
    "id symbol side confidence threshold agreement votes excluded price atr r cost_r at mode",
    "at", (SYMBOL, SIDE),
)  # fmt: skip
DECISIONS = table(
    "decisions", Decision,
    "id signal=signal_id symbol=signal__symbol side=signal__side confidence=signal__confidence outcome code sentence"
    " rejections gates rank policy_version=policy__version at settled_at mode",
    "at", (SYMBOL, OUTCOME, CODE), {"symbol": "signal__symbol", "outcome": "outcome", "code": "code"},
)  # fmt: skip
ORDERS = table(
    "orders", Order,
    "id client_order_id=intent__client_order_id venue_order_id symbol=intent__symbol kind=intent__kind"
    " side=intent__side type=intent__type status quantity=intent__quantity price=intent__price trigger=intent__trigger"
    " reduce_only=intent__reduce_only close_position=intent__close_position filled average_price error_code error"
    " reason=intent__reason requester=intent__requester decision=intent__decision_id position=intent__position_id"
    " created_at=intent__created_at sent_at updated_at verified_at mode",
    "sent_at", (SYMBOL, STATUS, KIND), {"symbol": "intent__symbol", "status": "status", "kind": "intent__kind"},
)  # fmt: skip
FILLS = table(
    "fills", Fill,
    "id trade_id order=order_id venue_order_id position=position_id symbol side price quantity fee realized maker at"
    " mode",
    "at", (SYMBOL,),
)  # fmt: skip
POSITIONS = table(
    "positions", Position,
    "id symbol side status quantity opened_quantity leverage margin_mode entry_price mark_price mark_at"
    " liquidation_price unrealized_pnl=unrealized realized_pnl=realized fees funding r_price=r stop_price"
    " backstop_price target_price trailing opened_at expires_at closed_at close_reason decision=decision_id"
    " seconds_unprotected seconds_outage verified_at mode",
    "opened_at", (SYMBOL, SIDE, OPEN), {"symbol": "symbol", "side": "side"}, also=still_open,
)  # fmt: skip
TRADES = table(
    "trades", Trade,
    "id position=position_id symbol side quantity entry_price exit_price gross fees funding net r=r_multiple opened_at"
    " closed_at close_reason mode",
    "closed_at", (SYMBOL, SIDE),
)  # fmt: skip
INCOME = table(
    "income", IncomeEntry, "id income_id kind symbol asset amount trade_id info at read_at mode", "at", (SYMBOL,)
)
HEALTH = table("health", HealthScore, "id at overall coverage status evidence", "at")
INCIDENTS = table(
    "incidents", Incident,
    "id key code subsystem severity params impacts_trading first_seen last_seen count remedy attempts escalated_at"
    " verified evidence closed_at acknowledged_at acknowledged_by",
    "first_seen", (SEVERITY, INCIDENT_STATUS), {"severity": "severity"}, also=still_there,
)  # fmt: skip
AUDIT = table(
    "audit", AuditEntry, "seq at who action target before after reason previous hash", "at", (WHO, ACTION, TARGET),
    permit="audit.read",
)  # fmt: skip
CANDLES = table(
    "candles", Candle, "symbol timeframe open_time open high low close volume", "open_time", (SYMBOL, timeframe())
)
MODULES = Dataset("modules", MODULE_COLUMNS, modules)

DATASETS: dict[str, Dataset] = {
    one.name: one
    for one in (
        SIGNALS, DECISIONS, ORDERS, FILLS, POSITIONS, TRADES, INCOME, HEALTH, MODULES, INCIDENTS, AUDIT, CANDLES,
    )
}  # fmt: skip

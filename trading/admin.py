"""The admin's tables of the trading side: searchable, filterable, and never edited. People act through actions."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

SEARCHED = (
    "symbol",
    "client_order_id",
    "venue_order_id",
    "trade_id",
    "income_id",
    "code",
    "name",
    "key",
    "kind",
    "version",
    "who",
    "action",
    "target",
    "requested_by",
    "changed_by",
    "cleared_by",
    "by",
    "reason",
    "why",
    "sentence",
)
FILTERED = (
    "status",
    "outcome",
    "state",
    "kind",
    "side",
    "regime",
    "volatility",
    "severity",
    "became",
    "timeframe",
    "enabled",
    "trailing",
    "passed",
)
DATED = {  # tables small enough for a calendar above the list
    "Position": "opened_at",
    "Trade": "closed_at",
    "SwitchChange": "at",
    "PolicyVersion": "since",
    "TrainingRun": "started_at",
    "AuditEntry": "at",
    "Incident": "first_seen",
    "CloseRequest": "requested_at",
    "TrimRequest": "requested_at",
    "CooldownClear": "cleared_at",
    "PreflightRun": "requested_at",
}
REACHED = {  # what is searched for on another table's row
    "Decision": ("signal__symbol",),
    "Order": ("intent__symbol", "intent__client_order_id"),
    "OrderMove": ("order__intent__symbol", "order__venue_order_id"),
    "CloseRequest": ("position__symbol",),
    "TrimRequest": ("position__symbol",),
    "SignalOutcome": ("signal__symbol",),
}
SECRET = ("digest",)  # not even hashes of keys are shown
COLUMNS = 10


class History(ModelAdmin):
    """A table to read: nothing is added, changed or deleted here. Every member of the staff may look."""

    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    ordering = ("-pk",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """The list reads its short columns alone; long texts and JSON wait for the row's own page."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer(*heavy(self.model)) if match and str(match.url_name).endswith("_changelist") else rows


def heavy(model: type[models.Model]) -> list[str]:
    return [f.name for f in model._meta.fields if isinstance(f, (models.JSONField, models.TextField))]


def columns(model: type[models.Model]) -> list[Any]:
    """The columns of the list: short fields, and other rows by their number."""
    hidden = {*heavy(model), *SECRET}
    fields = [f for f in model._meta.fields if f.name not in hidden]
    return [column(f) for f in fields][:COLUMNS]


def column(field: models.Field) -> Any:
    if isinstance(field, models.ForeignKey):
        return numbered(field)
    return trimmed(field) if isinstance(field, models.DecimalField) else field.name


def trimmed(field: models.DecimalField) -> Any:
    """Money without the zeros that its column pads it with."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def shown(row: models.Model) -> str:
        value = getattr(row, field.name)
        return "-" if value is None else f"{value.normalize():f}"

    shown.__name__ = f"{field.name}_trimmed"
    return shown


def numbered(field: models.ForeignKey) -> Any:
    """Another row as a link with its number: its text would cost a query."""
    other = field.related_model

    @admin.display(description=field.verbose_name, ordering=field.attname)
    def shown(row: models.Model) -> SafeString | str:
        number = getattr(row, field.attname)
        if number is None:
            return "-"
        address = reverse(f"admin:{other._meta.app_label}_{other._meta.model_name}_change", args=[number])
        return format_html('<a href="{}">{}</a>', address, number)

    shown.__name__ = field.name
    return shown


def history_of(model: type[models.Model], base: type[History] = History) -> type[History]:
    """The admin of a table, from its own fields."""
    names, name = {f.name for f in model._meta.fields}, model.__name__
    words = {
        "list_display": columns(model),
        "search_fields": [n for n in SEARCHED if n in names] + list(REACHED.get(name, ())) or ["pk"],
        "list_filter": [n for n in FILTERED if n in names],
        "date_hierarchy": DATED.get(name),
        "exclude": [n for n in SECRET if n in names],
    }
    return type(f"{name}History", (base,), words)


def register_all(app: str) -> None:
    """Every table of the app that has no admin yet."""
    for model in apps.get_app_config(app).get_models():
        if not admin.site.is_registered(model):
            admin.site.register(model, history_of(model))


register_all("trading")

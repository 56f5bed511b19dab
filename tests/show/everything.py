"""At least one row in every table of ours: made by its own fields, but for what a constraint wants otherwise."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.apps import apps
from django.db import models

WANTED: dict[str, dict[str, Any]] = {
    "Candle": {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "volume": 5.0},
    "Signal": {"side": "long", "confidence": 0.4},
    "Decision": {"outcome": "rejected", "code": "CORRELATION"},
    "Intent": {"side": "buy", "kind": "entry", "type": "MARKET", "decision": True},
    "Position": {"side": "long"},
    "Trade": {"side": "long"},
    "SwitchChange": {"state": "halted"},
    "SignalOutcome": {"ended": "target", "hit": True, "net_r": 2.3},
    "ModelFinding": {"verdict": "ok"},
    "Directive": {"level": "REDUCED"},
    "TrimProposal": {"why": "CORRELATED"},
    "TrimRequest": {"quantity": Decimal(1), "before": Decimal(2)},
    "VenueStart": {"state": "stopped"},
    "CanaryRun": {"mode": "practice", "symbol": "BTC/USDT:USDT"},
    "Incident": {"severity": "high"},
    "Alert": {"severity": "page"},
    "AlertDelivery": {"kind": "begun"},
    "LawMinute": {"state": "kept"},
    "DrillRun": {"profile": "embedded", "mode": "practice"},
    "ReliabilityFigure": {"profile": "embedded", "value": 1.5},
    "Order": {"status": "filled"},
    "PeriodicTask": {"interval": True, "task": "trading.tick", "args": '["risk_guard"]', "enabled": True},
    "SolarSchedule": {"event": "sunset", "latitude": Decimal(59), "longitude": Decimal(10)},
    "PeriodicTasks": {"ident": 1},
    "LogEntry": {"action_flag": 1},
}
number = count(1)


def row_of(model: type[models.Model], now: datetime) -> models.Model:
    """The table's first row, or a new one with everything that it needs."""
    found = model._default_manager.first()
    if found is not None:
        return found
    wanted = WANTED.get(model.__name__, {})
    values = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and field.name not in wanted:
            continue
        value = wanted.get(field.name)
        if isinstance(field, models.ForeignKey):
            if not field.null or value is True:
                values[field.name] = row_of(field.related_model, now)
        elif value is not None:
            values[field.name] = value
        elif not field.has_default() and not field.null:
            values[field.name] = plain(field, now)
    return model._default_manager.create(**values)


def plain(field: models.Field, now: datetime) -> Any:
    """Something legal for a field that must have something."""
    match field:
        case models.DateTimeField():
            return now
        case models.DateField():
            return now.date()
        case models.BooleanField():
            return False
        case models.DecimalField():
            return Decimal(1)
        case models.FloatField() | models.IntegerField():
            return 1
        case _:
            return f"{field.name[:3]}{next(number)}"[: field.max_length or 20]


def fill(now: datetime) -> None:
    """One row in every table that has an admin."""
    from django.contrib import admin

    for model in admin.site._registry:
        row_of(model, now)


def tables() -> list[type[models.Model]]:
    """Every table of ours, of beat and of the people."""
    labels = ("trading", "monitoring", "django_celery_beat")
    own = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return own + [apps.get_model(name) for name in ("auth.User", "auth.Group", "admin.LogEntry")]

"""Every setting as it is in force: its value, where that came from, and who changed it when. Secrets stay unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from quantum.config import SECRETS
from trading import tuning
from trading.models import TunedSetting

DEFAULT, ENVIRONMENT, DATABASE, CLAMP = "default", "environment", "database", "clamp"
GROUPS: dict[str, tuple[str, ...]] = {
    "mode": ("QT_MODE", "QT_PAPER_TRADING", "STAGING_MODE", "QT_ENABLE_EXECUTION", "QT_CONTINUOUS_LEARNING"),
    "market": ("QT_SYMBOLS", "QT_TIMEFRAME", "QT_PRACTICE_", "QT_RELAY_"),
    "entries": (
        "QT_CONFIDENCE_THRESHOLD",
        "QT_POLICY_",
        "QT_COOLDOWN_SECONDS",
        "QT_MAX_POSITIONS",
        "QT_MAX_CORRELATION",
        "QT_MAX_DATA_AGE",
    ),
    "size": (
        "QT_RISK_PER_TRADE",
        "QT_MAX_OPEN_RISK",
        "QT_MAX_DAILY_LOSS",
        "QT_MAX_LEVERAGE",
        "QT_MARGIN_MODE",
    ),
    "exits": ("QT_STOP_", "QT_BACKSTOP_ATR", "QT_TRAIL", "QT_TARGET_R", "QT_HORIZON_BARS", "QT_MIN_STOP_COSTS"),
    "modules": (
        "QT_MODEL_",
        "QT_BIAS_",
        "QT_PORTFOLIO_",
        "QT_POSITION_",
        "QT_CRITICAL_",
        "QT_RETRAIN",
        "QT_SUPERVISOR_",
        "QT_FIRE_",
    ),
    "alerts": ("QT_ALERT_",),
    "venue": ("QT_API_", "QT_TESTNET_"),
    "places": ("QT_VAR", "QT_ENV_FILE", "QT_SECRET_KEY", "QT_LOG_FORMAT", "DATABASE_URL", "REDIS_URL", "PORT"),
}
DERIVED = {"QT_TIMEFRAME": "timeframe"}  # a blank one means what the mode says


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force. Of a secret only `is_set` is told."""

    name: str
    group: str
    value: Any
    first: Any  # the environment's, or the default
    default: Any
    source: str
    allowed: tuning.Range
    tunable: tuning.Tunable | None
    secret: bool
    is_set: bool
    row: TunedSetting | None = None

    @property
    def changed_by(self) -> str | None:
        return self.row.changed_by if self.row else None

    @property
    def changed_at(self) -> datetime | None:
        return self.row.changed_at if self.row else None

    @property
    def reason(self) -> str:
        return self.row.reason if self.row else ""


def effective(rows: Mapping[str, TunedSetting] | None = None) -> list[Setting]:
    """Every setting, in the order of the configuration; one query where no rows are given."""
    rows = tuning.rows() if rows is None else rows
    first = settings.QUANTUM
    now = tuning.overlay(first, {name: row.value for name, row in rows.items()})
    return [one(name, first, now, rows.get(name)) for name in type(first).model_fields]


def setting(name: str, rows: Mapping[str, TunedSetting]) -> Setting:
    """One setting by its name."""
    first = settings.QUANTUM
    return one(name, first, tuning.overlay(first, {n: row.value for n, row in rows.items()}), rows.get(name))


def one(name: str, first: Any, now: Any, row: TunedSetting | None) -> Setting:
    secret, field = name in SECRETS, type(first).model_fields[name]
    value, began = known(now, name), known(first, name)
    return Setting(
        name=name,
        group=group_of(name),
        value=None if secret else value,
        first=None if secret else began,
        default=None if secret else began if name in DERIVED or name == "QT_MAX_DATA_AGE" else plain(field.default),
        source=source(name, first, value, row),
        allowed=tuning.range_of(first, name),
        tunable=tuning.TUNABLE.get(name),
        secret=secret,
        is_set=name in first.model_fields_set and bool(getattr(first, name) not in ("", None)),
        row=row if name in tuning.TUNABLE else None,
    )


def known(config: Any, name: str) -> Any:
    """The value as the house uses it."""
    if name in DERIVED:
        return getattr(config, DERIVED[name])
    return tuning.first_value(config, name) if name in tuning.TUNABLE else plain(getattr(config, name))


def plain(value: Any) -> Any:
    return getattr(value, "value", value)


def source(name: str, first: Any, value: Any, row: TunedSetting | None) -> str:
    """database where a row wins, clamp where it had to be cut, else environment or default."""
    if row is not None and row.value and name in tuning.TUNABLE:
        return DATABASE if tuning.parsed(first, name, row.value) == value else CLAMP
    return ENVIRONMENT if name in first.model_fields_set else DEFAULT


def group_of(name: str) -> str:
    """The group that names it, or the beginning of its name; the longest wins."""
    found = [(len(start), group) for group, starts in GROUPS.items() for start in starts if name.startswith(start)]
    return max(found)[1] if found else "places"

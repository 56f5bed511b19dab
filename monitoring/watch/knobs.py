"""A setting as a person sees it: its value, its default, its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from monitoring.watch.effective import setting
from monitoring.watch.words import NBSP, grouped, percent, places_of, plain
from trading.models import TunedSetting

SHARES = {
    "QT_MAX_CORRELATION",
    "QT_CONFIDENCE_THRESHOLD",
    "QT_POLICY_MIN_CONF_TRENDING",
    "QT_POLICY_MIN_CONF_RANGING",
    "QT_POLICY_MIN_CONF_NORMAL",
}
PERCENTS = {"QT_RISK_PER_TRADE", "QT_MAX_OPEN_RISK", "QT_MAX_DAILY_LOSS", "QT_TRAILING_MIN_PROFIT", "QT_BIAS_THRESHOLD"}
SECONDS = {"QT_COOLDOWN_SECONDS", "QT_MAX_DATA_AGE", "QT_STOP_ESCALATE_SECONDS"}
NAMES = {"PORT", "QT_PRACTICE_SEED"}  # numbers that count nothing
OF_R = {"QT_TRAIL_DISTANCE", "QT_TARGET_R"}
MULTIPLES = {"QT_MAX_LEVERAGE", "QT_STOP_ATR", "QT_BACKSTOP_ATR", "QT_MIN_STOP_COSTS"}


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting in force; `changed_by` is who tuned it last, blank where nobody has."""

    name: str
    value: object
    default: object
    shown: str
    default_shown: str
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def is_default(self) -> bool:
        return self.value == self.default


def knob(name: str, rows: Mapping[str, TunedSetting]) -> Knob | None:
    """The setting of that name, or None where there is none (a gate may name the kill switch or the policy)."""
    if name not in type(settings.QUANTUM).model_fields:
        return None
    one = setting(name, rows)
    row = rows.get(name)
    by, at = (row.changed_by, row.changed_at) if row else ("", None)
    return Knob(name, one.value, one.default, shown(name, one.value), shown(name, one.default), by, at)


def shown(name: str, value: object) -> str:
    if value is None:
        return _("not set")
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (int, float)):
        return str(value)
    if name in NAMES:
        return str(value)
    if name in SHARES:
        return grouped(value, max(2, places_of(Decimal(str(value)))))
    if name in PERCENTS:
        return percent(value, max(1, places_of(Decimal(str(value)) * 100)))
    if name in SECONDS or name.endswith("_INTERVAL"):
        return f"{plain(value)}{NBSP}s"
    if name in OF_R:
        return f"{plain(value)}{NBSP}R"
    return f"{plain(value)}×" if name in MULTIPLES else plain(value)

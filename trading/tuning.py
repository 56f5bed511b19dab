"""Limits that people tune while the system runs: the environment gives the first value, a row wins afterwards.

`effective()` is the configuration in force, one query; `overlay` is its pure part. A row that the environment has
since made impossible (out of its range, or against another setting) is cut to the nearest value that is possible. A row
that is no number says nothing: exits and gates must not stop at it, so the environment's value stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings

from trading.gates.sizing import BEYOND
from trading.models import TunedSetting


class Loosens(StrEnum):
    """In which direction a change lets more risk in."""

    UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True)
class Tunable:
    """A limit that may be changed while the system runs. Its type, range and default are the configuration's own."""

    name: str
    loosens: Loosens
    unit: str  # share, seconds, positions, times, R, atr, confidence
    group: str  # entries, size, exits, data

    def eases(self, was: float, becomes: float) -> bool:
        return becomes > was if self.loosens is Loosens.UP else becomes < was


UP, DOWN = Loosens.UP, Loosens.DOWN
TUNABLE: dict[str, Tunable] = {
    one.name: one
    for one in (
        Tunable("QT_CONFIDENCE_THRESHOLD", DOWN, "confidence", "entries"),
        Tunable("QT_POLICY_MIN_CONF_TRENDING", DOWN, "confidence", "entries"),
        Tunable("QT_POLICY_MIN_CONF_RANGING", DOWN, "confidence", "entries"),
        Tunable("QT_POLICY_MIN_CONF_NORMAL", DOWN, "confidence", "entries"),
        Tunable("QT_COOLDOWN_SECONDS", DOWN, "seconds", "entries"),
        Tunable("QT_MAX_POSITIONS", UP, "positions", "entries"),
        Tunable("QT_MAX_CORRELATION", UP, "correlation", "entries"),
        Tunable("QT_MAX_DATA_AGE", UP, "seconds", "data"),
        Tunable("QT_RISK_PER_TRADE", UP, "share", "size"),
        Tunable("QT_MAX_OPEN_RISK", UP, "share", "size"),
        Tunable("QT_MAX_DAILY_LOSS", UP, "share", "size"),
        Tunable("QT_MAX_LEVERAGE", UP, "times", "size"),
        Tunable("QT_BACKSTOP_ATR", UP, "atr", "exits"),
        Tunable("QT_STOP_ESCALATE_SECONDS", UP, "seconds", "exits"),
        Tunable("QT_TRAILING_MIN_PROFIT", UP, "share", "exits"),
        Tunable("QT_TRAIL_DISTANCE", UP, "r", "exits"),
    )
}


@dataclass(frozen=True, slots=True)
class Range:
    """What a setting may be. `above` is an exclusive lower end."""

    low: float | None
    high: float | None
    whole: bool
    above: bool = False

    def holds(self, value: float) -> bool:
        low = self.low is None or (value > self.low if self.above else value >= self.low)
        return low and (self.high is None or value <= self.high)


def range_of(config: Any, name: str) -> Range:
    """The range that the configuration declares for a setting."""
    field = type(config).model_fields[name]
    low = high = None
    above = False
    for rule in field.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        above = above or hasattr(rule, "gt")
        high = getattr(rule, "le", high)
    return Range(low, high, field.annotation is int, above)


def first_value(config: Any, name: str) -> float:
    """The environment's value, or the default."""
    value = getattr(config, name)
    return config.max_data_age.total_seconds() if name == "QT_MAX_DATA_AGE" and value is None else value


def parsed(config: Any, name: str, text: str) -> float | None:
    """The number that a row holds; None where it holds none, or one that no cutting makes possible."""
    allowed = range_of(config, name)
    try:
        value = int(text) if allowed.whole else float(text)
    except ValueError:
        return None
    too_low = allowed.above and allowed.low is not None and value <= allowed.low
    return value if math.isfinite(value) and not too_low else None


def overlay(config: Any, tuned: Mapping[str, str]) -> Any:
    """The configuration with the tuned values that are possible, each cut where it is not."""
    cut = {name: within(value, range_of(config, name)) for name, value in numbers(config, tuned).items()}
    made = config.model_copy(update=cut)
    related: dict[str, float] = {}
    if made.QT_RISK_PER_TRADE > made.QT_MAX_OPEN_RISK:
        related["QT_RISK_PER_TRADE"] = made.QT_MAX_OPEN_RISK
    nearest = float(BEYOND) * made.QT_STOP_ATR
    if nearest > made.QT_BACKSTOP_ATR:
        related["QT_BACKSTOP_ATR"] = nearest
    return made.model_copy(update=related) if related else made


def numbers(config: Any, tuned: Mapping[str, str]) -> dict[str, float]:
    """The tuned values that are numbers, uncut."""
    read = {name: parsed(config, name, text) for name, text in tuned.items() if text and name in TUNABLE}
    return {name: value for name, value in read.items() if value is not None}


def within(value: float, allowed: Range) -> float:
    if allowed.low is not None and value < allowed.low:
        return allowed.low
    return allowed.high if allowed.high is not None and value > allowed.high else value


def rows() -> dict[str, TunedSetting]:
    """Every tuned setting by name; one query."""
    return {row.name: row for row in TunedSetting.objects.all()}


def effective() -> Any:
    """The configuration in force now; one query."""
    return overlay(settings.QUANTUM, dict(TunedSetting.objects.values_list("name", "value")))

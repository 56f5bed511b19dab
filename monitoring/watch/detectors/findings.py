"""What can be found: one thing that is wrong, how much it weighs, and the remedies for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
SEVERITIES = (LOW, MEDIUM, HIGH, CRITICAL)


class Ailment(StrEnum):
    MODULE_SILENT = "MODULE_SILENT"
    MODULE_FAILING = "MODULE_FAILING"
    PROCESS_SILENT = "PROCESS_SILENT"
    STREAM_SILENT = "STREAM_SILENT"
    FEED_STALE = "FEED_STALE"
    SYMBOLS_STALE = "SYMBOLS_STALE"
    TRAINING_STUCK = "TRAINING_STUCK"
    UNPROTECTED = "UNPROTECTED"
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    DATABASE_SLOW = "DATABASE_SLOW"
    BROKER_SILENT = "BROKER_SILENT"
    PART_UNKNOWN = "PART_UNKNOWN"
    RESTARTS_EXHAUSTED = "RESTARTS_EXHAUSTED"
    MONEY_DIFFERS = "MONEY_DIFFERS"
    STOPS_BROKEN = "STOPS_BROKEN"
    MODULE_NOT_LOADED = "MODULE_NOT_LOADED"
    MODULE_IDLE = "MODULE_IDLE"
    CODE_DIFFERS = "CODE_DIFFERS"
    CLOCK_OFF = "CLOCK_OFF"
    FEED_FROZEN = "FEED_FROZEN"
    GAP_OPEN = "GAP_OPEN"
    QUARANTINE = "QUARANTINE"
    MARK_STALE = "MARK_STALE"
    DISK_SHORT = "DISK_SHORT"


class Action(StrEnum):
    RUN_MODULE = "run_module"
    RESTART_MODULE = "restart_module"
    RESTART_PROCESS = "restart_process"
    BACKFILL_CANDLES = "backfill_candles"
    REFRESH_UNIVERSE = "refresh_universe"
    PROTECT_POSITION = "protect_position"


@dataclass(frozen=True, slots=True)
class Remedy:
    action: Action
    target: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with its numbers, and the remedies in the order in which they are tried."""

    code: Ailment
    subject: str
    subsystem: str
    severity: str
    params: Mapping[str, str | float]
    impacts_trading: bool
    remedies: tuple[Remedy, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.code}:{self.subject}" if self.subject else self.code.value


def trades(severity: str) -> bool:
    """Modules of these severities are asked before an order, or look after one."""
    return severity in (HIGH, CRITICAL)

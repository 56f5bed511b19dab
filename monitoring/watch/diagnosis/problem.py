"""What a diagnosis consists of: causes, problems with their evidence, and what may safely be pressed. Pure.

Codes and plain numbers only: the sentences are written in the reader's language by `words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitoring.watch.knobs import Knob


class Severity(StrEnum):
    """Critical is danger to open money or nothing at all runs; low is worth knowing."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Group(StrEnum):
    SIGNALS = "signals"
    EXCHANGE = "exchange"
    EXITS = "exits"
    MODELS = "models"
    OPERATIONS = "operations"


class Cause(StrEnum):
    """What can be the matter; one detector finds each."""

    # signals found, no orders
    SIGNALS_REJECTED = "SIGNALS_REJECTED"  # the subject is the code that stopped most
    SAME_REJECTIONS = "SAME_REJECTIONS"
    MINIMUM_OVERRIDDEN = "MINIMUM_OVERRIDDEN"
    NEAR_THRESHOLD = "NEAR_THRESHOLD"
    THRESHOLD_UNREACHABLE = "THRESHOLD_UNREACHABLE"
    SLOTS_STUCK = "SLOTS_STUCK"
    GHOST_POSITION = "GHOST_POSITION"
    BARS_NOT_JUDGED = "BARS_NOT_JUDGED"
    SYMBOLS_NOT_TRADING = "SYMBOLS_NOT_TRADING"
    UNKNOWN_CODE = "UNKNOWN_CODE"
    GATE_FAILS = "GATE_FAILS"
    SIGNALS_UNDECIDED = "SIGNALS_UNDECIDED"
    ENTRIES_HELD = "ENTRIES_HELD"
    # exchange and orders
    ORDERS_REFUSED = "ORDERS_REFUSED"  # the subject is the venue's code
    ORDERS_FAIL = "ORDERS_FAIL"
    KEYS_REFUSED = "KEYS_REFUSED"
    STOP_WOULD_TRIGGER = "STOP_WOULD_TRIGGER"
    CLOSED_AT_ONCE = "CLOSED_AT_ONCE"
    STOP_ON_WRONG_SIDE = "STOP_ON_WRONG_SIDE"
    ORDERS_NOT_SETTLED = "ORDERS_NOT_SETTLED"
    LEVERAGE_MISMATCH = "LEVERAGE_MISMATCH"
    RATE_LIMITED = "RATE_LIMITED"
    STOPS_CANCELLED = "STOPS_CANCELLED"
    ACCOUNT_UNREAD = "ACCOUNT_UNREAD"
    # exits
    UNPROTECTED = "UNPROTECTED"
    EXITS_NOT_JUDGED = "EXITS_NOT_JUDGED"
    RISK_VALUE_MISSING = "RISK_VALUE_MISSING"
    HELD_PRICE_STALE = "HELD_PRICE_STALE"
    TRAILING_BEHIND = "TRAILING_BEHIND"
    OPPOSITE_SIGNAL = "OPPOSITE_SIGNAL"
    STOP_TOO_NEAR = "STOP_TOO_NEAR"
    POSITION_OVERDUE = "POSITION_OVERDUE"
    CLOSE_FAILS = "CLOSE_FAILS"
    # models and data
    NO_MODEL = "NO_MODEL"
    TRAINING_FAILED = "TRAINING_FAILED"
    MODELS_EXCLUDED = "MODELS_EXCLUDED"
    FEATURES_MISMATCHED = "FEATURES_MISMATCHED"
    OVERCONFIDENT = "OVERCONFIDENT"
    FEW_VOTERS = "FEW_VOTERS"
    TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"
    NOTHING_TO_LEARN = "NOTHING_TO_LEARN"
    CANDLES_STALE = "CANDLES_STALE"
    ONE_SIDED = "ONE_SIDED"
    UNIVERSE_EMPTY = "UNIVERSE_EMPTY"
    # operations and truth
    PROCESS_DOWN = "PROCESS_DOWN"
    MODULE_BROKEN = "MODULE_BROKEN"  # it could not even be loaded
    MODULE_NEVER_CALLED = "MODULE_NEVER_CALLED"
    MODULE_DOWN = "MODULE_DOWN"
    MODULE_FAILS = "MODULE_FAILS"
    WORKS_ON_NOTHING = "WORKS_ON_NOTHING"
    SCHEDULE_OFF = "SCHEDULE_OFF"
    STREAM_SILENT = "STREAM_SILENT"
    ROWS_OF_ANOTHER_MODE = "ROWS_OF_ANOTHER_MODE"
    LOSS_CONCENTRATED = "LOSS_CONCENTRATED"
    CRASH_LOOP = "CRASH_LOOP"
    ORDERS_PAST_A_GATE = "ORDERS_PAST_A_GATE"
    LIMITS_LOOSENED = "LIMITS_LOOSENED"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that can be looked up: `code` names its words, `params` hold plain numbers, `href` opens it."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    href: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """A safe thing to press: `control` names a function of monitoring/control/actions, "" is only a way to a page."""

    control: str = ""  # tick_module, refresh_universe, retrain, close_position, clear_cooldown, set_switch, tune
    target: str = ""  # module, position id, symbol, setting, or switch state
    href: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One cause found. `params` hold what was measured: value, limit and unit where there are such, and since when."""

    cause: Cause
    subject: str  # what it hits: a code, symbol, module, position; "" where it is the whole house
    severity: Severity
    params: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    setting: str = ""
    action: Action | None = None
    knob: Knob | None = None  # that setting: its value, default and who changed it last
    share: float = 0.0  # of the window's signals (or, without any, of what should have been judged) that it explains
    danger: bool = False  # to money that is open: positions, orders on their way
    stake: float = 0.0  # how much of it, in USDT
    since: datetime | None = None
    because: str = ""  # key of the problem that this one follows from

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:  # NaN fails too
            raise ValueError(f"share must be within 0..1, was {self.share}")

    @property
    def key(self) -> str:
        return f"{self.cause}:{self.subject}" if self.subject else self.cause.value


@dataclass(frozen=True, slots=True)
class Meant:
    """Something that holds entries because it is meant to: a headline, never a fault."""

    code: str  # HALTED, REDUCING, a rejection code that is meant, MODELS_TRAINING, FLAT
    params: Mapping[str, Any] = field(default_factory=dict)
    share: float = 0.0
    setting: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One look: the problems in their order, and what stands still on purpose."""

    at: datetime
    window_s: float
    signals: int
    traded: int
    problems: tuple[Problem, ...] = ()
    meant: tuple[Meant, ...] = ()

    @property
    def dominant(self) -> Problem | None:
        return self.problems[0] if self.problems else None

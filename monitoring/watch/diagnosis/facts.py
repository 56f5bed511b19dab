"""What the detectors may know beside the probes' facts: counts, samples and rows as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitoring.watch.probes.answers import Answer
from monitoring.watch.probes.facts import Facts as Seen
from monitoring.watch.probes.held import Held


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision of the window, one of the newest. `case` is the rejection that its code stands for."""

    at: datetime  # of its bar
    symbol: str
    side: str
    outcome: str
    code: str
    case: Mapping[str, Any] = field(default_factory=dict)
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Believed:
    """One of the newest signals: who voted and who did not, and what a round trip costs it."""

    symbol: str
    side: str
    at: datetime
    confidence: float
    cost_r: float
    votes: int
    excluded: tuple[tuple[str, str], ...] = ()  # kind, why


@dataclass(frozen=True, slots=True)
class Bar:
    """One judged bar."""

    at: datetime
    evaluated: int
    signals: int
    highest: float | None = None  # confidence


@dataclass(frozen=True, slots=True)
class Sent:
    """An order: what it was for, and what became of it."""

    id: int
    kind: str  # entry, stop, backstop, target, exit
    symbol: str
    status: str
    sent_at: datetime
    error_code: int | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Orders of the window that the venue refused with one code."""

    code: int
    n: int
    first: datetime
    last: datetime
    stops: int = 0  # of them stops and backstops


@dataclass(frozen=True, slots=True)
class Won:
    """A closed trade."""

    symbol: str
    side: str
    net: float
    opened_at: datetime
    closed_at: datetime
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A stop of an open position that is not there any more."""

    position: int
    symbol: str
    kind: str
    at: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Loosened:
    """A limit that lets in more risk than its first value does."""

    name: str
    value: float
    first: float
    by: str
    at: datetime
    reason: str = ""
    steps: int = 0  # how often it was loosened within the last 30 days


@dataclass(frozen=True, slots=True)
class Hold:
    """A standing directive that holds entries."""

    level: str
    key: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Learned:
    """Signals of the last day whose horizon is over, and those of them that have an outcome."""

    matured: int = 0
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings in force that the detectors compare with."""

    mode: str
    confidence_threshold: float
    policy_minima: Mapping[str, float]  # by setting
    max_positions: int
    max_leverage: int
    bias: float
    min_stop_costs: float
    horizon: timedelta
    trail_profit: float
    trail_distance: float
    escalate: timedelta
    monitor: timedelta


@dataclass(frozen=True, slots=True)
class PolicyNow:
    version: int
    regime: str
    min_confidence: float
    entries_allowed: bool
    since: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment. `seen` is what the probes know, `said` what they answer."""

    seen: Seen
    said: Mapping[str, Answer]
    rules: Rules
    policy: PolicyNow | None = None
    judged: tuple[Judged, ...] = ()  # the newest first
    believed: tuple[Believed, ...] = ()  # the newest first
    bars: tuple[Bar, ...] = ()  # the newest first
    entries: tuple[Sent, ...] = ()  # the newest 20
    refusals: tuple[Refusals, ...] = ()
    unsettled: tuple[Sent, ...] = ()
    held: tuple[Held, ...] = ()
    opposed: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)  # signals against a held side, since when
    cancelled: tuple[Cancelled, ...] = ()
    trades: tuple[Won, ...] = ()  # of the last day, the newest first
    loosened: tuple[Loosened, ...] = ()
    holds: tuple[Hold, ...] = ()
    learned: Learned = Learned()
    alarms: Mapping[str, str] = field(default_factory=dict)  # champions that raised one: kind, why
    restarts: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)  # processes started again by healing
    starts: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)  # of each process within the hour
    broken: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # modules that could not be loaded: where, why
    calls: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # each module's ticks and errors of the hour
    given_up: tuple[datetime, str] | None = None  # the supervisor stopped entries over a process it lost
    programs: Mapping[str, str] = field(default_factory=dict)  # which process ticks a module
    born: datetime | None = None  # since when this database is used

    @property
    def now(self) -> datetime:
        return self.seen.now

    @property
    def signals(self) -> int:
        return sum(tally.n for tally in self.seen.decided)

    @property
    def traded(self) -> int:
        return sum(tally.n for tally in self.seen.decided if tally.outcome == "traded")

    def ago(self, at: datetime) -> float:
        """Seconds, never below zero."""
        return max(0.0, (self.now - at).total_seconds())

    def failed(self, probe: str) -> Answer | None:
        """What the probe says, where it says no."""
        answer = self.said.get(probe)
        return answer if answer is not None and answer.state == "fail" else None

"""What is stored of a module and of a process, as values: the evidence that is judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitoring.watch.liveness import Expected, liveness

BEATS = timedelta(seconds=3)  # how often a process beats
SOON = timedelta(seconds=15)  # what waits for longer is waited for in vain
STUCK_AFTER = timedelta(seconds=10)  # a tick takes seconds
LONGEST_TICK = timedelta(seconds=60)
IN_PASSING = ("executor", "stream")  # who records work for a module, or calls it beside its schedule
ENOUGH, UNCALLED = 4, timedelta(minutes=2)  # calls that were due, and for how long, before none is an alarm


@dataclass(frozen=True, slots=True)
class Process:
    """One process as its own heartbeat tells."""

    name: str
    host: str
    pid: int
    build: str
    code: str
    config_hash: str
    started_at: datetime
    beat_at: datetime
    work_at: datetime | None = None
    works: int = 0
    doing: str = ""
    doing_since: datetime | None = None
    lag_ms: int = 0
    broken: Mapping[str, str] = field(default_factory=dict)

    def alive(self, now: datetime) -> str:
        return liveness(self.beat_at, BEATS, now)


@dataclass(frozen=True, slots=True)
class Calls:
    """How often a module was called within the window, by whom, and what came of it."""

    by: Mapping[str, int] = field(default_factory=dict)  # caller: ticks
    expected: int = 0
    idle: int = 0
    errors: int = 0
    examined: int = 0
    actions: int = 0
    slowest: timedelta = timedelta(0)
    window: timedelta = timedelta(0)
    planned: bool = True  # beat is to call it

    @property
    def ticks(self) -> int:
        return sum(self.by.values())

    @property
    def own(self) -> int:
        """Its own ticks: beat's, the first one at a start, and those that healing or a person asked for."""
        return sum(n for caller, n in self.by.items() if caller not in IN_PASSING) if self.planned else self.ticks

    @property
    def share(self) -> float | None:
        """Of the calls that were due; None where none was."""
        return min(1.0, self.own / self.expected) if self.expected else None

    @property
    def never_came(self) -> bool:
        return self.planned and self.expected >= ENOUGH and self.window > UNCALLED and not self.own


@dataclass(frozen=True, slots=True)
class Due:
    """What waits for a module upstream, and what of it was done: `code` names the sentence."""

    code: str
    asked: float
    done: float
    waits: timedelta | None = None  # how long the oldest undone part has waited
    patience: timedelta = SOON

    @property
    def overdue(self) -> bool:
        return self.waits is not None and self.waits > self.patience


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is stored of one module."""

    one: Expected
    runner: str = ""  # the process that ticks it: worker, trainer
    scheduled: bool | None = None  # False: switched off; None: nobody planned it
    last_tick: datetime | None = None
    last_work: datetime | None = None
    claimed_at: datetime | None = None
    examined: int = 0
    actions: int = 0
    failed: int = 0
    trouble: str = ""
    idle_reason: str = ""
    error: str = ""
    error_at: datetime | None = None
    called_by: str = ""
    broken: str = ""
    process: Process | None = None  # the runner's newest heartbeat
    caller: Process | None = None  # beat's
    calls: Calls = Calls()
    due: Due | None = None

    @property
    def born(self) -> datetime | None:
        """Since when it could have been called; None where no process ever said that it lives."""
        return max((one.started_at for one in (self.process, self.caller) if one), default=None)

    @property
    def usual(self) -> timedelta:
        """How long a tick may take: twice the slowest of the window, within bounds."""
        return min(max(STUCK_AFTER, self.calls.slowest * 2), LONGEST_TICK)


def newest_of(processes: tuple[Process, ...], name: str) -> Process | None:
    return max((one for one in processes if one.name == name), key=lambda one: one.beat_at, default=None)

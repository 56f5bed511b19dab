"""All that the probes may know, read once: values, no rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.watch.liveness import NEVER, liveness
from monitoring.watch.probes.held import Closing, Held
from monitoring.watch.truth import Truth, lives
from monitoring.watch.verdict import Switch


@dataclass(frozen=True, slots=True)
class Pulse:
    """One module as its row tells; `every` is how often it should tick."""

    name: str
    every: timedelta
    last_tick: datetime | None = None
    last_work: datetime | None = None
    examined: int = 0
    actions: int = 0
    idle_reason: str = ""
    error: str = ""
    error_at: datetime | None = None
    called_by: str = ""
    scheduled: bool = True  # False: its schedule is switched off
    truth: Truth | None = None  # its line of the truth table

    def alive(self, now: datetime) -> str:
        if self.truth is not None:
            return lives(self.truth, now)
        return liveness(self.last_tick, self.every, now) if self.last_tick else NEVER

    @property
    def failing(self) -> bool:
        """Its newest tick ended in an error."""
        return bool(self.error_at and self.last_tick and self.error_at >= self.last_tick)


@dataclass(frozen=True, slots=True)
class Cycles:
    """The bars judged within the window, and the newest of all."""

    bars: int = 0
    symbols: int = 0
    evaluated: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)
    newest_bar: datetime | None = None  # its open time
    newest_at: datetime | None = None  # when it was judged
    newest_evaluated: int = 0
    newest_absent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisions of the window with one outcome and code."""

    outcome: str
    code: str
    n: int
    first: datetime
    last: datetime
    meant: bool = False  # the rejection is explained idleness
    strange: int = 0  # of them written by another mode


@dataclass(frozen=True, slots=True)
class Holding:
    """One open position, and when the exchange last showed its two stops."""

    id: int
    symbol: str
    notional: Decimal
    opened_at: datetime
    unprotected_since: datetime | None
    protected_since: datetime | None
    mark_at: datetime | None
    stop_seen_at: datetime | None
    backstop_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Champion:
    kind: str
    version: str
    trained_at: datetime
    quarantined: str = ""  # why it may not vote
    log_loss: float | None = None  # of the ensemble, on unseen data
    base_log_loss: float | None = None
    cases: int = 0
    alarm: str = ""  # what it raised, while it votes


@dataclass(frozen=True, slots=True)
class Training:
    running: bool = False
    stage: str = ""
    outcome: str = ""  # of the newest one that ended: done, failed
    ended_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that the supervisor measured: its verdict is ok, suspect, bad or unknown."""

    verdict: str = "unknown"
    n: int = 0
    value: float | None = None
    limit: float | None = None
    wanted: int = 0  # of what `n` counts, before anything can be said
    side: str = ""


@dataclass(frozen=True, slots=True)
class Supervision:
    """The Model Supervisor's newest look at the ensemble."""

    at: datetime
    bias: Topic = Topic()
    calibration: Topic = Topic()


@dataclass(frozen=True, slots=True)
class Balance:
    """The Portfolio Balancer's newest look, and the trims it still proposes: (symbol, why)."""

    at: datetime
    asked_by: str
    trims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Universe:
    at: datetime
    inside: tuple[str, ...]
    closes: Mapping[str, datetime]  # close time of each symbol's newest candle


@dataclass(frozen=True, slots=True)
class Account:
    at: datetime
    equity: Decimal
    latency_ms: int | None
    foreign: tuple[str, ...] = ()  # symbols of positions there that are not ours


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the validator's finding."""

    name: str
    passed: bool
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    at: datetime
    latency_ms: float | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class LogFile:
    name: str
    size: int
    writable: bool
    errors: int  # error lines of the last hour
    at: datetime | None = None  # of the newest line
    whole: bool = True  # all of that hour was read


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that looks."""

    free: int
    total: int
    logs: tuple[LogFile, ...] = ()
    memory_free: int = 0  # bytes that programs can still have
    memory_total: int = 0  # 0: not known


QUEUES = ("trade", "work")  # on each a task is enqueued now and then to see whether it runs


@dataclass(frozen=True, slots=True)
class Bell:
    """The newest task that was enqueued to ask whether tasks run: when it ran, and how long after it was enqueued."""

    at: datetime
    took_ms: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """An open incident, and how its remedies went."""

    id: int
    key: str
    severity: str
    first_seen: datetime
    attempts: int
    escalated: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed, from the settings."""

    data_age: timedelta
    stop_seen: timedelta  # how old the exchange's own word on a stop may be
    idle: timedelta  # signals without an order for so long need an explanation
    max_positions: int
    max_leverage: int
    models: int = 4
    trail_profit: float = 0.005  # share of the entry price from which on a stop trails
    trail_distance: float = 1.0  # R that it then keeps
    escalate: timedelta = timedelta(seconds=10)  # a stop that the market passed may stand for so long
    monitor: timedelta = timedelta(seconds=10)
    naked: timedelta = timedelta(seconds=5)  # law 5
    mark_age: timedelta = timedelta(seconds=30)
    account_age: timedelta = timedelta(seconds=45)
    answer_ms: int = 2000  # of the exchange
    round_trip_ms: int = 250  # of the database
    universe_age: timedelta = timedelta(minutes=15)
    clock_ms: int = 500  # from 2 000 on entries are denied
    clock_age: timedelta = timedelta(seconds=60)
    ping_age: timedelta = timedelta(seconds=60)
    messages_per_s: float = 0.2  # of the stream, at least: one mark price in five seconds
    bell_age: timedelta = timedelta(seconds=60)
    bell_ms: int = 10_000
    slots: float = 0.8  # of the calls that were due, at least
    memory_share: float = 0.15  # of the memory that must be left
    order_unknown: timedelta = timedelta(seconds=60)
    model_age: timedelta = timedelta(days=14)
    absent: float = 0.01  # share of symbol-bars without usable data
    attempts: int = 3  # remedies that may fail before one is called helpless
    log_bytes: int = 20_000_000
    log_errors: int = 20


@dataclass(frozen=True, slots=True)
class Facts:
    now: datetime
    bar: timedelta
    window: timedelta
    limits: Limits
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    stream: Pulse | None = None  # the stream process: its last work is when it last heard the venue
    switch: Switch = Switch()
    execution: bool = True
    cycles: Cycles = Cycles()
    decided: tuple[Tally, ...] = ()
    undecided: tuple[int, ...] = ()  # signals of the last day that have no decision
    last_traded: datetime | None = None
    slipped: tuple[int, ...] = ()  # decisions that led to an order without every gate's yes
    holdings: tuple[Holding, ...] = ()
    held: tuple[Held, ...] = ()  # the same positions, with what their way out hangs on
    closings: tuple[Closing, ...] = ()
    worst_gap: tuple[int, float] | None = None  # position and its seconds without a stop, the longest of the last day
    adrift: tuple[tuple[int, datetime], ...] = ()  # orders whose outcome is unknown, and since when
    sent: int = 0  # orders of the window
    refused: int = 0
    entries: int = 0  # of them to open something
    fruitless: int = 0  # of these: refused, never arrived, expired
    after_stop: int = 0  # of these: left although entries were stopped
    strange: Mapping[str, int] = field(default_factory=dict)  # rows of another mode, by what they are
    policy: tuple[int, datetime] | None = None  # version, since
    champions: tuple[Champion, ...] = ()
    training: Training = Training()
    universe: Universe | None = None
    faults: Mapping[str, int] = field(default_factory=dict)  # candles of the last hour that were not believed, by kind
    gaps: tuple[int, int] = (0, 0)  # open ones that features reach over, and the symbols that have them
    clock: tuple[int, datetime] | None = None  # ms that the venue's clock is ahead of ours, and when it was measured
    ping: tuple[int, datetime] | None = None  # ms in which the venue last told its time, and when
    account: Account | None = None
    finding: Finding | None = None
    supervision: Supervision | None = None
    balance: Balance | None = None
    machine: Machine | None = None
    running: Mapping[str, datetime] = field(default_factory=dict)  # processes that live, and since when
    bells: Mapping[str, Bell] = field(default_factory=dict)  # by queue
    slots: tuple[int, int] = (0, 0)  # calls of the hour that were made, of those that were due by schedule
    troubles: tuple[Trouble, ...] = ()  # open incidents

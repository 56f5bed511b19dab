"""What ails the system: facts in, findings out; and what proves that a finding is over. Pure.

No detector looks at decisions, signals or trades: that nothing is traded makes nothing unhealthy, so that holding
entries can never be the reason for holding them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.watch.liveness import DOWN, GRACE, liveness

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
SEVERITIES = (LOW, MEDIUM, HIGH, CRITICAL)

PATIENCE = timedelta(seconds=45)  # with modules, however often they are due
STREAM_BEATS = timedelta(seconds=5)
STREAM_QUIET = timedelta(seconds=20)  # prices come every second; the stream itself dials again after 15 s
PROTECT_WITHIN = timedelta(seconds=10)
KNOWN_WITHIN = timedelta(seconds=60)  # a lost answer is found out within the request's validity window and two looks
PASSING = timedelta(seconds=30)  # a module that fails for less is noted, not more
SLOW_MS = 1000.0
LATE_CANDLES = timedelta(seconds=15)  # a bar's late symbols are in by then


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


class Action(StrEnum):
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
class Ran:
    """A module as its row tells. `program` is the process that ticks it; `severity` that of its silence."""

    name: str
    title: str
    program: str
    every: timedelta
    last_tick: datetime | None
    severity: str = MEDIUM
    last_error: str = ""
    last_error_at: datetime | None = None

    @property
    def failing(self) -> bool:
        """Its newest tick ended in an error."""
        return bool(self.last_error_at and self.last_tick and self.last_error_at >= self.last_tick)


@dataclass(frozen=True, slots=True)
class Naked:
    position_id: int
    symbol: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """An order whose outcome is unknown."""

    order_id: int
    symbol: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the detectors rest on. Nothing can have been silent for longer than we have watched: since `born`."""

    now: datetime
    born: datetime
    modules: tuple[Ran, ...] = ()
    stream_beat: datetime | None = None  # the stream process, when it last said anything to us
    stream_heard: datetime | None = None  # and when it last heard anything from the venue
    closes: Mapping[str, datetime | None] = field(default_factory=dict)  # of the universe: newest candle's close
    max_age: timedelta = timedelta(seconds=90)
    training_beat: datetime | None = None  # of the running training; None where none runs
    training_silence: timedelta = timedelta(minutes=2)
    naked: tuple[Naked, ...] = ()
    lost: tuple[Lost, ...] = ()
    database_ms: float = 0.0
    broker_ms: float | None = 0.0  # None: it did not answer
    since: Mapping[str, datetime] = field(default_factory=dict)  # open incidents, when each was first seen

    def silence(self, last: datetime | None) -> timedelta:
        return self.now - max(last or self.born, self.born)


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


def detect(facts: Facts) -> list[Finding]:
    """Worst first."""
    found = [finding for detector in DETECTORS for finding in detector(facts)]
    return sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.key))


# -- modules and processes --------------------------------------------------------------------------------------------


def silent(ran: Ran, facts: Facts) -> bool:
    """Down, and not merely behind a queue of entries that are being filled."""
    last = max(ran.last_tick or facts.born, facts.born)
    return facts.now - last > PATIENCE and liveness(last, ran.every, facts.now) == DOWN


def dead_programs(facts: Facts) -> dict[str, list[Ran]]:
    """Programs of which no module ticks any more, two at least: it is the process, not the modules."""
    by_program: dict[str, list[Ran]] = {}
    for ran in facts.modules:
        by_program.setdefault(ran.program, []).append(ran)
    return {name: all_ for name, all_ in by_program.items() if len(all_) > 1 and all(silent(r, facts) for r in all_)}


def processes(facts: Facts) -> Iterator[Finding]:
    for name, modules in dead_programs(facts).items():
        seconds = min(facts.silence(ran.last_tick) for ran in modules).total_seconds()
        yield process_silent(name, seconds, len(modules))
    if facts.silence(facts.stream_beat) > STREAM_BEATS * 3 + GRACE:
        yield process_silent("stream", facts.silence(facts.stream_beat).total_seconds(), 1)


def process_silent(name: str, seconds: float, modules: int) -> Finding:
    again = Remedy(Action.RESTART_PROCESS, name)
    params: dict[str, str | float] = {"process": name, "seconds": seconds, "modules": modules}
    subsystem = {"stream": "data_feed", "worker": "executor"}.get(name, name)
    return Finding(Ailment.PROCESS_SILENT, name, subsystem, CRITICAL, params, True, (again, again, again))


def silent_modules(facts: Facts) -> Iterator[Finding]:
    dead = dead_programs(facts)
    for ran in facts.modules:
        if ran.program in dead or not silent(ran, facts):
            continue
        params: dict[str, str | float] = {
            "module": ran.title,
            "seconds": facts.silence(ran.last_tick).total_seconds(),
            "every": ran.every.total_seconds(),
        }
        again = Remedy(Action.RESTART_MODULE, ran.name)
        remedies = (again, again, Remedy(Action.RESTART_PROCESS, ran.program))
        yield Finding(Ailment.MODULE_SILENT, ran.name, ran.name, ran.severity, params, trades(ran.severity), remedies)


def failing_modules(facts: Facts) -> Iterator[Finding]:
    """An error that passes is noted; one that stays weighs as much as the module."""
    for ran in facts.modules:
        if not ran.failing or silent(ran, facts):
            continue
        lasted = facts.now - facts.since.get(f"{Ailment.MODULE_FAILING}:{ran.name}", facts.now)
        severity = ran.severity if lasted >= max(PASSING, ran.every * 2) else LOW
        params: dict[str, str | float] = {"module": ran.title, "error": ran.last_error[:200]}
        again = Remedy(Action.RESTART_MODULE, ran.name)
        yield Finding(
            Ailment.MODULE_FAILING, ran.name, ran.name, severity, params, trades(severity), (again, again, again)
        )


def trades(severity: str) -> bool:
    """Modules of these severities are asked before an order, or look after one."""
    return severity in (HIGH, CRITICAL)


# -- market data ------------------------------------------------------------------------------------------------------


def quiet_stream(facts: Facts) -> Iterator[Finding]:
    """The process beats, but the venue says nothing."""
    seconds = facts.silence(facts.stream_heard)
    if facts.silence(facts.stream_beat) <= STREAM_BEATS * 3 + GRACE and seconds > STREAM_QUIET:
        params = {"seconds": seconds.total_seconds(), "limit": STREAM_QUIET.total_seconds()}
        again = Remedy(Action.RESTART_PROCESS, "stream")
        remedies = (Remedy(Action.BACKFILL_CANDLES), again, again)
        yield Finding(Ailment.STREAM_SILENT, "", "data_feed", CRITICAL, params, True, remedies)


def stale_candles(facts: Facts) -> Iterator[Finding]:
    """All symbols' candles are old, or some symbols'."""
    limit = facts.max_age + LATE_CANDLES
    late = {s: facts.silence(at) for s, at in facts.closes.items() if facts.silence(at) > limit}
    if not late:
        return
    oldest = max(late, key=lambda s: (facts.now - (facts.closes[s] or facts.born), s))
    params: dict[str, str | float] = {
        "symbols": len(late),
        "of": len(facts.closes),
        "symbol": oldest,
        "seconds": (facts.now - (facts.closes[oldest] or facts.born)).total_seconds(),
        "limit": facts.max_age.total_seconds(),
    }
    fetch, refresh = Remedy(Action.BACKFILL_CANDLES), Remedy(Action.REFRESH_UNIVERSE)
    if len(late) == len(facts.closes):
        remedies = (fetch, refresh, Remedy(Action.RESTART_PROCESS, "stream"))
        yield Finding(Ailment.FEED_STALE, "", "data_feed", CRITICAL, params, True, remedies)
    else:
        yield Finding(Ailment.SYMBOLS_STALE, "", "data_feed", MEDIUM, params, False, (fetch, refresh, fetch))


# -- models, positions, orders ----------------------------------------------------------------------------------------


def stuck_training(facts: Facts) -> Iterator[Finding]:
    if facts.training_beat is None or facts.silence(facts.training_beat) <= facts.training_silence:
        return
    params = {"seconds": facts.silence(facts.training_beat).total_seconds(),
              "limit": facts.training_silence.total_seconds()}  # fmt: skip
    again = Remedy(Action.RESTART_MODULE, "models")
    yield Finding(Ailment.TRAINING_STUCK, "", "models", MEDIUM, params, False, (again, again, again))


def unprotected(facts: Facts) -> Iterator[Finding]:
    for one in facts.naked:
        if facts.silence(one.since) > PROTECT_WITHIN:
            params: dict[str, str | float] = {
                "symbol": one.symbol,
                "seconds": (facts.now - one.since).total_seconds(),
                "limit": PROTECT_WITHIN.total_seconds(),
            }
            again = Remedy(Action.PROTECT_POSITION, str(one.position_id))
            subject = str(one.position_id)
            yield Finding(
                Ailment.UNPROTECTED, subject, "position_monitor", CRITICAL, params, True, (again, again, again)
            )


def unknown_orders(facts: Facts) -> Iterator[Finding]:
    for one in facts.lost:
        if facts.silence(one.since) > KNOWN_WITHIN:
            params: dict[str, str | float] = {
                "symbol": one.symbol,
                "seconds": (facts.now - one.since).total_seconds(),
                "limit": KNOWN_WITHIN.total_seconds(),
            }
            again = Remedy(Action.RESTART_MODULE, "position_monitor")
            subject = str(one.order_id)
            yield Finding(Ailment.ORDER_UNKNOWN, subject, "exchange", HIGH, params, True, (again, again, again))


# -- what lies beneath ------------------------------------------------------------------------------------------------


def slow_database(facts: Facts) -> Iterator[Finding]:
    if facts.database_ms > SLOW_MS:
        params = {"ms": facts.database_ms, "limit_ms": SLOW_MS}
        yield Finding(Ailment.DATABASE_SLOW, "", "database", MEDIUM, params, False)


def silent_broker(facts: Facts) -> Iterator[Finding]:
    """Without it beat's schedules reach nobody; the stream trades on by itself."""
    if facts.broker_ms is None:
        yield Finding(Ailment.BROKER_SILENT, "", "broker", HIGH, {}, True)


DETECTORS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    processes,
    silent_modules,
    failing_modules,
    quiet_stream,
    stale_candles,
    stuck_training,
    unprotected,
    unknown_orders,
    slow_database,
    silent_broker,
)


# -- proof that it is over --------------------------------------------------------------------------------------------


Proof = Mapping[str, str | float] | None


def proof(code: str, subject: str, facts: Facts, since: datetime) -> Proof:
    """What shows, newer than `since`, that this ailment is over; None where nothing shows it yet."""
    return PROOFS[Ailment(code)](subject, facts, since)


def ticked(subject: str, facts: Facts, since: datetime) -> Proof:
    """It has ticked since, without an error. A module that is not expected any more needs no proof."""
    ran = next((r for r in facts.modules if r.name == subject), None)
    if ran is None:
        return {"expected": "no longer"}
    if ran.last_tick is None or ran.last_tick <= since or ran.failing or silent(ran, facts):
        return None
    return {"ticked_at": ran.last_tick.isoformat()}


def all_ticked(subject: str, facts: Facts, since: datetime) -> Proof:
    if subject == "stream":
        return heard("", facts, since)
    mine = [r for r in facts.modules if r.program == subject]
    if not mine:  # a person has switched all of them off: nothing could ever prove it
        return {"expected": "no longer"}
    ticks = [r.last_tick for r in mine if r.last_tick and r.last_tick > since]
    return {"modules": len(ticks), "ticked_at": max(ticks).isoformat()} if ticks else None


def heard(subject: str, facts: Facts, since: datetime) -> Proof:
    at = facts.stream_heard
    return {"heard_at": at.isoformat()} if at and at > since and facts.silence(at) <= STREAM_QUIET else None


def fresh(subject: str, facts: Facts, since: datetime) -> Proof:
    """Every symbol's candle is young enough; an empty universe proves nothing."""
    ages = [facts.now - at if at else None for at in facts.closes.values()]
    known = [age for age in ages if age is not None]
    if not known or len(known) < len(ages) or max(known) > facts.max_age + LATE_CANDLES:
        return None
    return {"oldest_s": round(max(known).total_seconds(), 1), "symbols": len(known)}


def some_fresh(subject: str, facts: Facts, since: datetime) -> Proof:
    """Some symbol's candle is young enough: that not all are is another finding."""
    known = [facts.now - at for at in facts.closes.values() if at]
    if not known or min(known) > facts.max_age + LATE_CANDLES:
        return None
    return {"newest_s": round(min(known).total_seconds(), 1), "symbols": len(known)}


def not_training(subject: str, facts: Facts, since: datetime) -> Proof:
    beat = facts.training_beat
    if beat is None:
        return {"training": "none"}
    return {"beat_at": beat.isoformat()} if beat > since else None


def not_among(kept: Sequence[str], subject: str, facts: Facts) -> Proof:
    return None if subject in kept else {"looked_at": facts.now.isoformat()}


PROOFS: Mapping[Ailment, Callable[[str, Facts, datetime], Proof]] = {
    Ailment.MODULE_SILENT: ticked,
    Ailment.MODULE_FAILING: ticked,
    Ailment.PROCESS_SILENT: all_ticked,
    Ailment.STREAM_SILENT: heard,
    Ailment.FEED_STALE: some_fresh,
    Ailment.SYMBOLS_STALE: fresh,
    Ailment.TRAINING_STUCK: not_training,
    Ailment.UNPROTECTED: lambda one, facts, since: not_among([str(n.position_id) for n in facts.naked], one, facts),
    Ailment.ORDER_UNKNOWN: lambda one, facts, since: not_among([str(n.order_id) for n in facts.lost], one, facts),
    Ailment.DATABASE_SLOW: lambda one, facts, since: {"ms": round(facts.database_ms, 1)},
    Ailment.BROKER_SILENT: lambda one, facts, since: (
        None if facts.broker_ms is None else {"ms": round(facts.broker_ms, 1)}
    ),
}

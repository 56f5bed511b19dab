"""What ails the system: facts in, findings out; and what proves that a finding is over. Pure.

No detector looks at decisions, signals or trades: that nothing is traded makes nothing unhealthy, so that holding
entries can never be the reason for holding them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.watch import dataailments
from monitoring.watch.dataailments import DataSeen
from monitoring.watch.liveness import DOWN, GRACE, liveness
from monitoring.watch.moneyfaults import MoneyFault
from monitoring.watch.room import Room
from monitoring.watch.wiring import DIFFERS, IDLE, YOUNG, Fault

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
SEVERITIES = (LOW, MEDIUM, HIGH, CRITICAL)

PATIENCE = timedelta(seconds=45)  # with modules, however often they are due
HUNG = timedelta(seconds=9)  # a process that lives has missed three beats, and others have not
STARTING = timedelta(seconds=120)  # who has ended is started again by the supervisor; asking too would end the newborn
STREAM_BEATS = timedelta(seconds=5)
STREAM_QUIET = timedelta(seconds=20)  # prices come every second; the stream itself dials again after 15 s
PROTECT_WITHIN = timedelta(seconds=10)
KNOWN_WITHIN = timedelta(seconds=60)  # a lost answer is found out within the request's validity window and two looks
MOST_RESTARTS = 3  # of modules and processes, within ten minutes, over everything
PASSING = timedelta(seconds=30)  # a module that fails for less is noted, not more
SLOW_MS = 1000.0
UNKNOWN_AFTER = timedelta(seconds=60)  # two calm intervals: what is not known for longer counts as failing
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
    elsewhere: bool = False  # another process beats for it too: that it beats says nothing of its own process

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
    room: Room = Room()
    broker_ms: float | None = 0.0  # None: it did not answer
    critical: tuple[Ran, ...] = ()  # what trading needs, whether its schedule is on or not
    restarts: tuple[datetime, ...] = ()  # of modules and processes, lately
    hearts: Mapping[str, datetime] = field(default_factory=dict)  # each process's own newest heartbeat
    late: Mapping[str, timedelta] = field(default_factory=dict)  # and how long after it was due that one came
    started: Mapping[str, datetime] = field(default_factory=dict)  # and when that process began
    living: frozenset[str] = frozenset()  # those whose process is still there, on this machine
    wired: tuple[Fault, ...] = ()  # what the truth table holds against the house
    scored_at: datetime | None = None  # the newest score, which tells what waits upstream in vain
    real: bool = False  # orders go to a real venue
    money: tuple[MoneyFault, ...] = ()  # what differs between our books and the venue's, and its broken contract
    unexplained: frozenset[str] = frozenset()  # every day on which they still differ, however long ago it was
    data: DataSeen = DataSeen()  # how good the market data are
    since: Mapping[str, datetime] = field(default_factory=dict)  # open incidents, when each was first seen
    seen_by: Mapping[str, str] = field(default_factory=dict)  # those of them that a person has acknowledged

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
    return facts.now - last > patience(ran.program, facts) and liveness(last, ran.every, facts.now) == DOWN


def patience(program: str, facts: Facts) -> timedelta:
    """A process that has just begun has the time to come to its modules; one that always begins anew has not."""
    began = facts.started.get(program)
    return PATIENCE * 3 if began is not None and facts.now - began < PATIENCE else PATIENCE


def dead_programs(facts: Facts) -> dict[str, list[Ran]]:
    """Programs whose own heart is silent, or of which nothing ticks any more and two modules are missed.

    Then it is the process, not its modules. Modules that are due rarely are not waited for: restarting the frequent
    ones one by one would be in vain. Where nobody calls them, that is told of the one who should.
    """
    by_program: dict[str, list[Ran]] = {}
    for ran in facts.modules:
        by_program.setdefault(ran.program, []).append(ran)
    called = not uncalled(facts)
    return {
        name: all_ for name, all_ in by_program.items() if mute(name, facts) or (called and gone(name, all_, facts))
    }


def uncalled(facts: Facts) -> bool:
    """Nobody calls the modules: beat is silent, or its calls reach nobody; a restart of who is called helps nothing."""
    return brokerless(facts) or mute("beat", facts)


def brokerless(facts: Facts) -> bool:
    """The broker does not answer, or did not at the last look: who waited for it has not come back yet."""
    return facts.broker_ms is None or Ailment.BROKER_SILENT in facts.since


def gone(program: str, modules: Sequence[Ran], facts: Facts) -> bool:
    limit = patience(program, facts)
    quiet = all(facts.silence(ran.last_tick) > limit for ran in modules if not ran.elsewhere)
    return quiet and sum(silent(ran, facts) for ran in modules) > 1


def mute(name: str, facts: Facts) -> bool:
    """Its own heart is silent: it lives and others have beaten since, or it is missed for long.

    One that never beat is not judged by it, nor is beat while it waits for the broker. That the others have beaten
    in time shows that a beat could be stored; nobody is judged by those that have just woken.
    """
    if name not in facts.hearts or (name == "beat" and brokerless(facts)) or woken(facts.hearts, facts.late):
        return False
    silence = facts.silence(facts.hearts[name])
    behind = min(silence, in_time(facts.hearts, facts.late) - facts.hearts[name])
    return silence > PATIENCE or (name in facts.living and behind > HUNG)


def in_time(hearts: Mapping[str, datetime], late: Mapping[str, timedelta]) -> datetime:
    """Until when somebody's heart has beaten when it was due.

    The first beat after a machine slept, or after its clock was set forward, is late by all of that.
    """
    return max(at - late.get(name, timedelta(0)) for name, at in hearts.items())


def woken(hearts: Mapping[str, datetime], late: Mapping[str, timedelta]) -> bool:
    """Who has beaten lately had not for long, and nobody else had: they all slept, or their clock was set."""
    return bool(hearts) and max(hearts.values()) - in_time(hearts, late) > HUNG


def processes(facts: Facts) -> Iterator[Finding]:
    dead = dead_programs(facts)
    for name in ("beat", "web"):
        if mute(name, facts):
            yield process_silent(name, facts.silence(facts.hearts[name]), len(facts.modules), facts)
    for name, modules in dead.items():
        heard = facts.hearts.get(name) if mute(name, facts) else None
        silence = facts.silence(heard) if heard else min(facts.silence(ran.last_tick) for ran in modules)
        yield process_silent(name, silence, len(modules), facts)
    if mute("stream", facts) or facts.silence(facts.stream_beat) > allowed(STREAM_BEATS * 3 + GRACE, facts):
        yield process_silent("stream", facts.silence(facts.stream_beat), 1, facts)


def process_silent(name: str, silence: timedelta, modules: int, facts: Facts) -> Finding:
    """It is ended, to be started again; unless it has ended already, and its supervisor is at it.

    Nothing is traded by the page's process: without it people see nothing, and no position has to go for that.
    """
    again = Remedy(Action.RESTART_PROCESS, name)
    starting = name in facts.hearts and name not in facts.living and silence <= STARTING
    params: dict[str, str | float] = {"process": name, "seconds": silence.total_seconds(), "modules": modules}
    subsystem = {"stream": "data_feed", "worker": "executor", "beat": "trainer"}.get(name, name)
    remedies = () if starting and facts.living else (again, again, again)
    severity, trading = (HIGH, False) if name == "web" else (CRITICAL, True)
    return Finding(Ailment.PROCESS_SILENT, name, subsystem, severity, params, trading, remedies)


def silent_modules(facts: Facts) -> Iterator[Finding]:
    dead = dead_programs(facts)
    for ran in () if uncalled(facts) else facts.modules:
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
        again = Remedy(Action.RUN_MODULE, ran.name)
        yield Finding(
            Ailment.MODULE_FAILING, ran.name, ran.name, severity, params, trades(severity), (again, again, again)
        )


def wired(facts: Facts) -> Iterator[Finding]:
    """What is built and not loaded, called and idle for no reason, or runs other code than the rest (Knight)."""
    weights = {ran.name: ran.severity for ran in facts.modules}
    for one in facts.wired:
        code = Ailment(one.code)
        lasted = facts.now - facts.since.get(f"{code}:{one.subject}", facts.now)
        if code == DIFFERS:
            severity = CRITICAL if facts.real else MEDIUM
        elif one.vital:
            severity = CRITICAL
        else:
            severity = weights.get(one.subject, HIGH)
            severity = min(severity, MEDIUM, key=SEVERITIES.index) if one.half else severity
        if not one.at_once and lasted < PASSING:
            severity = LOW
        again = Remedy(Action.RUN_MODULE, one.subject)
        remedies = (again, again, again) if code == IDLE else ()
        params = {**one.params, "reason": one.reason}
        subsystem = str(one.params.get("process", one.subject))
        yield Finding(code, one.subject, subsystem, severity, params, trades(severity), remedies)


def trades(severity: str) -> bool:
    """Modules of these severities are asked before an order, or look after one."""
    return severity in (HIGH, CRITICAL)


def allowed(silence: timedelta, facts: Facts) -> timedelta:
    """Of the stream: one that has just begun loads history and dials first; ended meanwhile, it would begin anew."""
    began = facts.started.get("stream")
    return max(silence, PATIENCE * 2) if began is not None and facts.now - began < PATIENCE else silence


# -- market data ------------------------------------------------------------------------------------------------------


def quiet_stream(facts: Facts) -> Iterator[Finding]:
    """The process beats, but the venue says nothing."""
    seconds = facts.silence(facts.stream_heard)
    beats = facts.silence(facts.stream_beat) <= allowed(STREAM_BEATS * 3 + GRACE, facts)
    if beats and seconds > allowed(STREAM_QUIET, facts):
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
            again = Remedy(Action.RUN_MODULE, "position_monitor")
            subject = str(one.order_id)
            yield Finding(Ailment.ORDER_UNKNOWN, subject, "exchange", HIGH, params, True, (again, again, again))


# -- what lies beneath ------------------------------------------------------------------------------------------------


def slow_database(facts: Facts) -> Iterator[Finding]:
    if facts.database_ms > SLOW_MS:
        params = {"ms": facts.database_ms, "limit_ms": SLOW_MS}
        yield Finding(Ailment.DATABASE_SLOW, "", "database", MEDIUM, params, False)


def little_room(facts: Facts) -> Iterator[Finding]:
    """Entries stop while there is still room for what the exits have to write."""
    if facts.room.short:
        params = {"free_mb": megabytes(facts.room.free), "limit_mb": megabytes(facts.room.limit)}
        yield Finding(Ailment.DISK_SHORT, "", "database", HIGH, params, True)


def megabytes(size: int) -> float:
    return round(size / 1e6, 1)


def silent_broker(facts: Facts) -> Iterator[Finding]:
    """Without it beat's schedules reach nobody; the stream trades on by itself."""
    if facts.broker_ms is None:
        yield Finding(Ailment.BROKER_SILENT, "", "broker", HIGH, {}, True)


def unknown_parts(facts: Facts) -> Iterator[Finding]:
    """What trading needs and nobody tells of: switched off, or without anything to tell. Unknown is not healthy."""
    watched = {ran.name for ran in facts.modules}
    for ran in facts.critical:
        silence = facts.silence(ran.last_tick)
        if ran.name not in watched and silence > max(UNKNOWN_AFTER, ran.every * 2):
            yield part_unknown(ran.name, ran.title, silence)
    if not facts.closes and "data_feed" in watched | {ran.name for ran in facts.critical}:
        silence = facts.silence(None)
        if silence > UNKNOWN_AFTER:
            yield part_unknown("candles", "Data Feed", silence)


def part_unknown(subject: str, title: str, silence: timedelta) -> Finding:
    params: dict[str, str | float] = {
        "module": title,
        "seconds": silence.total_seconds(),
        "limit": UNKNOWN_AFTER.total_seconds(),
    }
    subsystem = {"candles": "data_feed"}.get(subject, subject)
    return Finding(Ailment.PART_UNKNOWN, subject, subsystem, CRITICAL, params, True)


def money_faults(facts: Facts) -> Iterator[Finding]:
    """Books that differ make every limit rest on wrong numbers; stops that the venue does not keep end all entries."""
    for one in facts.money:
        broken = one.code == Ailment.STOPS_BROKEN
        yield Finding(
            Ailment(one.code), one.subject, "exchange", CRITICAL if broken else HIGH, one.params, impacts_trading=broken
        )


def data_faults(facts: Facts) -> Iterator[Finding]:
    """Clock, still prices, gaps, candles put aside, marks of held symbols."""
    fetch, look = Remedy(Action.BACKFILL_CANDLES), Remedy(Action.RUN_MODULE, "position_monitor")
    for one in dataailments.faults(facts.data, facts.now):
        remedy = fetch if one.fetch else look if one.look else None
        subsystem = {Ailment.CLOCK_OFF: "exchange", Ailment.MARK_STALE: "position_monitor"}.get(
            Ailment(one.code), "data_feed"
        )
        remedies = (remedy, remedy, remedy) if remedy else ()
        yield Finding(Ailment(one.code), one.subject, subsystem, one.weight, one.params, one.impacts, remedies)


DETECTORS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    processes,
    silent_modules,
    failing_modules,
    wired,
    quiet_stream,
    stale_candles,
    stuck_training,
    unprotected,
    unknown_orders,
    slow_database,
    little_room,
    silent_broker,
    unknown_parts,
    money_faults,
    data_faults,
)


# -- proof that it is over --------------------------------------------------------------------------------------------


Proof = Mapping[str, str | float] | None


def proof(code: str, subject: str, facts: Facts, since: datetime) -> Proof:
    """What shows, newer than `since`, that this ailment is over; None where nothing shows it yet.

    What another release has found, and this one doesn't look for, needs no proof.
    """
    if code not in set(Ailment):
        return {"expected": "no longer"}
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
    if subject in ("beat", "web"):
        at = facts.hearts.get(subject)
        return {"heard_at": at.isoformat()} if at and at > since and not mute(subject, facts) else None
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


def known(subject: str, facts: Facts, since: datetime) -> Proof:
    """It tells of itself again, or it is expected again and its own detectors watch it."""
    if subject == "candles":
        return {"symbols": len(facts.closes)} if facts.closes else None
    ran = next((r for r in (*facts.critical, *facts.modules) if r.name == subject), None)
    if ran is None:
        return {"expected": "no longer"}
    return {"ticked_at": ran.last_tick.isoformat()} if ran.last_tick and ran.last_tick > since else None


def room_again(subject: str, facts: Facts, since: datetime) -> Proof:
    """The window of the restarts has room again."""
    return {"restarts": len(facts.restarts)} if len(facts.restarts) < MOST_RESTARTS else None


def unwired(code: str, subject: str, facts: Facts) -> Proof:
    """The truth table, read anew, holds it against nobody any more."""
    return not_among([one.subject for one in facts.wired if one.code == code], subject, facts)


def works_again(subject: str, facts: Facts) -> Proof:
    """Where the scorekeeper is expected to look, its look is young: an old one tells of nothing that waits."""
    expected = any(ran.name == "scorekeeper" for ran in facts.modules)
    if expected and (facts.scored_at is None or facts.now - facts.scored_at > YOUNG):
        return None
    return unwired(IDLE, subject, facts)


def not_among(kept: Sequence[str], subject: str, facts: Facts) -> Proof:
    return None if subject in kept else {"looked_at": facts.now.isoformat()}


def days_of(facts: Facts) -> list[str]:
    """The days on which our books differ from the venue's."""
    return [one.subject for one in facts.money if one.code == Ailment.MONEY_DIFFERS]


def books_agree(subject: str, facts: Facts) -> Proof:
    """The day agrees now. One too old to be told that still differs is over when a person has taken note of it."""
    if subject in facts.unexplained and subject not in days_of(facts):
        who = facts.seen_by.get(f"{Ailment.MONEY_DIFFERS}:{subject}")
        return {"seen_by": who} if who else None
    return not_among(days_of(facts), subject, facts)


def contracts_of(facts: Facts) -> list[str]:
    return [one.subject for one in facts.money if one.code == Ailment.STOPS_BROKEN]


def of_data(code: str, subject: str, facts: Facts, since: datetime) -> Proof:
    return dataailments.PROOFS[code](subject, facts.data, facts.now, since)


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
    Ailment.PART_UNKNOWN: known,
    Ailment.RESTARTS_EXHAUSTED: room_again,
    Ailment.MODULE_NOT_LOADED: lambda one, facts, since: unwired("MODULE_NOT_LOADED", one, facts),
    Ailment.MODULE_IDLE: lambda one, facts, since: works_again(one, facts),
    Ailment.CODE_DIFFERS: lambda one, facts, since: unwired("CODE_DIFFERS", one, facts),
    Ailment.DATABASE_SLOW: lambda one, facts, since: {"ms": round(facts.database_ms, 1)},
    Ailment.DISK_SHORT: lambda one, facts, since: None if facts.room.short else {"free_mb": megabytes(facts.room.free)},
    Ailment.BROKER_SILENT: lambda one, facts, since: (
        None if facts.broker_ms is None else {"ms": round(facts.broker_ms, 1)}
    ),
    Ailment.MONEY_DIFFERS: lambda one, facts, since: books_agree(one, facts),
    Ailment.STOPS_BROKEN: lambda one, facts, since: not_among(contracts_of(facts), one, facts),
    Ailment.CLOCK_OFF: lambda one, facts, since: of_data("CLOCK_OFF", one, facts, since),
    Ailment.FEED_FROZEN: lambda one, facts, since: of_data("FEED_FROZEN", one, facts, since),
    Ailment.GAP_OPEN: lambda one, facts, since: of_data("GAP_OPEN", one, facts, since),
    Ailment.QUARANTINE: lambda one, facts, since: of_data("QUARANTINE", one, facts, since),
    Ailment.MARK_STALE: lambda one, facts, since: of_data("MARK_STALE", one, facts, since),
}

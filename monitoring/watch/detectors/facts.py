"""What the detectors rest on, as values of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitoring.watch.dataailments import DataSeen
from monitoring.watch.detectors.findings import MEDIUM
from monitoring.watch.moneyfaults import MoneyFault
from monitoring.watch.room import Room
from monitoring.watch.wiring import Fault


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

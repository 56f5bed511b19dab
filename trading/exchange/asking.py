"""One request, one answer: the venue's clock, its silences, what is urgent, and what each lost answer means.

Nothing is ever sent twice: only a read that the venue's clock refused is asked once more, with the clock set.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from trading.exchange import wire
from trading.exchange.answers import answer_of, silence
from trading.exchange.connection import Connection
from trading.exchange.errors import CLOCK, Answer, NotAccepted, VenueError, classify
from trading.exchange.quiet import Quiet, Told
from trading.exchange.venue import Call

T = TypeVar("T")
Clock = Callable[[], datetime]
Known = Callable[[datetime], Iterable[Told]]
Transport = Callable[[str, str, dict[str, str], "str | None"], "tuple[int, dict[str, str], str]"]
LOOK_AGAIN = 3.0  # seconds between two looks at the silences that other processes heard of
SPAN: ContextVar[tuple[datetime, datetime] | None] = ContextVar("span", default=None)  # of this task's newest request


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Note when the request within leaves and comes back: what it waited for before is no part of it."""
    began = clock()
    try:
        yield
    finally:
        SPAN.set((began, clock()))


@dataclass(frozen=True, slots=True)
class Asking:
    """The request at hand: whether it reduces risk, and until when (`_seconds`) it may leave."""

    endpoint: str
    urgent: bool
    latest: float


class Client(Protocol):
    """The library's client as a request needs it. `rest`, `hurried` and `leave`: how it waits for its turn."""

    transport: Transport | None
    options: dict[str, Any]
    urls: dict[str, Any]
    rest: Callable[[float], object]
    hurried: Callable[[], bool]
    leave: Callable[[], None]

    def parse_timeframe(self, timeframe: str) -> float: ...


class Asks:
    """What every call rests on: requests, one at a time (a lock sees to it), by a client whose errors are `broken`."""

    broken: type[Exception]

    def __init__(self, client: Client, connection: Connection, clock: Clock, known: Known) -> None:
        self.client, self.connection, self.clock = client, connection, clock
        self.offset: timedelta | None = (
            timedelta(0) if client.transport else None
        )  # venue's clock - ours; None: not asked
        self._quiet, self._known, self._look_again = Quiet(), known, -math.inf
        self._seconds = (lambda: clock().timestamp()) if client.transport else time.monotonic
        self._lock = threading.Condition(threading.RLock())
        self._heard = threading.local()
        client.rest, client.hurried = self._lock.wait, self._hurried  # whoever waits for the budget lets others ask
        client.leave = self._leave

    def now(self) -> datetime:
        """The venue's time, as far as we know it."""
        return self.clock() + (self.offset or timedelta(0))

    def set_clock(self) -> timedelta:
        """Ask the venue for its time; our requests carry it from now on. What was waited before does not count."""
        SPAN.set(None)
        began = self.clock()
        server = self._ask("fapiPublicGetTime", {}, lambda raw: wire.moment(raw["serverTime"]))
        left, came = SPAN.get() or (began, self.clock())
        self.offset = server - (left + (came - left) / 2)
        self.client.options["timeDifference"] = round(-self.offset.total_seconds() * 1000)
        return self.offset

    @contextmanager
    def recorded(self) -> Iterator[list[Call]]:
        """The requests that this thread makes meanwhile, those that were not sent too."""
        before = getattr(self._heard, "calls", None)
        calls: list[Call] = []
        self._heard.calls = calls
        try:
            yield calls
        finally:
            self._heard.calls = before

    @contextmanager
    def urgently(self) -> Iterator[None]:
        """What this thread reads meanwhile reduces risk: asked although the venue wants silence, unless banned."""
        before, self._heard.urgent = self._hurried(), True
        try:
            yield
        finally:
            self._heard.urgent = before

    def _hurried(self) -> bool:
        return getattr(self._heard, "urgent", False)

    # -- one request
    def _ask(
        self,
        endpoint: str,
        params: dict,
        parse: Callable[[Any], T],
        *,
        write: bool = False,
        urgent: bool = False,
        latest: float = math.inf,
    ) -> T:
        """One request, one answer. A read that the venue's clock refused is asked once more, with the clock set."""
        began = time.perf_counter()
        code: int | None = None
        asking = Asking(endpoint, urgent or (not write and self._hurried()), latest)
        try:
            found = self._asked(asking, params, parse, write)
            code = 0
            return found
        except VenueError as error:
            code = error.code
            raise
        finally:
            if (calls := getattr(self._heard, "calls", None)) is not None:
                calls.append(Call(endpoint, code, round((time.perf_counter() - began) * 1000)))

    def _asked(self, asking: Asking, params: dict, parse: Callable[[Any], T], write: bool) -> T:
        endpoint = asking.endpoint
        with self._lock, self.urgently() if asking.urgent else nullcontext():
            self._may_leave(asking)
            if self.offset is None and ("Private" in endpoint or endpoint.startswith("sapi")):
                self.set_clock()
            try:
                raw = self._call(asking, params)
            except self.broken as error:
                failure = self._failure(error, endpoint, write)
                if failure.code not in CLOCK or self.client.transport:
                    raise failure from error
                self.set_clock()
                if write:
                    raise failure from error
                return self._again(asking, params, parse)
            return self._read(parse, raw, endpoint, write)

    def _again(self, asking: Asking, params: dict, parse: Callable[[Any], T]) -> T:
        try:
            return self._read(parse, self._call(asking, params), asking.endpoint)
        except self.broken as error:
            raise self._failure(error, asking.endpoint, write=False) from error

    def _call(self, asking: Asking, params: dict) -> Any:
        """The client's own endpoint, which may wait for the budget before its request leaves."""
        before, self._heard.asking = getattr(self._heard, "asking", None), asking
        try:
            return getattr(self.client, asking.endpoint)(params)
        finally:
            self._heard.asking = before

    def _read(self, parse: Callable[[Any], T], raw: Any, endpoint: str, write: bool = False) -> T:
        """The answer as our values; what can't be read was sent all the same."""
        try:
            if isinstance(raw, str):
                raise ValueError("not JSON")
            return parse(raw)
        except wire.UNREADABLE as error:
            raise classify(Answer(200), write=write, what=endpoint) from error

    def _failure(self, error: Exception, endpoint: str, write: bool) -> VenueError:
        if quiet := silence(error, endpoint, self.now()):
            self._quiet.hear(quiet.seconds, banned=quiet.banned, now=self._seconds())
            return quiet
        return classify(answer_of(error), write=write, what=endpoint)

    def _leave(self) -> None:
        """Called when this thread has waited, and just before its request leaves."""
        if (asking := getattr(self._heard, "asking", None)) is not None:
            self._may_leave(asking)

    def _may_leave(self, asking: Asking) -> None:
        """Raise where the venue wants silence meanwhile, or where it is too late: nothing has left yet."""
        now = self._seconds()
        if now >= self._look_again:
            self._look_again = now + LOOK_AGAIN
            self._quiet.take(self._known(self.clock()), self.clock(), now)
        if no := self._quiet.no(asking.endpoint, now, urgent=asking.urgent):
            raise no
        if now > asking.latest:
            raise NotAccepted(f"{asking.endpoint}: waited too long, nothing was sent")

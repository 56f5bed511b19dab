"""The stream process: candles, prices and account events in; stored candles and a call for the executor out.

1. Wait for the venue; take the universe; listen to klines, mark prices and the account.
2. Load history for every symbol at once (REST), as far back as the venue gives it.
3. Each bar: wait until every symbol's closed candle was heard or the grace is over; ask REST for what is missing; store
   all of it in one batch; tell the listener.
4. A lost or silent connection is dialled again; holes are filled by REST before the next bar is told.
5. Every few seconds its own row says that it lives, and when it last heard the venue.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import close_old_connections

from trading.exchange import rows as venue_rows
from trading.exchange.errors import Unreachable, VenueError
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import Bar, Mark
from trading.feed import quality, rows, store
from trading.feed.quality import LONG_AGO, Fault, Gap
from trading.feed.witness import Witness, heard_forming, heard_mark
from trading.runtime import Report, record

log = logging.getLogger(__name__)
T = TypeVar("T")

PAGE = 1000  # bars a request; the venue's price for it is 5
CHUNK = 20_000  # bars a transaction, when history is loaded
AT_ONCE = 10  # requests in flight
LASTING = 60.0  # a connection that lived so long starts the back-off anew
PULSE = 5.0  # seconds between two beats of the process itself, and between two looks at the venue's clock
EARLY = timedelta(seconds=2)  # how much before its end, by our clock, a candle may be called closed
NAMED = 12  # late symbols that are named
DOUBTS = 5000  # faults heard between two bars that are kept


@dataclass(frozen=True, slots=True)
class Plan:
    """How the stream listens. `history` in bars; `grace` is how long after its end a bar's candles are waited for."""

    timeframe: str
    history: int = 6000
    grace: timedelta = timedelta(seconds=2.5)
    patience: timedelta = timedelta(seconds=8)  # for REST, at a bar's end
    silence: timedelta = timedelta(seconds=15)  # prices come every second

    @property
    def step(self) -> timedelta:
        return quality.step_of(self.timeframe)


class Listener(Protocol):
    """Who is told. Each call is awaited before the next one of its kind."""

    async def on_history(self) -> None: ...
    async def on_bar_closed(self, bar: datetime) -> None: ...
    async def on_marks(self, marks: Mapping[str, Mark]) -> None: ...
    async def on_user(self, symbol: str) -> None: ...


async def db(work: Callable[..., T], *args: Any, **options: Any) -> T:
    """Database work, in its one thread."""

    def run() -> T:
        close_old_connections()
        return work(*args, **options)

    return await sync_to_async(run, thread_sensitive=True)()


def backoff(tries: int) -> float:
    """Seconds before the next try: doubling, at most 10, with jitter so that not all come at once."""
    return min(10.0, 0.5 * 2 ** min(tries, 6)) * random.uniform(0.5, 1.0)


def heard_in_line(
    pending: Mapping[datetime, Mapping[str, Bar]], symbol: str, after: datetime, step: timedelta
) -> Iterator[Bar]:
    """The symbol's heard candles that follow `after` without a hole."""
    at = after + step
    while symbol in pending.get(at, {}):
        yield pending[at][symbol]
        at += step


class Stream:
    """One asyncio process. `refresh` takes a universe snapshot (it runs in the database's thread)."""

    def __init__(self, venue: AsyncVenue, plan: Plan, listener: Listener, refresh: Callable[[datetime, str], Any]):
        self.venue, self.plan, self.listener, self.refresh = venue, plan, listener, refresh
        self.symbols: tuple[str, ...] = ()
        self.last: dict[str, datetime] = {}  # open time of each symbol's newest stored candle
        self.pending: dict[datetime, dict[str, Bar]] = {}  # heard, not yet stored
        self.prices: dict[str, Mark] = {}
        self.touched: set[str] = set()
        self.heard = 0  # messages of the market since the last pulse
        self.seen: dict[str, Witness] = {}  # what bears out the next candle of each symbol
        self.said: dict[str, Bar] = {}  # the newest closed candle that was heard of each symbol
        self.doubts: list[Fault] = []  # what was wrong with what was heard, since the last batch
        self.failed: dict[str, VenueError] = {}  # who could not be asked for candles, since the last batch
        self.closed, self.priced, self.moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.hearing = asyncio.Event()  # something came, once
        self.stopped = asyncio.Event()

    # -- what the venue says (in the event loop, at once)
    def on_kline(self, bar: Bar, closed: bool) -> None:
        self.heard += 1
        if not closed:
            if witness := heard_forming(self.seen.get(bar.symbol), bar):
                self.seen[bar.symbol] = witness
            return
        now, known = self.venue.now() + EARLY, self.said.get(bar.symbol)
        fault = quality.judge(bar, self.plan.step, now) or quality.repeated(bar, known)
        if fault is None:
            self.said[bar.symbol] = bar
            self.pending.setdefault(bar.open_time, {})[bar.symbol] = bar
            self.closed.set()
            return
        if fault.kind == "revised":  # neither is believed, unless the first is stored: REST is asked
            self.pending.get(bar.open_time, {}).pop(bar.symbol, None)
        if len(self.doubts) < DOUBTS:
            self.doubts.append(fault)

    def on_prices(self, marks: dict[str, Mark]) -> None:
        self.heard += 1
        self.hearing.set()
        self.prices |= marks
        self.seen |= {symbol: heard_mark(self.seen.get(symbol), mark, self.plan.step) for symbol, mark in marks.items()}
        self.priced.set()

    def on_account(self, symbols: set[str]) -> None:
        self.touched |= symbols
        self.moved.set()

    # -- the process
    async def run(self) -> None:
        """Until `stop`."""
        work = asyncio.ensure_future(self._work())
        stop = asyncio.ensure_future(self.stopped.wait())
        pulse = asyncio.ensure_future(self._pulse())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stop, pulse):
            task.cancel()
        ended = await asyncio.gather(work, stop, pulse, return_exceptions=True)
        await self.venue.close()
        if isinstance(ended[0], BaseException) and not isinstance(ended[0], asyncio.CancelledError):
            raise ended[0]

    def stop(self) -> None:
        self.stopped.set()

    async def _pulse(self) -> None:
        """For ever: messages heard since the last pulse are its work; the first at once. Without any it says so."""
        while True:
            begun, heard, self.heard = self.hearing.is_set(), self.heard, 0
            report = Report(heard) if heard else Report.idle("nothing heard from the venue")
            with suppress(DatabaseError):
                await db(record, "stream", self.venue.now(), report, "stream")
            if begun:
                await asyncio.sleep(PULSE)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self.hearing.wait(), PULSE)

    async def _look_at_the_clock(self) -> None:
        """For ever: how far the venue's clock is from ours. The reading's time is ours."""
        while True:
            with suppress(VenueError, DatabaseError):
                self.venue.obey(await db(venue_rows.silences, self.venue.clock()))
                offset = await self.venue.set_clock()
                await db(store.note_clock, "stream", offset, self.venue.took, self.venue.clock())
            await asyncio.sleep(PULSE)

    async def _work(self) -> None:
        await self._reach()
        self.venue.hearer = self
        async with asyncio.TaskGroup() as group:
            for job in (self._market, self._account, self._tell_prices, self._tell_account, self._watch_silence):
                group.create_task(job())
            group.create_task(self._look_at_the_clock())
            group.create_task(self._bars())

    async def _reach(self) -> None:
        """Wait for the venue and the database, saying so; then know the universe."""
        tries = 0
        while True:
            try:
                await self.venue.set_clock()
                await db(self.refresh, self.venue.now(), "stream")
                await self._take_universe()
                if not self.symbols:  # a practice exchange whose upstream was never reached
                    raise Unreachable("it lists no symbol to trade")
                return
            except (VenueError, DatabaseError) as error:
                if tries % 10 == 2:  # when all start together the venue may need a second
                    log.warning("waiting for the venue: %s", error)
                    await self._attempt(self._say, f"waiting for the venue: {error}")
            await asyncio.sleep(min(backoff(tries), 5.0))
            tries += 1

    async def _say(self, why: str, done: int = 0, loaded: int = 0) -> None:
        await db(record, "data_feed", self.venue.now(), Report(done, loaded, why), "stream")

    async def _take_universe(self) -> None:
        symbols = tuple(await db(rows.universe))
        if set(symbols) != set(self.symbols):
            known = await db(rows.newest, symbols, self.plan.timeframe)
            changed, self.symbols = bool(self.symbols), symbols
            self.last = known | {s: at for s, at in self.last.items() if s in symbols}
            if changed:
                self.venue.hang_up("the universe changed")

    # -- connections
    async def _market(self) -> None:
        await self._again("market", lambda: self.venue.listen_market(self.symbols, self.plan.timeframe))

    async def _account(self) -> None:
        await self._again("account", self.venue.listen_user)

    async def _again(self, what: str, listen: Callable[[], Any]) -> None:
        """Listen for ever: dial, listen until it is lost, wait, dial."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                await listen()
            except VenueError as error:
                log.info("%s stream lost: %s", what, error)
            tries = 0 if time.monotonic() - began > LASTING else tries + 1
            await asyncio.sleep(backoff(tries - 1))

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(1)
            if time.monotonic() - self.venue.heard_at > self.plan.silence.total_seconds():
                self.venue.heard_at = time.monotonic()
                self.venue.hang_up(f"silent for {self.plan.silence.total_seconds():.0f} s")

    # -- telling
    async def _tell_prices(self) -> None:
        while True:
            await self.priced.wait()
            self.priced.clear()
            marks, self.prices = self.prices, {}
            await self._attempt(self.listener.on_marks, marks)

    async def _tell_account(self) -> None:
        while True:
            await self.moved.wait()
            await asyncio.sleep(0.1)  # one fill is several events
            self.moved.clear()
            symbols, self.touched = self.touched, set()
            for symbol in sorted(symbols):
                await self._attempt(self.listener.on_user, symbol)

    # -- bars
    async def _bars(self) -> None:
        """History, then bar after bar."""
        bar = quality.newest_closed(self.venue.now(), self.plan.step)
        await self._insist(self._history, bar)
        await self._attempt(self.listener.on_history)
        while True:
            await self._attempt(self.listener.on_bar_closed, bar)
            await self._insist(self._take_universe)
            bar = max(bar + self.plan.step, quality.newest_closed(self.venue.now(), self.plan.step))
            await self._heard(bar)
            await self._insist(self._bar, bar)

    async def _attempt(self, tell: Callable[..., Any], *args: Any) -> None:
        """Once: what the listener could not do now, beat's schedules do later."""
        try:
            await tell(*args)
        except DatabaseError as error:
            log.warning("the listener could not work: %s", error)

    async def _insist(self, work: Callable[..., Any], *args: Any) -> None:
        """Until the database takes it."""
        tries = 0
        while True:
            try:
                await work(*args)
                return
            except DatabaseError as error:
                log.warning("the database did not take it: %s", error)
            await asyncio.sleep(min(backoff(tries), 5.0))
            tries += 1

    async def _heard(self, bar: datetime) -> None:
        """Wait for every symbol's closed candle, until the grace is over."""
        deadline = bar + self.plan.step + self.plan.grace
        until = time.monotonic() + (deadline - self.venue.now()).total_seconds()  # a clock may be put back meanwhile
        while not set(self.symbols) <= self.pending.get(bar, {}).keys():
            left = min((deadline - self.venue.now()).total_seconds(), until - time.monotonic())
            if left <= 0:
                return
            self.closed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closed.wait(), min(left, 1.0))  # the venue's clock may jump

    async def _history(self, bar: datetime) -> None:
        """Everything up to `bar`, with progress."""
        wanted = {s: self.last.get(s) for s in self.symbols if (at := self.last.get(s)) is None or at < bar}
        total, loaded, batch, done = len(self.symbols), 0, [], len(self.symbols) - len(wanted)
        said = 0.0
        for finished in asyncio.as_completed(self._requests(wanted, bar)):
            batch += await finished
            done += 1
            if len(batch) >= CHUNK or done == total:
                loaded += (await self._store(batch, bar)).new
                batch = []
            if time.monotonic() - said > 1 and done < total:
                said = time.monotonic()
                await self._say(f"loading history: {done} of {total} symbols", done, loaded)
        log.info("history of %d symbols is there, %d new candles", total, loaded)
        await db(record, "data_feed", self.venue.now(), Report(total, loaded, panels=("candles", "universe")), "stream")

    async def _bar(self, bar: datetime) -> None:
        """One bar of every symbol: what was heard, what REST has instead, stored in one batch."""
        batch, wanted = self._from_memory(bar)
        now = self.venue.now()
        since = bar - self.plan.history * self.plan.step
        holes = await db(store.gaps_to_fill, self.symbols, self.plan.timeframe, self.plan.step, since, now)
        jobs = self._requests(wanted, bar) + self._fillings(holes)
        if jobs:
            done, late = await asyncio.wait(jobs, timeout=self.plan.patience.total_seconds())
            batch += [b for job in done for b in job.result()]
            for job in late:
                job.cancel()
        stored = await self._store(batch, bar)
        if holes:
            await db(store.note_asked, holes, self.plan.timeframe, now)
        now = self.venue.now()
        lost = sorted(symbol for symbol in self.symbols if self.last.get(symbol, LONG_AGO) < bar)
        here = len(self.symbols) - len(lost)
        why = "" if here else f"no candle of {bar:%H:%M} came"
        trouble = f"no candle of {bar:%H:%M} for {', '.join(lost[:NAMED])}" if lost and here else ""
        lag = int((now - bar - self.plan.step).total_seconds() * 1000)
        panels = ("candles", "universe", *(("quality",) if stored.faults or stored.gaps or holes else ()))
        report = Report(here, stored.new, why, lag, panels, failed=len(lost) if here else 0, trouble=trouble)
        await db(record, "data_feed", now, report, "stream")

    def _from_memory(self, bar: datetime) -> tuple[list[Bar], dict[str, datetime | None]]:
        """What was heard up to `bar`, in line with what is stored; and who lacks something, from where on."""
        batch: list[Bar] = []
        wanted: dict[str, datetime | None] = {}
        for symbol in self.symbols:
            last = self.last.get(symbol)
            line = list(heard_in_line(self.pending, symbol, last, self.plan.step)) if last else []
            batch += line
            newest = line[-1].open_time if line else last
            if newest is None or newest < bar:
                wanted[symbol] = newest
        return batch, wanted

    def _requests(self, wanted: Mapping[str, datetime | None], bar: datetime) -> list[asyncio.Future[list[Bar]]]:
        turn = asyncio.Semaphore(AT_ONCE)
        return [asyncio.ensure_future(self._fetch(symbol, last, bar, turn)) for symbol, last in wanted.items()]

    def _fillings(self, holes: Sequence[Gap]) -> list[asyncio.Future[list[Bar]]]:
        """One request for each gap, for its own candles only."""
        turn = asyncio.Semaphore(AT_ONCE)
        step = self.plan.step
        return [asyncio.ensure_future(self._fetch(g.symbol, g.first - step, g.last, turn)) for g in holes]

    async def _fetch(self, symbol: str, last: datetime | None, bar: datetime, turn: asyncio.Semaphore) -> list[Bar]:
        """The symbol's candles after `last` up to `bar`, oldest first; what could not be had is missing."""
        step = self.plan.step
        oldest = bar - (self.plan.history - 1) * step
        since = max(last + step, oldest) if last else oldest
        found: list[Bar] = []
        async with turn:
            while since <= bar:
                try:
                    page = await self.venue.bars(symbol, self.plan.timeframe, since=since, limit=PAGE)
                except VenueError as error:
                    self.failed[symbol] = error
                    break
                if not page:
                    break
                found += [one for one in page if one.open_time <= bar]
                further = max(one.open_time for one in page) + step
                if further <= since:  # nothing but what can't be read
                    break
                since = further
        return found

    async def _store(self, batch: Sequence[Bar], bar: datetime) -> rows.Stored:
        """Store, and remember how far each symbol is."""
        now = max(self.venue.now(), bar + self.plan.step)  # what the venue calls closed has ended by its clock
        doubts, self.doubts = self.doubts, []
        stored = await db(rows.store, batch, self.plan.timeframe, now, dict(self.seen), doubts)
        faults = stored.faults[len(doubts) :]  # of what was heard, REST may have had a better one
        bad = {(f.symbol, f.open_time) for f in faults if f.kind in quality.UNUSABLE}
        for one in batch:
            if (one.symbol, one.open_time) not in bad:
                self.last[one.symbol] = max(self.last.get(one.symbol, one.open_time), one.open_time)
        for at in [at for at in self.pending if at <= bar]:
            del self.pending[at]
        if self.failed:
            symbol, error = next(iter(self.failed.items()))
            log.warning("%d symbols could not be asked for candles, %s: %s", len(self.failed), symbol, error)
            self.failed.clear()
        return stored

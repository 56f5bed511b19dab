"""The venue whose public data is relayed: asked by REST, listened to by WebSocket, told to a `relay.Relay`.

1. `reach`: the clock, the rules, the history, and what happened since we last heard it, by REST.
2. `follow`, for ever: listen to the running candles, marks and funding rates; each time a connection stands, REST fills
   what was missed before anything that was heard counts; each minute REST is asked for what did not come.
3. A lost or silent connection is dialled again, 1 to 30 s later. What can't be had is missing: the market ages.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from decimal import Decimal, DecimalException
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from trading.practice import relayed_candles as candles
from trading.practice.market_api import INTERVALS
from trading.practice.relay import KEPT_MINUTES, MINUTE, SILENT, Relay
from trading.practice.relayed_candles import Candle

log = logging.getLogger(__name__)

STREAM_HOSTS = {"fapi.binance.com": "wss://fstream.binance.com"}
LOOPBACK = ("127.0.0.1", "localhost")
PATHS = ("/market/stream", "/stream")  # the newer one first
PRICES, MARKS = "/fapi/v1/klines", "/fapi/v1/markPriceKlines"
PATIENCE = aiohttp.ClientTimeout(total=10)
PAGE, PAGE_WEIGHT = 1_500, 10
HISTORY_PAGES, HISTORY_WEIGHT = 4, 1_000
WEIGHT = 1_200  # a minute; the venue allows 2400 to an address
AT_ONCE = 4
A_FRAME = 100  # streams in one SUBSCRIBE
RULES_AGE, RATES_AGE = 3_600.0, 600.0  # seconds
LONGEST_WAIT = 30.0
JITTER = 100  # ms by which a measured clock may differ without meaning anything
GRACE = 4_000  # ms after a minute's end before REST is asked for candles that were not heard
BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, DecimalException)  # of what can't be read
Json = Any


def relay_problem(url: str) -> str:
    """What is wrong with an address to relay from: the venue's own hosts and this machine are the only ones."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"{url} has no usable port"
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK and bool(port)
    official = parts.scheme == "https" and parts.hostname in STREAM_HOSTS and port in (None, 443)
    if bare and (local or official):
        return ""
    hosts = " or ".join(f"https://{host}" for host in sorted(STREAM_HOSTS))
    return f"must be {hosts}, or a practice exchange on this machine with its port (http://127.0.0.1:8200)"


def name_of(url: str) -> str:
    """What is relayed, in the words of the page and the ledger."""
    host = urlsplit(url)
    return "Binance USD-M futures" if host.hostname in STREAM_HOSTS else f"the stand-in at {host.netloc}"


class Unreachable(Exception):
    """The upstream gave no usable answer; the message says why in a few words."""


class Upstream:
    """`on_rules` hears that symbols or their rules have changed."""

    def __init__(
        self,
        url: str,
        relay: Relay,
        wanted: Sequence[str],
        clock_ms: Callable[[], int],
        on_rules: Callable[[], None] = lambda: None,
    ) -> None:
        self.url, self.relay, self.wanted, self.clock_ms, self.on_rules = url, relay, tuple(wanted), clock_ms, on_rules
        self.intervals = {INTERVALS[name]: name for name in INTERVALS}
        self.widths = sorted({MINUTE, relay.candle_ms})
        self.offset = 0  # the upstream's clock minus ours, in ms
        self.said: dict[tuple[str, str], int] = {}  # when the newest that counts was said, by the upstream's clock
        self.ruled, self.settled = -RULES_AGE, -RATES_AGE  # when they were asked for
        self.budget = Budget()
        self.path = 0
        self._session: aiohttp.ClientSession | None = None

    # -- life ---------------------------------------------------------------------------------------------------------
    async def follow(self) -> None:
        """For ever. Nothing that the upstream does or says ends this."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except (Unreachable, *BROKEN) as error:
                self.lost(error)
            tries = 0 if time.monotonic() - began > 60 else tries + 1
            await asyncio.sleep(min(LONGEST_WAIT, 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0))

    async def reach(self) -> None:
        """Everything by REST, once; Unreachable where it does not answer."""
        try:
            await self._set_clock()
            await self._learn_rules()
            known = [s for s in self.wanted if s in self.relay.entries]
            await _together([self._catch_up(s) for s in known])
            await self._take_marks()
            await self._take_settled(known)
        except BROKEN as error:
            raise Unreachable(f"an answer that can't be read: {type(error).__name__} {error}"[:160]) from error
        self.on_rules()
        if self.relay.trouble:
            log.info("%s answers: %d symbols are relayed", self.url, len(self.relay.symbols))
        self.relay.trouble = ""

    def lost(self, error: Exception) -> None:
        """Note why it can't be heard; say so once."""
        why = str(error) if isinstance(error, Unreachable) else f"{type(error).__name__}: {error}"
        if self.relay.trouble in ("", "not asked yet"):
            log.warning("%s can't be heard (%s): prices age, orders wait for new ones; trying again", self.url, why)
        self.relay.trouble = why[:160]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # -- REST ---------------------------------------------------------------------------------------------------------
    def now(self) -> int:
        """The upstream's time, as far as it is known; the exchange that relays it goes by it too."""
        return self.clock_ms() + self.offset

    async def _set_clock(self) -> None:
        before = self.clock_ms()
        said = int((await self._ask("/fapi/v1/time", 1))["serverTime"])
        offset = said - (before + self.clock_ms()) // 2
        if abs(offset - self.offset) > JITTER:
            self.offset = offset
        if abs(self.offset) > 1_000:
            log.warning("the clock of %s is %d ms off ours", self.url, self.offset)

    async def _learn_rules(self) -> None:
        """The rules of the wanted symbols, at most once an hour; what is not listed now can come later."""
        if time.monotonic() - self.ruled < RULES_AGE:
            return
        listed = {s["symbol"]: s for s in (await self._ask("/fapi/v1/exchangeInfo", 1))["symbols"]}
        for symbol in self.wanted:
            entry = listed.get(symbol)
            if entry and (entry["status"] == "TRADING" or symbol in self.relay.entries):
                self.relay.learn(entry)
        if not self.relay.entries:
            raise Unreachable(f"it lists none of {', '.join(self.wanted[:5])}")
        self.ruled = time.monotonic()

    async def _catch_up(self, symbol: str) -> None:
        """History and minutes up to now; the minutes since the last one that was traced become the price's path."""
        relay, now = self.relay, self.now()
        traced = relay.traced.get(symbol)
        for width in self.widths:
            book = relay.book(symbol, width)
            depth = self._pages() * PAGE if width == relay.candle_ms else KEPT_MINUTES // 3
            start = book.complete + width if book.complete else now - depth * width
            if width == MINUTE and traced and not book.complete:
                start = min(start, max(traced.open_time, self._minutes_from(now)))
            found = await self._klines(symbol, width, start)
            relay.fill(symbol, width, found)
        minutes = relay.book(symbol, MINUTE)
        if traced is None:
            relay.catch_up(symbol, MINUTE, minutes.rows[-1:], {}, self.now())
            return
        if relay.candle_ms > MINUTE and minutes.opens and traced.open_time < minutes.opens[0]:
            await self._catch_up_by_candles(symbol, traced)
        missed = minutes.since(relay.traced[symbol].open_time)
        whole = any(c.closed and c.open_time > traced.open_time for c in missed)
        told = await self._klines(symbol, MINUTE, missed[0].open_time, path=MARKS) if whole else []
        marks = {c.open_time: c for c in told}
        relay.catch_up(symbol, MINUTE, missed, marks, self.now())
        self.said[(symbol, "kline")] = now

    async def _catch_up_by_candles(self, symbol: str, traced: Candle) -> None:
        """A long absence: the rest of the candle that was cut by minutes, then whole candles."""
        relay = self.relay
        first = traced.open_time - traced.open_time % relay.candle_ms + relay.candle_ms
        rest = await self._klines(symbol, MINUTE, traced.open_time, first - MINUTE)
        relay.catch_up(symbol, MINUTE, rest, {}, self.now())
        until = relay.book(symbol, MINUTE).opens[0] - relay.candle_ms
        wide = [c for c in relay.book(symbol, relay.candle_ms).since(first) if c.closed and c.open_time <= until]
        relay.catch_up(symbol, relay.candle_ms, wide, {}, self.now())

    def _minutes_from(self, now: int) -> int:
        """The oldest minute that is asked for where a long time was missed: the beginning of a candle."""
        return -(-(now - PAGE * MINUTE) // self.relay.candle_ms) * self.relay.candle_ms

    async def _klines(
        self, symbol: str, width: int, start: int, end: int | None = None, path: str = PRICES
    ) -> list[Candle]:
        """Oldest first, from `start` on, in pages."""
        found: list[Candle] = []
        for _ in range(2 * HISTORY_PAGES):
            params: dict[str, Json] = {"symbol": symbol, "interval": self.intervals[width], "startTime": start}
            few = (self.now() - start) // width < 90
            params |= {"limit": 99 if few else PAGE} | ({} if end is None else {"endTime": end})
            rows = await self._ask(path, 1 if few else PAGE_WEIGHT, params)
            now = self.now()
            found += [candles.from_rest(row, width, now) for row in rows]
            if len(rows) < params["limit"]:
                break
            start = found[-1].open_time + width
        return found

    async def _take_marks(self) -> None:
        for row in await self._ask("/fapi/v1/premiumIndex", 10):
            if row["symbol"] in self.relay.entries and Decimal(row["markPrice"]) > 0:
                self._mark(row["symbol"], row["markPrice"], row["lastFundingRate"], row["nextFundingTime"], row["time"])

    async def _take_settled(self, symbols: Sequence[str]) -> None:
        """The funding rates that were settled, at most every ten minutes."""
        if time.monotonic() - self.settled < RATES_AGE:
            return
        await _together([self._take_rates(s) for s in symbols])
        self.settled = time.monotonic()

    async def _take_rates(self, symbol: str) -> None:
        rows = await self._ask("/fapi/v1/fundingRate", 1, {"symbol": symbol, "limit": 100})
        settled = {(int(row["fundingTime"]) + 30_000) // MINUTE * MINUTE: Decimal(row["fundingRate"]) for row in rows}
        self.relay.hear_settled(symbol, settled)

    def _pages(self) -> int:
        """Of history, for each symbol: as much as the venue's limit allows to ask at once."""
        return max(1, min(HISTORY_PAGES, HISTORY_WEIGHT // (PAGE_WEIGHT * max(1, len(self.wanted)))))

    async def _ask(self, path: str, weight: int, params: dict[str, Json] | None = None) -> Json:
        await self.budget.wait(weight)
        try:
            async with self.session.get(self.url + path, params=params) as answer:
                self.budget.hear(answer.status, answer.headers)
                if answer.status != 200:
                    raise Unreachable(f"{path} answered {answer.status}")
                return await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(_short(error)) from error

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            local = urlsplit(self.url).hostname in LOOPBACK
            self._session = aiohttp.ClientSession(
                timeout=PATIENCE, connector=aiohttp.TCPConnector(limit=AT_ONCE), trust_env=not local
            )
        return self._session

    # -- WebSocket ----------------------------------------------------------------------------------------------------
    def _address(self) -> str:
        parts = urlsplit(self.url)
        return STREAM_HOSTS.get(parts.hostname or "", f"ws://{parts.netloc}") + PATHS[self.path % len(PATHS)]

    async def _listen(self) -> None:
        """One connection, from its dial to its loss."""
        await self.reach()
        try:
            async with self.session.ws_connect(self._address(), heartbeat=20, timeout=PATIENCE_OF_SOCKETS) as socket:
                symbols = [s for s in self.wanted if s in self.relay.entries]
                await self._subscribe(socket, symbols)
                await self.reach()  # what happened between the first asking and the subscription
                await self._hear_all(socket)
        except aiohttp.WSServerHandshakeError as error:
            self.path += 1
            raise Unreachable(f"its stream answered {error.status}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"its stream: {_short(error)}") from error

    async def _subscribe(self, socket: aiohttp.ClientWebSocketResponse, symbols: Sequence[str]) -> None:
        streams = [
            f"{s.lower()}@{kind}"
            for s in symbols
            for kind in (*(f"kline_{self.intervals[width]}" for width in self.widths), "markPrice@1s")
        ]
        for number, i in enumerate(range(0, len(streams), A_FRAME), 1):
            await socket.send_json({"method": "SUBSCRIBE", "params": streams[i : i + A_FRAME], "id": number})
            await asyncio.sleep(0.2)  # at most ten frames a second

    async def _hear_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        checking = asyncio.create_task(self._check())
        try:
            while True:
                message = await socket.receive(SILENT / 1000)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise Unreachable("its stream was closed")
                if checking.done():
                    checking.result()
                with suppress(*BROKEN):  # what can't be read is as good as not said: REST fills it in
                    self.hear(json.loads(message.data))
        except TimeoutError:
            raise Unreachable(f"its stream was silent for {SILENT // 1000} s") from None
        finally:
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)

    def hear(self, message: Json) -> None:
        """One message of a combined stream."""
        event = message["data"]
        if event["e"] == "kline" and self._newer(event["s"], f"kline {event['k']['i']}", event["E"]):
            width, candle = INTERVALS[event["k"]["i"]], candles.from_stream(event["k"])
            if event["E"] >= self.said.get((event["s"], "kline"), 0):
                self.relay.hear_candle(event["s"], width, candle, self.now())
        elif event["e"] == "markPriceUpdate":
            self._mark(event["s"], event["p"], event["r"], event["T"], event["E"])

    def _mark(self, symbol: str, mark: str, rate: str, next_funding: int, said: int) -> None:
        if self._newer(symbol, "mark", int(said)):
            at = (int(next_funding) + 30_000) // MINUTE * MINUTE
            self.relay.hear_mark(symbol, Decimal(mark), Decimal(rate or 0), at, self.now())

    def _newer(self, symbol: str, what: str, said: int) -> bool:
        """Whether this was said after all that counts; it counts from now on."""
        if said < self.said.get((symbol, what), 0):
            return False
        self.said[(symbol, what)] = said
        return True

    # -- checking -----------------------------------------------------------------------------------------------------
    async def _check(self) -> None:
        """A few seconds after each minute: ask for closed candles that did not come, for rules that are old."""
        while True:
            await asyncio.sleep((MINUTE - self.now() % MINUTE + GRACE) / 1000)
            await self.fill_holes()
            await self._take_settled(self.relay.symbols)
            rules = self.ruled
            await self._learn_rules()
            if self.ruled != rules:
                self.on_rules()

    async def fill_holes(self) -> None:
        late = [
            (symbol, width)
            for symbol in self.relay.symbols
            for width in self.widths
            if self.relay.book(symbol, width).lacks(self.now())
        ]
        await _together([self._catch_up(symbol) for symbol in sorted({s for s, _ in late})])


PATIENCE_OF_SOCKETS = aiohttp.ClientWSTimeout(ws_close=2)


class Budget:
    """Keeps us within the venue's limits: a weight a minute, and silence where it asks for it."""

    def __init__(self) -> None:
        self.minute, self.used = 0, 0
        self.quiet_until = 0.0

    async def wait(self, weight: int) -> None:
        """Until so much more may be asked."""
        while (pause := self._pause(weight)) > 0:
            await asyncio.sleep(pause)
        self.used += weight

    def _pause(self, weight: int) -> float:
        now, minute = time.monotonic(), int(time.time() // 60)
        if minute != self.minute:
            self.minute, self.used = minute, 0
        if now < self.quiet_until:
            return self.quiet_until - now
        return 60 - time.time() % 60 + 0.1 if self.used and self.used + weight > WEIGHT else 0.0

    def hear(self, status: int, headers: Any) -> None:
        """What the venue says of it itself."""
        used = headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isdigit():
            self.used = max(self.used, int(used))
        if status in (418, 429):
            wait = headers.get("Retry-After", "")
            self.quiet_until = time.monotonic() + (float(wait) if wait.isdigit() else 60.0)


def _short(error: Exception) -> str:
    """What went wrong on the way, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", error)
    return (getattr(cause, "strerror", None) or str(error) or type(error).__name__)[:120]


async def _together(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them; the first failure ends the others."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

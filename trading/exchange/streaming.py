"""The venue's streams and history, asynchronously: what the stream process listens to.

Each `listen_*` runs until its connection is lost and then raises `Unreachable`; the caller decides when to try again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from trading.exchange import klines, wire
from trading.exchange.answers import failure, silence
from trading.exchange.asking import SPAN, Clock, utc_now
from trading.exchange.connection import Connection
from trading.exchange.errors import CLOCK, Answer, Unreachable, classify
from trading.exchange.gateway import WEIGHT, ClientError, streaming_client
from trading.exchange.quiet import Quiet, Told
from trading.exchange.venue import Bar, Mark

T = TypeVar("T")

STREAMS_A_CONNECTION = 180  # the venue takes 200
LIVES = timedelta(minutes=25).total_seconds()  # a listen key lives for 60 minutes unless it is kept alive
DRIFT = timedelta(seconds=1)
LOCAL_WEIGHT = 60_000.0  # the practice exchange is ours: no need to be shy


class Hearer(Protocol):
    """Who listens. Called in the event loop: must not block."""

    def on_kline(self, bar: Bar, closed: bool) -> None: ...
    def on_prices(self, marks: dict[str, Mark]) -> None: ...
    def on_account(self, symbols: set[str]) -> None: ...


class AsyncVenue:
    """History by REST, the rest by WebSocket."""

    def __init__(self, connection: Connection, clock: Clock = utc_now) -> None:
        self.connection, self.clock = connection, clock
        self.offset = timedelta(0)
        self.took = timedelta(0)  # of the newest look at the venue's clock, there and back
        self.hearer: Hearer | None = None
        self.listening: tuple[str, timedelta | None] = ("", None)  # the interval of the klines, and its length
        self.heard_at = time.monotonic()  # when the market last said anything
        self._quiet = Quiet()
        weight = LOCAL_WEIGHT if connection.url else WEIGHT
        self.client = streaming_client(connection, lambda: self.clock(), self._hear, weight, self._may_leave)

    def now(self) -> datetime:
        return self.clock() + self.offset

    async def set_clock(self) -> timedelta:
        """Ask the venue for its time. What was waited for a turn does not count."""
        SPAN.set(None)
        began = self.clock()
        server = await self._ask("fapiPublicGetTime", {}, lambda raw: wire.moment(raw["serverTime"]))
        left, came = SPAN.get() or (began, self.clock())
        self.took = came - left
        self.offset = server - (left + self.took / 2)
        self.client.options["timeDifference"] = round(-self.offset.total_seconds() * 1000)
        return self.offset

    async def bars(self, symbol: str, timeframe: str, since: datetime | None = None, limit: int = 500) -> list[Bar]:
        """Closed bars, oldest first; the newest `limit` ones, or those from `since` on."""
        params = klines.params(symbol, timeframe, since, limit)
        rows = await self._ask("fapiPublicGetKlines", params, list)
        step = timedelta(seconds=self.client.parse_timeframe(timeframe))
        found = self._read(lambda r: klines.closed_bars(r, symbol, self.now(), step), rows, "klines")
        return found[-limit:] if since is None else found[:limit]

    # -- streams
    async def listen_market(self, symbols: Sequence[str], timeframe: str) -> None:
        """Klines of all symbols and every mark price, until one of the connections is lost."""
        streams = ["!markPrice@arr@1s", *(f"{wire.market_id(s).lower()}@kline_{timeframe}" for s in symbols)]
        self.listening = timeframe, timedelta(seconds=self.client.parse_timeframe(timeframe))
        parts = [streams[i : i + STREAMS_A_CONNECTION] for i in range(0, len(streams), STREAMS_A_CONNECTION)]
        self.heard_at = time.monotonic()
        self._forget_dials()
        base = self.client.get_ws_url("linear", "market")
        await first_to_fail([self._listen(f"{base}/{n}", part) for n, part in enumerate(parts)])

    async def listen_user(self) -> None:
        """Our orders, fills and positions, until the connection is lost."""
        key = await self._ask("fapiPrivatePostListenKey", {}, lambda raw: str(raw["listenKey"]))
        self._forget_dials()
        lost = self.client.watch(self.client.get_private_ws_url("linear", key), "user", None, "user")
        while not (await asyncio.wait([lost], timeout=LIVES))[0]:
            await self._ask("fapiPrivatePutListenKey", {"listenKey": key}, lambda raw: raw)
        await self._until(lost)

    def hang_up(self, why: str) -> None:
        """Give up the market's connections: they are open, but say nothing."""
        for url, client in list(self.client.clients.items()):
            if "/market/" in url:
                client.on_error(ClientError(why))

    def _forget_dials(self) -> None:
        """The caller backs off; ccxt's own back-off on top of it would double the wait."""
        self.client.ws_dial_backoff = {}

    async def close(self) -> None:
        await self.client.close()

    async def _listen(self, url: str, streams: list[str]) -> None:
        request = {"method": "SUBSCRIBE", "params": streams, "id": self.client.request_id(url)}
        await self._until(self.client.watch(url, "lost", request, "lost"))

    async def _until(self, lost: asyncio.Future) -> None:
        try:
            await lost
        except ClientError as error:
            raise Unreachable(f"{str(error)[:120] or type(error).__name__}") from error

    def _hear(self, message: Any) -> None:
        """Tell the hearer; what can't be read is as good as not said (REST fills it in)."""
        if self.hearer is None:
            return
        try:
            if isinstance(message, list):
                self.heard_at = time.monotonic()
                self._keep_time(wire.moment(message[0]["E"]))
                marks = (wire.streamed_mark(raw) for raw in message if raw.get("e") == "markPriceUpdate")
                self.hearer.on_prices({m.symbol: m for m in marks if m is not None})
            elif message.get("e") == "kline":
                self.heard_at = time.monotonic()
                found = klines.streamed_bar(message, *self.listening)
                if found is not None:
                    self.hearer.on_kline(*found)
            elif symbols := account_symbols(message):
                self.hearer.on_account(symbols)
        except wire.UNREADABLE:
            return

    def _keep_time(self, said: datetime) -> None:
        """Follow the venue's clock where it jumped."""
        drift = said - self.now()
        if abs(drift) > DRIFT:
            self.offset += drift

    # -- one request
    async def _ask(self, endpoint: str, params: dict, parse: Callable[[Any], T]) -> T:
        self._may_leave(endpoint)
        try:
            return self._read(parse, await getattr(self.client, endpoint)(params), endpoint)
        except ClientError as error:
            if quiet := silence(error, endpoint, self.now()):
                self._quiet.hear(quiet.seconds, banned=quiet.banned, now=time.monotonic())
                raise quiet from error
            problem = failure(error, endpoint)
            if problem.code in CLOCK:
                await self.set_clock()
            raise problem from error

    def obey(self, told: Iterable[Told]) -> None:
        """The silences that other processes of ours heard of hold here too."""
        self._quiet.take(told, self.clock(), time.monotonic())

    def _may_leave(self, what: str = "a request that waited") -> None:
        if no := self._quiet.no(what, time.monotonic(), urgent=False):
            raise no

    def _read(self, parse: Callable[[Any], T], raw: Any, endpoint: str) -> T:
        try:
            if isinstance(raw, str):
                raise ValueError("not JSON")
            return parse(raw)
        except wire.UNREADABLE as error:
            raise classify(Answer(200), write=False, what=endpoint) from error


def account_symbols(message: wire.Json) -> set[str]:
    """The symbols that a user-data event is about."""
    kind = message.get("e")
    if kind in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE"):
        names = [message["o"]["s"]]
    elif kind == "ACCOUNT_UPDATE":
        names = [p["s"] for p in message["a"].get("P", [])]
    else:
        return set()
    return {symbol for name in names if (symbol := wire.symbol_of(str(name))) is not None}


async def first_to_fail(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run them all; when one ends, end the others and raise what it raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    raise next((e for e in ended if isinstance(e, Exception)), Unreachable("stream: connection ended"))

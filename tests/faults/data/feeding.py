"""The feed on a clock of its own: the practice exchange in process, the real stream, the executor's real cycle.

Nothing is replaced but the wire (messages and answers are handed over as JSON instead of through a socket) and the
clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from asgiref.sync import sync_to_async

from trading.cycle import judge_bar
from trading.exchange.connection import Connection
from trading.exchange.gateway import connect
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import Bar
from trading.feed import rows, universe
from trading.feed.stream import Plan, Stream
from trading.models import Candle, Cycle
from trading.practice import market, tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.server import Server
from trading.practice.streams import parse

STEP = timedelta(minutes=1)
WIDTH = 60_000
START = 1_770_000_000_000 // WIDTH * WIDTH
HISTORY = 260
NAMES = (
    "BTC",
    "ETH",
    "BNB",
    "SOL",
    "XRP",
    "DOGE",
    "ADA",
    "LTC",
    "LINK",
    "AVAX",
    "BCH",
    "TRX",
    "DOT",
    "UNI",
    "AAVE",
    "ETC",
)
SYMBOLS = tuple(f"{name}USDT" for name in NAMES)
ENDPOINTS = {"fapiPublicGetKlines": "/fapi/v1/klines", "fapiPublicGetTime": "/fapi/v1/time"}
CONNECTION = Connection("http://127.0.0.1:1", "practice", "practice", "practice")
GRACE = 2.5  # seconds after its end that a bar's candles are waited for
TOLD = (4, 22, 41, 58)  # seconds of a minute at which the streams speak


class Wire(AsyncVenue):
    """The asynchronous venue, its requests answered in process."""

    def __init__(self, exchange: Exchange, clock: Callable[[], datetime]) -> None:
        super().__init__(CONNECTION, clock)
        self.exchange = exchange

    async def _ask(self, endpoint: str, params: dict, parse: Callable[[Any], Any]) -> Any:
        answer = self.exchange.handle("GET", ENDPOINTS[endpoint], urlencode(params))
        return self._read(parse, json.loads(json.dumps(answer.body)), endpoint)


class Nobody:
    """A listener who is told elsewhere."""

    async def on_history(self) -> None: ...
    async def on_bar_closed(self, bar: datetime) -> None: ...
    async def on_marks(self, marks: Any) -> None: ...
    async def on_user(self, symbol: str) -> None: ...


class House:
    """One feed and one executor over one exchange; `minute()` lets a minute pass."""

    def __init__(self, seed: int, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.ms = START + 30_000
        self.exchange = Exchange(
            market.synthetic(seed, symbols, WIDTH, START),
            tables.load(),
            Ledger(),
            lambda: self.ms,
            {"practice": "practice"},
        )
        self.gateway = connect(CONNECTION, self._transport, clock=self.now)
        self.venue = Wire(self.exchange, self.now)
        self.stream = Stream(self.venue, Plan("1m", history=HISTORY), Nobody(), self._refresh)
        self.venue.hearer = self.stream
        self.venue.listening = ("1m", STEP)
        self.teller = Server(self.exchange).teller
        self.streams = [parse(f"{s.lower()}@kline_1m", symbols) for s in symbols] + [
            parse("!markPrice@arr@1s", symbols)
        ]
        for one in self.streams:
            self.teller.begin(one)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def _transport(self, method: str, url: str, headers: dict, body: str | None) -> tuple[int, dict, str]:
        parts = urlsplit(url)
        answer = self.exchange.handle(method, parts.path, parts.query, headers, body or "")
        return answer.status, {}, json.dumps(answer.body)

    def _refresh(self, now: datetime, by: str) -> None:
        universe.refresh(now, by, self.gateway)

    async def begin(self) -> None:
        """Universe and history, as at a start."""
        await sync_to_async(self._refresh)(self.now(), "test")
        await self.stream._take_universe()
        await self.stream._history(self.newest())

    def newest(self) -> datetime:
        """Open time of the newest bar that is over."""
        return datetime.fromtimestamp(self.ms // WIDTH * WIDTH / 1000, UTC) - STEP

    def pass_to(self, ms: int) -> None:
        self.ms = ms
        self.exchange.advance(ms)

    def tell(self) -> None:
        """Every stream says what it has to say now."""
        for one in self.streams:
            if self.exchange.faults.mutes(one.name, one.symbol, self.exchange.now):
                continue
            for text in self.teller.messages(one, self.exchange.now // 1000):
                self.venue._hear(json.loads(text))

    async def minute(self, at: Callable[[int], None] = lambda second: None) -> datetime:
        """To the next bar's end, and what is done about it; `at` is called at the seconds when the streams speak."""
        start = self.ms // WIDTH * WIDTH
        for second in TOLD:
            if start + second * 1000 > self.ms:
                self.pass_to(start + second * 1000)
                at(second)
                self.tell()
        self.pass_to(start + WIDTH + 200)
        self.tell()
        bar = self.newest()
        if not set(self.stream.symbols) <= self.stream.pending.get(bar, {}).keys():
            self.pass_to(start + WIDTH + int(GRACE * 1000))
        await self.stream._bar(bar)
        return bar

    def decide(self, bar: datetime) -> tuple[Cycle, set[str]]:
        """The executor's cycle on the bar, and the symbols that something was decided about."""
        judge_bar(bar, self.now(), "stream", self.gateway, lambda intents: None)
        cycle = Cycle.objects.get(bar=bar)
        absent = {symbol for symbols in cycle.absent.values() for symbol in symbols}
        return cycle, set(rows.universe()) - absent

    def truth(self, symbol: str, bar: datetime) -> Bar:
        """What the market did, whatever clients were told."""
        opened = int(bar.timestamp() * 1000)
        k = self.exchange.market.klines(symbol.split("/")[0] + "USDT", WIDTH, opened, opened, 1, self.exchange.now)[0]
        assert k.open_time == opened
        return Bar(symbol, bar, *(float(v) for v in (k.open, k.high, k.low, k.close, k.volume)))

    def false(self, since: datetime, until: datetime) -> set[tuple[str, datetime]]:
        """Stored candles of this time that are not what the market did."""
        stored = Candle.objects.filter(timeframe="1m", open_time__range=(since, until))
        found = set()
        for symbol, at, *numbers in stored.values_list("symbol", "open_time", "open", "high", "low", "close", "volume"):
            right = self.truth(symbol, at)
            if tuple(numbers) != (right.open, right.high, right.low, right.close, right.volume):
                found.add((symbol, at))
        return found

"""The practice exchange for tests: its engine in process (`venue`), and on a port with a stream (`place`)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async
from django.db import connections

from trading.exchange.connection import Connection
from trading.exchange.gateway import CcxtGateway, connect
from trading.exchange.streaming import AsyncVenue
from trading.feed import universe
from trading.feed.stream import Plan, Stream
from trading.practice import market, tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.server import Server

MINUTE = 1_770_000_000_000 // 60_000 * 60_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")


@dataclass
class Told:
    """What the stream told."""

    bars: asyncio.Queue = field(default_factory=asyncio.Queue)
    marks: asyncio.Queue = field(default_factory=asyncio.Queue)
    symbols: asyncio.Queue = field(default_factory=asyncio.Queue)
    history: int = 0

    async def on_history(self) -> None:
        self.history += 1

    async def on_bar_closed(self, bar: datetime) -> None:
        await self.bars.put(bar)

    async def on_marks(self, marks) -> None:
        await self.marks.put(marks)

    async def on_user(self, symbol: str) -> None:
        await self.symbols.put(symbol)


class Clock:
    """Starts 30 s before a full minute, runs on, and can be put forward."""

    def __init__(self) -> None:
        self.began, self.ahead = time.monotonic(), 0.0

    def ms(self) -> int:
        return MINUTE + 30_000 + int((time.monotonic() - self.began + self.ahead) * 1000)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms() / 1000, UTC)

    def restart(self) -> None:
        self.began = time.monotonic()

    def close_the_bar(self) -> None:
        """Go to the next full minute."""
        self.ahead += 60 - self.ms() / 1000 % 60


@dataclass
class Place:
    exchange: Exchange
    connection: Connection
    clock: Clock

    def gateway(self):
        return connect(self.connection, clock=self.clock.now)

    @asynccontextmanager
    async def streaming(self, **plan) -> AsyncIterator[tuple[Stream, Told]]:
        told = Told()
        gateway = self.gateway()
        listening = AsyncVenue(self.connection, self.clock.now)
        stream = Stream(
            listening,
            Plan("1m", **({"history": 50} | plan)),
            told,
            lambda now, by: universe.refresh(now, by, gateway),
        )
        running = asyncio.create_task(stream.run())
        try:
            yield stream, told
        finally:
            stream.stop()
            await running


@pytest.fixture
async def place(transactional_db) -> AsyncIterator[Place]:
    clock = Clock()
    exchange = Exchange(
        market.synthetic(7, SYMBOLS, 60_000, MINUTE), tables.load(), Ledger(), clock.ms, {"practice": "practice"}
    )
    runner = web.AppRunner(Server(exchange).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    AsyncVenue(Connection("http://127.0.0.1:1", "practice", "practice", "practice"))  # what is imported late takes time
    clock.restart()
    port = site._server.sockets[0].getsockname()[1]
    yield Place(
        exchange,
        Connection(f"http://127.0.0.1:{port}", "practice", "practice", "practice"),
        clock,
    )
    await runner.cleanup()
    await sync_to_async(connections.close_all)()


@dataclass
class Venue:
    """The exchange, our gateway to it, and its time."""

    exchange: Exchange
    gateway: CcxtGateway
    ms: Callable[[], int]
    wait: Callable[[float], None]


@pytest.fixture
def venue() -> Venue:
    time = [MINUTE]
    exchange = Exchange(
        market.synthetic(7, SYMBOLS, 60_000, MINUTE), tables.load(), Ledger(), lambda: time[0], {"practice": "practice"}
    )

    def transport(method, url, headers, body):
        parts = urlsplit(url)
        answer = exchange.handle(method, parts.path, parts.query, headers, body or "")
        return answer.status, {}, json.dumps(answer.body)

    def wait(seconds):
        time[0] += int(seconds * 1000)
        exchange.advance(time[0])

    connection = Connection("http://127.0.0.1:8100", "practice", "practice", "practice")
    gateway = connect(connection, transport, clock=lambda: datetime.fromtimestamp(time[0] / 1000, UTC))
    return Venue(exchange, gateway, lambda: time[0], wait)

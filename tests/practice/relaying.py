"""Two exchanges: an upstream on a port of its own with a market of its own, and one that relays it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from trading.practice import market as markets
from trading.practice import tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.relay import Relay, Rulebook
from trading.practice.server import Server
from trading.practice.upstream import Upstream

MINUTE = 60_000
OPEN = 1_770_000_000_000 // 3_600_000 * 3_600_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
KEYS = {"practice": "practice"}


class Clock:
    """Runs on, and can be put forward; begins half a minute into an hour."""

    def __init__(self) -> None:
        self.began, self.ahead = time.monotonic(), 0.0

    def __call__(self) -> int:
        return OPEN + 30_000 + int((time.monotonic() - self.began + self.ahead) * 1000)

    def forward(self, seconds: float) -> None:
        self.ahead += seconds

    def close_the_minute(self) -> None:
        self.ahead += 60 - self() / 1000 % 60


class Venue:
    """The upstream: a practice exchange on a port; `down` and `up` are its network."""

    def __init__(self, clock: Clock, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.clock = clock
        self.exchange = Exchange(
            markets.synthetic(7, symbols, MINUTE, OPEN), tables.load(), Ledger(), clock, KEYS, Decimal("10000")
        )
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        self._runner = web.AppRunner(Server(self.exchange).application(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def down(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self.exchange.listeners.clear()
            self._runner = None


@dataclass
class Relaying:
    """The exchange that relays, and its ear."""

    exchange: Exchange
    upstream: Upstream

    @property
    def market(self) -> Relay:
        return self.exchange.market


def relaying(venue: Venue, clock: Callable[[], int], width: int = MINUTE, ledger: Path | None = None) -> Relaying:
    """As the command opens it, with the ledger it had before."""
    book = Ledger(ledger)
    state = book.recall("market")
    if state:
        market = Relay.restore(state, "the venue", [*SYMBOLS, *book.at_stake()], book.recall("account")["walked"])
    else:
        market = Relay("the venue", width, clock())
    exchange = Exchange(market, Rulebook(market, tables.load()), book, clock, KEYS, Decimal("10000"))
    upstream = Upstream(venue.url, market, SYMBOLS, clock, exchange.learn)
    exchange.clock_ms = upstream.now
    return Relaying(exchange, upstream)


@asynccontextmanager
async def followed(one: Relaying) -> AsyncIterator[Relaying]:
    """Reached, and followed until the end."""
    with suppress(Exception):
        await one.upstream.reach()
    job = asyncio.create_task(one.upstream.follow())
    try:
        yield one
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await one.upstream.close()


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not come true in time")
        await asyncio.sleep(0.05)

"""`manage.py practice`: the practice exchange alone, on a port of this machine.

Its market is synthetic, recorded (`--data`), or relayed (`--relay`): a venue's public data, with orders filled here.
"""

from __future__ import annotations

import asyncio
import errno
import re
import signal
import socket
import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

PRACTICE_KEY = "practice"
FIRST_REACH = 60  # seconds that the relayed venue has to tell its history before clients are let in
REMEMBERED = 10  # seconds between two notes of where the relayed market is


class Command(BaseCommand):
    help = "The practice exchange: Binance USD-M futures on a synthetic, recorded or relayed market, on 127.0.0.1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        config = settings.QUANTUM
        parser.add_argument("--port", type=int, default=config.practice_port)
        parser.add_argument("--data", default=str(config.practice_data) if config.QT_PRACTICE_DATA else "")
        parser.add_argument("--relay", default=config.relay_url, help="relay this venue's public data")
        parser.add_argument("--symbols", type=symbol_list, default=",".join(config.symbols), help="BTCUSDT,ETHUSDT")
        parser.add_argument("--seed", type=int, default=config.QT_PRACTICE_SEED, help="of the synthetic market")
        parser.add_argument("--speed", type=int, default=config.QT_PRACTICE_SPEED, help="source bars in each candle")
        parser.add_argument("--start", type=instant, help="play recorded data from this ISO time on")
        parser.add_argument("--ledger", default="", help="the exchange's own SQLite file")
        parser.add_argument("--balance", type=amount, default="10000", help="USDT that a new account begins with")
        parser.add_argument("--fresh", action="store_true", help="a new account and a new market")

    def handle(self, *args: Any, **options: Any) -> None:
        from trading.practice.ledger import LedgerError
        from trading.practice.recorded import DataFault

        check_relay(options)
        listening = bind(options["port"])
        try:
            exchange = open_relay(options) if options["relay"] else open_exchange(options)
        except (LedgerError, DataFault, ValueError) as error:
            listening.close()
            raise CommandError(str(error)) from None
        self.stdout.write(f"Practice exchange on http://127.0.0.1:{listening.getsockname()[1]}")
        if not options["relay"]:
            self.stdout.write(exchange.market.describe(exchange.now))
        self.stdout.flush()
        try:
            asyncio.run(relay(exchange, listening, options) if options["relay"] else serve(exchange, listening))
        finally:
            exchange.ledger.close()


def open_exchange(options: dict[str, Any]) -> Any:
    """The exchange with its ledger: what was there before goes on, in its own market."""
    from trading.practice import tables
    from trading.practice.exchange import Exchange
    from trading.practice.ledger import Ledger

    config = settings.QUANTUM
    width, now = int(config.bar.total_seconds() * 1000), clock_ms()
    source = choose_source(options)
    own = config.var / f"exchange-{ledger_name(options, config)}.sqlite3"
    ledger = Ledger(Path(options["ledger"]) if options["ledger"] else own, fresh=options["fresh"])
    state = ledger.recall("market")
    market = resume(source, state, ledger.path) if state else begin(source, width, now, options["start"])
    if ledger.recall("speed asked for") != options["speed"]:  # the desk may have changed it since: that stays
        market.set_speed(options["speed"], now)
        ledger.remember("speed asked for", options["speed"])
    exchange = Exchange(market, tables.load(), ledger, clock_ms, keys(config), options["balance"])
    exchange.remember_market()
    return exchange


def open_relay(options: dict[str, Any]) -> Any:
    """The exchange on a relayed market, as far as its ledger remembers it."""
    from trading.practice import tables
    from trading.practice.exchange import Exchange
    from trading.practice.ledger import Ledger
    from trading.practice.relay import Relay, Rulebook
    from trading.practice.upstream import name_of

    config = settings.QUANTUM
    venue, width, now = name_of(options["relay"]), int(config.bar.total_seconds() * 1000), clock_ms()
    own = config.var / f"exchange-{re.sub(r'[^A-Za-z0-9]+', '-', f'relay {venue}')}-{config.timeframe}.sqlite3"
    ledger = Ledger(Path(options["ledger"]) if options["ledger"] else own, fresh=options["fresh"])
    state = ledger.recall("market")
    if state:
        walked = min(ledger.recall("account")["walked"], now)
        market = Relay.restore(state, venue, [*wanted(options), *ledger.at_stake()], walked)
    else:
        market = Relay(venue, width, now)
    return Exchange(market, Rulebook(market, tables.load()), ledger, clock_ms, keys(config), options["balance"])


def wanted(options: dict[str, Any]) -> tuple[str, ...]:
    """The symbols to relay: those asked for, or the usual liquid ones."""
    from trading.practice.synthetic import SYMBOLS

    return tuple(options["symbols"] or SYMBOLS)


def keys(config: Any) -> dict[str, str]:
    return {config.QT_API_KEY or PRACTICE_KEY: config.QT_API_SECRET or PRACTICE_KEY}


def check_relay(options: dict[str, Any]) -> None:
    if not options["relay"]:
        return
    from trading.practice.upstream import relay_problem

    if problem := relay_problem(options["relay"]):
        raise CommandError(f"--relay {problem}")
    if options["data"] or options["start"] or options["speed"] != 1:
        raise CommandError("--relay follows a venue as it goes: no --data, no --start, no --speed")


def choose_source(options: dict[str, Any]) -> Any:
    from trading.practice.recorded import Recorded
    from trading.practice.synthetic import SYMBOLS, Synthetic

    if options["data"]:
        return Recorded(options["data"], options["symbols"] or None)
    if options["start"]:
        raise ValueError("--start needs --data: a synthetic market has no dates of its own")
    return Synthetic(options["seed"], options["symbols"] or SYMBOLS)


def resume(source: Any, state: dict[str, Any], path: Path | None) -> Any:
    """The market that the ledger remembers; another one than it plays is refused."""
    from trading.practice.market import Market

    try:
        return Market.restore(source, state)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; choose that market again, or begin a new account with --fresh") from None


def begin(source: Any, width: int, now: int, start: int | None) -> Any:
    """A new market, whose future begins in this candle: after the source's history, or at `start` of recorded data."""
    from trading.practice.market import Market
    from trading.practice.tape import Segment, Tape

    if start is None:
        return Market.start(source, width, now)
    bar = (start - source.first_ms) // source.own_bar_ms
    if not 0 < bar < source.bars_in_lap:
        last = source.first_ms + (source.bars_in_lap - 1) * source.own_bar_ms
        raise ValueError(
            f"--start {iso(start)} lies outside the data, which runs from {iso(source.first_ms)} to {iso(last)}"
        )
    return Market(source, Tape((Segment(now - now % width - bar * width, 0, 1),)), width)


def ledger_name(options: dict[str, Any], config: Any) -> str:
    """Each market keeps its own account: another data folder, seed or candle width begins another one."""
    source = Path(options["data"]).resolve().stem if options["data"] else f"seed-{options['seed']}"
    return f"{source}-{config.timeframe}"


async def relay(exchange: Any, listening: socket.socket, options: dict[str, Any]) -> None:
    """Hear the venue before clients are let in, where it can be heard; then serve, and go on hearing it."""
    from trading.practice.upstream import Unreachable, Upstream

    market = exchange.market
    symbols = dict.fromkeys([*wanted(options), *market.symbols])

    def learn() -> None:
        exchange.learn()
        exchange.remember_market()

    upstream = Upstream(options["relay"].rstrip("/"), market, tuple(symbols), clock_ms, learn)
    exchange.clock_ms = upstream.now
    try:
        async with asyncio.timeout(FIRST_REACH):
            await upstream.reach()
    except Unreachable as error:
        upstream.lost(error)
    except TimeoutError:
        upstream.lost(Unreachable(f"not all was told within {FIRST_REACH} s"))
    print(market.describe(upstream.now()), flush=True)
    jobs = [asyncio.create_task(upstream.follow()), asyncio.create_task(remember(exchange))]
    try:
        await serve(exchange, listening)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await upstream.close()
        exchange.remember_market()


async def remember(exchange: Any) -> None:
    while True:
        await asyncio.sleep(REMEMBERED)
        exchange.remember_market()


async def serve(exchange: Any, listening: socket.socket) -> None:
    """Until SIGTERM or Ctrl-C."""
    from aiohttp import web

    from trading.practice.server import Server

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(Server(exchange).application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def bind(port: int) -> socket.socket:
    """A listening socket, before anything slow is done."""
    if not 0 <= port <= 65_535:
        raise CommandError(f"--port: a number within 0..65535 is wanted, was {port}")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"port {port} is in use: choose another with --port (or QT_PRACTICE_URL)") from None
        raise CommandError(f"port {port}: {error.strerror}") from None
    return listening


def symbol_list(text: str) -> tuple[str, ...]:
    """BTCUSDT or BTC/USDT:USDT, separated by commas."""
    names = [part.strip().upper().split(":")[0].replace("/", "") for part in text.split(",") if part.strip()]
    for name in names:
        if not re.fullmatch(r"[A-Z0-9]{2,20}USDT", name):
            raise ArgumentTypeError(f"{name!r} is no symbol; expected names like BTCUSDT")
    return tuple(names)


def amount(text: str) -> Decimal:
    """An amount of money, from nothing up."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ArgumentTypeError(f"{text!r} is no amount of USDT") from None
    if not 0 <= value <= 10**12:
        raise ArgumentTypeError(f"{text} is not within 0 and 1,000,000,000,000 USDT")
    return value


def instant(text: str) -> int:
    """ISO time -> ms."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no ISO time; expected one like 2023-07-01T00:00") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def clock_ms() -> int:
    return time.time_ns() // 1_000_000

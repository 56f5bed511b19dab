"""Law 12: the same inputs give the same journal, whoever carries the messages; and every signal is accounted for."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from aiohttp import web
from channels.layers import channel_layers
from django.conf import settings
from django.core.management import call_command

from trading import cycle, replay
from trading.exchange.connection import Connection
from trading.exchange.gateway import connect
from trading.forecast.learners import SMALL
from trading.gates import recall
from trading.gates.judge import decide
from trading.models import Cycle, Decision, Fill, Order, Position, Signal, Trade
from trading.practice import desk, tables
from trading.practice import market as markets
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60_000
START = 1_772_000_000_000 // MINUTE * MINUTE
HISTORY, BARS = 900, 40
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT", "ADAUSDT", "TRXUSDT")


class Manual(replay.Clock):
    """The data's time for the gateway, too; a wait is time that passes."""

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "VAR", tmp_path)
    monkeypatch.setattr(cycle, "warm", cycle.Warm())
    layer = channel_layers.set("default", None)
    yield
    channel_layers.set("default", layer)


def practice(seed: int) -> tuple[Exchange, Manual]:
    clock = Manual(START)
    market = markets.synthetic(seed, SYMBOLS, MINUTE, START)
    return Exchange(market, tables.load(), Ledger(), clock, {replay.KEY: replay.KEY}), clock


def play(seed: int, gateway=None, exchange=None, clock=None) -> replay.Summary:
    """A short replay from empty tables."""
    call_command("flush", interactive=False, verbosity=0)
    if exchange is None:
        exchange, clock = practice(seed)
    span = (START - HISTORY * MINUTE, START, START + BARS * MINUTE)
    cycle.warm.book = None
    return replay.replay(exchange, clock, span, gateway=gateway, size=SMALL)


class Still(Server):
    """Without a pulse: the exchange moves only while it answers, so that the test's thread may move it, too."""

    async def _beating(self, app: web.Application) -> AsyncIterator[None]:
        yield


@contextmanager
def served(exchange: Exchange):
    """The exchange on a port, from a thread with a loop of its own; its clock stays the test's."""
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(Still(exchange).application())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.append(site._server.sockets[0].getsockname()[1])
        ready.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def test_the_same_seed_gives_the_same_journal_and_another_seed_another():
    first, second, other = play(3), play(3), play(4)
    assert first.journal_sha256 == second.journal_sha256
    assert first.journal_sha256 != other.journal_sha256
    assert first.signals > 0
    assert first.orders > 0


def test_over_http_and_in_process_the_journal_is_the_same():
    inside = play(3)
    journal = list(replay.journal())
    exchange, clock = practice(3)
    with served(exchange) as url:
        gateway = connect(Connection(url, replay.KEY, replay.KEY, "practice"), clock=clock.now)
        gateway.client.budget = None  # an hour of requests is sent within seconds
        outside = play(3, gateway, exchange, clock)
    assert outside.traded > 0
    assert [row for row in replay.journal() if row not in journal] == []
    assert outside.journal_sha256 == inside.journal_sha256


def test_every_signal_has_one_decision_and_every_order_its_intent():
    summary = play(5)
    assert summary.law_holds
    assert summary.signals == summary.traded + sum(summary.rejected.values()) + summary.failed + summary.pending
    assert summary.signals == Signal.objects.count() == Decision.objects.count()
    assert Order.objects.filter(intent__kind="entry").count() == summary.traded + summary.failed
    assert all(len(s.votes) == 4 for s in Signal.objects.all())


def test_what_the_journal_holds_is_what_the_exchange_did():
    exchange, clock = practice(3)
    play(3, exchange=exchange, clock=clock)
    ours = {(f.symbol, f.trade_id): (f.price, f.quantity) for f in Fill.objects.all()}
    state = desk.answer(exchange, "GET", "/practice/state", "").body
    theirs = {
        (symbol_of(f["symbol"]), str(f["trade_id"])): (Decimal(f["price"]), Decimal(f["quantity"]))
        for f in state["fills"]
    }
    assert ours == theirs
    held = {p.symbol: p.quantity for p in Position.objects.exclude(status="closed")}
    there = {symbol_of(p["symbol"]): abs(Decimal(p["positionAmt"])) for p in state["positions"]}
    assert held == {symbol: amount for symbol, amount in there.items() if amount}
    assert Trade.objects.count() + len(held) == Decision.objects.filter(outcome="traded").count()


def symbol_of(market: str) -> str:
    return f"{market.removesuffix('USDT')}/USDT:USDT"


def test_every_stored_bar_is_decided_again_bit_for_bit():
    """Law 12, from the rows alone: desk and beliefs as they were kept give every stored answer, number and order."""
    play(3)
    told = 0
    for of in Cycle.objects.filter(signals__gt=0):
        rows = list(Signal.objects.filter(cycle=of).select_related("decision").order_by("pk"))
        verdicts = decide([recall.belief(row) for row in rows], recall.desk(of.desk))
        for row, verdict in zip(rows, verdicts, strict=True):
            again = cycle.decision_row(row, verdict, row.decision.policy_id, row.decision.at)
            was = row.decision
            assert (again.gates, again.rank, again.ticket) == (was.gates, was.rank, was.ticket)
            assert json.loads(json.dumps(again.rejections)) == was.rejections
            if was.outcome == Decision.REJECTED:
                assert (again.outcome, again.code, again.sentence) == (was.outcome, was.code, was.sentence)
            told += 1
    assert told == Signal.objects.count() > 100
    assert {"traded", "rejected"} <= set(Decision.objects.values_list("outcome", flat=True))

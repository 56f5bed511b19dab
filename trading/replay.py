"""Replay: recorded candles through the same code path as live, as fast as it goes.

1. The practice exchange's engine runs inside this process; the gateway is the one of every mode, its transport a call.
2. History is stored, the universe is taken, four models are trained on what was known then.
3. Each bar: the engine unfolds it, its candles are stored, positions are swept, the bar is judged, entries are sent.

Time is the data's own. The same inputs give the same journal, bit for bit (law 12).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count

from trading import cycle, laws
from trading.exchange.connection import Connection
from trading.exchange.gateway import CcxtGateway, connect
from trading.exchange.venue import Bar
from trading.feed import rows as feed_rows
from trading.forecast import store as model_store
from trading.forecast.learners import Size
from trading.models import Decision, Fill, Intent, Order, Trade, TrainingRun, UniverseSnapshot
from trading.positions import entering, keeper

KEY = "replay"
Progress = Callable[[str, float], None]  # what is going on, and how much of it is done (0..1)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay did. `rejected` counts by code."""

    candles: int
    bars: int
    symbols: int
    signals: int
    traded: int
    rejected: dict[str, int]
    failed: int
    pending: int
    orders: int
    trades: int
    net: str
    law_holds: bool
    seconds: float
    candles_per_second: float
    journal_sha256: str


class ReplayError(Exception):
    """The replay can't begin; the message says why."""


class Clock:
    """The data's time: set by the loop, read by everybody."""

    def __init__(self, start_ms: int) -> None:
        self.ms = start_ms

    def __call__(self) -> int:
        return self.ms

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)


def journal() -> Iterator[tuple]:
    """Every decision, order, fill and trade in an order of its own, without what a database invents (ids)."""
    yield from (
        ("decision", *map(str, row))
        for row in Decision.objects.order_by("signal__cycle__bar", "signal__symbol").values_list(
            "signal__cycle__bar", "signal__symbol", "signal__side", "signal__confidence", "outcome", "code", "rank"
        )
    )
    yield from (
        ("order", *map(str, row))
        for row in Order.objects.order_by("sent_at", "intent__client_order_id").values_list(
            "intent__client_order_id", "intent__kind", "intent__symbol", "intent__side", "intent__quantity",
            "intent__trigger", "status", "filled", "average_price", "sent_at",
        )
    )  # fmt: skip
    yield from (
        ("fill", *map(str, row))
        for row in Fill.objects.order_by("at", "symbol", "trade_id").values_list(
            "symbol", "trade_id", "side", "price", "quantity", "fee", "at"
        )
    )
    yield from (
        ("trade", *map(str, row))
        for row in Trade.objects.order_by("closed_at", "symbol").values_list(
            "symbol", "side", "quantity", "entry_price", "exit_price", "net", "close_reason", "opened_at", "closed_at"
        )
    )


def journal_sha256() -> str:
    digest = hashlib.sha256()
    for row in journal():
        digest.update(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def summarise(candles: int, bars: int, symbols: int, seconds: float) -> Summary:
    law = laws.conservation()
    codes = (
        Decision.objects.filter(outcome="rejected").values_list("code").annotate(n=Count("id")).order_by("-n", "code")
    )
    return Summary(
        candles=candles,
        bars=bars,
        symbols=symbols,
        signals=law.signals,
        traded=law.traded,
        rejected=dict(codes),
        failed=law.failed,
        pending=law.pending,
        orders=Order.objects.count(),
        trades=Trade.objects.count(),
        net=str(
            sum(Trade.objects.values_list("net", flat=True), Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        ),
        law_holds=law.holds,
        seconds=round(seconds, 2),
        candles_per_second=round(candles / seconds, 1) if seconds else 0.0,
        journal_sha256=journal_sha256(),
    )


def in_process(exchange: Any) -> Callable[[str, str, dict, str | None], tuple[int, dict, str]]:
    """A transport for the gateway: the practice exchange's REST API, called instead of requested."""

    def call(method: str, url: str, headers: dict, body: str | None) -> tuple[int, dict, str]:
        parts = urlsplit(url)
        answer = exchange.handle(method, parts.path, parts.query, headers, body or "")
        return answer.status, {}, json.dumps(answer.body)

    return call


def gateway_to(exchange: Any, clock: Clock) -> CcxtGateway:
    connection = Connection(url="http://127.0.0.1:1", key=KEY, secret=KEY, mode=settings.QUANTUM.mode)
    return connect(connection, transport=in_process(exchange), clock=clock.now)


class Player:
    """One market, one engine, one gateway, and the loop that walks them bar by bar."""

    def __init__(self, exchange: Any, clock: Clock, gateway: CcxtGateway) -> None:
        self.exchange, self.clock, self.gateway = exchange, clock, gateway
        self.width = exchange.market.candle_ms
        self.symbols = tuple(sorted(s for s, f in gateway.filters().items() if f.trading))
        self.names = {s: s.replace("/", "").split(":")[0] for s in self.symbols}
        self.timeframe = settings.QUANTUM.timeframe

    def bars(self, symbol: str, start_ms: int, end_ms: int) -> list[Bar]:
        """Closed candles of one symbol that open within [start, end)."""
        limit = (end_ms - start_ms) // self.width
        rows = self.exchange.market.klines(self.names[symbol], self.width, start_ms, end_ms - 1, limit, self.clock.ms)
        return [
            Bar(
                symbol,
                datetime.fromtimestamp(k.open_time / 1000, UTC),
                float(k.open),
                float(k.high),
                float(k.low),
                float(k.close),
                float(k.volume),
            )
            for k in rows
            if k.closed
        ]

    def take_universe(self) -> None:
        UniverseSnapshot.objects.create(
            at=self.clock.now(),
            source=self.exchange.market.describe()[:60],
            requested_by=KEY,
            symbols=[
                {"symbol": s, "rank": i, "status": "in", "why": "recorded"} for i, s in enumerate(self.symbols, 1)
            ],
        )

    def store_history(self, start_ms: int, end_ms: int, progress: Progress) -> None:
        """All candles before the replay begins: what the models learn from."""
        for i, symbol in enumerate(self.symbols):
            feed_rows.store(self.bars(symbol, start_ms, end_ms), self.timeframe, self.clock.now())
            progress("history", (i + 1) / len(self.symbols))

    def train(self, size: Size) -> None:
        now = self.clock.now()
        run = TrainingRun.objects.create(started_at=now, beat_at=now, requested_by=KEY)
        model_store.train(run.pk, clock=self.clock.now, size=size, nudge=lambda: None, judged=False)
        run.refresh_from_db()
        if run.outcome != "done":
            raise ReplayError(f"the models could not be trained: {run.error}")

    def play(self, start_ms: int, end_ms: int, progress: Progress) -> tuple[int, int]:
        """Every bar that opens within [start, end): the candles and bars that were played."""
        candles = played = 0
        for open_ms in range(start_ms, end_ms, self.width):
            candles += self.step(open_ms)
            played += 1
            progress("replay", (open_ms + self.width - start_ms) / (end_ms - start_ms))
        return candles, played

    def step(self, open_ms: int) -> int:
        """One bar through the whole house; how many candles it had."""
        self.clock.ms = open_ms + self.width
        now = self.clock.now()
        self.exchange.advance(self.clock.ms)
        bars = [bar for symbol in self.symbols for bar in self.bars(symbol, open_ms, open_ms + self.width)]
        feed_rows.store(bars, self.timeframe, now)
        keeper.sweep(self.gateway, self.clock.now)
        opened = datetime.fromtimestamp(open_ms / 1000, UTC)
        cycle.judge_bar(opened, now, KEY, self.gateway, self.enter)
        return len(bars)

    def enter(self, intents: list[Intent]) -> None:
        for intent in intents:
            entering.enter(intent.pk, self.gateway, self.clock.now)


def replay(
    exchange: Any,
    clock: Clock,
    span: tuple[int, int, int],
    progress: Progress = lambda stage, share: None,
    gateway: CcxtGateway | None = None,
    size: Size = Size(),
) -> Summary:
    """History from `span[0]`, replay from `span[1]` to `span[2]` (ms, bar starts); `gateway` over HTTP in tests."""
    history_ms, start_ms, end_ms = span
    clock.ms = start_ms
    player = Player(exchange, clock, gateway or gateway_to(exchange, clock))
    player.take_universe()
    player.store_history(history_ms, start_ms, progress)
    progress("training", 0.0)
    player.train(size)
    progress("training", 1.0)
    began = time.perf_counter()
    candles, bars = player.play(start_ms, end_ms, progress)
    return summarise(candles, bars, len(player.symbols), time.perf_counter() - began)

"""A market whose every price point is written down in the test."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trading.practice import tables
from trading.practice.exchange import Exchange
from trading.practice.ledger import Ledger
from trading.practice.market import Kline, Market

START = 1_767_225_600_000 + 3_600_000  # 2026-01-01 01:00 UTC
EIGHT_HOURS = 8 * 3_600_000
KEY, SECRET = "practice", "practice"


class HandMarket:
    """Points are (ms after START, price) or (ms, price, mark); the first is in force from the beginning."""

    candle_ms = 60_000
    history_start_ms = START - 86_400_000
    speed, paused = 1, False

    def __init__(self, rate: str = "0.0001", **points: Sequence[tuple]) -> None:
        self.rate = Decimal(rate)
        self.symbols = tuple(points)
        self.points = {s: [_point(*p) for p in ps] for s, ps in points.items()}

    def _last(self, symbol: str, now: int) -> tuple[int, Decimal, Decimal]:
        return next((p for p in reversed(self.points[symbol]) if p[0] <= now), self.points[symbol][0])

    def price(self, symbol: str, now_ms: int) -> Decimal:
        return self._last(symbol, now_ms)[1]

    def mark(self, symbol: str, now_ms: int) -> Decimal:
        return self._last(symbol, now_ms)[2]

    def quotes(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal, Decimal]]:
        return [p for p in self.points[symbol] if start_ms < p[0] <= end_ms]

    def path(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        return [(at, price) for at, price, _ in self.quotes(symbol, start_ms, end_ms)]

    def status(self, symbol: str, now_ms: int) -> str:
        return "TRADING"

    def trading(self, now_ms: int) -> tuple[str, ...]:
        return self.symbols

    def heard_ms(self, symbol: str, now_ms: int) -> int:
        return now_ms

    def fundings(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        first = -(-start_ms // EIGHT_HOURS) * EIGHT_HOURS
        return [(at, self.rate) for at in range(first, end_ms + 1, EIGHT_HOURS)]

    def funding_rate(self, symbol: str, now_ms: int) -> Decimal:
        return self.rate

    def next_funding_ms(self, now_ms: int, symbol: str = "") -> int:
        return (now_ms // EIGHT_HOURS + 1) * EIGHT_HOURS

    def klines(self, symbol, interval_ms, start_ms, end_ms, limit, now_ms) -> list[Kline]:
        price = self.price(symbol, now_ms)
        return [Kline(now_ms - now_ms % interval_ms, price, price, price, price, Decimal(1), price, 1, False)]

    mark_klines = klines

    def describe(self, now_ms: int | None = None) -> str:
        return "Written by hand"

    def state(self) -> dict:
        return {}


def _point(after: int, price: float, mark: float | None = None) -> tuple[int, Decimal, Decimal]:
    return START + after, Decimal(str(price)), Decimal(str(price if mark is None else mark))


class Clock:
    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def exchange(
    market: HandMarket | Market, ledger: Ledger | None = None, clock: Clock | None = None, balance: str = "10000"
) -> Exchange:
    return Exchange(market, tables.load(), ledger or Ledger(), clock or Clock(), {KEY: SECRET}, Decimal(balance))

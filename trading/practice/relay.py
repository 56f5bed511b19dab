"""The relayed market: what a real venue's public data said, when it was heard, and nothing else. Pure.

`upstream.py` tells it candles, marks, rules and funding rates; the engine and the clients ask it like any market. Its
rules of time:
0. The exchange goes by the venue's clock.
1. A live price counts from the moment it is heard. What is learned late keeps its own time only where nobody has looked
   yet (a restart); otherwise it counts from now on: nothing that was seen may change.
2. Extremes that a candle shows between two messages were traded: they are points of the path, before its close.
3. Minutes that are learned whole are walked like recorded bars: along a path that touches open, extremes and close.
4. A price ages: `heard_ms` says when it was last confirmed. The engine refuses orders on an old one (-1008).
5. A candle that the upstream did not tell is missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from trading.practice.candles import number_of, opening_of
from trading.practice.market import FUNDING_EVERY, Kline, Point, ticker_of
from trading.practice.path import anchors, keys_of, points
from trading.practice.relayed_candles import Book, Candle, folded
from trading.practice.rules import to_grid
from trading.practice.tables import Tables

MINUTE = 60_000
DAY = 86_400_000
KEPT_POINTS = 5_000  # of each symbol, behind what the engine has walked
KEPT_MINUTES = 1_500
KEPT_CANDLES = 10_000
SILENT = 15_000  # ms without a word of any symbol: the upstream is silent
DENSE = 300  # candles to catch up with: more than these are walked by their four known prices alone
NOT_OURS = "a relayed market can't be {}: its prices are the venue's"


@dataclass(slots=True)
class Rates:
    """A symbol's funding: the rate that is due next and when, and what was settled, by time."""

    rate: Decimal = Decimal(0)
    at: int = 0
    settled: dict[int, Decimal] = field(default_factory=dict)

    def next_after(self, now: int) -> int:
        """The next settlement after `now`: known, or as far apart as the last ones were."""
        times = sorted({*self.settled, *([self.at] if self.at else [])})
        later = [t for t in times if t > now]
        if later:
            return later[0]
        if not times:
            return (now // FUNDING_EVERY + 1) * FUNDING_EVERY
        every = times[-1] - times[-2] if len(times) > 1 else FUNDING_EVERY
        return times[-1] + ((now - times[-1]) // every + 1) * every


class Relay:
    """The market of a venue, as far as it was heard. `venue` names it in the ribbon and in the ledger."""

    speed, paused = 1, False

    def __init__(self, venue: str, candle_ms: int, now_ms: int) -> None:
        self.venue, self.candle_ms, self.began = venue, candle_ms, now_ms
        self.entries: dict[str, dict[str, Any]] = {}  # the venue's exchangeInfo, by symbol
        self.books: dict[tuple[str, int], Book] = {}
        self.points: dict[str, list[Point]] = {}
        self.heard: dict[str, int] = {}
        self.rates: dict[str, Rates] = {}
        self.traced: dict[str, Candle] = {}  # the minute, as far as it became points
        self.seen = 0  # up to here somebody has looked
        self.trouble = "not asked yet"  # why the upstream can't be heard; empty while it can
        self.symbols: tuple[str, ...] = ()

    # -- what a restart needs -----------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {
            "source": {"kind": "relay", "venue": self.venue},
            "candle_ms": self.candle_ms,
            "at": self.seen,
            "entries": {s: self.entries[s] for s in self.symbols},
            "last": {s: [p.at, str(p.price), str(p.mark)] for s in self.symbols for p in self.points[s][-1:]},
            "traced": {s: list(c) for s, c in self.traced.items()},
            "rates": {s: [str(r.rate), r.at] for s, r in self.rates.items()},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], venue: str, keep: Sequence[str], walked: int) -> Relay:
        """What was known at the end, of the symbols to keep; the engine has walked up to `walked`."""
        if state["source"] != {"kind": "relay", "venue": venue}:
            raise ValueError(f"this ledger holds an account of {state['source'].get('venue', 'another market')}")
        relay = cls(venue, state["candle_ms"], walked)
        relay.entries = {s: e for s, e in state["entries"].items() if s in keep}
        for symbol in relay.entries:
            at, price, mark = state["last"][symbol]
            relay.points[symbol] = [Point(min(at, walked), Decimal(price), Decimal(mark))]
            relay.heard[symbol] = at
            if symbol in state["traced"]:
                known = Candle(*state["traced"][symbol])
                relay.traced[symbol] = known if state["at"] >= walked else _cut(known, walked)
        relay.rates = {s: Rates(Decimal(r), at) for s, (r, at) in state["rates"].items() if s in keep}
        relay.seen = walked
        relay._list()
        return relay

    # -- what the upstream tells --------------------------------------------------------------------------------------
    def learn(self, entry: dict[str, Any]) -> None:
        """A symbol's rules, as exchangeInfo has them."""
        self.entries[entry["symbol"]] = entry
        self._list()

    def book(self, symbol: str, width: int) -> Book:
        return self.books.setdefault((symbol, width), Book(width))

    def hear_candle(self, symbol: str, width: int, candle: Candle, now_ms: int) -> None:
        """A candle that forms, or has just closed."""
        self.book(symbol, width).put(candle)
        if width == MINUTE:
            self._trace(symbol, candle, now_ms)
            self._confirm(symbol, now_ms)

    def fill(self, symbol: str, width: int, candles: Sequence[Candle]) -> None:
        """All candles since those that are known; none of them becomes a price here."""
        book = self.book(symbol, width)
        book.fill(candles)
        book.forget(KEPT_MINUTES if width == MINUTE and width != self.candle_ms else KEPT_CANDLES)

    def catch_up(
        self, symbol: str, width: int, candles: Sequence[Candle], marks: Mapping[int, Candle], now_ms: int
    ) -> None:
        """What the price did while nobody listened: whole candles are walked inside, at their own times."""
        for candle in candles:
            told = self.traced.get(symbol)
            if told is None or not candle.closed or candle.open_time <= told.open_time:
                self._trace(symbol, candle, min(candle.open_time + width, now_ms))
            else:
                self._walk_through(symbol, width, candle, marks.get(candle.open_time), len(candles) <= DENSE)
                self.traced[symbol] = candle
        self._list()

    def hear_mark(self, symbol: str, mark: Decimal, rate: Decimal, next_funding: int, now_ms: int) -> None:
        """The mark price, and the funding rate that is due next."""
        rates = self.rates.setdefault(symbol, Rates())
        if rates.at and next_funding > rates.at:
            rates.settled.setdefault(rates.at, rates.rate)  # until the upstream tells what was settled
        rates.rate, rates.at = rate, next_funding
        if self.points.get(symbol):
            self._add(symbol, now_ms, self.points[symbol][-1].price, mark)
            self._confirm(symbol, now_ms)

    def hear_settled(self, symbol: str, rates: Mapping[int, Decimal]) -> None:
        self.rates.setdefault(symbol, Rates()).settled |= rates

    def _confirm(self, symbol: str, now_ms: int) -> None:
        self.heard[symbol] = max(self.heard.get(symbol, 0), now_ms)

    def _trace(self, symbol: str, candle: Candle, at: int) -> None:
        """What this version of a candle shows and the one before did not: new extremes, then its close."""
        told = self.traced.get(symbol)
        if told is not None and candle.open_time < told.open_time:
            return
        self.traced[symbol] = candle
        for price in _news(told, candle):
            self._add_price(symbol, at, self._on_tick(symbol, price))

    def _walk_through(self, symbol: str, width: int, candle: Candle, marks: Candle | None, dense: bool) -> None:
        """Through a closed candle, with the marks of the same time where they are known."""
        number, keys = np.array([number_of(candle.open_time, width)]), keys_of((symbol,))
        bars = np.array([candle[1:5]])
        course = points if dense else lambda *given: anchors(*given)[0]
        prices = course(bars, number, keys)[0].tolist()
        marked = course(np.array([marks[1:5]]), number, keys, bars)[0].tolist() if marks else prices
        for i, (price, mark) in enumerate(zip(prices, marked, strict=True)):
            at = candle.open_time + i * (width // len(prices))
            self._add(symbol, at, self._on_tick(symbol, price), Decimal(f"{mark:.8f}"))

    def _add_price(self, symbol: str, at: int, price: Decimal) -> None:
        path = self.points.get(symbol)
        if not path or path[-1].price != price:
            self._add(symbol, at, price, path[-1].mark if path else price)

    def _add(self, symbol: str, at: int, price: Decimal, mark: Decimal) -> None:
        path = self.points.setdefault(symbol, [])
        path.append(Point(max(at, self.seen + 1, path[-1].at if path else 0), price, mark))
        if len(path) > 2 * KEPT_POINTS:
            walked = bisect_right(path, self.seen, key=_at)
            del path[: max(0, min(walked - 1, len(path) - KEPT_POINTS))]

    def _on_tick(self, symbol: str, price: float) -> Decimal:
        exact = Decimal(repr(price))
        entry = self.entries.get(symbol)
        if entry is None:
            return exact
        tick = next(Decimal(f["tickSize"]) for f in entry["filters"] if f["filterType"] == "PRICE_FILTER")
        return max(to_grid(exact, tick.normalize(), "ROUND_HALF_EVEN"), tick)

    def _list(self) -> None:
        """A symbol is there once its rules and a price are known."""
        self.symbols = tuple(s for s in self.entries if self.points.get(s))

    # -- what it is ---------------------------------------------------------------------------------------------------
    @property
    def history_start_ms(self) -> int:
        first = [b.opens[0] for (_, width), b in self.books.items() if width == self.candle_ms and b.opens]
        return min(first, default=self.began)

    def describe(self, now_ms: int | None = None) -> str:
        now = self.seen if now_ms is None else now_ms
        if self.trouble:
            return f"{self.venue}, relayed; not reachable now ({self.trouble})"
        silence = now - max(self.heard.values(), default=now)
        return f"{self.venue}, relayed" + (f"; silent for {silence // 1000} s" if silence > SILENT else "")

    def status(self, symbol: str, now_ms: int) -> str:
        """As the venue says."""
        return str(self._entry(symbol).get("status", "TRADING"))

    def trading(self, now_ms: int) -> tuple[str, ...]:
        return tuple(s for s in self.symbols if self.status(s, now_ms) == "TRADING")

    def heard_ms(self, symbol: str, now_ms: int) -> int:
        """When the price was last confirmed."""
        self._entry(symbol)
        return self.heard.get(symbol, 0)

    def _entry(self, symbol: str) -> dict[str, Any]:
        if symbol not in self.symbols:
            raise KeyError(f"{symbol} is not in this market")
        return self.entries[symbol]

    # -- prices -------------------------------------------------------------------------------------------------------
    def _point(self, symbol: str, now_ms: int) -> Point:
        """The newest point at or before `now_ms`; before the first one, that."""
        self._entry(symbol)
        self.seen = max(self.seen, now_ms)
        path = self.points[symbol]
        return path[max(0, bisect_right(path, now_ms, key=_at) - 1)]

    def price(self, symbol: str, now_ms: int) -> Decimal:
        return self._point(symbol, now_ms).price

    def mark(self, symbol: str, now_ms: int) -> Decimal:
        return self._point(symbol, now_ms).mark

    def quotes(self, symbol: str, start_ms: int, end_ms: int) -> list[Point]:
        """Every point in (start, end]."""
        self._entry(symbol)
        self.seen = max(self.seen, end_ms)
        path = self.points[symbol]
        return path[bisect_right(path, start_ms, key=_at) : bisect_right(path, end_ms, key=_at)]

    def path(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        return [(p.at, p.price) for p in self.quotes(symbol, start_ms, end_ms)]

    # -- candles ------------------------------------------------------------------------------------------------------
    def klines(
        self, symbol: str, interval_ms: int, start_ms: int | None, end_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """The upstream's own candles of the widths that are followed; wider ones are folded from whole sets of them.

        One whose end has passed unheard is held back: nobody may take half a candle for a whole one.
        """
        self._entry(symbol)
        found = self._candles(symbol, interval_ms, start_ms or 0)
        found = [c for c in found if c.closed or c.open_time + interval_ms > now_ms]
        if end_ms is not None:
            found = [c for c in found if c.open_time <= end_ms]
        return [_kline(c) for c in (found[-limit:] if start_ms is None else found[:limit])]

    def mark_klines(
        self, symbol: str, interval_ms: int, start_ms: int | None, end_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Candles of mark prices are not relayed: there are none."""
        return []

    def _candles(self, symbol: str, width: int, start: int) -> list[Candle]:
        if (symbol, width) in self.books:
            return self.books[(symbol, width)].since(start)
        source = self.candle_ms if width % self.candle_ms == 0 else MINUTE
        first = -(-(start - opening_of(0, width)) // width)
        return list(folded(self.book(symbol, source).since(opening_of(first, width)), source, width))

    def ticker(self, symbol: str, now_ms: int) -> dict[str, Any]:
        """The last 24 hours, from the candles that are known of them."""
        last = self.price(symbol, now_ms)
        rows = self.book(symbol, self.candle_ms).since(now_ms - DAY)
        if not rows:
            return ticker_of(last, last, last, last, Decimal(0), Decimal(0), 0, now_ms)
        o, high, low = (_exact(x) for x in (rows[0].open, max(c.high for c in rows), min(c.low for c in rows)))
        volume = sum((Decimal(c.volume) for c in rows), Decimal(0))
        quote = sum((Decimal(c.quote_volume) for c in rows), Decimal(0))
        return ticker_of(last, o, high, low, volume, quote, sum(c.trades for c in rows), rows[0].open_time)

    def tickers(self, now_ms: int) -> dict[str, dict[str, Any]]:
        return {s: self.ticker(s, now_ms) for s in self.symbols}

    # -- funding ------------------------------------------------------------------------------------------------------
    def funding_rate(self, symbol: str, now_ms: int) -> Decimal:
        """The rate that is due next; at a settlement the one that was settled, where the upstream told it."""
        rates = self.rates.get(symbol, Rates())
        return rates.settled.get(now_ms, rates.rate)

    def next_funding_ms(self, now_ms: int, symbol: str = "") -> int:
        """When a symbol's (without one, any symbol's) next settlement is."""
        wanted = (symbol,) if symbol else self.symbols
        return min((self.rates.get(s, Rates()).next_after(now_ms) for s in wanted), default=Rates().next_after(now_ms))

    def fundings(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        """What was settled within start..end, oldest first."""
        settled = self.rates.get(symbol, Rates()).settled
        return sorted((at, rate) for at, rate in settled.items() if start_ms <= at <= end_ms)

    # -- what can be done to other markets ----------------------------------------------------------------------------
    def drive(self, symbol: str, path: Sequence[Sequence[float]], now_ms: int) -> None:
        raise ValueError(NOT_OURS.format("driven"))

    def set_speed(self, speed: int, now_ms: int) -> None:
        raise ValueError(NOT_OURS.format("sped up"))

    def pause(self, now_ms: int) -> None:
        raise ValueError(NOT_OURS.format("paused"))

    def resume(self, now_ms: int) -> None:
        raise ValueError(NOT_OURS.format("paused or resumed"))

    def advance(self, seconds: float, now_ms: int) -> None:
        raise ValueError(NOT_OURS.format("advanced"))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The venue's own filters of a relayed market; brackets and error codes, which it tells no stranger, from ours."""

    relay: Relay
    tables: Tables

    def symbol_info(self, symbol: str, price: Decimal) -> dict[str, Any]:
        return self.relay.entries[symbol]

    def brackets(self, symbol: str) -> list[dict[str, Any]]:
        return self.tables.brackets(symbol)

    def error(self, code: int) -> tuple[int, str]:
        return self.tables.error(code)


def _news(told: Candle | None, candle: Candle) -> list[float]:
    """Prices in the order in which they were (as far as that can be told): open, the extremes, close."""
    if told is None:
        return [candle.close]
    new = candle.open_time > told.open_time
    low, high = (candle.open, candle.open) if new else (told.low, told.high)
    extremes = [x for x, beyond in ((candle.low, candle.low < low), (candle.high, candle.high > high)) if beyond]
    if candle.close < candle.open:
        extremes.reverse()
    return [*([candle.open] if new else []), *extremes, candle.close]


def _cut(known: Candle, walked: int) -> Candle:
    """The minute in which we ended, of which nobody knows when its extremes were: only its close will count."""
    opened = walked - walked % MINUTE
    return known._replace(open_time=max(opened, known.open_time), low=float("-inf"), high=float("inf"), closed=False)


def _kline(c: Candle) -> Kline:
    o, high, low, close = (_exact(x) for x in (c.open, c.high, c.low, c.close))
    return Kline(c.open_time, o, high, low, close, Decimal(c.volume), Decimal(c.quote_volume), c.trades, c.closed)


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


def _at(point: Point) -> int:
    return point.at

"""The market of the practice exchange: what every symbol's price was at each millisecond, is now, and will be.

A source gives bars (synthetic or recorded), the tape says which of them each moment plays, drives bend single symbols,
and all that a client can see follows from the price points that this makes: last price, path, candles, tickers. Pure:
the time is always an argument (wall time in ms), nothing is random, and `state()` is all that a restart needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trading.practice import drives as driving
from trading.practice import tables as venue_tables
from trading.practice import tape as taping
from trading.practice.candles import FIELDS, Shelf, number_of, opening_of
from trading.practice.path import POINTS
from trading.practice.play import MARK, MOST_BARS_AT_ONCE, PRICE, Drives, Play, Source
from trading.practice.recorded import Recorded
from trading.practice.synthetic import SYMBOLS, Synthetic
from trading.practice.tape import Segment, Tape

POINTS_PER_CANDLE = POINTS  # at speed 1
DAY = 86_400_000
FUNDING_EVERY = 8 * 3_600_000
LISTING, TRADING, GONE = "PENDING_TRADING", "TRADING", "SETTLING"


class Kline(NamedTuple):
    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    closed: bool


class Point(NamedTuple):
    """One moment at which a price was made."""

    at: int
    price: Decimal
    mark: Decimal


def synthetic(seed: int, symbols: Sequence[str] | None, candle_ms: int, start_ms: int) -> Market:
    """A new synthetic market whose history ends, and whose future begins, in the candle of `start_ms`."""
    return Market.start(Synthetic(seed, symbols or SYMBOLS), candle_ms, start_ms)


def recorded(
    folder: Path | str, symbols: Sequence[str] | None, candle_ms: int, start_ms: int | None, own_time: bool = False
) -> Market:
    """A new market of recorded candles, re-stamped to begin at `start_ms`; with `own_time` the data's own stamps."""
    source = Recorded(folder, symbols)
    if own_time:
        return Market.start(source, source.own_bar_ms, source.first_ms + source.history * source.own_bar_ms)
    if start_ms is None:
        raise ValueError("a re-stamped market needs a start time")
    return Market.start(source, candle_ms, start_ms)


class Market:
    """Prices at any moment. Calls that change it (speed, pause, drive ...) act from `now_ms` on, never before."""

    def __init__(self, source: Source, tape: Tape, candle_ms: int, drives: Drives | None = None) -> None:
        if candle_ms <= 0 or candle_ms % POINTS:
            raise ValueError(f"candle_ms must be a multiple of {POINTS}, was {candle_ms}")
        self.source, self.candle_ms = source, candle_ms
        self.symbols = source.symbols
        self.ticks = tuple(tick_of(s, float(p)) for s, p in zip(self.symbols, source.last_close(0), strict=True))
        self.play = Play(source, tape, drives or {}, candle_ms, self.ticks)
        self._row = {s: i for i, s in enumerate(self.symbols)}
        self._seen = tape.segments[-1].wall
        self._shelves = {view: Shelf(self._maker(view)) for view in (PRICE, MARK)}
        self._forming: tuple[Any, np.ndarray] | None = None

    # -- beginnings ---------------------------------------------------------------------------------------------------
    @classmethod
    def start(cls, source: Source, candle_ms: int, start_ms: int) -> Market:
        """The source's history lies before the candle of `start_ms`; from its opening on, the rest unfolds."""
        opened = opening_of(number_of(start_ms, candle_ms), candle_ms)
        return cls(source, Tape((Segment(opened - source.history * candle_ms, 0, 1),)), candle_ms)

    @classmethod
    def restore(cls, source: Source, state: dict) -> Market:
        """The market that `state()` described, on the same source; raises ValueError on another one."""
        if state["source"] != source.identity():
            raise ValueError(f"this ledger plays {_name(state['source'])}, not {_name(source.identity())}")
        drives = {s: [driving.from_json(row) for row in rows] for s, rows in state["drives"].items()}
        return cls(source, taping.from_json(state["tape"]), state["candle_ms"], drives)

    def state(self) -> dict:
        return {
            "source": self.source.identity(),
            "candle_ms": self.candle_ms,
            "tape": taping.to_json(self.tape),
            "drives": {s: [driving.to_json(d) for d in rows] for s, rows in self.drives.items()},
        }

    @property
    def tape(self) -> Tape:
        return self.play.tape

    @property
    def drives(self) -> Drives:
        return self.play.drives

    # -- what it is ---------------------------------------------------------------------------------------------------
    @property
    def history_start_ms(self) -> int:
        return self.tape.first

    @property
    def end_ms(self) -> int | None:
        """When the first lap of recorded data ends, if nobody touches the tape; None for an endless market."""
        if self.source.bars_in_lap is None or len(self.tape.segments) > 1:
            return None
        return self.tape.first + self.source.bars_in_lap * self.candle_ms

    @property
    def speed(self) -> int:
        return self.tape.speed

    @property
    def paused(self) -> bool:
        return self.tape.paused

    def describe(self, now_ms: int | None = None) -> str:
        text = self.source.describe(self.play.bar(self._seen if now_ms is None else now_ms))
        if self.paused:
            return f"{text}, paused"
        return f"{text}, {self.speed} bars a candle" if self.speed > 1 else text

    def status(self, symbol: str, now_ms: int) -> str:
        """TRADING, or PENDING_TRADING before a recorded symbol's data begins, SETTLING after it ends."""
        edge = self.source.edges(self.play.bar(now_ms))[self._index(symbol)]
        return LISTING if edge < 0 else GONE if edge > 0 else TRADING

    def trading(self, now_ms: int) -> tuple[str, ...]:
        """The symbols that trade now."""
        return tuple(s for s, e in zip(self.symbols, self.source.edges(self.play.bar(now_ms)), strict=True) if e == 0)

    # -- control ------------------------------------------------------------------------------------------------------
    def set_speed(self, speed: int, now_ms: int) -> None:
        """From now on `speed` bars of the source make one candle."""
        self.play.tape = self.tape.at_speed(speed, self._touch(now_ms))

    def pause(self, now_ms: int) -> None:
        """Stand still: candles go on, flat and without volume."""
        self.play.tape = self.tape.pause(self._touch(now_ms))

    def resume(self, now_ms: int) -> None:
        self.play.tape = self.tape.resume(self._touch(now_ms))

    def advance(self, seconds: float, now_ms: int) -> None:
        """While paused: play what so many seconds would bring, all of it in the next millisecond."""
        bars = seconds * 1000 / self.candle_ms * self.speed
        if bars > MOST_BARS_AT_ONCE:
            raise ValueError(f"at most {MOST_BARS_AT_ONCE} bars can be played at once, {bars:.0f} were asked for")
        self.play.tape = self.tape.advance(round(seconds * 1000), self._touch(now_ms))

    def drive(self, symbol: str, path: Sequence[Sequence[float]], now_ms: int) -> None:
        """Drive a price along [[seconds from now, price], ...] in jumps; afterwards the market goes on from there."""
        now = self._touch(now_ms)
        if self.status(symbol, now) != TRADING:
            raise ValueError(f"{symbol} does not trade now, so its price can't be driven")
        drive = driving.plan(path, float(self.price(symbol, now)), now)
        before = [d.cut(now) for d in self.drives.get(symbol, [])]
        self.play.drives = self.drives | {symbol: [*(d for d in before if d.points), drive]}

    def _touch(self, now: int) -> int:
        """Nothing that was seen may change: a change at an earlier time takes effect at the last one seen."""
        self._forming = None
        self._seen = max(self._seen, now)
        return self._seen

    # -- prices -------------------------------------------------------------------------------------------------------
    def price(self, symbol: str, now_ms: int) -> Decimal:
        """The last price, on the tick. Before a symbol's listing the price it will open at, after its end the last."""
        row = self._index(symbol)
        return self._to_decimal(PRICE, row, self.play.level(PRICE, row, self._look(now_ms)))

    def mark(self, symbol: str, now_ms: int) -> Decimal:
        """The mark price: recorded where there is data of the played width, else the last price."""
        row = self._index(symbol)
        return self._to_decimal(MARK, row, self.play.level(MARK, row, self._look(now_ms)))

    def heard_ms(self, symbol: str, now_ms: int) -> int:
        """When the price was last confirmed: here always now."""
        return now_ms

    def prices(self, now_ms: int) -> dict[str, Decimal]:
        return {s: self.price(s, now_ms) for s in self.symbols}

    def marks(self, now_ms: int) -> dict[str, Decimal]:
        return {s: self.mark(s, now_ms) for s in self.symbols}

    def path(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        """Every price point in (start, end], oldest first. Between two points nothing traded: jumps are real."""
        row = self._index(symbol)
        walls, levels = self.play.course(PRICE, row, start_ms, self._look(end_ms))
        return list(zip(walls.tolist(), self._to_decimals(PRICE, row, levels), strict=True))

    def quotes(self, symbol: str, start_ms: int, end_ms: int) -> list[Point]:
        """The path with the mark price of each point. Use this where marks matter: one millisecond may hold many."""
        row = self._index(symbol)
        walls, levels = self.play.course(PRICE, row, start_ms, self._look(end_ms))
        made = self._to_decimals(PRICE, row, levels)
        if not self.play.has_marks:
            return list(map(Point, walls.tolist(), made, made))
        _, marks = self.play.course(MARK, row, start_ms, end_ms)
        return list(map(Point, walls.tolist(), made, self._to_decimals(MARK, row, marks)))

    # -- candles ------------------------------------------------------------------------------------------------------
    def klines(
        self, symbol: str, interval_ms: int, start_ms: int | None, end_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Candles that opened within start..end: the first `limit` from start on, else the last up to end or now."""
        return self._klines(PRICE, symbol, interval_ms, start_ms, end_ms, limit, now_ms)

    def mark_klines(
        self, symbol: str, interval_ms: int, start_ms: int | None, end_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """The same of mark prices, without volume."""
        rows = self._klines(MARK, symbol, interval_ms, start_ms, end_ms, limit, now_ms)
        return [k._replace(volume=Decimal(0), quote_volume=Decimal(0), trades=0) for k in rows]

    def candles(self, interval_ms: int, first: int, stop: int, now_ms: int, view: str = PRICE) -> np.ndarray:
        """Candles number `first` to `stop - 1` of all symbols: float64 [symbols, n, 7]; NaN where there is none.

        Fields: open, high, low, close (in quote currency), volume, quote volume, trades. The last may be forming.
        """
        closed = number_of(self._look(now_ms), interval_ms)
        parts = []
        if first < min(stop, closed):
            parts.append(self._shelves[view].take(interval_ms, first, min(stop, closed)))
        if first <= closed < stop:
            parts.append(self._form(view, interval_ms, closed, now_ms))
        return np.concatenate(parts, axis=1) if parts else np.empty((len(self.symbols), 0, FIELDS))

    def ticker(self, symbol: str, now_ms: int) -> dict[str, Any]:
        """The last 24 hours (or what there is of them) of one symbol, in the venue's words."""
        return self._day(self._index(symbol), *self._last_day(now_ms), now_ms)

    def tickers(self, now_ms: int) -> dict[str, dict[str, Any]]:
        """The same of every symbol, at the price of one."""
        rows, opened = self._last_day(now_ms)
        return {s: self._day(i, rows, opened, now_ms) for i, s in enumerate(self.symbols)}

    def _last_day(self, now_ms: int) -> tuple[np.ndarray, int]:
        """All symbols' candles of the last 24 hours, and when the first of them opened."""
        stop = number_of(now_ms, self.candle_ms) + 1
        first = max(stop - DAY // self.candle_ms, number_of(self.history_start_ms, self.candle_ms))
        return self.candles(self.candle_ms, first, stop, now_ms), opening_of(first, self.candle_ms)

    def _day(self, row: int, candles: np.ndarray, opened: int, now_ms: int) -> dict[str, Any]:
        rows = candles[row]
        rows = rows[np.isfinite(rows[:, 0])]
        last = self.price(self.symbols[row], now_ms)
        if not len(rows):
            return ticker_of(last, last, last, last, Decimal(0), Decimal(0), 0, opened)
        o, h, low = (self._to_decimal(PRICE, row, x) for x in (rows[0, 0], rows[:, 1].max(), rows[:, 2].min()))
        volume, quote = _amount(rows[:, 4].sum()), _amount(rows[:, 5].sum())
        return ticker_of(last, o, h, low, volume, quote, int(rows[:, 6].sum()), opened)

    # -- funding ------------------------------------------------------------------------------------------------------
    def funding_rate(self, symbol: str, now_ms: int) -> Decimal:
        """The rate that is due next (at a funding time: the one due then)."""
        rate = self.source.funding(self._index(symbol), max(self.play.bar(now_ms), 0))
        return Decimal(f"{rate:.8f}")

    def next_funding_ms(self, now_ms: int, symbol: str = "") -> int:
        """00, 08 or 16 h UTC, whichever comes next; for every symbol the same."""
        return (now_ms // FUNDING_EVERY + 1) * FUNDING_EVERY

    def fundings(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
        """What was settled within start..end, oldest first."""
        first = -(-start_ms // FUNDING_EVERY) * FUNDING_EVERY
        return [(at, self.funding_rate(symbol, at)) for at in range(first, end_ms + 1, FUNDING_EVERY)]

    # -- inside -------------------------------------------------------------------------------------------------------
    def _index(self, symbol: str) -> int:
        try:
            return self._row[symbol]
        except KeyError:
            raise KeyError(f"{symbol} is not in this market") from None

    def _look(self, now: int) -> int:
        self._seen = max(self._seen, now)
        return now

    def _maker(self, view: str) -> Callable[[int, int, int], np.ndarray]:
        def make(width: int, first: int, stop: int) -> np.ndarray:
            opens = [opening_of(n, width) for n in range(first, stop)]
            return self.play.fold(view, width, opens, opens[-1] + width - 1)

        return make

    def _form(self, view: str, width: int, number: int, now: int) -> np.ndarray:
        """The candle that is forming at `now`, of all symbols: [symbols, 1, FIELDS]."""
        key = (view, width, number, self.play.last_point(now), now if self.drives else 0)
        if self._forming is None or self._forming[0] != key:
            self._forming = key, self.play.fold(view, width, [opening_of(number, width)], now)
        return self._forming[1]

    def _klines(
        self, view: str, symbol: str, width: int, start: int | None, end: int | None, limit: int, now: int
    ) -> list[Kline]:
        row = self._index(symbol)
        span = self._range(width, start, end, now)
        numbers, found = self._first_there(view, row, width, span, limit, forward=start is not None, now=now)
        prices = [self._to_decimals(view, row, found[:, c]) for c in range(4)]
        opens = [opening_of(n, width) for n in numbers.tolist()]
        volumes, quotes = (map(_amount, found[:, c].tolist()) for c in (4, 5))
        trades = found[:, 6].astype(np.int64).tolist()
        closed = [opened + width <= now for opened in opens]
        return list(map(Kline, opens, *prices, volumes, quotes, trades, closed))

    def _first_there(
        self, view: str, row: int, width: int, span: tuple[int, int], limit: int, *, forward: bool, now: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of a span of candles, the first `limit` that exist (the last, if not forward): numbers [n], values [n, 7].

        Holes and the time before a symbol was listed count for nothing, as on the venue.
        """
        first, stop = span
        numbers, values, count = [np.empty(0, np.int64)], [np.empty((0, FIELDS))], 0
        while first < stop and count < limit:
            low, high = (first, min(stop, first + limit)) if forward else (max(first, stop - limit), stop)
            found = self.candles(width, low, high, now, view)[row]
            there = np.flatnonzero(np.isfinite(found[:, 0]))
            numbers.append(low + there)
            values.append(found[there])
            count += len(there)
            first, stop = (high, stop) if forward else (first, low)
        order = 1 if forward else -1
        kept = slice(0, limit) if forward else slice(max(0, count - limit), None)
        return np.concatenate(numbers[::order])[kept], np.concatenate(values[::order])[kept]

    def _range(self, width: int, start: int | None, end: int | None, now: int) -> tuple[int, int]:
        """Numbers of the candles asked for, first and stop."""
        if width <= 0 or width % self.play.spacing:
            raise ValueError(f"candles of {width} ms can't be made of points {self.play.spacing} ms apart")
        oldest = -(-(self.history_start_ms - opening_of(0, width)) // width)
        newest = number_of(now if end is None else min(end, now), width)
        first = oldest if start is None else max(oldest, -(-(start - opening_of(0, width)) // width))
        return first, newest + 1

    def _to_decimals(self, view: str, row: int, levels: np.ndarray) -> list[Decimal]:
        """Levels on the tick, exactly."""
        size, step = self.play.grid(view, row)
        return [n * size for n in np.maximum(np.rint(levels / step), 1).astype(np.int64).tolist()]

    def _to_decimal(self, view: str, row: int, level: float) -> Decimal:
        size, step = self.play.grid(view, row)
        return max(round(level / step), 1) * size


def tick_of(symbol: str, price: float) -> Decimal:
    """The price step of a symbol, as the venue's table has it."""
    info = venue_tables.load().symbol_info(symbol, Decimal(repr(price)))
    size = next(f["tickSize"] for f in info["filters"] if f["filterType"] == "PRICE_FILTER")
    return Decimal(size)


def _amount(value: float) -> Decimal:
    return Decimal(f"{value:.8f}")


def ticker_of(
    last: Decimal, o: Decimal, h: Decimal, low: Decimal, volume: Decimal, quote: Decimal, trades: int, opened: int
) -> dict[str, Any]:
    change = last - o
    return {
        "lastPrice": last,
        "openPrice": o,
        "highPrice": max(h, last),
        "lowPrice": min(low, last),
        "priceChange": change,
        "priceChangePercent": (change / o * 100).quantize(Decimal("0.001"), ROUND_HALF_EVEN),
        "weightedAvgPrice": (quote / volume).quantize(last, ROUND_HALF_EVEN) if volume else last,
        "volume": volume,
        "quoteVolume": quote,
        "count": trades,
        "openTime": opened,
    }


def _name(identity: dict) -> str:
    if identity["kind"] == "synthetic":
        return f"the synthetic market of seed {identity['seed']} with {len(identity['symbols'])} symbols"
    return f"{identity['data']} ({len(identity['symbols'])} symbols, {identity['bars']} bars)"

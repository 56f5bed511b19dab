"""What is played: bars, tape and drives made into price points, and points into candles.

`Play` knows positions and points, in numpy; the market that owns it knows what clients see, in exact numbers.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from typing import Protocol

import numpy as np

from trading.practice.candles import FIELDS, Span, Stretch, fold
from trading.practice.drives import Drive
from trading.practice.path import POINTS, keys_of, point, points
from trading.practice.tape import Tape

MOST_BARS_AT_ONCE = 8192  # of the source, while candles are made or time is advanced: bounds the memory
MARK_GRID = Decimal("0.01")  # recorded mark prices are a hundred times finer than the tick
KEPT_MOMENTS = 512

Drives = dict[str, list[Drive]]
PRICE, MARK = "price", "mark"


class Source(Protocol):
    """Where bars come from; `Synthetic` and `Recorded` are the two there are."""

    symbols: tuple[str, ...]
    history: int  # bars that lie in the past when the market opens

    @property
    def bars_in_lap(self) -> int | None: ...  # None: endless
    def identity(self) -> dict: ...
    def describe(self, bar: int) -> str: ...
    def bars(self, first: int, stop: int) -> np.ndarray: ...
    def marks(self, first: int, stop: int) -> np.ndarray | None: ...
    def last_close(self, bar: int) -> np.ndarray: ...
    def edges(self, bar: int) -> np.ndarray: ...
    def funding(self, row: int, bar: int) -> float: ...


class Play:
    """Prices of all symbols at any position of the tape. The market replaces `tape` and `drives`."""

    def __init__(self, source: Source, tape: Tape, drives: Drives, candle_ms: int, ticks: tuple[Decimal, ...]) -> None:
        self.source, self.tape, self.drives, self.candle_ms = source, tape, drives, candle_ms
        self.spacing = candle_ms // POINTS
        self.has_marks = source.marks(0, 1) is not None
        self._sizes = {PRICE: ticks, MARK: tuple(t * MARK_GRID for t in ticks) if self.has_marks else ticks}
        self._steps = {view: tuple(map(float, sizes)) for view, sizes in self._sizes.items()}
        self._row = {s: i for i, s in enumerate(source.symbols)}
        self._keys = keys_of(source.symbols)
        self._moments: OrderedDict[tuple[str, int], np.ndarray] = OrderedDict()

    def grid(self, view: str, row: int) -> tuple[Decimal, float]:
        """A symbol's price step, as an exact and as a fast number."""
        return self._sizes[view][row], self._steps[view][row]

    def bar(self, wall: int) -> int:
        return max(self.tape.position(wall), 0) // self.candle_ms

    def last_point(self, wall: int) -> int:
        """The number of the newest point at or before a wall time; -1 before the first."""
        return self.tape.position(wall) // self.spacing

    def _bars(self, view: str, first: int, stop: int) -> np.ndarray:
        bars = self.source.bars(first, stop)
        marks = self.source.marks(first, stop) if view == MARK else None
        if marks is None:
            return bars
        known = np.isfinite(marks[..., :1]) & np.isfinite(bars[..., :1])
        return np.concatenate([np.where(known, marks[..., :4], bars[..., :4]), bars[..., 4:]], axis=-1)

    def _moment(self, view: str, number: int) -> np.ndarray:
        """Point `number` of all symbols, undriven; where a symbol has no data, its last price."""
        found = self._moments.get((view, number))
        if found is None:
            k, j = divmod(max(number, 0), POINTS)
            bars, like = self._bars(view, k, k + 1)[:, 0], self.source.bars(k, k + 1)[:, 0]
            found = point(bars, np.full(len(bars), k), self._keys, j, like)
            if np.isnan(found).any():
                found = np.where(np.isnan(found), self.source.last_close(k), found)
            self._moments[(view, number)] = found
            while len(self._moments) > KEPT_MOMENTS:
                self._moments.popitem(last=False)
        return found

    def level(self, view: str, row: int, wall: int) -> float:
        """The price in force at a wall time, not yet on the tick."""
        number = self.last_point(wall)
        for drive in reversed(self.drives.get(self.source.symbols[row], ())):
            if drive.start < wall:
                after = self.last_point(drive.end)
                if wall <= drive.end or number <= after:
                    return drive.level(wall)
                return float(self._moment(view, number)[row]) * self._factor(drive, row)
        return float(self._moment(view, number)[row])

    def _factor(self, drive: Drive, row: int) -> float:
        """What prices are multiplied with once a drive is over, so that the market goes on from its last level."""
        return drive.points[-1][1] / float(self._moment(PRICE, self.last_point(drive.end))[row])

    def course(self, view: str, row: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Wall times and prices of one symbol's points in (start, end]."""
        first, last = self.last_point(start) + 1, self.last_point(end)
        numbers = np.arange(first, last + 1)
        levels = self._points_of(view, row, first, last) if len(numbers) else np.empty(0)
        drives = self.drives.get(self.source.symbols[row])
        if drives:
            numbers, levels = self._bend(row, drives, numbers, levels)
        known = np.isfinite(levels)
        if not known.all():
            numbers, levels = numbers[known], levels[known]
        walls = self.tape.walls(numbers * self.spacing)
        if not drives:
            return walls, levels
        driven = [(at, price) for d in drives for at, price in d.points if start < at <= end]
        walls = np.concatenate([walls, np.array([at for at, _ in driven], np.int64)])
        levels = np.concatenate([levels, np.array([price for _, price in driven], np.float64)])
        order = np.argsort(walls, kind="stable")
        return walls[order], levels[order]

    def _points_of(self, view: str, row: int, first: int, last: int) -> np.ndarray:
        k0, k1 = first // POINTS, last // POINTS
        bars = self._bars(view, k0, k1 + 1)[row]
        like = bars if view == PRICE else self.source.bars(k0, k1 + 1)[row]
        made = points(bars, np.arange(k0, k1 + 1), self._keys[row : row + 1], like).ravel()
        return made[first - k0 * POINTS : last + 1 - k0 * POINTS]

    def _bend(
        self, row: int, drives: list[Drive], numbers: np.ndarray, levels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The source's points without those that drives muted, scaled by the drives that were over before them."""
        keep, factor = np.ones(len(numbers), bool), np.ones(len(numbers))
        for drive in drives:
            began, over = self.last_point(drive.start), self.last_point(drive.end)
            keep &= (numbers <= began) | (numbers > over)
            after = numbers > over
            if after.any():
                factor[after] = self._factor(drive, row)
        return numbers[keep], levels[keep] * factor[keep]

    # -- candles ------------------------------------------------------------------------------------------------------
    def fold(self, view: str, width: int, opens: list[int], until: int) -> np.ndarray:
        """Candles that open at these times, up to `until`: on the tick, [symbols, n, FIELDS]."""
        spans = [Span(self.last_point(o - 1) + 1, self.last_point(min(o + width - 1, until))) for o in opens]
        parts = [self._fold_some(view, chunk) for chunk in _chunks(spans)]
        out = np.concatenate(parts, axis=1)
        for i, (span, opened) in enumerate(zip(spans, opens, strict=True)):
            if span.last < span.first and opened >= self.tape.first:
                self._stand_still(view, out[:, i], span.last)
        self._drive_candles(view, out, spans, opens, width, until)
        grid = np.array(self._steps[view])[:, None, None]
        out[..., :4] = np.maximum(np.rint(out[..., :4] / grid), 1) * grid
        return out

    def _fold_some(self, view: str, spans: list[Span]) -> np.ndarray:
        played = [s for s in spans if s.last >= s.first]
        if not played:
            return np.full((len(self.source.symbols), len(spans), FIELDS), np.nan)
        start, stop = played[0].first // POINTS, played[-1].last // POINTS + 1
        bars = self._bars(view, start, stop)
        like = bars if view == PRICE else self.source.bars(start, stop)

        def points_in(k: int) -> np.ndarray:
            return points(bars[:, k - start], np.full(len(bars), k), self._keys, like[:, k - start])

        return fold(spans, Stretch(start, bars, points_in))

    def _stand_still(self, view: str, candle: np.ndarray, number: int) -> None:
        """A candle in which nothing was played: flat at the last price, without volume."""
        trading = self.source.edges(max(number, 0) // POINTS) == 0
        candle[:, :4] = np.where(trading, self._moment(view, number), np.nan)[:, None]
        candle[:, 4:] = np.where(trading, 0.0, np.nan)[:, None]

    def _drive_candles(
        self, view: str, out: np.ndarray, spans: list[Span], opens: list[int], width: int, until: int
    ) -> None:
        """Scale what comes after a drive; make the candles that a drive touches anew, from their points."""
        for symbol, drives in self.drives.items():
            row = self._row[symbol]
            for i, (span, opened) in enumerate(zip(spans, opens, strict=True)):
                closed = min(opened + width - 1, until)
                past = [d for d in drives if d.start < closed]
                if not past:
                    continue
                last = past[-1]
                if last.end < opened and span.first <= span.last and span.first > self.last_point(last.end):
                    out[row, i, :4] *= self._factor(last, row)
                    continue
                _, levels = self.course(view, row, opened - 1, closed)
                if not len(levels) and np.isnan(out[row, i, 0]):
                    continue  # a hole in the data, and nothing driven in it
                if not len(levels):
                    levels = np.array([self.level(view, row, opened - 1)])
                out[row, i, :4] = levels[0], levels.max(), levels.min(), levels[-1]
                out[row, i, 4:] = np.nan_to_num(out[row, i, 4:])


def _chunks(spans: list[Span]) -> list[list[Span]]:
    """Spans in groups that cover a bounded number of bars each."""
    chunks: list[list[Span]] = [[]]
    start = None
    for span in spans:
        if span.last >= span.first:
            start = span.first if start is None else start
            if (span.last - start) // POINTS > MOST_BARS_AT_ONCE and chunks[-1]:
                chunks.append([])
                start = span.first
        chunks[-1].append(span)
    return chunks

"""Closed candles as arrays: one grid of times, one row per symbol; what is missing is NaN and never filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from trading.exchange.venue import Bar
from trading.feed.quality import Gap, gaps

COLUMNS = ("open", "high", "low", "close", "volume")
WINDOW = 1000  # bars of history that features see, in training and in life alike


@dataclass(frozen=True, slots=True)
class Book:
    """`values` is float64 [symbols, bars, 5] (open, high, low, close, volume); `times` int64 seconds, oldest first."""

    symbols: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray
    step: timedelta

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.symbols), len(self.times), len(COLUMNS)):
            raise ValueError(f"values must be {len(self.symbols)} x {len(self.times)} x 5, were {self.values.shape}")

    @property
    def last(self) -> datetime | None:
        """Open time of the newest bar."""
        return datetime.fromtimestamp(int(self.times[-1]), UTC) if len(self.times) else None

    def column(self, name: str) -> np.ndarray:
        return self.values[:, :, COLUMNS.index(name)]

    def run_lengths(self) -> np.ndarray:
        """Bars without a gap that end at the newest one, per symbol: int [symbols]. 0 where the newest is missing."""
        present = np.isfinite(self.values).all(axis=2)
        gaps = ~present[:, ::-1]
        return np.where(gaps.any(axis=1), gaps.argmax(axis=1), len(self.times))

    def holes(self) -> list[Gap]:
        """What is missing between each symbol's first and its newest bar."""
        present = np.isfinite(self.values).all(axis=2)
        if not present.size:
            return []
        first, count = present.argmax(axis=1), present.sum(axis=1)
        last = len(self.times) - 1 - present[:, ::-1].argmax(axis=1)
        found: list[Gap] = []
        for i in np.nonzero((count > 0) & (last - first + 1 > count))[0]:
            stamps = self.times[present[i]].tolist()
            found += gaps(self.symbols[i], (datetime.fromtimestamp(stamp, UTC) for stamp in stamps), self.step)
        return found

    def window(self, end: datetime, bars: int = WINDOW) -> Book:
        """The `bars` bars up to and including the one that opened at `end`."""
        stop = int(np.searchsorted(self.times, int(end.timestamp()), side="right"))
        start = max(0, stop - bars)
        return Book(self.symbols, self.times[start:stop], self.values[:, start:stop], self.step)

    def of(self, symbols: Sequence[str]) -> Book:
        index = [self.symbols.index(s) for s in symbols]
        return Book(tuple(symbols), self.times, self.values[index], self.step)


def empty(symbols: Sequence[str], step: timedelta) -> Book:
    return Book(tuple(symbols), np.empty(0, np.int64), np.empty((len(symbols), 0, 5)), step)


def build(symbols: Sequence[str], bars: Iterable[Bar], step: timedelta) -> Book:
    """A book from loose bars; times between the first and the last that nobody has are gaps (NaN)."""
    return extend(empty(symbols, step), bars)


def extend(book: Book, bars: Iterable[Bar], keep: int | None = None) -> Book:
    """The book with more bars (a later one of the same time wins), cut to the newest `keep`."""
    rows = [b for b in bars if b.symbol in set(book.symbols)]
    if not rows:
        return book
    width = int(book.step.total_seconds())
    stamps = np.array([int(b.open_time.timestamp()) for b in rows], np.int64)
    first = min(int(stamps.min()), int(book.times[0]) if len(book.times) else int(stamps.min()))
    last = max(int(stamps.max()), int(book.times[-1]) if len(book.times) else int(stamps.max()))
    if keep is not None:
        first = max(first, last - (keep - 1) * width)
    times = np.arange(first, last + width, width, dtype=np.int64)
    values = np.full((len(book.symbols), len(times), len(COLUMNS)), np.nan)
    if len(book.times):
        old = (book.times - first) // width
        inside = (old >= 0) & (old < len(times))
        values[:, old[inside]] = book.values[:, inside]
    place = {s: i for i, s in enumerate(book.symbols)}
    for bar, stamp in zip(rows, stamps, strict=True):
        if stamp >= first:
            values[place[bar.symbol], (stamp - first) // width] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return Book(book.symbols, times, values, book.step)


def join(older: Book, newer: Book, keep: int) -> Book:
    """One book out of two with the same symbols and step; where both have a bar the newer wins; the newest `keep`."""
    if older.symbols != newer.symbols or older.step != newer.step:
        raise ValueError("books of different symbols or steps can't be joined")
    if not len(older.times) or not len(newer.times):
        return newer if len(newer.times) else older
    width = int(older.step.total_seconds())
    last = max(int(older.times[-1]), int(newer.times[-1]))
    first = max(min(int(older.times[0]), int(newer.times[0])), last - (keep - 1) * width)
    times = np.arange(first, last + width, width, dtype=np.int64)
    values = np.full((len(older.symbols), len(times), len(COLUMNS)), np.nan)
    for book in (older, newer):
        cut = max(0, (first - int(book.times[0])) // width)  # both are on one grid without holes: plain slices
        start = (int(book.times[cut]) - first) // width
        part, there = book.values[:, cut:], values[:, start : start + len(book.times) - cut]
        np.copyto(there, part, where=np.isfinite(part))
    return Book(older.symbols, times, values, older.step)

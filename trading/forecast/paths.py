"""What became of signals: from the bar after each, was its target touched before its stop, within the horizon?

The same rule as the training label's, asked with the price and the R that the signal itself had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.features import present
from trading.forecast.labels import touch

OPEN, TARGET, STOP, EXPIRED, GAP = range(5)  # OPEN: its end lies after the newest candle; GAP: a candle is missing


@dataclass(frozen=True, slots=True)
class Entries:
    """Signals as columns [n]: place in the book (symbol, bar), sign of the side, price and R."""

    symbols: np.ndarray
    bars: np.ndarray
    signs: np.ndarray
    prices: np.ndarray
    r: np.ndarray


@dataclass(frozen=True, slots=True)
class Paths:
    """How each ended [n]: what ended it, after how many bars, and its result in R before costs (NaN where unknown)."""

    ended: np.ndarray
    bars: np.ndarray
    gross_r: np.ndarray


def follow(book: Book, entries: Entries, spec: LabelSpec) -> Paths:
    """Walk all paths at once, bar by bar."""
    high, low, close, there, inside = _ahead(book, entries, spec.horizon)
    n = len(entries.bars)
    price = entries.signs * entries.prices
    stop, target = price - entries.r, price + spec.target_r * entries.r
    ended, bars = np.full(n, OPEN, np.int8), np.zeros(n, np.int64)
    for step in range(spec.horizon):
        alive = ended == OPEN
        ended[alive & inside[:, step] & ~there[:, step]] = GAP
        alive &= there[:, step]
        still, hit = touch(alive, high[:, step], low[:, step], stop, target)
        ended[hit], ended[alive & ~still & ~hit] = TARGET, STOP
        bars[alive] = step + 1
    ended[(ended == OPEN) & (bars == spec.horizon)] = EXPIRED
    gross = np.full(n, np.nan)
    gross[ended == TARGET], gross[ended == STOP] = spec.target_r, -1.0
    gross = np.where(ended == EXPIRED, (close[:, -1] - price) / entries.r, gross)
    return Paths(ended, bars, gross)


def _ahead(book: Book, entries: Entries, horizon: int) -> tuple[np.ndarray, ...]:
    """High, low and close [n, horizon] after each entry, mirrored for SHORT; which candles exist, which could."""
    columns = entries.bars[:, None] + 1 + np.arange(horizon)
    inside = columns < len(book.times)
    place = np.clip(columns, 0, len(book.times) - 1)
    there = inside & (columns >= 0) & present(book)[entries.symbols[:, None], place]
    candles = np.where(there[:, :, None], book.values[entries.symbols[:, None], place, 1:4], np.nan)
    sign = entries.signs[:, None]
    high = np.where(sign > 0, candles[:, :, 0], -candles[:, :, 1])
    low = np.where(sign > 0, candles[:, :, 1], -candles[:, :, 0])
    return high, low, sign * candles[:, :, 2], there, inside

"""Price points folded into candles, for all symbols at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trading.practice.path import POINTS

FIELDS = 7  # open, high, low, close, volume, quote volume, trades
WEEK = 7 * 86_400_000
MONDAY = 4 * 86_400_000  # the first Monday of Unix time; weekly candles open on Mondays
BLOCK = 256
KEPT_BLOCKS = 32
TRADE = 1500  # USDT: the size of a typical trade, for counting them


class Span(NamedTuple):
    """The points of one candle: from point `first` to point `last`, both included; none where last < first."""

    first: int
    last: int


class Stretch(NamedTuple):
    """Bars of the source [symbols, bars, 5] from bar number `start` on, and how to get the points inside one."""

    start: int
    bars: np.ndarray
    points: Callable[[int], np.ndarray]  # bar number -> [symbols, POINTS]


def number_of(wall: int, width: int) -> int:
    """The number of the candle that a wall time lies in, counted from 1970."""
    return (wall - (MONDAY if width == WEEK else 0)) // width


def opening_of(number: int, width: int) -> int:
    """When a candle opens."""
    return number * width + (MONDAY if width == WEEK else 0)


def fold(spans: list[Span], stretch: Stretch) -> np.ndarray:
    """Candles of these spans: [symbols, spans, FIELDS]; NaN where no symbol's point lies."""
    bars, start = stretch.bars, stretch.start
    out = np.full((bars.shape[0], len(spans), FIELDS), np.nan)
    whole = [i for i, s in enumerate(spans) if s.first % POINTS == 0 and s.last == s.first + POINTS - 1]
    if whole:
        at = np.array([spans[i].first // POINTS - start for i in whole])
        out[:, whole] = _finish(bars[:, at, :4], bars[:, at, 4], bars[:, at, 4] * bars[:, at, :4].mean(axis=2))
    for i in set(range(len(spans))) - set(whole):
        if spans[i].last >= spans[i].first:
            out[:, i] = _one(spans[i], stretch)
    return out


def _one(span: Span, stretch: Stretch) -> np.ndarray:
    """One candle of any span: points of a first and a last bar that lie partly in it, whole bars between."""
    (k0, j0), (k1, j1) = divmod(span.first, POINTS), divmod(span.last, POINTS)
    partial = {k0: (j0, j1 if k0 == k1 else POINTS - 1)} if j0 or (k0 == k1 and j1 < POINTS - 1) else {}
    if k1 > k0 and j1 < POINTS - 1:
        partial[k1] = (0, j1)
    low, high = k0 + (k0 in partial), k1 + 1 - (k1 in partial)
    middle = stretch.bars[:, low - stretch.start : max(high, low) - stretch.start]
    edges = {k: stretch.points(k)[:, a : b + 1] for k, (a, b) in partial.items()}
    empty = middle[:, :0, 0]
    head, tail = edges.get(k0, empty), edges.get(k1, empty) if k1 != k0 else empty
    column = [np.concatenate([head, middle[:, :, c], tail], axis=1) for c in range(4)]
    row = np.arange(len(middle))
    known = np.isfinite(column[0])
    o = column[0][row, known.argmax(axis=1)]
    c = column[3][row, known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)]
    prices = np.stack([o, np.fmax.reduce(column[1], axis=1), np.fmin.reduce(column[2], axis=1), c], axis=-1)
    volume, quote = _traded(middle)
    for k, (a, b) in partial.items():
        part = _traded(stretch.bars[:, k - stretch.start : k - stretch.start + 1])
        volume, quote = volume + part[0] * (b - a + 1) / POINTS, quote + part[1] * (b - a + 1) / POINTS
    return _finish(prices, volume, quote)


def _traded(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Volume and quote volume of bars [symbols, n, 5], summed; the mean of four prices stands for where it was."""
    volume = np.nan_to_num(bars[..., 4])
    return volume.sum(axis=1), (volume * np.nan_to_num(bars[..., :4].mean(axis=2))).sum(axis=1)


def _finish(prices: np.ndarray, volume: np.ndarray, quote: np.ndarray) -> np.ndarray:
    trades = np.where(volume > 0, np.floor(quote / TRADE) + 1, 0)
    return np.concatenate([prices, volume[..., None], quote[..., None], trades[..., None]], axis=-1)


class Shelf:
    """Closed candles, kept in blocks; a closed candle never changes, so a block only ever grows to its end."""

    def __init__(self, make: Callable[[int, int, int], np.ndarray]) -> None:
        self._make = make  # (width, first candle number, stop) -> [symbols, n, FIELDS]
        self._blocks: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    def take(self, width: int, first: int, stop: int) -> np.ndarray:
        """Closed candles `first` to `stop - 1`, counted from 1970 in `width`: [symbols, n, FIELDS]."""
        parts = [
            self._block(width, b, min(stop - b * BLOCK, BLOCK))[:, max(first - b * BLOCK, 0) : stop - b * BLOCK]
            for b in range(first // BLOCK, (stop - 1) // BLOCK + 1)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _block(self, width: int, number: int, filled: int) -> np.ndarray:
        key = (width, number)
        block = self._blocks.get(key)
        have = 0 if block is None else block.shape[1]
        if have < filled:
            new = self._make(width, number * BLOCK + have, number * BLOCK + filled)
            block = new if block is None else np.concatenate([block, new], axis=1)
            self._blocks[key] = block
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        assert block is not None
        return block

"""An endless market that a seed alone decides, fitted to real one-hour bars, with trends built in.

Bars come in blocks of 1024. A block depends on the seed and its own number only, never on what was asked before, so
nothing but the seed has to be remembered. Three things make that work: levels at the edges of blocks are drawn
directly and the walk between them is bent to meet them; volatility waves warm up on the shocks of the block before;
regimes end with their block.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from trading.practice import traits
from trading.practice.path import keys_of, mix
from trading.practice.traits import DEFAULT, TRAITS

BLOCK = 1024
HISTORY = 3000  # bars before the market opens: enough to train on within half a minute for 20 symbols
SYMBOLS = tuple(TRAITS)[:20]
MOST = len(TRAITS)
WANDER = 0.25  # spread of log price around its start at the edges of blocks: half to double, for ever
KEPT_BLOCKS = 16
VERSION = 1  # of the bars that a seed gives: raise it with any change to them, so that no ledger's history shifts
CHUNK = 64  # bars of a wave at once
REGIMES = BLOCK // (traits.REGIME // 2) + 1  # in a block at most
MARKET = np.array([1], np.uint64)  # the key of what is common to all symbols


class Synthetic:
    """Bars from 0 on, without an end. The first HISTORY bars are the past."""

    kind = "synthetic"
    history = HISTORY
    own_bar_ms: int | None = None
    first_ms: int | None = None
    bars_in_lap: int | None = None

    def __init__(self, seed: int, symbols: Sequence[str] = SYMBOLS) -> None:
        self.seed, self.symbols = seed, tuple(symbols)
        _check(self.symbols)
        self._traits = [TRAITS.get(s, DEFAULT) for s in self.symbols]
        self._keys = keys_of(self.symbols)
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()

    def identity(self) -> dict:
        return {"kind": self.kind, "version": VERSION, "seed": self.seed, "symbols": list(self.symbols)}

    def describe(self, bar: int) -> str:
        return f"Synthetic market, seed {self.seed}, trends built in"

    def bars(self, first: int, stop: int) -> np.ndarray:
        """Open, high, low, close, volume: float64 [symbols, stop - first, 5]."""
        parts = [
            self._block(b)[:, max(first - b * BLOCK, 0) : stop - b * BLOCK]
            for b in range(first // BLOCK, (stop - 1) // BLOCK + 1)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def marks(self, first: int, stop: int) -> None:
        """No mark prices of its own: the mark is the price."""

    def last_close(self, bar: int) -> np.ndarray:
        return self.bars(bar, bar + 1)[:, 0, 3]

    def edges(self, bar: int) -> np.ndarray:
        """-1 where a symbol is yet to be listed, 1 where it is gone, else 0: int [symbols]. Here always 0."""
        return np.zeros(len(self.symbols), np.int64)

    def funding(self, row: int, bar: int) -> float:
        """A small rate around 0.01 % that changes every eight bars; like most real ones it is often exactly that."""
        share = float(self._luck(12, self._keys[row : row + 1], bar // 8, 1)[0, 0])
        return 0.0001 if share < 0.4 else round(-0.00015 + 0.0005 * (share - 0.4) / 0.6, 8)

    # -- one block ----------------------------------------------------------------------------------------------------
    def _block(self, number: int) -> np.ndarray:
        if number not in self._blocks:
            self._blocks[number] = _round_off(self._make(number))
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _luck(self, what: int, keys: np.ndarray, first: int, n: int) -> np.ndarray:
        """Uniform numbers within (0, 1) that seed, purpose, key and place decide: float64 [keys, n]."""
        stream = mix(mix(np.array([self.seed]), np.array([what])), keys)
        return (np.right_shift(mix(stream[:, None], np.arange(first, first + n)), 11) + 0.5) * 2.0**-53

    def _normal(self, what: int, keys: np.ndarray, first: int, n: int) -> np.ndarray:
        """Normal numbers, by Box and Muller: float64 [keys, n]."""
        u, v = self._luck(what, keys, 2 * first, 2 * n).reshape(len(keys), n, 2).transpose(2, 0, 1)
        return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)

    def _tailed(self, what: int, keys: np.ndarray, first: int, n: int) -> np.ndarray:
        """Student's t with TAIL degrees of freedom, scaled to a spread of 1 (Bailey 1994): float64 [keys, n]."""
        u, v = self._luck(what, keys, 2 * first, 2 * n).reshape(len(keys), n, 2).transpose(2, 0, 1)
        return np.sqrt((traits.TAIL - 2) * (u ** (-2 / traits.TAIL) - 1)) * np.cos(2 * np.pi * v)

    def _make(self, number: int) -> np.ndarray:
        sigma = np.array([t.sigma for t in self._traits])[:, None] * np.exp(self._waves(number))
        load = np.array([t.load for t in self._traits])[:, None]
        market = self._tailed(1, MARKET, number * BLOCK, BLOCK)
        own = self._tailed(2, self._keys, number * BLOCK, BLOCK)
        moves = sigma * (load * market + np.sqrt(1 - load**2) * own + self._trends(number))
        start, end = self._level(number), self._level(number + 1)
        walk = np.cumsum(moves, axis=1)
        bend = (end - start - walk[:, -1:]) * np.arange(1, BLOCK + 1) / BLOCK
        closes = start + walk + bend
        opens = np.concatenate([start, closes[:, :-1]], axis=1)
        high, low = self._wicks(number, opens, closes, sigma)
        volume = self._volume(number, high - low, closes)
        return np.stack([np.exp(opens), np.exp(high), np.exp(low), np.exp(closes), volume], axis=-1)

    def _level(self, number: int) -> np.ndarray:
        """Log price at the left edge of a block: [symbols, 1]; where history ends, about the measured price."""
        away = 0.6 * self._normal(3, self._keys, number, 1) + 0.8 * self._normal(3, MARKET, number, 1)
        near = 0.2 if number <= HISTORY // BLOCK + 1 else 1.0
        return np.log([t.price for t in self._traits])[:, None] + WANDER * near * away

    def _waves(self, number: int) -> np.ndarray:
        """Log of volatility over its usual size: [symbols, BLOCK]; warmed up on the shocks of the block before."""
        waves = np.zeros((len(self.symbols), BLOCK))
        for what, (memory, common, own) in ((4, traits.SLOW_WAVE), (6, traits.FAST_WAVE)):
            shared = self._normal(what, MARKET, number * BLOCK, 2 * BLOCK)
            alone = self._normal(what + 1, self._keys, number * BLOCK, 2 * BLOCK)
            waves += common * _remember(shared, memory) + own * _remember(alone, memory)
        return waves

    def _trends(self, number: int) -> np.ndarray:
        """Drift of each bar in units of its volatility: [symbols, BLOCK]."""
        market = _regimes(self._luck(8, MARKET, number * REGIMES * 4, REGIMES * 4)[0])[0]
        rows = []
        for luck in self._luck(9, self._keys, number * REGIMES * 4, REGIMES * 4):
            own, shared = _regimes(luck)
            rows.append(np.where(shared < traits.COMMON_TREND, market, own))
        return np.array(rows)

    def _wicks(
        self, number: int, opens: np.ndarray, closes: np.ndarray, sigma: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Highs and lows: the extremes of a random walk that is known at both ends (Brownian bridge)."""
        luck = self._luck(10, self._keys, number * BLOCK * 2, BLOCK * 2).reshape(-1, 2, BLOCK)
        reach = np.sqrt((closes - opens)[:, None] ** 2 - 2 * (traits.WICK * sigma[:, None]) ** 2 * np.log(luck))
        middle = (opens + closes) / 2
        return middle + reach[:, 0] / 2, middle - reach[:, 1] / 2

    def _volume(self, number: int, spans: np.ndarray, closes: np.ndarray) -> np.ndarray:
        noise = self._normal(11, self._keys, number * BLOCK, BLOCK)
        usual = np.array([2.1 * 0.68 * t.sigma for t in self._traits])[:, None]
        quote = np.array([t.quote for t in self._traits])[:, None]
        size = np.exp(traits.VOLUME_SPAN * np.log(np.maximum(spans, 1e-6) / usual) + traits.VOLUME_NOISE * noise)
        return quote * size / np.exp(closes)


def _check(symbols: tuple[str, ...]) -> None:
    if not symbols:
        raise ValueError("the synthetic market needs at least one symbol")
    if len(symbols) > MOST:
        raise ValueError(f"the synthetic market has room for {MOST} symbols, {len(symbols)} were asked for")
    for symbol in symbols:
        if not re.fullmatch(r"[A-Z0-9]{1,20}USDT", symbol):
            raise ValueError(f"symbols look like BTCUSDT; {symbol!r} does not")
    if len(set(symbols)) < len(symbols):
        raise ValueError("a symbol was given twice")


def _round_off(bars: np.ndarray) -> np.ndarray:
    """Volumes in whole thousandths, so that they print the same everywhere."""
    bars[..., 4] = np.round(bars[..., 4], 3)
    return bars


def _remember(shocks: np.ndarray, memory: float) -> np.ndarray:
    """An AR(1) of spread 1 over shocks [rows, 2 * BLOCK]; the second half is returned, the first warms it up."""
    fade = memory ** np.arange(CHUNK)
    out, level = [], np.zeros((len(shocks), 1))
    for at in range(0, shocks.shape[1], CHUNK):
        grown = np.cumsum(shocks[:, at : at + CHUNK] / fade, axis=1) * fade
        out.append(level * fade * memory + np.sqrt(1 - memory**2) * grown)
        level = out[-1][:, -1:]
    return np.concatenate(out, axis=1)[:, BLOCK:]


def _regimes(luck: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One block of drifts, and for each bar a number within 0..1 that is the same throughout its regime."""
    drift, share, at = np.empty(BLOCK), np.empty(BLOCK), 0
    least, most = traits.TREND
    for length, size, sign, kind in luck.reshape(REGIMES, 4).tolist():
        end = at + int(traits.REGIME * (0.5 + length))
        drift[at:end] = (least + (most - least) * size) * (1 if sign < 0.5 else -1)
        share[at:end] = kind
        at = end
    return drift, share

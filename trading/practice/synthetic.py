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
from trading.practice.path import key_of, mix
from trading.practice.traits import DEFAULT, TRAITS

BLOCK = 1024
HISTORY = 3000  # bars before the market opens: enough to train on within half a minute for 20 symbols
SYMBOLS = tuple(TRAITS)[:20]
MOST = len(TRAITS)
WANDER = 0.25  # spread of log price around its start at the edges of blocks: half to double, for ever
KEPT_BLOCKS = 32
BEFORE = 1 << 20  # block numbers are seeds, so they must not be negative


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
        self._keys = [key_of(s) for s in self.symbols]
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()

    def identity(self) -> dict:
        return {"kind": self.kind, "seed": self.seed, "symbols": list(self.symbols)}

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
        hashed = int(mix(np.array([self._keys[row]]), np.array([self.seed * 1_000_003 + bar // 8]))[0])
        share = hashed / 2**64
        return 0.0001 if share < 0.4 else round(-0.00015 + 0.0005 * (share - 0.4) / 0.6, 8)

    # -- one block ----------------------------------------------------------------------------------------------------
    def _block(self, number: int) -> np.ndarray:
        if number not in self._blocks:
            self._blocks[number] = _round_off(self._make(number))
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _rng(self, what: int, block: int, key: int = 0) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, what, block + BEFORE, key])))

    def _make(self, number: int) -> np.ndarray:
        sigma = np.array([t.sigma for t in self._traits])[:, None] * np.exp(self._waves(number))
        load = np.array([t.load for t in self._traits])[:, None]
        market = _tailed(self._rng(1, number), BLOCK)
        own = np.array([_tailed(self._rng(2, number, k), BLOCK) for k in self._keys])
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
        away = np.array([_normal(self._rng(3, number, k), 1)[0] for k in self._keys]) * 0.6
        away += _normal(self._rng(3, number), 1)[0] * 0.8
        near = 0.2 if number <= HISTORY // BLOCK + 1 else 1.0
        return np.log([t.price for t in self._traits])[:, None] + WANDER * near * away[:, None]

    def _waves(self, number: int) -> np.ndarray:
        """Log of volatility over its usual size: [symbols, BLOCK]."""
        waves = np.zeros((len(self.symbols), BLOCK))
        for what, (memory, common, own) in ((4, traits.SLOW_WAVE), (6, traits.FAST_WAVE)):
            shared = self._shocks(what, number, [0])
            alone = self._shocks(what + 1, number, self._keys)
            waves += common * _remember(shared, memory) + own * _remember(alone, memory)
        return waves

    def _shocks(self, what: int, number: int, keys: list[int]) -> np.ndarray:
        """This block's shocks behind those of the block before: [keys, 2 * BLOCK]."""
        return np.array(
            [np.concatenate([_normal(self._rng(what, b, k), BLOCK) for b in (number - 1, number)]) for k in keys]
        )

    def _trends(self, number: int) -> np.ndarray:
        """Drift of each bar in units of its volatility: [symbols, BLOCK]."""
        market = _regimes(self._rng(8, number))[0]
        rows = []
        for key in self._keys:
            own, shared = _regimes(self._rng(9, number, key))
            rows.append(np.where(shared < traits.COMMON_TREND, market, own))
        return np.array(rows)

    def _wicks(
        self, number: int, opens: np.ndarray, closes: np.ndarray, sigma: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Highs and lows: the extremes of a random walk that is known at both ends (Brownian bridge)."""
        luck = np.array([self._rng(10, number, k).random((2, BLOCK)) for k in self._keys])
        luck = np.clip(luck, 1e-12, 1)
        reach = np.sqrt((closes - opens)[:, None] ** 2 - 2 * (traits.WICK * sigma[:, None]) ** 2 * np.log(luck))
        middle = (opens + closes) / 2
        return middle + reach[:, 0] / 2, middle - reach[:, 1] / 2

    def _volume(self, number: int, spans: np.ndarray, closes: np.ndarray) -> np.ndarray:
        noise = np.array([_normal(self._rng(11, number, k), BLOCK) for k in self._keys])
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


def _normal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Box and Muller, from uniform numbers only: numpy promises those to stay the same in later versions."""
    u, v = np.clip(rng.random(n), 1e-300, 1), rng.random(n)
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def _tailed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Student's t with TAIL degrees of freedom, scaled to a spread of 1 (Bailey 1994, from uniform numbers)."""
    u, v = np.clip(rng.random(n), 1e-12, 1), rng.random(n)
    t = np.sqrt(traits.TAIL * (u ** (-2 / traits.TAIL) - 1)) * np.cos(2 * np.pi * v)
    return t / np.sqrt(traits.TAIL / (traits.TAIL - 2))


def _remember(shocks: np.ndarray, memory: float) -> np.ndarray:
    """An AR(1) of spread 1 over shocks [rows, 2 * BLOCK]; the second half is returned, the first warms it up."""
    out = np.empty_like(shocks)
    level = shocks[:, 0]
    scale = np.sqrt(1 - memory**2)
    for i in range(shocks.shape[1]):
        level = memory * level + scale * shocks[:, i]
        out[:, i] = level
    return out[:, BLOCK:]


def _regimes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One block of drifts, and for each bar a number within 0..1 that is the same throughout its regime."""
    drift, share, at = np.empty(BLOCK), np.empty(BLOCK), 0
    while at < BLOCK:
        length, size, sign, luck = rng.random(4)
        end = at + int(traits.REGIME * (0.5 + length))
        low, high = traits.TREND
        drift[at:end] = (low + (high - low) * size) * (1 if sign < 0.5 else -1)
        share[at:end] = luck
        at = end
    return drift, share

"""How a price moves inside one bar: 60 discrete points from open to close, through both extremes.

Every point is a weighted mean of open, first extreme, second extreme and close, so no point leaves the bar, and the
four anchors themselves are points. Which of 256 shapes a bar takes, and whether its low or its high comes first, is
decided by a hash of symbol and bar number: the same bar always moves the same way.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

POINTS = 60  # price points in one bar of the source
SHAPES = 256
JITTER = 0.12  # how far a point may stray from the straight line between two anchors, as a share of that line


def key_of(symbol: str) -> int:
    """A number that stands for a symbol in hashes and seeds, the same on every machine."""
    return zlib.crc32(symbol.encode())


def keys_of(symbols: tuple[str, ...]) -> np.ndarray:
    return np.array([key_of(s) for s in symbols], np.uint64)


def mix(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """One well-mixed uint64 for each pair (splitmix64); broadcasts like any numpy function."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        x = np.asarray(keys, np.uint64) * np.uint64(0xD1342543DE82EF95) + np.asarray(numbers).astype(np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


@lru_cache(maxsize=1)
def shapes() -> np.ndarray:
    """Weights of (open, first extreme, second extreme, close): float64 [SHAPES, POINTS, 4], rows sum to 1."""
    rng = np.random.Generator(np.random.Philox(60))
    weights = np.zeros((SHAPES, POINTS, 4))
    for shape in weights:
        first = 4 + int(rng.random() * 24)
        second = first + 4 + int(rng.random() * (POINTS - first - 8))
        anchors = (0, first, second, POINTS - 1)
        for leg in range(3):
            start, stop = anchors[leg], anchors[leg + 1]
            share = _leg(stop - start, rng)
            shape[start : stop + 1, :] = 0
            shape[start : stop + 1, leg] = 1 - share
            shape[start : stop + 1, leg + 1] = share
    return weights


def _leg(steps: int, rng: np.random.Generator) -> np.ndarray:
    """From 0 to 1 in so many steps, a little unevenly, never outside."""
    line = np.linspace(0, 1, steps + 1)
    stray = (rng.random(steps + 1) - 0.5) * 2 * JITTER * np.sqrt(line * (1 - line)) * 2
    share = np.clip(line + stray, 0, 1)
    share[0], share[-1] = 0, 1
    return share


def anchors(
    bars: np.ndarray, numbers: np.ndarray, keys: np.ndarray, like: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The four anchors [..., 4] of bars [..., open, high, low, close], and each bar's shape number [...].

    In two of three bars the extreme that lies behind the move comes first (low first in a rising bar); mark prices take
    the order of their bar, `like`.
    """
    hashes = mix(keys, numbers)
    leader = bars if like is None else like
    rising = leader[..., 3] >= leader[..., 0]
    low_first = rising == ((hashes >> np.uint64(16)) % np.uint64(3) != 0)
    o, h, low, c = (bars[..., i] for i in range(4))
    first, second = np.where(low_first, low, h), np.where(low_first, h, low)
    return np.stack([o, first, second, c], axis=-1), (hashes % np.uint64(SHAPES)).astype(np.int64)


def points(bars: np.ndarray, numbers: np.ndarray, keys: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Every price point of bars [..., 4 or more]: float64 [..., POINTS]; NaN where the bar is NaN."""
    four, shape = anchors(bars, numbers, keys, like)
    return np.einsum("...pk,...k->...p", shapes()[shape], four)


def point(
    bars: np.ndarray, numbers: np.ndarray, keys: np.ndarray, j: int, like: np.ndarray | None = None
) -> np.ndarray:
    """Point `j` alone of bars [..., 4 or more]: float64 [...]."""
    four, shape = anchors(bars, numbers, keys, like)
    return np.einsum("...k,...k->...", shapes()[shape, j], four)

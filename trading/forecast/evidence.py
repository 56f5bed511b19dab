"""How much a sample proves: intervals that know that neighbouring bars share their fate.

Signals of one bar, and of bars within one horizon, see the same moves. So time is cut into stretches of one horizon,
and a stretch is the unit that is independent of the others: it is what the bootstrap draws, and what an effective
sample size counts.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 1000
MIN_STRETCHES = 8  # fewer give no interval worth its name
Z = 1.96


def stretches(bars: np.ndarray, horizon: int) -> int:
    """How many stretches of `horizon` bars these bar numbers touch."""
    return len(np.unique(bars // horizon))


def interval(values: np.ndarray, bars: np.ndarray, horizon: int, seed: int = 7) -> tuple[float, float]:
    """95 % interval of the mean of values [n], by a seeded bootstrap over stretches."""
    _, place = np.unique(bars // horizon, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(ROUNDS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return round(float(low), 6), round(float(high), 6)


def effective(hits: np.ndarray, bars: np.ndarray, horizon: int) -> float:
    """How many independent yes-or-no answers hits [n] are worth: p (1 - p) over the mean's variance by stretches.

    At most n. Answers that never differ say nothing about their kinship: then a stretch counts once.
    """
    _, place = np.unique(bars // horizon, return_inverse=True)
    p, count = hits.mean(), place.max() + 1
    sums = np.bincount(place, hits - p)
    variance = (sums**2).sum() / len(hits) ** 2 * count / max(1, count - 1)
    if variance <= 1e-12:
        return float(min(count, len(hits)))
    return float(min(len(hits), max(1.0, p * (1 - p) / variance)))


def wilson(p: float, n: float) -> tuple[float, float]:
    """95 % interval of a share p of n independent answers."""
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return round(float(max(0.0, middle - half)), 6), round(float(min(1.0, middle + half)), 6)

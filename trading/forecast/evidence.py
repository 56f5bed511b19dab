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
    """How many independent yes-or-no answers hits [n] are worth: at most one a stretch, fewer where regimes are longer.

    It is p (1 - p) over the variance of the mean, by blocks of 1, 2, 4 ... stretches while there are enough of them;
    the least counts. Answers that never differ tell nothing about their kinship: then a stretch counts once.
    """
    most = least = float(stretches(bars, horizon))
    p, length = hits.mean(), horizon
    while stretches(bars, length) >= min(MIN_STRETCHES, most):
        _, place, size = np.unique(bars // length, return_inverse=True, return_counts=True)
        sums = np.bincount(place, hits - p)
        variance = (sums**2).sum() / len(hits) ** 2 * len(size) / max(1, len(size) - 1)
        if variance > 1e-12:
            least = min(least, max(1.0, p * (1 - p) / variance))
        if len(size) == 1:
            break
        length *= 2
    return float(least)


def wilson(p: float, n: float) -> tuple[float, float]:
    """95 % interval of a share p of n independent answers."""
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return round(float(max(0.0, middle - half)), 6), round(float(min(1.0, middle + half)), 6)

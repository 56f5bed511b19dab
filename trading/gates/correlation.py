"""Do two symbols move together? Correlation of log returns, all pairs at once; and what it means for two directions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trading.exchange.venue import Side
from trading.feed.candles import Book

BARS = 200  # returns that are looked at
FEWEST = 50  # common returns below which nothing is claimed


def pairs(book: Book, bars: int = BARS) -> dict[tuple[str, str], float]:
    """Correlation by (symbol, symbol), sorted names, rounded to 1e-4; pairs that can't be measured are left out."""
    order = np.argsort(np.array(book.symbols, dtype=str), kind="stable")
    matrix = correlations(returns(book, bars)[order])
    names = [book.symbols[i] for i in order]
    first, second = np.triu_indices(len(names), k=1)
    values = matrix[first, second]
    known = np.isfinite(values)
    return {
        (names[a], names[b]): value
        for a, b, value in zip(first[known].tolist(), second[known].tolist(), values[known].tolist(), strict=True)
    }


def returns(book: Book, bars: int = BARS) -> np.ndarray:
    """Log returns of the newest `bars` bars, [symbols, bars]; NaN where either close is missing."""
    close = book.column("close")[:, -(bars + 1) :]
    return np.diff(np.log(np.where(close > 0, close, np.nan)), axis=1)


def correlations(moves: np.ndarray, fewest: int = FEWEST) -> np.ndarray:
    """Pearson's r of every pair of rows over the columns both have; NaN below `fewest` of them or without moves."""
    there = np.isfinite(moves)
    x = np.where(there, moves, 0.0)
    x /= np.maximum(np.abs(x).max(axis=1, keepdims=True, initial=0.0), 1e-12)  # r does not depend on scale
    both = there.T.astype(float)
    n, sums, squares, products = both.T @ both, x @ both, (x * x) @ both, x @ x.T
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = products - sums * sums.T / n
        spread = squares - sums * sums / n
        r = shared / np.sqrt(spread * spread.T)
    r[(n < fewest) | (spread <= 1e-12) | (spread.T <= 1e-12)] = np.nan
    return np.clip(np.round(r, 4), -1.0, 1.0)


def between(known: Mapping[tuple[str, str], float], a: str, b: str) -> float | None:
    return 1.0 if a == b else known.get((a, b) if a < b else (b, a))


def together(rho: float, a: Side, b: Side) -> float:
    """How much two positions move together: opposite sides of what moves together offset each other."""
    return rho * a.sign * b.sign

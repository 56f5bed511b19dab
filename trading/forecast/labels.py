"""What the models learn: of each bar and side, was the target touched before the stop, within the horizon?

The entry is the bar's close; stop and target are searched in the bars after it alone. Both in one bar count as the
stop. Costs are not in the label: they are in the break-even.
"""

from __future__ import annotations

import numpy as np

from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.features import atr14, present

UNKNOWN = -1  # the horizon is not complete, has a gap, or there is no ATR yet


def stop_distance(atr: np.ndarray, price: np.ndarray, spec: LabelSpec) -> np.ndarray:
    """R in price: max(`stop_atr` x ATR14, `min_stop_costs` x round-trip costs)."""
    return np.maximum(spec.stop_atr * atr, spec.min_stop_costs * spec.round_trip * price)


def labels(book: Book, spec: LabelSpec) -> np.ndarray:
    """int8 [symbols, bars, 2] (long, short): 1 target first, 0 not, UNKNOWN where it can't be known."""
    close = book.column("close")
    r = stop_distance(atr14(book), close, spec)
    known = np.isfinite(r) & _complete(book, spec.horizon)
    high, low = book.column("high"), book.column("low")
    out = np.full((*close.shape, 2), UNKNOWN, np.int8)
    out[:, :, 0] = _first_touch(high, low, close - r, close + spec.target_r * r, spec.horizon)
    out[:, :, 1] = _first_touch(-low, -high, -(close + r), -(close - spec.target_r * r), spec.horizon)
    out[~known] = UNKNOWN
    return out


def _first_touch(high: np.ndarray, low: np.ndarray, stop: np.ndarray, target: np.ndarray, horizon: int) -> np.ndarray:
    """1 where `target` was reached, above, before `stop`, below; all arrays [symbols, bars]."""
    won = np.zeros(high.shape, np.int8)
    open_ = np.ones(high.shape, bool)
    for ahead in range(1, min(horizon, high.shape[1] - 1) + 1):
        now = slice(0, high.shape[1] - ahead)
        open_[:, now], hit = touch(open_[:, now], high[:, ahead:], low[:, ahead:], stop[:, now], target[:, now])
        won[:, now] |= hit.astype(np.int8)
    return won


def touch(
    alive: np.ndarray, high: np.ndarray, low: np.ndarray, stop: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One bar further, seen from LONG: who is still open, and who reached the target. Both in one bar: the stop."""
    alive = alive & ~(low <= stop)
    hit = alive & (high >= target)
    return alive & ~hit, hit


def _complete(book: Book, horizon: int) -> np.ndarray:
    """Where all of the next `horizon` bars exist: bool [symbols, bars]."""
    there = present(book)
    count = np.pad(np.cumsum(there, axis=1), ((0, 0), (1, 0)))
    out = np.zeros(there.shape, bool)
    if there.shape[1] > horizon:
        out[:, : there.shape[1] - horizon] = count[:, horizon + 1 :] - count[:, 1:-horizon] == horizon
    return out

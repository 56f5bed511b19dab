"""Who can't be judged at the newest bar for want of data, with the numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from trading.codes import Code
from trading.feed.candles import Book
from trading.feed.stillness import LOOK, SURE, still
from trading.forecast.features import WARMUP


@dataclass(frozen=True, slots=True)
class Lack:
    """Why one symbol is not evaluated. `value` and `limit`: bars without a gap and those needed, or bars that stand
    still; `since` is the open time of the first bar after the newest gap, or of the last one that came."""

    code: Code
    value: float | None = None
    limit: float | None = None
    since: datetime | None = None
    traded: bool = True  # of bars that stand still: something was said to be traded in them


def lacks(book: Book) -> dict[str, Lack]:
    """By symbol; whoever is not in it can be judged."""
    found = {}
    for i, (symbol, run) in enumerate(zip(book.symbols, book.run_lengths().tolist(), strict=True)):
        lack = short(book, i, run) if run < WARMUP else frozen(book.values[i, -LOOK - SURE :])
        if lack:
            found[symbol] = lack
    return found


def short(book: Book, i: int, run: int) -> Lack:
    """Too few bars without a gap; none at all where the newest did not come."""
    if run:
        return Lack(Code.INSUFFICIENT_HISTORY, run, WARMUP, moment(book.times[-run]))
    there = np.nonzero(np.isfinite(book.values[i]).all(axis=1))[0]
    return Lack(Code.FEED_STALE, since=moment(book.times[there[-1]]) if len(there) else None)


def frozen(bars: np.ndarray) -> Lack | None:
    seen = still(bars)
    return Lack(Code.FEED_FROZEN, seen.bars, traded=seen.traded) if seen else None


def moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)

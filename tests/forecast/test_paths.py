"""What became of a signal is what training calls its label, and more: which bar ended it, and its R."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.champions import market, spec
from trading.feed.candles import Book
from trading.forecast.features import atr14
from trading.forecast.labels import UNKNOWN, labels, stop_distance
from trading.forecast.paths import EXPIRED, GAP, OPEN, STOP, TARGET, Entries, follow

START = datetime(2025, 1, 1, tzinfo=UTC)


def book_of(*bars: tuple[float, float, float] | None) -> Book:
    """One symbol: a judged bar at 100, then these (high, low, close); None is a missing candle."""
    rows = [(100.0, 100.0, 100.0, 100.0, 1.0)]
    rows += [(np.nan,) * 5 if bar is None else (bar[2], *bar, 1.0) for bar in bars]
    times = int(START.timestamp()) + 60 * np.arange(len(rows))
    return Book(("C",), times, np.array([rows]), timedelta(minutes=1))


def one(book: Book, side: int = 1, r: float = 1.0, horizon: int = 4) -> tuple[int, int, float]:
    from dataclasses import replace

    entry = Entries(*(np.array([value]) for value in (0, 0, float(side), 100.0, r)))
    paths = follow(book, entry, replace(spec(), horizon=horizon))
    return int(paths.ended[0]), int(paths.bars[0]), float(paths.gross_r[0])


FLAT = (100.2, 99.8, 100.1)


@pytest.mark.parametrize(
    ("bars", "side", "expected"),
    [
        ([FLAT, (102.6, 100, 102.5)], 1, (TARGET, 2, 2.5)),
        ([FLAT, (100.1, 98.9, 99)], 1, (STOP, 2, -1)),
        ([(102.6, 98.9, 100)], 1, (STOP, 1, -1)),  # both in one bar: the stop
        ([(100.2, 97.4, 97.5)], -1, (TARGET, 1, 2.5)),
        ([(101.1, 100, 101)], -1, (STOP, 1, -1)),
        ([FLAT, FLAT, FLAT, (100.7, 99.9, 100.6)], 1, (EXPIRED, 4, 0.6)),
        ([FLAT, FLAT, FLAT, (100.7, 99.9, 100.6)], -1, (EXPIRED, 4, -0.6)),
        ([FLAT, (102.6, 100, 102.5), None], 1, (TARGET, 2, 2.5)),  # what is missing afterwards changes nothing
    ],
)
def test_a_path_ends_where_it_must(bars, side, expected):
    ended, count, r = one(book_of(*bars), side)
    assert (ended, count) == expected[:2]
    assert r == pytest.approx(expected[2])


def test_a_path_whose_bars_have_not_come_is_open():
    assert one(book_of(FLAT, FLAT))[0] == OPEN
    assert one(book_of())[0] == OPEN


def test_a_path_with_a_hole_before_its_end_is_not_guessed():
    assert one(book_of(FLAT, None, (102.6, 100, 102.5), FLAT))[0] == GAP


@pytest.mark.parametrize("side", [0, 1])
def test_every_bar_of_a_market_gets_the_label_that_training_gives_it(side):
    book, rule = market(3, 600, drift=0.1), spec()
    wanted = labels(book, rule)[:, :, side]
    r = stop_distance(atr14(book), book.column("close"), rule)
    symbol, bar = np.nonzero(wanted != UNKNOWN)
    sign = np.full(len(bar), 1.0 if side == 0 else -1.0)
    paths = follow(book, Entries(symbol, bar, sign, book.column("close")[symbol, bar], r[symbol, bar]), rule)
    assert len(bar) > 500
    assert ((paths.ended == TARGET) == (wanted[symbol, bar] == 1)).all()
    assert set(np.unique(paths.ended)) <= {TARGET, STOP, EXPIRED}
    assert np.isfinite(paths.gross_r).all()

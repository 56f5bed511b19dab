"""Alive but frozen, or merely quiet."""

import numpy as np
import pytest

from trading.feed.stillness import enough, still


def moving(n: int = 30, volume: float = 10.0) -> list[list[float]]:
    return [[100 + i % 3, 103, 99.75, 100.25 + i % 2, volume + i] for i in range(n)]


def coarse(n: int = 30) -> list[list[float]]:
    """A price of 1.00 that moves in steps of 0.01."""
    return [[1.0, 1.0 + 0.01 * (i % 2), 1.0, 1.0, 10.0 + i] for i in range(n)]


def flat(n: int, volume: float = 15.0, price: float = 101.0) -> list[list[float]]:
    return [[price] * 4 + [volume + i if volume else 0.0] for i in range(n)]


@pytest.mark.parametrize(
    ("bars", "answer"),
    [
        (moving(), None),
        (moving() + flat(1, volume=30.0), ("frozen", 1)),  # as much traded as ever, at a single price
        (moving() + flat(1, volume=1.0), None),  # a thin market may have one such bar
        (moving() + flat(2, volume=1.0), None),
        (moving() + flat(3, volume=1.0), ("frozen", 3)),
        (moving() + flat(1, volume=0), ("quiet", 1)),
        (moving() + flat(50, volume=0), ("quiet", 50)),
        (moving() + moving(1) * 2, ("frozen", 2)),  # the same candle again, to the last digit
        (moving(1), None),
        (coarse() + flat(9, volume=50.0, price=1.01), None),
        (coarse() + flat(10, volume=50.0, price=1.01), ("frozen", 10)),
    ],
)
def test_what_stands_still(bars, answer):
    seen = still(np.array(bars, np.float64))
    assert (seen and (seen.kind, seen.bars)) == answer


@pytest.mark.parametrize(
    ("bars", "stands", "moved", "answer"),
    [
        (moving(), True, 0.0, 1),
        (moving(), False, 0.01, 1),  # a flat candle while the mark moves by a third of what is usual
        (moving(), False, 0.001, None),
        (coarse(), True, 0.0, None),
        (coarse(), False, 0.01, None),
    ],
)
def test_how_many_flat_candles_are_enough_is_said_by_the_mark(bars, stands, moved, answer):
    assert enough(np.array(bars, np.float64), stands, moved) == answer

"""Whether a symbol's candles stand still: what is alive but frozen, and what is merely quiet. Pure.

Frozen means that trades are told and no price moves, or that a candle repeats the one before to the last digit. Quiet
means that nothing was traded, as when the market is paused: then flat candles are the truth. No decision is made on
either; only what is frozen is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOK = 30  # bars before, which say how much is usually traded
SURE = 3  # flat bars with trades in a row that are frozen, however little was traded and whatever the mark does
MANY = 10  # as many are needed of a symbol whose usual range is hardly more than the step of its price
COARSE = 4  # steps of the price
MOVING = 0.25  # of its usual range: a mark that moves so far in a bar moves in a market that a flat candle is not of
MUCH = 0.8  # of the usual volume: so much traded at a single price, in a market that moves, is frozen at once


@dataclass(frozen=True, slots=True)
class Still:
    """How many of the newest bars stand still, and whether anything was said to be traded in them."""

    bars: int
    traded: bool

    @property
    def kind(self) -> str:
        return "frozen" if self.traded else "quiet"


def still(bars: np.ndarray, sure: int | None = None) -> Still | None:
    """Of one symbol's newest bars [n, 5] (open, high, low, close, volume), without gaps, oldest first.

    `sure` is how many flat bars with trades are enough, where the mark says so.
    """
    if len(bars) < 2:
        return None
    run = tail(bars[:, 1] == bars[:, 2])
    if run:
        return flat_run(bars, run, sure)
    return Still(2, True) if bars[-1, 4] > 0 and (bars[-1] == bars[-2]).all() else None


def flat_run(bars: np.ndarray, run: int, sure: int | None) -> Still | None:
    if bars[-1, 4] == 0:
        return Still(run, False)
    rough = coarse(bars)
    if run >= (sure or (MANY if rough else SURE)):
        return Still(run, True)
    if rough:
        return None
    before = bars[:-run][-LOOK:]
    moves = len(before) and (before[:, 1] > before[:, 2]).all()
    return Still(run, True) if moves and bars[-1, 4] >= MUCH * np.median(before[:, 4]) else None


def enough(bars: np.ndarray, mark_stands: bool, mark_moved: float) -> int | None:
    """One flat bar is enough where the mark stands still too, or moves as a flat candle can't; else None.

    Where flat candles are ordinary, the mark says nothing: it may be rounded to the same steps.
    """
    if coarse(bars):
        return None
    if mark_stands:
        return 1
    ranges = (bars[:, 1] - bars[:, 2]) / bars[:, 3]
    moving = (ranges > 0).any() and mark_moved >= MOVING * np.median(ranges[ranges > 0])
    return 1 if moving else None


def coarse(bars: np.ndarray) -> bool:
    """The usual range is hardly more than the smallest step between two prices: flat candles are ordinary."""
    prices = np.unique(bars[:, :4])
    if len(prices) < 2:
        return True
    return bool(np.median(bars[:, 1] - bars[:, 2]) < COARSE * np.diff(prices).min() * (1 - 1e-9))


def tail(true: np.ndarray) -> int:
    """How many at the end are true."""
    return len(true) if true.all() else int((~true[::-1]).argmax())

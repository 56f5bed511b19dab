"""Whether a jump of the price is one of the market or one of the data. Pure.

A jump is measured against what the symbol usually moves in a bar (the median range of its last bars), and it is
believed where anything else bears it out: the mark price at the bar's end, or the bars that follow. Crashes are borne
out by both; a price that is off by a factor is borne out by neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from trading.exchange.venue import Bar
from trading.feed.quality import Fault, raw
from trading.feed.witness import Witness

LOOK = 30  # bars whose ranges say what is usual
SMALL = 0.10  # log move of a close that is never looked at twice
LARGE = 0.26  # log move that is noted although it is believed: some 30 %
UNUSUAL = 12.0  # times the usual range: from here on a jump must be borne out
NEAR, NEAR_RANGES = 0.05, 6.0  # how close the mark must be, in logs and in usual ranges
ALONE = math.log(2)  # a jump that nothing can bear out yet, and is taken
WICK = 5.0  # a high this many times the body, or a low this many times below it, is no trade
ROOM = 8.0  # a jump over many missing bars may be so many times larger, at most
MEETS = timedelta(minutes=1)  # how far from the bar's end a mark may have been said


@dataclass(frozen=True, slots=True)
class Known:
    """A symbol's last believed bars before the ones in question, oldest first: open time, high, low, close."""

    bars: Sequence[tuple[datetime, float, float, float]] = ()
    mark: Witness | None = None


@dataclass(slots=True)
class Line:
    """Where a symbol's believed price stands while its new bars are walked through."""

    known: Known
    step: timedelta
    at: datetime | None = None
    close: float = 0.0
    ranges: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for at, high, low, close in self.known.bars:
            self.take(at, high, low, close)

    def take(self, at: datetime, high: float, low: float, close: float) -> None:
        self.at, self.close = at, close
        self.ranges = [*self.ranges[-LOOK + 1 :], (high - low) / close]

    @property
    def usual(self) -> float:
        return float(np.median(self.ranges)) if self.ranges else 0.0

    def room(self, at: datetime) -> float:
        """More bars between two closes leave room for a larger move."""
        bars = (at - self.at) / self.step if self.at else 1.0
        return min(ROOM, math.sqrt(max(1.0, bars)))


def spikes(bars: Sequence[Bar], known: Known, step: timedelta) -> list[Fault]:
    """The bars of one symbol (oldest first, each possible on its own) whose price nothing bears out: `spike`.

    What jumped far and is borne out is noted: `jump`.
    """
    line, faults = Line(known, step), []
    for i, bar in enumerate(bars):
        wrong = wick(bar) or jump(bar, bars[i + 1 :], line)
        if wrong:
            detail, fields = wrong
            faults.append(Fault(bar.symbol, bar.open_time, "spike", detail, raw(bar), fields))
        else:
            faults += noted(bar, line)
            line.take(bar.open_time, bar.high, bar.low, bar.close)
    return faults


def noted(bar: Bar, line: Line) -> list[Fault]:
    """A large jump that is believed is worth a note."""
    if line.at is None or abs(math.log(bar.close / line.close)) < LARGE:
        return []
    detail = f"close moved {bar.close / line.close - 1:+.1%} from {line.close:g}, and it is borne out"
    return [Fault(bar.symbol, bar.open_time, "jump", detail, raw(bar), ("close",))]


def wick(bar: Bar) -> tuple[str, tuple[str, ...]] | None:
    top, bottom = max(bar.open, bar.close), min(bar.open, bar.close)
    if bar.high > WICK * top:
        return f"high {bar.high:g} is {bar.high / top:.1f} times open and close", ("high",)
    if bar.low * WICK < bottom:
        return f"open and close are {bottom / bar.low:.1f} times the low {bar.low:g}", ("low",)
    return None


def jump(bar: Bar, after: Sequence[Bar], line: Line) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with a move since the last believed close, or None."""
    if line.at is None:
        far = contradicts(bar.close, bar, line, ALONE)
        return (f"close {bar.close:g} is far from the mark", ("close",)) if far else None
    for name in ("close", "open"):
        price = getattr(bar, name)
        move = abs(math.log(price / line.close))
        if move > SMALL and not believed(price, move, bar, after, line):
            times = move / line.usual if line.usual else math.inf
            return (
                f"{name} moved {price / line.close - 1:+.1%} from {line.close:g}, {times:.0f} usual ranges, "
                "and nothing bears it out",
                (name,),
            )
    return None


def believed(price: float, move: float, bar: Bar, after: Sequence[Bar], line: Line) -> bool:
    unusual = max(SMALL, UNUSUAL * line.usual)
    if move <= unusual * line.room(bar.open_time):
        return True
    near = max(NEAR, NEAR_RANGES * line.usual)
    if (mark := met(bar, line)) is not None:
        return abs(math.log(price / mark)) <= near
    if after:
        end, follower = after[-1], after[0]
        stays = abs(math.log(follower.close / price)) < abs(math.log(follower.close / line.close))
        return (stays or move <= ALONE) and not contradicts(end.close, end, line, unusual)
    return move <= ALONE


def met(bar: Bar, line: Line) -> float | None:
    """The mark, where one was said about when the bar ended."""
    seen = line.known.mark
    return seen.mark if seen and seen.met(bar, line.step, MEETS) else None


def contradicts(price: float, bar: Bar, line: Line, limit: float) -> bool:
    """A mark was said about when this bar ended, and it is another price."""
    mark = met(bar, line)
    return mark is not None and abs(math.log(price / mark)) > limit

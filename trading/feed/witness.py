"""What else is known of a symbol when its candle comes: what may bear it out, or contradict it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trading.exchange.venue import Bar, Mark
from trading.feed.quality import Fault, floor, raw

ROUNDED = 1e-6  # how much a range may differ by rounding
MARKS, FORMED = 2, 32  # bars that are remembered: a candle that was put aside is asked for again at later bars
Range = tuple[datetime, float, float]  # open time of the bar, low, high


@dataclass(frozen=True, slots=True)
class Witness:
    """The symbol's mark, its range in the last bars, and the range that their candles were told to have while they
    formed. A bar's candle is judged when the next one forms already, or at later bars."""

    mark: float
    at: datetime
    ranges: tuple[Range, ...] = ()  # of the mark
    formed: tuple[Range, ...] = ()  # of the candles

    def met(self, bar: Bar, step: timedelta, within: timedelta) -> bool:
        """The mark was said about when the bar ended."""
        return abs(self.at - bar.open_time - step) <= within

    def stood_still(self, bar: Bar, step: timedelta) -> bool:
        """The mark was said into the bar's second half, and did not move in it."""
        known = any(at == bar.open_time for at, _, _ in self.ranges)
        return known and self.at >= bar.open_time + step / 2 and self.moved(bar) == 0

    def moved(self, bar: Bar) -> float:
        """How far the mark moved in the bar, as a share of its price."""
        return next(((high - low) / high for at, low, high in self.ranges if at == bar.open_time), 0.0)


def heard_mark(known: Witness | None, mark: Mark, step: timedelta) -> Witness:
    price, opened = float(mark.price), floor(mark.at, step)
    if known is None:
        return Witness(price, mark.at, ranges=((opened, price, price),))
    low, high = next(((low, high) for at, low, high in known.ranges if at == opened), (price, price))
    widened = opened, min(low, price), max(high, price)
    return replace(known, mark=price, at=mark.at, ranges=with_one(known.ranges, widened, MARKS))


def heard_forming(known: Witness | None, bar: Bar) -> Witness | None:
    """A candle that forms tells its whole range so far, so that the newest word counts, whatever was said before.

    One without a range bears witness of nothing: it has just begun, or it stands still although the market may not.
    """
    if known is None or bar.flaw or not 0 < bar.low <= bar.high:
        return known
    formed = with_one(known.formed, (bar.open_time, bar.low, bar.high), FORMED)
    if bar.low == bar.high:
        formed = tuple(one for one in formed if one[0] != bar.open_time)
    return replace(known, formed=formed)


def with_one(known: tuple[Range, ...], one: Range, keep: int) -> tuple[Range, ...]:
    """The ranges of the newest `keep` bars, one of them told anew."""
    older = tuple(other for other in known if other[0] < one[0])
    newer = tuple(other for other in known[len(older) :] if other[0] > one[0])
    return (*older, one, *newer)[-keep:]


def shrunk(bar: Bar, known: Witness | None) -> Fault | None:
    """A closed candle has at least the range that it was told to have while it formed."""
    told = next((one for one in known.formed if one[0] == bar.open_time), None) if known else None
    if told is None:
        return None
    _, least, most = told
    wrong = (("high", bar.high * (1 + ROUNDED) < most), ("low", bar.low * (1 - ROUNDED) > least))
    fields = tuple(name for name, less in wrong if less)
    if not fields:
        return None
    detail = f"while it formed it ranged from {least:g} to {most:g}"
    return Fault(bar.symbol, bar.open_time, "disputed", detail, raw(bar), fields)

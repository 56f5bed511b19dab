"""Whether a candle may be believed. Pure: a fault, or None. What is faulty is quarantined, never repaired."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading.exchange.venue import Bar

HIGHEST_PRICE, MOST_VOLUME = 1e12, 1e18  # the table's own limits
SPIKE = 0.30  # a move between two closes that is worth a look; the candle is kept
UNUSABLE = frozenset({"nan", "off_grid", "future", "unclosed", "impossible"})  # the others are notes
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a candle was not believed (gap, spike: was worth a note). `raw` is what came."""

    symbol: str
    open_time: datetime | None
    kind: str  # gap, duplicate, revised, unclosed, nan, impossible, future, off_grid, spike
    detail: str
    raw: tuple[str, ...] = ()


def step_of(timeframe: str) -> timedelta:
    """`15m` -> 15 minutes."""
    return int(timeframe[:-1]) * UNITS[timeframe[-1]]


def floor(at: datetime, step: timedelta) -> datetime:
    """The start of the bar that `at` lies in."""
    width = int(step.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // width * width, at.tzinfo)


def newest_closed(now: datetime, step: timedelta) -> datetime:
    """Open time of the newest bar that has ended by `now`."""
    return floor(now, step) - step


def numbers(bar: Bar) -> tuple[float, ...]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume


def raw(bar: Bar) -> tuple[str, ...]:
    """The candle as text: JSON has no NaN."""
    return bar.open_time.isoformat(), *(repr(value) for value in numbers(bar))


def judge(bar: Bar, step: timedelta, now: datetime) -> Fault | None:
    """The first thing that is wrong with one candle on its own."""
    for kind, detail in (
        ("nan", not_numbers(bar)),
        ("off_grid", off_grid(bar, step)),
        ("future", future(bar, now)),
        ("unclosed", unclosed(bar, step, now)),
        ("impossible", impossible(bar)),
    ):
        if detail:
            return Fault(bar.symbol, bar.open_time, kind, detail, raw(bar))
    return None


def not_numbers(bar: Bar) -> str:
    fields = ("open", "high", "low", "close", "volume")
    wrong = [name for name, value in zip(fields, numbers(bar), strict=True) if not math.isfinite(value)]
    return f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} no finite number" if wrong else ""


def off_grid(bar: Bar, step: timedelta) -> str:
    return "" if floor(bar.open_time, step) == bar.open_time else f"{bar.open_time:%H:%M:%S} is no start of a bar"


def future(bar: Bar, now: datetime) -> str:
    return f"opens {bar.open_time - now} from now" if bar.open_time > now else ""


def unclosed(bar: Bar, step: timedelta, now: datetime) -> str:
    return f"ends {bar.open_time + step - now} from now" if bar.open_time + step > now else ""


def impossible(bar: Bar) -> str:
    """Prices that no market can have had; the bounds are the table's constraints."""
    if not 0 < bar.low <= bar.high < HIGHEST_PRICE:
        return f"low {bar.low} and high {bar.high} are no range of prices"
    if not (bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high):
        return f"open {bar.open} or close {bar.close} lies outside {bar.low}..{bar.high}"
    return "" if 0 <= bar.volume < MOST_VOLUME else f"volume {bar.volume}"


def spike(bar: Bar, previous_close: float) -> Fault | None:
    """A note on a jump between two closes; the candle stays."""
    move = bar.close / previous_close - 1
    if abs(move) < SPIKE:
        return None
    return Fault(bar.symbol, bar.open_time, "spike", f"close moved {move:+.1%} from {previous_close:g}", raw(bar))


def gaps(symbol: str, times: Iterable[datetime], step: timedelta) -> Iterator[Fault]:
    """One fault per hole between the given open times."""
    ordered = sorted(times)
    for before, after in zip(ordered, ordered[1:], strict=False):
        missing = (after - before) // step - 1
        if missing > 0:
            first, last = before + step, after - step
            many = f"{missing} candles are missing, {first:%Y-%m-%d %H:%M} to {last:%H:%M}"
            yield Fault(symbol, first, "gap", many if missing > 1 else "1 candle is missing")


def once(bars: Sequence[Bar]) -> tuple[list[Bar], list[Fault]]:
    """Each candle once (the first wins), and a fault for every one that came again."""
    seen: dict[tuple[str, datetime], Bar] = {}
    again = []
    for bar in bars:
        first = seen.get((bar.symbol, bar.open_time))
        if first is None:
            seen[bar.symbol, bar.open_time] = bar
        else:
            same = numbers(first) == numbers(bar)
            kind, detail = ("duplicate", "came twice at once") if same else ("revised", "came twice, with other values")
            again.append(Fault(bar.symbol, bar.open_time, kind, detail, raw(bar)))
    return list(seen.values()), again

"""Whether a candle may be believed. Pure: a fault, or None. What is faulty is quarantined, never repaired."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trading.exchange.venue import Bar

HIGHEST_PRICE, MOST_VOLUME = 1e12, 1e18  # the table's own limits
UNUSABLE = frozenset(
    {"nan", "shape", "foreign", "off_grid", "future", "unclosed", "impossible", "spike", "disputed", "frozen"}
)  # the others are notes
FIELDS = ("open", "high", "low", "close", "volume")
LONG_AGO = datetime.min.replace(tzinfo=UTC)
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a candle was not believed, or was worth a note. `raw` is what came, `fields` what was wrong in it.

    Put aside: nan, shape (a field is missing, or the close time is another candle's), foreign (another symbol's or
    interval's), off_grid, future, unclosed, impossible, spike, disputed (came twice at once with different values, or
    contradicts what was told while it formed), frozen.
    Noted: duplicate, revised (the stored one stays), order (older than what came before), jump (and borne out).
    """

    symbol: str
    open_time: datetime | None
    kind: str
    detail: str
    raw: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that nobody has: open times of the first and the last missing one."""

    symbol: str
    first: datetime
    last: datetime
    missing: int


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
    if bar.flaw:
        return Fault(bar.symbol, bar.open_time, bar.flaw.kind, bar.flaw.detail, raw(bar), bar.flaw.fields)
    for kind, (detail, fields) in (
        ("nan", not_numbers(bar)),
        ("off_grid", off_grid(bar, step)),
        ("future", future(bar, now)),
        ("unclosed", unclosed(bar, step, now)),
        ("impossible", impossible(bar)),
    ):
        if detail:
            return Fault(bar.symbol, bar.open_time, kind, detail, raw(bar), fields)
    return None


Wrong = tuple[str, tuple[str, ...]]  # what is wrong, and with which fields
FINE: Wrong = "", ()


def not_numbers(bar: Bar) -> Wrong:
    wrong = [name for name, value in zip(FIELDS, numbers(bar), strict=True) if not math.isfinite(value)]
    return (
        (f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} no finite number", tuple(wrong)) if wrong else FINE
    )


def off_grid(bar: Bar, step: timedelta) -> Wrong:
    fine = floor(bar.open_time, step) == bar.open_time
    return FINE if fine else (f"{bar.open_time:%H:%M:%S} is no start of a bar", ("open_time",))


def future(bar: Bar, now: datetime) -> Wrong:
    return (f"opens {bar.open_time - now} from now", ("open_time",)) if bar.open_time > now else FINE


def unclosed(bar: Bar, step: timedelta, now: datetime) -> Wrong:
    return (f"ends {bar.open_time + step - now} from now", ("open_time",)) if bar.open_time + step > now else FINE


def impossible(bar: Bar) -> Wrong:
    """Prices that no market can have had; the bounds are the table's constraints."""
    if not 0 < bar.low <= bar.high < HIGHEST_PRICE:
        wrong = [name for name in ("low", "high") if not 0 < getattr(bar, name) < HIGHEST_PRICE]
        return f"low {bar.low} and high {bar.high} are no range of prices", tuple(wrong) or ("low", "high")
    outside = tuple(name for name in ("open", "close") if not bar.low <= getattr(bar, name) <= bar.high)
    if outside:
        return f"open {bar.open} or close {bar.close} lies outside {bar.low}..{bar.high}", outside
    return FINE if 0 <= bar.volume < MOST_VOLUME else (f"volume {bar.volume}", ("volume",))


def gaps(symbol: str, times: Iterable[datetime], step: timedelta) -> Iterator[Gap]:
    """The holes between the given open times."""
    ordered = sorted(times)
    for before, after in zip(ordered, ordered[1:], strict=False):
        missing = (after - before) // step - 1
        if missing > 0:
            yield Gap(symbol, before + step, after - step, missing)


def left_of(gap: Gap, there: Iterable[datetime], step: timedelta) -> Gap | None:
    """What is still missing once these candles are there; None where nothing is."""
    missing = sorted({gap.first + i * step for i in range((gap.last - gap.first) // step + 1)} - set(there))
    return Gap(gap.symbol, missing[0], missing[-1], len(missing)) if missing else None


def once(bars: Sequence[Bar]) -> tuple[list[Bar], list[Fault]]:
    """Each candle once, and a fault for every one that came again; of two that differ neither is believed."""
    seen: dict[tuple[str, datetime], Bar] = {}
    again, disputed = [], set()
    for bar in bars:
        key = bar.symbol, bar.open_time
        first = seen.get(key)
        if first is None:
            seen[key] = bar
        elif fields := changed(numbers(first), bar):
            disputed.add(key)
            again.append(Fault(*key, "disputed", "came twice at once, with different values", raw(bar), fields))
        else:
            again.append(Fault(*key, "duplicate", "came twice at once", raw(bar)))
    return [bar for key, bar in seen.items() if key not in disputed], again


def repeated(bar: Bar, known: Bar | None) -> Fault | None:
    """A candle that was told before, or is older than the newest that was."""
    if known is None or bar.open_time > known.open_time:
        return None
    if bar.open_time < known.open_time:
        detail = f"came after the candle of {known.open_time:%H:%M}"
        return Fault(bar.symbol, bar.open_time, "order", detail, raw(bar), ("open_time",))
    fields = changed(numbers(known), bar)
    if not fields:
        return Fault(bar.symbol, bar.open_time, "duplicate", "was told twice", raw(bar))
    return Fault(bar.symbol, bar.open_time, "revised", f"told before: {', '.join(raw(known))}", raw(bar), fields)


def changed(was: Sequence[float], bar: Bar) -> tuple[str, ...]:
    """The fields in which the candle differs from what was known of it."""
    return tuple(name for name, old, new in zip(FIELDS, was, numbers(bar), strict=True) if old != new)

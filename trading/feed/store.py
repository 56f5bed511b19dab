"""What was wrong with the data, kept: quarantined candles, gaps and whether they were filled, the clock's readings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Q

from trading.exchange.venue import Bar
from trading.feed import quality
from trading.feed.quality import Fault, Gap
from trading.models import Candle, CandleFault, CandleGap, ClockReading

BATCH = 2000
EAGER = 5  # a gap is asked for at every bar so many times; then ever more seldom
SELDOM = 64  # bars between two tries, at most
AT_ONCE = 20  # gaps asked for at one bar
SPANS = 200  # gaps that one query asks for: a database bounds how many conditions it takes
CLOCK_COUNTS = timedelta(seconds=60)  # a reading says something for so long
KEEP = timedelta(days=90)  # filled gaps, and candles that were put aside


# -- candles put aside ------------------------------------------------------------------------------------------------


def quarantine(faults: Iterable[Fault], timeframe: str, now: datetime) -> None:
    """One row per candle and kind; what is seen again is counted."""
    wanted: dict[tuple, list[Fault]] = {}
    for fault in faults:
        wanted.setdefault((fault.symbol, fault.open_time, fault.kind), []).append(fault)
    if not wanted:
        return
    rows = CandleFault.objects.filter(
        timeframe=timeframe, symbol__in={k[0] for k in wanted}, kind__in={k[2] for k in wanted}
    ).filter(open_time__in={k[1] for k in wanted})
    seen = {key: row for row in rows if (key := (row.symbol, row.open_time, row.kind)) in wanted}
    for key, row in seen.items():
        last = wanted[key][-1]
        row.count += len(wanted[key])
        row.last_seen, row.detail, row.raw, row.wrong = now, last.detail[:300], list(last.raw), list(last.fields)
    changed = ["count", "last_seen", "detail", "raw", "wrong"]
    CandleFault.objects.bulk_update(seen.values(), changed, batch_size=BATCH)
    CandleFault.objects.bulk_create(
        [fault_row(many, timeframe, now) for key, many in wanted.items() if key not in seen],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def fault_row(many: Sequence[Fault], timeframe: str, now: datetime) -> CandleFault:
    last = many[-1]
    return CandleFault(
        symbol=last.symbol,
        timeframe=timeframe,
        open_time=last.open_time,
        kind=last.kind,
        detail=last.detail[:300],
        raw=list(last.raw),
        wrong=list(last.fields),
        count=len(many),
        first_seen=now,
        last_seen=now,
    )


# -- gaps -------------------------------------------------------------------------------------------------------------


def note_gaps(gaps: Sequence[Gap], timeframe: str, now: datetime) -> None:
    """One open row for each missing candle: a gap that lies inside an open one is in the books already."""
    if not gaps:
        return
    rows = CandleGap.objects.filter(timeframe=timeframe, filled_at=None, symbol__in={g.symbol for g in gaps})
    known: dict[str, list[tuple[datetime, datetime]]] = {}
    for symbol, first, last in rows.values_list("symbol", "first", "last"):
        known.setdefault(symbol, []).append((first, last))
    CandleGap.objects.bulk_create(
        [
            CandleGap(symbol=g.symbol, timeframe=timeframe, first=g.first, last=g.last, missing=g.missing, found_at=now)
            for g in gaps
            if not any(first <= g.first and g.last <= last for first, last in known.get(g.symbol, ()))
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def close_gaps(fresh: Sequence[Bar], timeframe: str, step: timedelta, now: datetime) -> None:
    """Narrow the open gaps that these candles lie in, and close those that miss nothing any more."""
    if not fresh:
        return
    oldest, newest = min(b.open_time for b in fresh), max(b.open_time for b in fresh)
    touched = CandleGap.objects.filter(
        timeframe=timeframe, filled_at=None, symbol__in={b.symbol for b in fresh}, first__lte=newest, last__gte=oldest
    )
    came: dict[str, set[datetime]] = {}
    for bar in fresh:
        came.setdefault(bar.symbol, set()).add(bar.open_time)
    rows = touched.order_by("symbol", "first")
    open_rows = [row for row in rows if any(row.first <= at <= row.last for at in came[row.symbol])]
    there: dict[str, set[datetime]] = {}
    for i in range(0, len(open_rows), SPANS):
        spans = Q()
        for row in open_rows[i : i + SPANS]:
            spans |= Q(symbol=row.symbol, open_time__range=(row.first, row.last))
        for symbol, at in Candle.objects.filter(spans, timeframe=timeframe).values_list("symbol", "open_time"):
            there.setdefault(symbol, set()).add(at)
    for row in open_rows:
        left = quality.left_of(Gap(row.symbol, row.first, row.last, row.missing), there.get(row.symbol, ()), step)
        if left is None:
            row.missing, row.filled_at = 0, now
        else:
            row.first, row.last, row.missing = left.first, left.last, left.missing
    CandleGap.objects.bulk_update(open_rows, ["first", "last", "missing", "filled_at"], batch_size=BATCH)


def gaps_to_fill(symbols: Sequence[str], timeframe: str, step: timedelta, since: datetime, now: datetime) -> list[Gap]:
    """Open gaps that reach into the time since `since` and are due to be asked for, oldest first."""
    rows = CandleGap.objects.filter(timeframe=timeframe, filled_at=None, symbol__in=symbols, last__gte=since)
    due = [row for row in rows.order_by("first", "symbol") if is_due(row, step, now)]
    return [Gap(row.symbol, row.first, row.last, row.missing) for row in due[:AT_ONCE]]


def is_due(row: CandleGap, step: timedelta, now: datetime) -> bool:
    wait = step * min(SELDOM, 2 ** max(0, row.asked - EAGER)) * 0.5
    return row.asked_at is None or now - row.asked_at >= wait


def note_asked(gaps: Sequence[Gap], timeframe: str, now: datetime) -> None:
    """These were asked for; what they lack still, the venue did not give."""
    asked = Q()
    for gap in gaps:
        asked |= Q(symbol=gap.symbol, last__gte=gap.first, first__lte=gap.last)
    if gaps:
        rows = CandleGap.objects.filter(asked, timeframe=timeframe, filled_at=None)
        rows.update(asked=F("asked") + 1, asked_at=now)


def forget(now: datetime) -> int:
    """Old gaps that were filled, and old candles that were put aside; what is missing still is kept."""
    gone = CandleGap.objects.filter(filled_at__lt=now - KEEP).delete()[0]
    return gone + CandleFault.objects.filter(last_seen__lt=now - KEEP).delete()[0]


# -- the clock --------------------------------------------------------------------------------------------------------


def note_clock(source: str, offset: timedelta, round_trip: timedelta, at: datetime) -> None:
    """What this process measured last. An offset beyond a day is kept as a day."""
    day = timedelta(days=1)
    ms = int(max(-day, min(day, offset)) / timedelta(milliseconds=1))
    took = max(0, int(round_trip / timedelta(milliseconds=1)))
    ClockReading.objects.update_or_create(source=source, defaults={"offset_ms": ms, "round_trip_ms": took, "at": at})


def clock_offset(now: datetime) -> float | None:
    """Seconds that the venue's clock is surely ahead of ours: the most that any process measured lately, or None.

    The answer may have been written at any moment of the round trip. `now` is our clock's.
    """
    recent = ClockReading.objects.filter(at__gte=now - CLOCK_COUNTS, at__lte=now + CLOCK_COUNTS)
    readings = [surely(*row) for row in recent.values_list("offset_ms", "round_trip_ms")]
    return max(readings, key=abs) / 1000 if readings else None


def surely(offset_ms: int, round_trip_ms: int) -> float:
    """The offset that is left where the round trip's half is taken from it."""
    return math.copysign(max(0.0, abs(offset_ms) - round_trip_ms / 2), offset_ms)

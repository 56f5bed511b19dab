"""The rows that tell how good the data are, for the detectors; and whether a look at them can't wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q

from monitoring.watch import data_quality
from monitoring.watch.dataailments import DENIED, GRACE, MARK_AGE, MEASURED, Aside, DataSeen, Hole, Reading, Stood
from trading.feed.candles import WINDOW
from trading.feed.quality import UNUSABLE
from trading.models import CandleFault, CandleGap, ClockReading, Position

HOUR = timedelta(hours=1)
RECENT = 10  # bars: what is put aside of older candles is nothing of now
LEEWAY = timedelta(seconds=10)  # what is noted by the venue's clock may be noted a little earlier


def read(closes: Mapping[str, datetime | None], now: datetime) -> DataSeen:
    """Four queries. `closes`: when each symbol's newest kept candle ended, of the universe."""
    step = settings.QUANTUM.bar
    still, aside = put_aside(step, now)
    reading = clock(now)
    return DataSeen(
        step=step,
        clock=reading,
        still=still,
        holes=holes(step, now),
        aside=aside,
        marks=marks(now),
        closes=closes,
    )


def clock(now: datetime) -> Reading | None:
    """One query."""
    found = data_quality.clock(now)
    if found is None or abs(now - found.at) > MEASURED:
        return None
    one = timedelta(milliseconds=1)
    return Reading(found.offset_ms * one, found.round_trip_ms * one, found.at)


def put_aside(step: timedelta, now: datetime) -> tuple[dict[str, Stood], dict[str, Aside]]:
    """What stands still by symbol, and everything else that was put aside lately by kind; one query."""
    rows = CandleFault.objects.filter(
        Q(open_time=None) | Q(open_time__gt=now - RECENT * step),
        timeframe=settings.QUANTUM.timeframe,
        kind__in=UNUSABLE,
        last_seen__gt=now - HOUR,
    )
    lately = Count("id", filter=Q(last_seen__gt=now - 2 * step - GRACE))
    grouped = (
        rows.order_by().values("kind", "symbol").annotate(n=lately, opened=Max("open_time"), last=Max("last_seen"))
    )
    still: dict[str, Stood] = {}
    kinds: dict[str, list[tuple[str, int, datetime]]] = {}
    for row in grouped:
        if row["kind"] == "frozen":
            still[row["symbol"]] = Stood(row["opened"], row["last"])
        else:
            kinds.setdefault(row["kind"], []).append((row["symbol"], row["n"], row["last"]))
    return still, {kind: aside(seen) for kind, seen in kinds.items()}


def aside(seen: Iterable[tuple[str, int, datetime]]) -> Aside:
    """Of the symbols that had some lately; of all of them, where none had."""
    seen = list(seen)
    lately = [one for one in seen if one[1]] or seen
    return Aside(sum(n for _, n, _ in seen), tuple(sorted(s for s, _, _ in lately)), max(at for *_, at in seen))


def holes(step: timedelta, now: datetime) -> tuple[Hole, ...]:
    """Open gaps that features reach over, and those that were filled within the hour; one query."""
    rows = CandleGap.objects.filter(
        Q(filled_at=None) | Q(filled_at__gt=now - HOUR),
        timeframe=settings.QUANTUM.timeframe,
        last__gte=now - WINDOW * step,
    )
    return tuple(Hole(*row) for row in rows.order_by().values_list("symbol", "missing", "found_at", "filled_at"))


def marks(now: datetime) -> dict[str, datetime]:
    """When each held symbol's mark was said, or when it was opened; one query."""
    rows = Position.objects.filter(status=Position.OPEN).values_list("symbol", "mark_at", "opened_at")
    return {symbol: at or opened for symbol, at, opened in rows if at or opened}


def urgent(since: datetime, now: datetime) -> bool:
    """Something is wrong with the data since the newest look, so that the next one can't wait; four queries at most."""
    frame, limit_ms = settings.QUANTUM.timeframe, int(DENIED / timedelta(milliseconds=1))
    early = since - LEEWAY
    off = Q(offset_ms__gt=limit_ms) | Q(offset_ms__lt=-limit_ms)
    asked = (
        CandleFault.objects.filter(timeframe=frame, kind__in=UNUSABLE, first_seen__gt=early),
        CandleGap.objects.filter(timeframe=frame, filled_at=None, found_at__gt=early),
        ClockReading.objects.filter(off, at__gt=now - MEASURED, at__lte=now + MEASURED),
        Position.objects.filter(status=Position.OPEN, mark_at__lt=now - MARK_AGE),
    )
    return any(rows.exists() for rows in asked)

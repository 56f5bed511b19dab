"""How good the data are at this moment: gaps, candles put aside, what stands still, and the clock. Five queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from monitoring.watch.dataailments import MEASURED, WARN
from trading.feed.quality import UNUSABLE
from trading.gates.desk import Limits
from trading.models import CandleFault, CandleGap, ClockReading, Cycle

DAY = timedelta(days=1)
MOST = 50  # gaps that are listed
PAUSED = 0.9  # of the symbols without any trade: the market is paused
FROZEN = "FEED_FROZEN"


@dataclass(frozen=True, slots=True)
class Clock:
    """The newest reading. `offset_ms` is positive where the venue's clock is ahead of ours."""

    offset_ms: int
    round_trip_ms: int
    at: datetime
    source: str

    def state(self, now: datetime) -> str:
        """ok, warn, fail (entries are denied), or unknown where the reading is old."""
        if abs(now - self.at) > MEASURED:
            return "unknown"
        off = timedelta(milliseconds=abs(self.offset_ms))
        return "fail" if off > Limits().max_clock_offset else "warn" if off > WARN else "ok"


@dataclass(frozen=True, slots=True)
class Refused:
    """What was wrong with candles of one kind in the last day. `used` is false where they were put aside."""

    kind: str
    count: int
    symbols: int
    fields: Mapping[str, int]
    last: datetime
    used: bool


@dataclass(frozen=True, slots=True)
class Quality:
    clock: Clock | None
    gaps: tuple[CandleGap, ...]  # open ones, the newest first
    open_gaps: int
    missing: int  # candles in them
    filled: int  # gaps filled within the last day
    refused: tuple[Refused, ...]
    lacking: Mapping[str, Mapping[str, Any]]  # of the newest bar, by symbol: code, value, limit, since, traded
    bar: datetime | None
    symbols: int

    @property
    def frozen(self) -> list[str]:
        return sorted(s for s, lack in self.lacking.items() if lack.get("code") == FROZEN and lack.get("traded"))

    @property
    def quiet(self) -> list[str]:
        return sorted(s for s, lack in self.lacking.items() if lack.get("code") == FROZEN and not lack.get("traded"))

    @property
    def paused(self) -> bool:
        """Nothing is traded anywhere: flat candles are the truth, and no fault."""
        return bool(self.symbols) and len(self.quiet) >= PAUSED * self.symbols

    @property
    def put_aside(self) -> int:
        return sum(one.count for one in self.refused if not one.used)


def read(now: datetime) -> Quality:
    timeframe = settings.QUANTUM.timeframe
    gaps = list(CandleGap.objects.filter(timeframe=timeframe, filled_at=None).order_by("-first", "symbol"))
    filled = CandleGap.objects.filter(timeframe=timeframe, filled_at__gt=now - DAY).count()
    cycle = Cycle.objects.filter(timeframe=timeframe).order_by("-bar").only("bar", "symbols", "facts").first()
    return Quality(
        clock=clock(now),
        gaps=tuple(gaps[:MOST]),
        open_gaps=len(gaps),
        missing=sum(gap.missing for gap in gaps),
        filled=filled,
        refused=refused(timeframe, now),
        lacking=(cycle.facts or {}).get("lacking", {}) if cycle else {},
        bar=cycle.bar if cycle else None,
        symbols=cycle.symbols if cycle else 0,
    )


def clock(now: datetime) -> Clock | None:
    """The reading that is farthest off among the newest of each process; one query.

    Readings of later than now were made before our clock was put back.
    """
    rows = ClockReading.objects.filter(at__lte=now + MEASURED).order_by("-at")
    readings = [Clock(*row) for row in rows.values_list("offset_ms", "round_trip_ms", "at", "source")]
    if not readings:
        return None
    recent = [one for one in readings if one.at >= readings[0].at - MEASURED]
    return max(recent, key=lambda one: abs(one.offset_ms))


def refused(timeframe: str, now: datetime) -> tuple[Refused, ...]:
    """By kind, the most frequent first; one query."""
    rows = CandleFault.objects.filter(timeframe=timeframe, last_seen__gt=now - DAY).order_by()
    kinds: dict[str, list[tuple]] = defaultdict(list)
    for kind, symbol, count, wrong, last in rows.values_list("kind", "symbol", "count", "wrong", "last_seen"):
        kinds[kind].append((symbol, count, wrong, last))
    found = [one(kind, seen) for kind, seen in kinds.items()]
    return tuple(sorted(found, key=lambda r: (r.used, -r.count, r.kind)))


def one(kind: str, seen: list[tuple]) -> Refused:
    fields: Counter[str] = Counter()
    for _, count, wrong, _ in seen:
        fields.update(dict.fromkeys(wrong, count))
    return Refused(
        kind=kind,
        count=sum(count for _, count, _, _ in seen),
        symbols=len({symbol for symbol, *_ in seen}),
        fields=dict(fields.most_common()),
        last=max(last for *_, last in seen),
        used=kind not in UNUSABLE,
    )

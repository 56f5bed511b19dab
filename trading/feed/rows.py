"""Candles in and out of the database: stored once, quarantined and counted where they can't be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import BigIntegerField, F, Func, Max

from trading.exchange.venue import Bar
from trading.feed import quality
from trading.feed.candles import COLUMNS, WINDOW, Book, empty
from trading.feed.quality import Fault
from trading.models import Candle, CandleFault, UniverseSnapshot

BATCH = 2000
Key = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: new candles, those that we had already, and what was wrong."""

    new: int = 0
    known: int = 0
    faults: tuple[Fault, ...] = ()


class Epoch(Func):
    """Whole seconds since 1970, counted by the database."""

    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)")

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="CAST(EXTRACT(EPOCH FROM %(expressions)s) AS BIGINT)")


# -- in --------------------------------------------------------------------------------------------------------------


def store(bars: Sequence[Bar], timeframe: str, now: datetime) -> Stored:
    """Keep every candle that can be believed, once; quarantine the others. Idempotent, one transaction."""
    step = quality.step_of(timeframe)
    judged = [(bar, quality.judge(bar, step, now)) for bar in bars]
    faults = [fault for _, fault in judged if fault is not None]
    good, again = quality.once([bar for bar, fault in judged if fault is None])
    faults += again
    with transaction.atomic():
        new, known = 0, 0
        if good:
            there = existing(good, timeframe, step)
            fresh = [bar for bar in good if (bar.symbol, bar.open_time) not in there]
            faults += revisions(good, there) + notes(fresh, there, timeframe, step)
            insert(fresh, timeframe)
            new, known = len(fresh), len(good) - len(fresh)
        quarantine(faults, timeframe, now)
    return Stored(new, known, tuple(faults))


def insert(bars: Sequence[Bar], timeframe: str) -> None:
    """Rows by plain SQL: history comes by the hundred thousand, and model instances cost five times as much."""
    table = connection.ops.quote_name(Candle._meta.db_table)
    when = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (symbol, timeframe, open_time, open, high, low, close, volume)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(bar.symbol, timeframe, when(bar.open_time), *quality.numbers(bar)) for bar in bars],
        )


def existing(bars: Sequence[Bar], timeframe: str, step: timedelta) -> dict[Key, tuple[float, ...]]:
    """What the table holds in the span of these bars, and one bar before it."""
    times = [bar.open_time for bar in bars]
    rows = Candle.objects.filter(
        timeframe=timeframe, symbol__in={b.symbol for b in bars}, open_time__range=(min(times) - step, max(times))
    )
    return {(s, at): tuple(ohlcv) for s, at, *ohlcv in rows.values_list("symbol", "open_time", *COLUMNS)}


def revisions(bars: Iterable[Bar], there: dict[Key, tuple[float, ...]]) -> list[Fault]:
    """Candles that came again with other values: the stored one stays, the other is quarantined."""
    return [
        Fault(bar.symbol, bar.open_time, "revised", f"stored: {was}"[:300], quality.raw(bar))
        for bar in bars
        if (was := there.get((bar.symbol, bar.open_time))) is not None and was != quality.numbers(bar)
    ]


def notes(fresh: Sequence[Bar], there: dict[Key, tuple[float, ...]], timeframe: str, step: timedelta) -> list[Fault]:
    """Holes before and between new candles, and jumps of the close."""
    closes = {key: row[3] for key, row in there.items()} | {(b.symbol, b.open_time): b.close for b in fresh}
    by_symbol: dict[str, list[datetime]] = {}
    for bar in fresh:
        by_symbol.setdefault(bar.symbol, []).append(bar.open_time)
    first = {symbol: min(times) for symbol, times in by_symbol.items()}
    behind = [symbol for symbol, at in first.items() if (symbol, at - step) not in closes]
    before = {s: at for s, at in newest(behind, timeframe).items() if at < first[s]} if behind else {}
    found = [
        gap
        for symbol, times in by_symbol.items()
        for gap in quality.gaps(symbol, times + ([before[symbol]] if symbol in before else []), step)
        if (symbol, gap.open_time) not in closes
    ]
    jumps = (
        quality.spike(bar, previous)
        for bar in fresh
        if (previous := closes.get((bar.symbol, bar.open_time - step))) is not None
    )
    return found + [jump for jump in jumps if jump is not None]


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
        row.count += len(wanted[key])
        row.last_seen, row.detail, row.raw = now, wanted[key][-1].detail[:300], list(wanted[key][-1].raw)
    CandleFault.objects.bulk_update(seen.values(), ["count", "last_seen", "detail", "raw"], batch_size=BATCH)
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
        count=len(many),
        first_seen=now,
        last_seen=now,
    )


# -- out -------------------------------------------------------------------------------------------------------------


def load_book(symbols: Sequence[str], timeframe: str, until: datetime | None = None, bars: int = WINDOW) -> Book:
    """The newest `bars` bars up to and including `until`; it ends at the newest candle that anybody has."""
    step = quality.step_of(timeframe)
    rows = Candle.objects.filter(timeframe=timeframe, symbol__in=symbols)
    until = until or rows.aggregate(last=Max("open_time"))["last"]
    if until is None:
        return empty(symbols, step)
    rows = rows.filter(open_time__gt=until - bars * step, open_time__lte=until)
    found = rows.order_by().values_list("symbol", Epoch(F("open_time")), *COLUMNS)
    return as_book(tuple(symbols), list(found), step)


def as_book(symbols: tuple[str, ...], rows: list[tuple], step: timedelta) -> Book:
    if not rows:
        return empty(symbols, step)
    names, stamps, *columns = zip(*rows, strict=True)
    width = int(step.total_seconds())
    at = np.array(stamps, np.int64)
    times = np.arange(at.min(), at.max() + width, width, dtype=np.int64)
    values = np.full((len(symbols), len(times), len(COLUMNS)), np.nan)
    place = {symbol: i for i, symbol in enumerate(symbols)}
    values[[place[name] for name in names], (at - times[0]) // width] = np.array(columns, np.float64).T
    return Book(symbols, times, values, step)


def newest(symbols: Sequence[str], timeframe: str) -> dict[str, datetime]:
    """Open time of the newest candle, of each symbol that has one."""
    rows = Candle.objects.filter(timeframe=timeframe, symbol__in=symbols)
    return dict(rows.order_by().values("symbol").annotate(last=Max("open_time")).values_list("symbol", "last"))


def ages(symbols: Sequence[str], timeframe: str, now: datetime) -> dict[str, timedelta | None]:
    """How long ago each symbol's newest candle ended; None where there is none."""
    last, step = newest(symbols, timeframe), quality.step_of(timeframe)
    return {symbol: now - (last[symbol] + step) if symbol in last else None for symbol in symbols}


def snapshot() -> UniverseSnapshot | None:
    return UniverseSnapshot.objects.order_by("-at", "-pk").first()


def universe() -> list[str]:
    """The symbols that may be traded, best rank first."""
    newest_snapshot = snapshot()
    return [row["symbol"] for row in newest_snapshot.symbols if row["status"] == "in"] if newest_snapshot else []

"""Candles in and out of the database: stored once, quarantined and counted where they can't be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import BigIntegerField, F, Func, Max, Q

from trading.exchange.venue import Bar
from trading.feed import quality
from trading.feed import store as keeping
from trading.feed.candles import COLUMNS, WINDOW, Book, empty
from trading.feed.quality import Fault, Gap
from trading.feed.spikes import LOOK, Known, spikes
from trading.feed.stillness import SURE, enough, still
from trading.feed.witness import Witness, shrunk
from trading.models import Candle, UniverseSnapshot

NOBODY: Mapping[str, Witness] = {}
Key = tuple[str, datetime]
There = Mapping[Key, tuple[float, ...]]
Seen = Mapping[str, Witness]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: new candles, those that we had already, what was wrong, and what is missing."""

    new: int = 0
    known: int = 0
    faults: tuple[Fault, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Epoch(Func):
    """Whole seconds since 1970, counted by the database."""

    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)")

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="CAST(EXTRACT(EPOCH FROM %(expressions)s) AS BIGINT)")


# -- in --------------------------------------------------------------------------------------------------------------


def store(
    bars: Sequence[Bar],
    timeframe: str,
    now: datetime,
    witnesses: Mapping[str, Witness] = NOBODY,
    heard: Sequence[Fault] = (),
) -> Stored:
    """Keep every candle that can be believed, once; quarantine the others, and remember what is missing.

    `witnesses` bear out candles, or contradict them; `heard` are faults that the listener found. Idempotent, in one
    transaction.
    """
    step = quality.step_of(timeframe)
    judged = [(bar, quality.judge(bar, step, now)) for bar in bars]
    faults = [*heard, *(fault for _, fault in judged if fault is not None)]
    good, again = quality.once([bar for bar, fault in judged if fault is None])
    faults += again
    fresh, holes, refusals = [], [], 0
    with transaction.atomic():
        if good:
            there = existing(good, timeframe, step)
            fresh = [bar for bar in good if (bar.symbol, bar.open_time) not in there]
            faults += revisions(good, there)
            for refuse in (disputes, jumps, stills):
                refused = refuse(fresh, there, step, witnesses)
                faults += refused
                out = {(fault.symbol, fault.open_time) for fault in refused if fault.kind in quality.UNUSABLE}
                fresh = [bar for bar in fresh if (bar.symbol, bar.open_time) not in out]
                refusals += len(out)
            insert(fresh, timeframe)
            holes = list(missing(fresh, there, timeframe, step))
            keeping.close_gaps(fresh, timeframe, step, now)
            keeping.note_gaps(holes, timeframe, now)
        keeping.quarantine(faults, timeframe, now)
    return Stored(len(fresh), len(good) - len(fresh) - refusals, tuple(faults), tuple(holes))


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
    """What the table holds in the span of these bars, and as many bars before it as a jump is measured by."""
    times = [bar.open_time for bar in bars]
    rows = Candle.objects.filter(
        timeframe=timeframe,
        symbol__in={b.symbol for b in bars},
        open_time__range=(min(times) - LOOK * step, max(times)),
    )
    return {(s, at): tuple(ohlcv) for s, at, *ohlcv in rows.values_list("symbol", "open_time", *COLUMNS)}


def revisions(bars: Iterable[Bar], there: There) -> list[Fault]:
    """Candles that came again with other values: the stored one stays, the other is quarantined."""
    return [
        Fault(bar.symbol, bar.open_time, "revised", f"stored: {was}"[:300], quality.raw(bar), fields)
        for bar in bars
        if (was := there.get((bar.symbol, bar.open_time))) is not None and (fields := quality.changed(was, bar))
    ]


def disputes(fresh: Sequence[Bar], there: There, step: timedelta, seen: Seen) -> list[Fault]:
    """New candles that contradict what was told of them while they formed."""
    return [fault for bar in fresh if (fault := shrunk(bar, seen.get(bar.symbol))) is not None]


def jumps(fresh: Sequence[Bar], there: There, step: timedelta, seen: Seen) -> list[Fault]:
    """New candles whose price nothing bears out, and a note on those whose large move something does."""
    before = by_symbol(there)
    found: list[Fault] = []
    for symbol, line in lines(fresh).items():
        first = line[0].open_time
        known = [(at, row[1], row[2], row[3]) for at, row in before.get(symbol, []) if at < first]
        found += spikes(line, Known(known[-LOOK:], seen.get(symbol)), step)
    return found


def stills(fresh: Sequence[Bar], there: There, step: timedelta, seen: Seen) -> list[Fault]:
    """The newest candles of symbols that stand still; none that is quiet where most are: the market is paused."""
    before = by_symbol(there)
    found: list[Fault] = []
    quiet: list[Fault] = []
    for symbol, line in lines(fresh).items():
        past = before.get(symbol, [])
        if past and past[-1][0] > line[-1].open_time:  # a hole was filled: nothing of now
            continue
        known = dict(past[-LOOK - SURE :]) | {bar.open_time: quality.numbers(bar) for bar in line[-LOOK - SURE :]}
        bars = np.array([known[at] for at in sorted(known)], np.float64)
        witness, last = seen.get(symbol), line[-1]
        state = still(bars, enough(bars, witness.stood_still(last, step), witness.moved(last)) if witness else None)
        if state:
            (found if state.traded else quiet).extend(frozen(bar, state.bars) for bar in line[-state.bars :])
    volumes = {(bar.symbol, bar.open_time): bar.volume for bar in fresh}
    volumes |= {(symbol, at): row[4] for (symbol, at), row in there.items()}
    told: Counter[datetime | None] = Counter(at for _, at in volumes)
    traded: Counter[datetime | None] = Counter(at for (_, at), volume in volumes.items() if volume > 0)
    return found + [fault for fault in quiet if 2 * traded[fault.open_time] >= told[fault.open_time]]


def frozen(bar: Bar, bars: int) -> Fault:
    many = "1 candle stands" if bars == 1 else f"{bars} candles stand"
    detail = f"{many} still at {bar.close:g}, {bar.volume:g} is said to be traded"
    return Fault(bar.symbol, bar.open_time, "frozen", detail, quality.raw(bar), ("close",))


def lines(bars: Iterable[Bar]) -> dict[str, list[Bar]]:
    """Each symbol's bars, oldest first."""
    found: dict[str, list[Bar]] = {}
    for bar in sorted(bars, key=lambda one: one.open_time):
        found.setdefault(bar.symbol, []).append(bar)
    return found


def by_symbol(there: There) -> dict[str, list[tuple[datetime, tuple[float, ...]]]]:
    found: dict[str, list[tuple[datetime, tuple[float, ...]]]] = {}
    for symbol, at in sorted(there):
        found.setdefault(symbol, []).append((at, there[symbol, at]))
    return found


def missing(fresh: Sequence[Bar], there: There, timeframe: str, step: timedelta) -> Iterator[Gap]:
    """Holes before and between new candles."""
    new = {symbol: [bar.open_time for bar in line] for symbol, line in lines(fresh).items()}
    behind = {symbol: times[0] for symbol, times in new.items() if (symbol, times[0] - step) not in there}
    before = newest_before(behind, timeframe) if behind else {}
    stored = by_symbol(there)
    for symbol, times in new.items():
        known = [at for at, _ in stored.get(symbol, []) if times[0] < at < times[-1]]
        yield from quality.gaps(symbol, [*times, *known, *([before[symbol]] if symbol in before else [])], step)


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


def newest_before(firsts: Mapping[str, datetime], timeframe: str) -> dict[str, datetime]:
    """Open time of each symbol's newest candle before the given one, of those that have any; one query."""
    earlier = Q()
    for symbol, at in firsts.items():
        earlier |= Q(symbol=symbol, open_time__lt=at)
    rows = Candle.objects.filter(earlier, timeframe=timeframe)
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

"""Labels for every signal, also for those that were never traded: what would it have done?

Batch by batch, a few at a time: the oldest signals without an outcome, the candles after them, and a row for each whose
end is known. Idempotent: a signal has one outcome, and it never changes. What is still open is left for later; a signal
whose end hides in a gap becomes `unknown` once the candles are a whole horizon past the end of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from trading import events
from trading.feed import rows as feed_rows
from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.paths import EXPIRED, STOP, TARGET, Entries, Paths, follow
from trading.models import Candle, ModuleState, Signal, SignalOutcome

CELLS = 250_000  # signals x bars of horizon in one batch: bounds the arrays in memory
BATCHES = 10  # at one go
SPAN = 1000  # bars that one batch may reach over: bounds the candles in memory
NAMES = {TARGET: SignalOutcome.TARGET, STOP: SignalOutcome.STOP, EXPIRED: SignalOutcome.EXPIRED}


class Waiting(NamedTuple):
    """A signal without an outcome."""

    pk: int
    symbol: str
    side: str
    price: float
    r: float
    cost_r: float
    at: datetime
    bar: datetime
    mode: str


@dataclass(frozen=True, slots=True)
class Told:
    """What was done: signals looked at, outcomes stored, of them unknown; whether younger signals were left."""

    examined: int = 0
    stored: int = 0
    unknown: int = 0
    more: bool = False


def label(now: datetime, spec: LabelSpec) -> Told:
    """Outcomes of whatever has ended; after a long silence in several batches, the rest next time."""
    done = Told(more=True)
    for _ in range(BATCHES):
        told = batch(now, spec)
        done = Told(done.examined + told.examined, done.stored + told.stored, done.unknown + told.unknown, told.more)
        if not (told.more and told.stored):
            break
    return done


def batch(now: datetime, spec: LabelSpec) -> Told:
    """One batch; a handful of queries, however many signals."""
    step, frame = settings.QUANTUM.bar, settings.QUANTUM.timeframe
    most = CELLS // spec.horizon
    waiting = oldest(frame, step, most)
    newest = Candle.objects.filter(timeframe=frame).aggregate(n=Max("open_time"))["n"]
    if not waiting or newest is None:
        return Told()
    until = min(newest, waiting[-1].bar + spec.horizon * step)
    symbols = sorted({one.symbol for one in waiting})
    book = feed_rows.load_book(symbols, frame, until, bars=(until - waiting[0].bar) // step + 1)
    if not len(book.times):
        return Told(len(waiting))
    paths = follow(book, columns(book, waiting), spec)
    given_up = None if loading() else newest + step - spec.horizon * step
    made = [row for i, one in enumerate(waiting) if (row := outcome(one, paths, i, spec, step, given_up, now))]
    with transaction.atomic():
        SignalOutcome.objects.bulk_create(made, ignore_conflicts=True, batch_size=1000)
        if made:
            events.changed("models")
    unknown = sum(row.ended == SignalOutcome.UNKNOWN for row in made)
    return Told(len(waiting), len(made), unknown, len(waiting) == most or waiting[0].at + SPAN * step < newest)


def oldest(frame: str, step: timedelta, at_most: int) -> list[Waiting]:
    """The oldest signals without an outcome, within one span of time."""
    open_ = Signal.objects.filter(outcome__isnull=True, cycle__timeframe=frame).order_by("at", "pk")
    first = open_.values_list("at", flat=True).first()
    if first is None:
        return []
    rows = open_.filter(at__lt=first + SPAN * step).annotate(bar=F("cycle__bar"))
    fields = ("pk", "symbol", "side", "price", "r", "cost_r", "at", "bar", "mode")
    return [Waiting(*row) for row in rows.values_list(*fields)[:at_most]]


def columns(book: Book, waiting: list[Waiting]) -> Entries:
    place = {symbol: i for i, symbol in enumerate(book.symbols)}
    stamps = np.array([int(one.bar.timestamp()) for one in waiting], np.int64)
    return Entries(
        symbols=np.array([place[one.symbol] for one in waiting]),
        bars=(stamps - book.times[0]) // int(book.step.total_seconds()),
        signs=np.array([1.0 if one.side == "long" else -1.0 for one in waiting]),
        prices=np.array([float(one.price) for one in waiting]),
        r=np.array([one.r for one in waiting]),
    )


def outcome(
    one: Waiting, paths: Paths, i: int, spec: LabelSpec, step: timedelta, given_up: datetime | None, now: datetime
) -> SignalOutcome | None:
    """The row, or None where it is still open. `given_up`: horizons that ended by then don't wait for candles."""
    row = SignalOutcome(
        signal_id=one.pk,
        target_r=spec.target_r,
        horizon=spec.horizon,
        matures_at=one.at + spec.horizon * step,
        at=now,
        mode=one.mode,
    )
    name = NAMES.get(int(paths.ended[i]))
    if name is None:
        row.ended = SignalOutcome.UNKNOWN
        return row if given_up is not None and row.matures_at <= given_up else None
    row.ended, row.hit, row.bars = name, name == SignalOutcome.TARGET, int(paths.bars[i])
    row.gross_r = round(float(paths.gross_r[i]), 6)
    row.net_r = round(row.gross_r - one.cost_r, 6)
    row.ended_at = one.at + row.bars * step
    return row


def loading() -> bool:
    """History is being fetched: what is missing now may be there in a moment."""
    feed = ModuleState.objects.filter(name="data_feed").first()
    return bool(feed and feed.idle_reason.startswith("loading history"))

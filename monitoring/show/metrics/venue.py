"""The venue and the money there: what it told, how far its clock is off, and whether its books agree with ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from monitoring.show.metrics.text import Sample, gauge, since, states
from monitoring.watch.rows import newest_close
from trading.models import AccountSnapshot, CandleGap, ClockReading, DailyMoney, VenueLook

AMOUNTS = ("equity", "balance", "available", "margin_used", "unrealized")
AGREES = ("ok", "fail", "unknown")


def families(now: datetime) -> Iterable[str]:
    """Six queries."""
    yield gauge("candle_age_seconds", "Since the newest candle closed.", since(newest_close(), now))
    allowed = settings.QUANTUM.max_data_age.total_seconds()
    yield gauge("candle_max_age_seconds", "How old a candle may be to be decided on.", allowed)
    gaps = CandleGap.objects.filter(filled_at=None).count()
    yield gauge("candle_gaps_open", "Gaps in the stored candles that are not filled.", gaps)
    yield from account(now)
    yield from clock(now)
    yield from books(now)


def account(now: datetime) -> Iterable[str]:
    last = AccountSnapshot.objects.order_by("-at").first()
    for name in AMOUNTS:
        value = float(getattr(last, name)) if last else None
        yield gauge(f"account_{name}_usdt", "The account as the venue told it.", value)
    took = last.latency_ms if last else None
    yield gauge(
        "venue_answer_seconds", "How long the venue took to show the account.", None if took is None else took / 1000
    )
    yield gauge("account_age_seconds", "Since the venue showed the account.", since(last.at if last else None, now))


def clock(now: datetime) -> Iterable[str]:
    """Each process that measures it, on its own: their names are few and fixed."""
    read = list(ClockReading.objects.order_by("source"))

    def each(name: str) -> list[Sample]:
        return [({"source": one.source}, getattr(one, name) / 1000) for one in read]

    ages: list[Sample] = [({"source": one.source}, since(one.at, now)) for one in read]
    yield gauge("clock_offset_seconds", "How far the venue's clock is ahead of ours.", each("offset_ms"))
    yield gauge("clock_round_trip_seconds", "How long the venue took to tell its time.", each("round_trip_ms"))
    yield gauge("clock_age_seconds", "Since the venue's clock was read.", ages)


def books(now: datetime) -> Iterable[str]:
    """Law 4: positions and orders as the venue shows them, and the newest day of money."""
    look = VenueLook.objects.order_by("-at").only("at", "agrees").first()
    yield gauge("venue_agrees", "1 where the venue's positions and orders were ours.", look.agrees if look else None)
    yield gauge("venue_agrees_age_seconds", "Since they were compared.", since(look.at if look else None, now))
    day = DailyMoney.objects.order_by("-day").defer("lines", "notes").first()
    yield states("money_state", "Whether the newest day of money agrees.", "state", AGREES, day.state if day else None)
    yield gauge(
        "money_difference_usdt", "The venue's sum of that day less ours.", float(day.difference) if day else None
    )
    yield gauge("money_worst_difference_usdt", "The largest unexplained difference.", float(day.worst) if day else None)
    yield gauge("money_age_seconds", "Since both were compared.", since(day.checked_at if day else None, now))

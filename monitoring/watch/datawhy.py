"""What is wrong with each symbol's data at this moment, with its numbers: stale, frozen, a gap, put aside.

For the API, and therefore in English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, Sum

from trading import tuning
from trading.feed.candles import WINDOW
from trading.feed.quality import UNUSABLE
from trading.models import CandleFault, CandleGap

HOUR = timedelta(hours=1)
FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Missing:
    """A symbol's open gaps that features reach over."""

    candles: int
    first: datetime
    last: datetime
    asked: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A symbol's candles of one kind that were put aside within the hour."""

    candles: int
    newest: datetime | None  # open time


@dataclass(frozen=True, slots=True)
class Symbol:
    """All that is known of one symbol's data. `closed` is when its newest kept candle ended."""

    closed: datetime | None
    gap: Missing | None = None
    aside: Mapping[str, Aside] = field(default_factory=dict)


def whys(closes: Mapping[str, datetime], symbols: Iterable[str], now: datetime) -> dict[str, str]:
    """Of those symbols with whose data something is wrong; three queries."""
    limit, step = tuning.effective().max_data_age, settings.QUANTUM.bar
    missing, aside = gaps(step, now), put_aside(now)
    found = {}
    for symbol in symbols:
        one = Symbol(closes.get(symbol), missing.get(symbol), aside.get(symbol, {}))
        if said := why(one, limit, now):
            found[symbol] = said
    return found


def why(one: Symbol, limit: timedelta, now: datetime) -> str:
    """The worst thing first. Pure."""
    return "; ".join(part for part in (stale(one, limit, now), frozen(one), gap(one), refused(one)) if part)


def stale(one: Symbol, limit: timedelta, now: datetime) -> str:
    if one.closed is None:
        return "stale: it has no candle"
    age = now - one.closed
    if age <= limit:
        return ""
    return f"stale: its newest candle ended {age.total_seconds():.0f} s ago, limit {limit.total_seconds():.0f} s"


def frozen(one: Symbol) -> str:
    """Its newest candle was put aside for standing still, and no good one replaced or followed it."""
    still = one.aside.get(FROZEN)
    if still is None or still.newest is None or (one.closed and one.closed > still.newest):
        return ""
    return f"frozen: {still.candles} candles stand still, the newest of {still.newest:%H:%M}"


def gap(one: Symbol) -> str:
    if one.gap is None:
        return ""
    asked = f"asked for {one.gap.asked} times"
    return f"gap: {one.gap.candles} candles missing, {one.gap.first:%H:%M} to {one.gap.last:%H:%M}, {asked}"


def refused(one: Symbol) -> str:
    others = {kind: aside.candles for kind, aside in sorted(one.aside.items()) if kind != FROZEN}
    if not others:
        return ""
    kinds = ", ".join(f"{kind} {n}" for kind, n in others.items())
    return f"quarantine: {sum(others.values())} candles put aside in the last hour ({kinds})"


def gaps(step: timedelta, now: datetime) -> dict[str, Missing]:
    """One query."""
    rows = CandleGap.objects.filter(
        timeframe=settings.QUANTUM.timeframe, filled_at=None, last__gte=now - WINDOW * step
    ).order_by()
    told = rows.values("symbol").annotate(n=Sum("missing"), begin=Min("first"), end=Max("last"), tries=Max("asked"))
    return {row["symbol"]: Missing(row["n"], row["begin"], row["end"], row["tries"]) for row in told}


def put_aside(now: datetime) -> dict[str, dict[str, Aside]]:
    """By symbol and kind; one query."""
    rows = CandleFault.objects.filter(
        timeframe=settings.QUANTUM.timeframe, kind__in=UNUSABLE, last_seen__gt=now - HOUR
    ).order_by()
    found: dict[str, dict[str, Aside]] = {}
    for row in rows.values("symbol", "kind").annotate(n=Count("id"), newest=Max("open_time")):
        found.setdefault(row["symbol"], {})[row["kind"]] = Aside(row["n"], row["newest"])
    return found

"""Stage 6's queries: what we hold, how it is protected, what is there that is not ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F, FloatField, Max, Min, Q, QuerySet

from trading import tuning
from trading.exchange.venue import Side, VenuePosition
from trading.models import Candle, CloseRequest, Decision, FundingPayment, Intent, Position
from trading.orders.lifecycle import LIVE
from trading.orders.rows import live_entries
from trading.positions.exits import Held, Rules
from trading.positions.trailing import TrailRule
from trading.positions.watch import Need

FUNDING_BACK = timedelta(days=1)
LATELY = timedelta(days=1)  # a position closed longer ago than this is not taken back
TAKEN = timedelta(seconds=30)  # a close that was begun so long ago, its position still open, has lost its worker
RANGE_BARS = 48  # the recent bars whose largest range a stop's limit must reach


def in_danger(now: datetime) -> bool:
    """Whether a position is open that nothing protects, that is to be closed, or that a sent entry may have made."""
    bare = Q(protected_since__isnull=True) | Q(status=Position.CLOSING) | Q(breached_at__isnull=False)
    return open_positions().filter(bare).exists() or bool(live_entries() or closes_waiting(now))


def open_positions() -> QuerySet[Position]:
    return Position.objects.exclude(status=Position.CLOSED).select_related("decision__intent").order_by("id")


def rules() -> Rules:
    """How positions are looked after, from the settings in force; one query."""
    config = tuning.effective()
    return Rules(
        escalate=timedelta(seconds=config.QT_STOP_ESCALATE_SECONDS),
        trail=TrailRule(
            min_profit=Decimal(str(config.QT_TRAILING_MIN_PROFIT)), distance=Decimal(str(config.QT_TRAIL_DISTANCE))
        ),
    )


def held() -> list[Held]:
    """Every open position as a value, for the stream's memory."""
    positions = list(open_positions())
    limits = stop_limits(p.pk for p in positions)
    return [as_held(p, limits.get(p.pk)) for p in positions]


def as_held(position: Position, limit: Decimal | None) -> Held:
    return Held(
        position_id=position.pk,
        symbol=position.symbol,
        side=Side(position.side),
        entry=position.entry_price,
        r=position.r,
        stop=position.stop_price,
        limit=limit,
        best=position.best_price or position.entry_price,
        expires_at=position.expires_at,
        breached_at=position.breached_at,
        closing=position.status == Position.CLOSING,
    )


def stop_limits(position_ids: Iterable[int]) -> dict[int, Decimal]:
    """The limit of each position's newest live working stop; a stop-market has none."""
    stops = Intent.objects.filter(position__in=list(position_ids), kind=Intent.STOP, order__status__in=LIVE)
    found = stops.filter(price__isnull=False).order_by("id").values_list("position_id", "price")
    return {position_id: price for position_id, price in found if position_id is not None and price is not None}


def remember_best(position: Position, best: Decimal) -> None:
    """Store a best price; a worse one than the row's changes nothing."""
    worse = {"best_price__lt": best} if position.side == Side.LONG else {"best_price__gt": best}
    Position.objects.filter(pk=position.pk, **worse).update(best_price=best)


def remember_needed(need: Need) -> None:
    """Store the best price that the stream has seen, before its position is minded."""
    position = open_positions().filter(pk=need.position_id).first()
    if position is not None:
        remember_best(position, need.best)


def recent_range(symbol: str, timeframe: str, now: datetime, bar: timedelta) -> Decimal:
    """The largest high-low of the last bars; 0 where there are none."""
    bars = Candle.objects.filter(symbol=symbol, timeframe=timeframe, open_time__gte=now - RANGE_BARS * bar)
    widest = bars.aggregate(n=Max(F("high") - F("low"), output_field=FloatField()))["n"]
    return Decimal(str(widest or 0))


def closed_lately(shown: Iterable[VenuePosition], now: datetime) -> list[Position]:
    """The newest position of each of these symbols, where it was on that side and is closed; none if an entry comes."""
    sides = {p.symbol: p.side for p in shown}
    coming = Decision.objects.filter(outcome=Decision.PENDING).values_list("signal__symbol", flat=True)
    recent = Q(closed_at__isnull=True) | Q(closed_at__gte=now - LATELY)
    rows = Position.objects.filter(recent, symbol__in=sides.keys() - set(coming)).select_related("decision__intent")
    newest = {row.symbol: row for row in rows.order_by("id")}
    return [row for row in newest.values() if row.status == Position.CLOSED and row.side == sides[row.symbol]]


def external(shown: Iterable[VenuePosition]) -> list[dict[str, str]]:
    """Positions at the venue that no row of ours explains: no open position on that side, no entry on its way."""
    ours = set(open_positions().values_list("symbol", "side"))
    coming = set(Decision.objects.filter(outcome=Decision.PENDING).values_list("signal__symbol", "signal__side"))
    return [
        {
            "symbol": p.symbol,
            "side": p.side.value,
            "quantity": str(p.quantity),
            "notional": str(p.quantity * p.mark_price),
        }
        for p in shown
        if (p.symbol, p.side.value) not in ours | coming
    ]


def funding_since(now: datetime) -> datetime:
    """From when on a payment may be missing: since the last known one, but no longer than it can matter."""
    known = FundingPayment.objects.aggregate(n=Max("at"))["n"]
    opened = Position.objects.exclude(status=Position.CLOSED).aggregate(n=Min("opened_at"))["n"]
    oldest = min(now - FUNDING_BACK, opened or now)
    return max(known or oldest, oldest)


# -- closes that people asked for ------------------------------------------------------------------------------------


def closes_waiting(now: datetime) -> list[CloseRequest]:
    """Requested closes that nobody has begun, or whose worker has died at it, oldest first."""
    idle = Q(taken_at=None) | Q(taken_at__lt=now - TAKEN)
    found = CloseRequest.objects.filter(idle, position__status=Position.OPEN)
    return list(found.select_related("position").order_by("id"))


def take_close(request_id: int, now: datetime) -> CloseRequest | None:
    """The request, where nobody else is at it; it is the caller's for half a minute."""
    idle = Q(taken_at=None) | Q(taken_at__lt=now - TAKEN)
    if not CloseRequest.objects.filter(idle, pk=request_id).update(taken_at=now, error=""):
        return None
    return CloseRequest.objects.get(pk=request_id)


def give_back_close(request_id: int, why: str) -> None:
    """Something came in the way: the next sweep tries again."""
    CloseRequest.objects.filter(pk=request_id).update(taken_at=None, error=why[:300])

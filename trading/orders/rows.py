"""Stage 5's queries: intents that nobody sent, orders that may still fill, the switch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from trading.exchange.venue import OrderStatus
from trading.models import CanaryRun, CooldownClear, Decision, Intent, Order, Position, SwitchChange
from trading.orders.lifecycle import LIVE, UNRESOLVED

ASK_AFTER = timedelta(seconds=3)  # an order still SENDING by then has lost its sender
PROBE_LASTS = timedelta(seconds=60)  # a probe that still rests by then was left by a check that died
CHECK_LASTS = timedelta(minutes=2)  # a check of the venue that gave no sign of life for so long is dead
NEVER_SENT = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED)


def switch_state() -> str:
    return SwitchChange.objects.values_list("state", flat=True).order_by("-id").first() or SwitchChange.ACTIVE


def orders() -> QuerySet[Order]:
    return Order.objects.select_related("intent")


def live_entries(symbol: str | None = None) -> list[Order]:
    """Entry orders whose story is not over: not answered, not filled, or filled and not yet a position."""
    open_end = Q(status__in=LIVE) | Q(intent__decision__outcome=Decision.PENDING)
    found = orders().filter(open_end, intent__kind=Intent.ENTRY)
    return list((found.filter(intent__symbol=symbol) if symbol else found).order_by("id"))


def unresolved_orders(now: datetime) -> list[Order]:
    """Orders whose outcome nobody is waiting for any more and nobody knows, entries apart."""
    abandoned = Q(status="unknown") | Q(status__in=UNRESOLVED, sent_at__lte=now - ASK_AFTER)
    return list(orders().filter(abandoned).exclude(intent__kind=Intent.ENTRY).order_by("id"))


def leftovers(now: datetime) -> list[Order]:
    """Orders that may still fill although nothing needs them: their position is closed, or their check is over."""
    unneeded = Q(intent__position__status=Position.CLOSED) | Q(
        intent__kind=Intent.PROBE, sent_at__lte=now - PROBE_LASTS
    )
    return list(orders().filter(unneeded, status__in=LIVE).order_by("id"))


def being_checked(symbol: str, now: datetime) -> bool:
    """The venue's daily check uses this symbol at this moment."""
    return CanaryRun.objects.filter(symbol=symbol, finished_at=None, beat_at__gt=now - CHECK_LASTS).exists()


def unsent_entries(now: datetime, patience: timedelta) -> list[Intent]:
    """Entries that were wanted some time ago and that nobody has begun to send."""
    waiting = Q(created_at__lte=now - patience) | Q(expires_at__lte=now)
    found = Intent.objects.filter(waiting, kind=Intent.ENTRY, order__isnull=True, decision__outcome=Decision.PENDING)
    return list(found.order_by("id"))


def live_orders(position_ids: Iterable[int]) -> dict[int, list[Order]]:
    """The live orders of many positions, in one query."""
    found: dict[int, list[Order]] = {}
    for order in orders().filter(intent__position__in=list(position_ids), status__in=LIVE).order_by("id"):
        found.setdefault(order.intent.position_id or 0, []).append(order)
    return found


def orders_of(position_id: int, *kinds: str) -> list[Order]:
    """The position's live orders of these kinds (all kinds where none is named), oldest first."""
    found = orders().filter(intent__position=position_id, status__in=LIVE)
    return list((found.filter(intent__kind__in=kinds) if kinds else found).order_by("id"))


def last_entries(
    symbols: Sequence[str] | None = None, since: datetime | None = None
) -> dict[str, tuple[datetime, int]]:
    """When an entry order last left for each symbol, and its id: what the cooldown counts from, unless it was cleared.

    Without symbols: for all of them. Two queries.
    """
    sent = Order.objects.filter(intent__kind=Intent.ENTRY).exclude(status__in=NEVER_SENT)
    if symbols is not None:
        sent = sent.filter(intent__symbol__in=symbols)
    if since is not None:
        sent = sent.filter(sent_at__gte=since)
    newest = list(sent.values_list("intent__symbol").annotate(at=Max("sent_at"), order=Max("id")))
    orders = [order for _, _, order in newest]
    cleared = set(CooldownClear.objects.filter(order__in=orders).values_list("order_id", flat=True)) if orders else ()
    return {symbol: (at, order) for symbol, at, order in newest if order not in cleared}

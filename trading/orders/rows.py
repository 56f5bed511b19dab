"""Stage 5's queries: intents that nobody sent, orders that may still fill, the switch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from trading.models import Decision, Intent, Order, Position, SwitchChange
from trading.orders.lifecycle import LIVE, UNRESOLVED

ASK_AFTER = timedelta(seconds=3)  # an order still SENDING by then has lost its sender


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


def leftovers() -> list[Order]:
    """Orders that may still fill although their position is closed."""
    return list(orders().filter(status__in=LIVE, intent__position__status=Position.CLOSED).order_by("id"))


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

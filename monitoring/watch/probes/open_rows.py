"""The probes' queries about open money: positions, closes that were asked for, orders sent, rows of another mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from monitoring.watch.probes.held import Closing, Held
from monitoring.watch.verdict import Switch
from trading.exchange.venue import OrderStatus
from trading.models import CloseRequest, Intent, Order, Position, Trade

DAY, ON_ITS_WAY, SOME = timedelta(days=1), timedelta(seconds=5), 50
OVER = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.EXPIRED)


def of_position(row: Position) -> Held:
    return Held(
        id=row.pk,
        symbol=row.symbol,
        side=row.side,
        status=row.status,
        entry=float(row.entry_price),
        r=float(row.r),
        stop=number(row.stop_price),
        best=number(row.best_price),
        quantity=float(row.quantity),
        notional=float(row.quantity * (row.mark_price or row.entry_price)),
        leverage=row.leverage,
        ticket_leverage=None,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        looked_at=row.verified_at,
        mark_at=row.mark_at,
        unprotected_since=row.unprotected_since,
        protected=row.protected_since is not None,
        breached_at=row.breached_at,
        flat_seen_at=row.flat_seen_at,
        trailing=row.trailing,
        mode=row.mode,
    )


def number(value: Any) -> float | None:
    return None if value is None else float(value)


def closings() -> tuple[Closing, ...]:
    """Closes that were asked for and are not done; one query."""
    rows = CloseRequest.objects.exclude(position__status=Position.CLOSED).order_by("requested_at")
    told = rows.values_list("position_id", "position__symbol", "requested_at", "error")
    return tuple(Closing(*row) for row in told[:SOME])


def sent(now: datetime, span: timedelta, switch: Switch) -> dict[str, int]:
    """Orders of the window, those that were refused, came to nothing, left after a stop, are another mode's; one query.

    An entry that was on its way when the switch was moved may still leave.
    """
    mine, entry = Order.objects.filter(sent_at__gt=now - span, sent_at__lte=now), Q(intent__kind=Intent.ENTRY)
    stopped = switch.at if switch.state != "active" and switch.at else now
    return mine.aggregate(
        sent=Count("id"),
        refused=Count("id", filter=Q(status=OrderStatus.REFUSED)),
        entries=Count("id", filter=entry),
        fruitless=Count("id", filter=entry & Q(status__in=OVER)),
        after_stop=Count("id", filter=entry & Q(sent_at__gt=stopped + ON_ITS_WAY)),
        strange_orders=Count("id", filter=~Q(mode=settings.QUANTUM.mode)),
    )


def strange(now: datetime, held: Iterable[Held], orders: int, decisions: int) -> Mapping[str, int]:
    """Rows of another mode among ours, by what they are: trades of the last day too; one query."""
    mode = settings.QUANTUM.mode
    trades = Trade.objects.filter(closed_at__gt=now - DAY, closed_at__lte=now).exclude(mode=mode).count()
    found = Counter(positions=sum(one.mode != mode for one in held), orders=orders, decisions=decisions, trades=trades)
    return {what: n for what, n in found.items() if n}

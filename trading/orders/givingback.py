"""The orders of the venue's daily check, and what of them filled against all odds: given back at market."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from trading.exchange.errors import VenueError
from trading.exchange.venue import Gateway, OrderStatus
from trading.models import CanaryRun, Intent, Order, Position
from trading.orders import intents, preflight, sender
from trading.orders.intents import Draft
from trading.orders.proving import OK
from trading.orders.sender import Clock

log = logging.getLogger(__name__)

BACK = timedelta(days=2)  # for how long a run that did not end well is looked after
POLLS, POLL = 8, 0.5  # how often and how far apart its fill is asked for, seconds


def orders_of(run: CanaryRun) -> QuerySet[Order]:
    """Every order of this run, whatever became of it."""
    mine = Order.objects.filter(intent__kind=Intent.PROBE, intent__client_order_id__in=ids(run))
    return mine.select_related("intent").order_by("id")


def ids(run: CanaryRun) -> list[str]:
    found = Intent.objects.filter(kind=Intent.PROBE, symbol=run.symbol, created_at__gte=run.started_at)
    if run.finished_at is not None:
        found = found.filter(created_at__lte=run.finished_at)
    return list(found.filter(requester=run.requested_by).values_list("client_order_id", flat=True))


def send(draft: Draft, mode: str, gateway: Gateway, clock: Clock) -> Order:
    """Commit the wish, then send it."""
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    with transaction.atomic():
        intent = Intent.objects.create(mode=mode, **fields)
    order = sender.send(intent.pk, gateway, clock)
    if order.status == OrderStatus.UNKNOWN:
        try:
            sender.ask(order, gateway, clock)
        except VenueError as error:
            log.warning("asking for %s: %s", intent.client_order_id, error)
    return order


def net(run: CanaryRun) -> Decimal:
    """What checks have filled on its symbol and not given back, this run or a later one: positive for a long."""
    checks = Order.objects.filter(intent__kind=Intent.PROBE, intent__symbol=run.symbol, filled__gt=0)
    lately = checks.filter(sent_at__gte=run.started_at - BACK).select_related("intent")
    return sum((o.filled if o.intent.side == "buy" else -o.filled for o in lately), Decimal(0))


def give_back(run: CanaryRun, gateway: Gateway, clock: Clock) -> Decimal:
    """Close at market what this run filled, as far as the venue holds it and no trade of ours. How much that was."""
    filled = net(run)
    if not filled or Position.objects.exclude(status=Position.CLOSED).filter(symbol=run.symbol).exists():
        return Decimal(0)
    there = next((p for p in gateway.positions() if p.symbol == run.symbol), None)
    if there is None or there.side.sign * filled < 0:
        return Decimal(0)
    amount = min(abs(filled), there.quantity)
    key = f"canary:{run.pk}:{run.started_at.isoformat()}:back:{clock().isoformat()}"
    draft = intents.taken_back(run.symbol, there.side.exit, amount, key, run.requested_by, clock())
    order = send(draft, run.mode, gateway, clock)
    for _ in range(POLLS):
        if not order.live:
            break
        preflight.rest(clock, POLL)
        sender.ask(order, gateway, clock)
    return amount


def from_dead_runs(gateway: Gateway, clock: Clock) -> None:
    """The same for runs that ended early or not well: a stop of theirs may have triggered and filled meanwhile."""
    ended = CanaryRun.objects.filter(started_at__gt=clock() - BACK).exclude(symbol="")
    for run in ended.exclude(outcome__in=("", OK)).order_by("id"):
        give_back(run, gateway, clock)

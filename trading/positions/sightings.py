"""Positions and open orders as the venue shows them, beside the journal's: the venue is the truth about the world."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from django.db import transaction

from trading.exchange.venue import Gateway, VenueOrder
from trading.models import Intent, Order, VenueLook
from trading.orders.lifecycle import LIVE
from trading.orders.sender import Clock
from trading.positions import rows
from trading.positions.books import Key, Pair, paired, plain

KEEP = 2000  # looks
ZERO = Decimal(0)


def look(gateway: Gateway, clock: Clock, mode: str) -> VenueLook:
    """Read the account, positions and both order books; store both sides of each."""
    there, book, account = gateway.positions(), gateway.open_orders(), gateway.account()
    ours = {(p.symbol, p.side): plain(p.quantity) for p in rows.open_positions().filter(quantity__gt=0)}
    theirs = {(p.symbol, p.side.value): plain(p.quantity) for p in there}
    strange = [(one["symbol"], one["side"]) for one in rows.external(there)]
    positions, orders = paired(ours, theirs, {}, strange), paired_orders(book)
    with transaction.atomic():
        row = VenueLook.objects.create(
            at=clock(),
            agrees=all(one.state == "agrees" for one in (*positions, *orders)),
            positions=[as_json(one) for one in positions],
            orders=[as_json(one) for one in orders],
            balance=account.balance,
            mode=mode,
        )
        VenueLook.objects.filter(pk__lte=row.pk - KEEP).delete()
    return row


def paired_orders(book: list[VenueOrder]) -> list[Pair]:
    """Open orders by their client id; the price tells whether both sides mean the same."""
    mine = list(Order.objects.filter(status__in=LIVE).select_related("intent"))
    shown: dict[Key, VenueOrder] = {(one.symbol, one.client_order_id): one for one in book}
    known = set(
        Intent.objects.filter(client_order_id__in=[one.client_order_id for one in book]).values_list(
            "symbol", "client_order_id"
        )
    )
    return paired(
        {(o.intent.symbol, o.intent.client_order_id): price(o.intent) for o in mine},
        {key: price(one) for key, one in shown.items()},
        {(o.intent.symbol, o.intent.client_order_id): o.intent.kind for o in mine},
        shown.keys() - known,
    )


def price(order: Intent | VenueOrder) -> str:
    """The trigger, or else the limit; 0 for an order at market."""
    return plain(order.trigger or order.price or ZERO)


def as_json(one: Pair) -> dict:
    return asdict(one) | {"state": one.state}

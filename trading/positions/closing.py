"""The way out of a position: at market, booked as a trade, because it is due or because somebody wants it."""

from __future__ import annotations

import logging

from django.db import transaction

from trading import events
from trading.exchange.errors import VenueError
from trading.exchange.venue import Gateway
from trading.models import Position
from trading.orders import rows as order_rows
from trading.orders.sender import Clock
from trading.positions import guard, looking, rows, store
from trading.positions.exits import Exit
from trading.positions.onebyone import OVER

log = logging.getLogger(__name__)


def close_out(position: Position, out: Exit, requester: str, gateway: Gateway, clock: Clock) -> int:
    """Leave at market and, where the venue agrees, book the trade."""
    if guard.leave(position, out, requester, gateway, clock):
        seen = looking.reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        if looking.flat(position, seen):
            finish(position, gateway, clock)
    return 1


def finish(position: Position, gateway: Gateway, clock: Clock) -> None:
    """Book the trade, then cancel what is left of its orders."""
    try:
        store.take_funding(gateway.income(position.opened_at), position.mode)
    except VenueError as error:
        log.warning("%s: funding not known yet: %s", position.symbol, error)
    with transaction.atomic():
        trade = store.book(position, clock())
        if trade.close_reason == store.LIQUIDATION:
            store.halt_entries(f"{trade.symbol} was liquidated", clock())
    log.info("%s closed (%s): %s USDT, %.2f R", trade.symbol, trade.close_reason, trade.net, trade.r_multiple)
    guard.clear(order_rows.orders_of(position.pk), gateway, clock, "its position is closed")


def close(
    position_id: int, gateway: Gateway, clock: Clock, reason: str, requester: str, code: str = "manual"
) -> Position:
    """Close one position at market now, because somebody wants it."""
    position = rows.open_positions().filter(pk=position_id).first()
    if position is None:
        return Position.objects.get(pk=position_id)
    with gateway.urgently():
        seen = looking.reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        if looking.flat(position, seen):
            finish(position, gateway, clock)
        else:
            close_out(position, Exit(code, reason), requester, gateway, clock)
    position.refresh_from_db()
    return position


def carry_out(request_id: int, gateway: Gateway, clock: Clock) -> int:
    """Close the position that a person asked to close; whoever takes the request first does it. 1 or 0."""
    request = rows.take_close(request_id, clock())
    if request is None:
        return 0
    try:
        reason = request.reason or "closed by hand"
        close(request.position_id, gateway, clock, reason, request.requested_by, request.code)
    except OVER as error:
        rows.give_back_close(request_id, str(error))
        raise
    finally:
        events.changed("positions", "orders", "trades")
    return 1

"""The way in: from a committed entry to a protected position, a failed decision, or nothing that is known yet.

Its own task sends an entry and awaits its fill; what a dead process left behind the sweep goes on with.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from weakref import WeakSet

from trading.codes import Code
from trading.exchange.errors import KEY, TOO_MANY, KeyRefused, Refused, Silenced, VenueError
from trading.exchange.venue import Gateway, OrderStatus
from trading.gates.desk import Rejection
from trading.gates.directives import Level
from trading.gates.store import standing
from trading.models import Decision, Intent, Order, Position, SwitchChange
from trading.orders import rows as order_rows
from trading.orders import sender
from trading.orders import store as order_store
from trading.orders.sender import AlreadySent, Clock, NotSent
from trading.positions import care, guard, store
from trading.positions.looking import CLOCKS_APART
from trading.positions.onebyone import guarded

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)  # how long an entry's own task may take to begin before the sweep sends it
one_way_seen: WeakSet = WeakSet()  # gateways whose account is known to be in one-way mode


def enter(intent_id: int, gateway: Gateway, clock: Clock) -> Order | None:
    """Send one committed entry, await its fill, protect what was filled. None where it may not be sent."""
    began = clock()
    intent = Intent.objects.select_related("decision__signal__cycle").get(pk=intent_id)
    order = Order.objects.filter(intent=intent).first()
    if order is None:
        try:
            prepare(intent, gateway)
            order = sender.send(intent_id, gateway, clock)
        except NotSent as no:
            fail(store.decision_of(intent), Rejection(no.code, facts={"message": str(no)}), clock())
            return None
        except AlreadySent:
            return None
        except VenueError as no:
            order_store.hold(no, clock())
            if isinstance(no, Refused | Silenced | KeyRefused):
                fail(store.decision_of(intent), told_no(no), clock())
            log.warning("%s: not sent: %s", intent.symbol, no)
            return None
        with gateway.urgently():  # it may have made a position
            guard.await_fill(order, gateway, clock)
    follow(order, gateway, clock, began)
    return order


def prepare(intent: Intent, gateway: Gateway) -> None:
    """One-way mode, margin mode and leverage as the ticket wants them."""
    if gateway not in one_way_seen:
        if not gateway.one_way():
            raise Refused("the account is in hedge mode; Quantum needs one-way mode")
        one_way_seen.add(gateway)
    ticket = store.decision_of(intent).ticket
    gateway.set_margin_mode(intent.symbol, ticket["margin_mode"])
    gateway.set_leverage(intent.symbol, int(ticket["leverage"]))


def follow(order: Order, gateway: Gateway, clock: Clock, began: datetime) -> None:
    """What an entry order has become: a protected position, a failed decision, or nothing that is known yet."""
    decision = store.decision_of(order.intent)
    if order.status == OrderStatus.PARTIAL:
        guard.clear([order], gateway, clock, "the rest of a partly filled entry")
    if order.filled > 0:
        with gateway.urgently():
            adopt(order, gateway, clock, began)
    elif not order.live:
        fail(decision, why_unfilled(order), clock())
    elif order.status in (OrderStatus.SENDING, OrderStatus.UNKNOWN):
        store.show_unknown(decision, clock(), order.sent_at)


def adopt(order: Order, gateway: Gateway, clock: Clock, began: datetime) -> Position:
    """The position that this filled entry made, with its fills, protected at once."""
    symbol = order.intent.symbol
    try:
        shown = gateway.fills(symbol, order.sent_at - CLOCKS_APART)
    except VenueError as error:  # the order itself says what was filled: protection waits for no list
        log.warning("%s: fills not known yet: %s", symbol, error)
        shown = []
    mine = [f for f in shown if f.venue_order_id == order.venue_order_id]
    position = store.open_position(order, min((f.at for f in mine), default=order.updated_at), began)
    if position.status != Position.CLOSED:
        if store.take_fills(position, shown):
            store.recount(position)
        seen = guard.look_for(position, gateway, clock)
        care.look_after(position, seen, gateway, clock, "executor", "protect the entry")
    return position


def fail(decision: Decision, no: Rejection, now: datetime) -> None:
    store.settle(decision, Decision.FAILED, now, no)


def refusal(code: int | None, message: str) -> Rejection:
    return Rejection(Code.EXCHANGE_REJECT, value=code, facts={"message": message.rstrip(".")})


def told_no(no: VenueError) -> Rejection:
    """A refusal before the order itself was sent."""
    if isinstance(no, Silenced):
        return Rejection(Code.RATE_LIMIT_VENUE, value=no.seconds)
    return Rejection(Code.KEY_REFUSED, value=no.code) if isinstance(no, KeyRefused) else refusal(no.code, str(no))


def why_unfilled(order: Order) -> Rejection:
    if order.status == OrderStatus.NOT_PLACED:
        return Rejection(Code.TIMEOUT_UNKNOWN, value=(order.updated_at - order.sent_at).total_seconds())
    if order.status == OrderStatus.REFUSED and order.error_code in TOO_MANY:
        return Rejection(Code.RATE_LIMIT_VENUE, value=order_store.silence_left(order.updated_at))
    if order.status == OrderStatus.REFUSED and order.error_code in KEY:
        return Rejection(Code.KEY_REFUSED, value=order.error_code)
    if order.status == OrderStatus.REFUSED:
        return refusal(order.error_code, order.error)
    return Rejection(Code.EXPIRED, value=max(0.0, (order.updated_at - order.sent_at).total_seconds()))


def settle_entries(
    entries: Sequence[Order], gateway: Gateway, clock: Clock, held: frozenset[str], began: datetime
) -> int:
    """Find out what became of entries that nobody is waiting for, and go on from there."""
    done = 0
    unwanted = why_no_entry_may_rest(clock()) if entries else ""
    for order in entries:
        if order.status == OrderStatus.SENDING and clock() - order.sent_at <= order_rows.ASK_AFTER:
            continue  # its sender is at it
        done += guarded(order.intent.symbol, settle_entry, order, gateway, clock, held, began, unwanted)
    return done


def why_no_entry_may_rest(now: datetime) -> str:
    """Why entry orders are cancelled: the switch, or an emergency; empty where they may rest."""
    if order_rows.switch_state() == SwitchChange.HALTED:
        return "the switch is on halted"
    return "an emergency shutdown" if standing(now).level is Level.EMERGENCY_SHUTDOWN else ""


def settle_entry(
    order: Order, gateway: Gateway, clock: Clock, held: frozenset[str], began: datetime, unwanted: str
) -> int:
    was = order.status
    if order.live:
        try:
            sender.settle(order, gateway, clock, held=order.intent.symbol in held)
        except VenueError as error:
            if not order.filled:
                raise
            log.warning("%s: what became of the rest of its entry: %s", order.intent.symbol, error)
    if unwanted and order.live and order.status != OrderStatus.UNKNOWN:
        guard.clear([order], gateway, clock, unwanted)
    follow(order, gateway, clock, began)
    return int(order.status != was)


def send_waiting(gateway: Gateway, clock: Clock) -> int:
    """Entries whose own task never came: sent now, or expired."""
    waiting = order_rows.unsent_entries(clock(), PATIENCE)
    for intent in waiting:
        guarded(intent.symbol, enter, intent.pk, gateway, clock)
    return len(waiting)

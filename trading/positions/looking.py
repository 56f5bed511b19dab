"""What the venue shows of one position, and what the row remembers of it.

The venue is the truth about the world: orders, fills and quantity become what it says. That a position is gone is
believed on evidence, or after two looks.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from trading import events
from trading.exchange.errors import VenueError
from trading.exchange.venue import Gateway, OrderStatus, Side
from trading.models import Intent, Order, Position
from trading.orders import rows as order_rows
from trading.orders import sender
from trading.orders.sender import Clock
from trading.positions import guard, pnl, rows, store, trailing
from trading.positions.exits import stop_passed
from trading.positions.guard import Seen

log = logging.getLogger(__name__)

SECOND_LOOK = timedelta(seconds=2)  # flat is believed without fills after two looks this far apart, on good evidence
ALONE = timedelta(seconds=40)  # and after this where the list of positions is alone in saying so
CLOCKS_APART = timedelta(minutes=1)  # fills are asked for from this long before the order


def reconcile(position: Position, seen: Seen, gateway: Gateway, clock: Clock) -> Seen:
    """Orders, fills and quantity as the venue has them; the look anew where fills and position disagree.

    What the venue does not answer of that is left as it is: the way out and the stops rest on what it did answer.
    """
    guard.after_silence(position, seen.at)
    changed, absent = learn(position, seen, gateway, clock)
    seen = replace(seen, absent=absent)
    if not changed and seen.holds(position) == position.quantity:
        return seen
    known = learn_fills(position, gateway)
    events.changed("positions", "orders")
    if seen.holds(position) != position.quantity:
        seen = guard.look(position.symbol, gateway, clock)
        seen = replace(seen, absent=absent - seen.orders.keys())
    if not seen.holds(position) and position.quantity:
        seen = ask_elsewhere(position, seen, known, gateway)
    if (held := seen.holds(position)) and held != position.quantity:
        position.quantity = held  # the venue is the truth about the world
        position.save(update_fields=["quantity"])
    return seen


def learn(position: Position, seen: Seen, gateway: Gateway, clock: Clock) -> tuple[bool, frozenset[str]]:
    """What became of its orders: whether one has changed, and which live ones the venue shows nowhere."""
    changed, absent = False, set()
    for order in unfinished(position):
        was, name = (order.status, order.filled), order.intent.client_order_id
        shown = seen.orders.get(name)
        if shown is not None and shown.conditional == order.conditional:
            sender.learn(order, shown, seen.at)
        elif order.status != OrderStatus.SENDING or seen.at - order.sent_at > order_rows.ASK_AFTER:
            try:
                sender.settle(order, gateway, clock)
                lost = order.clean_reads > 0 and seen.at - order.sent_at > order_rows.ASK_AFTER
            except VenueError as error:
                log.warning("%s: its %s is in no book: %s", position.symbol, order.intent.kind, error)
                lost = True
            if lost:
                absent.add(name)
        changed |= was != (order.status, order.filled)
    return changed, frozenset(absent)


def learn_fills(position: Position, gateway: Gateway) -> bool:
    """Its fills, and what they say of quantity and money. False where the venue does not tell them."""
    try:
        shown = gateway.fills(position.symbol, position.opened_at - CLOCKS_APART)
    except VenueError as error:
        log.warning("%s: fills not known yet: %s", position.symbol, error)
        return False
    store.take_fills(position, shown)
    store.recount(position)
    return True


def ask_elsewhere(position: Position, seen: Seen, known: bool, gateway: Gateway) -> Seen:
    """The list of positions shows none and its fills don't say why: what else says that it is gone, or is not.

    Its own orders that have filled do, or the account's own list and a line of its income history.
    """
    if not store.unexplained(position):
        return replace(seen, gone=known)
    amount = guard.elsewhere(position, gateway)
    if amount:
        log.warning("%s: not among the venue's positions, and its account holds %s", position.symbol, amount)
        return replace(seen, told=amount)
    return replace(seen, gone=known and amount == 0 and guard.paid_out(position, gateway))


def unfinished(position: Position) -> list[Order]:
    entry = [o for o in order_rows.live_entries(position.symbol) if o.intent.decision_id == position.decision_id]
    return [o for o in entry if o.live] + order_rows.orders_of(position.pk)


def flat(position: Position, seen: Seen) -> bool:
    """Nothing is held: the fills add up to it, or two looks show it, far apart where nothing else says so."""
    if seen.holds(position):
        if position.flat_seen_at is not None:
            position.flat_seen_at = None
            position.save(update_fields=["flat_seen_at"])
        return False
    if position.quantity == 0:
        return True
    if position.flat_seen_at is None:
        position.flat_seen_at = seen.at
        position.save(update_fields=["flat_seen_at"])
        return False
    return seen.at - position.flat_seen_at >= (SECOND_LOOK if seen.gone else ALONE)


def remember(position: Position, seen: Seen) -> None:
    """Mark, profit, best price, liquidation price, and since when the stop is passed without a fill."""
    triggered = any(
        o.status in (OrderStatus.TRIGGERED, OrderStatus.PARTIAL) for o in order_rows.orders_of(position.pk, Intent.STOP)
    )
    behind = seen.mark is not None and stop_passed(rows.as_held(position, None), seen.mark)
    position.breached_at = (position.breached_at or seen.at) if triggered or behind else None
    if seen.mark is not None:
        rows.remember_best(position, seen.mark)
    noted(position, seen).save(update_fields=["breached_at", *store.NOTED])
    position.refresh_from_db(fields=["best_price"])


def noted(position: Position, seen: Seen) -> Position:
    """The row with what this look showed: mark, profit on paper, liquidation price."""
    if seen.position is not None:
        position.liquidation_price = seen.position.liquidation_price
    position.mark_at = seen.at
    if seen.mark is not None:
        position.mark_price = seen.mark
        side = Side(position.side)
        position.unrealized = pnl.unrealized(side, position.quantity, position.entry_price, seen.mark)
        position.best_price = trailing.better(side, position.best_price or position.entry_price, seen.mark)
    return position


def note_best(position: Position, seen: Seen) -> None:
    """What this look showed, in memory; a new best price in the row at once."""
    best = position.best_price
    noted(position, seen)
    if position.best_price is not None and position.best_price != best:
        rows.remember_best(position, position.best_price)

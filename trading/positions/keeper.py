"""Looks after everything that is open, whoever calls: the stream, the monitor, the trailing stops.

1. `mind` and `sync` look at one position or symbol at once; `sweep` and `trail` at all of them, from one read.
2. What is due is done in `care`: exits, trailing, missing or wrong stops, closes.
3. What a dead process left behind is found by the same look: start-up and recovery are the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal

from trading.exchange.errors import VenueError
from trading.exchange.venue import Gateway, Mark, VenueOrder, VenuePosition
from trading.models import Position
from trading.orders import rows as order_rows
from trading.orders import sender
from trading.orders import store as order_store
from trading.orders.sender import Clock
from trading.positions import amends, care, closing, entering, guard, looking, rows, store, trimmer, watch
from trading.positions.exits import Rules
from trading.positions.guard import Seen
from trading.positions.looking import CLOCKS_APART
from trading.positions.onebyone import all_of_them, guarded
from trading.runtime import Report

log = logging.getLogger(__name__)

MONITOR = "position_monitor"
ONE_BY_ONE = 5  # symbols whose orders are asked for one by one: cheaper, and still quick


def mind(position_id: int, gateway: Gateway, clock: Clock, why: str) -> int:
    """Look at one position now: the stream saw that something must change. How many things were done."""
    position = rows.open_positions().filter(pk=position_id).first()
    if position is None:
        return 0
    with gateway.urgently():
        return care.look_after(position, guard.look(position.symbol, gateway, clock), gateway, clock, "stream", why)


def sync(symbol: str, gateway: Gateway, clock: Clock) -> None:
    """Read one symbol's orders, fills and position: its user-data stream spoke."""
    began = clock()
    with gateway.urgently():
        if entries := order_rows.live_entries(symbol):
            entering.settle_entries(entries, gateway, clock, frozenset(p.symbol for p in gateway.positions()), began)
        for position in rows.open_positions().filter(symbol=symbol):
            care.look_after(position, guard.look(symbol, gateway, clock), gateway, clock, "stream", "protect")


@all_of_them
def sweep(gateway: Gateway, clock: Clock) -> Report:
    """Everything that is open, once. While the venue wants silence it is asked only where a position is in danger."""
    try:
        with gateway.urgently() if rows.in_danger(clock()) else nullcontext():
            report = swept(gateway, clock)
    except VenueError as no:
        order_store.hold(no, clock())
        raise
    order_store.key_works(clock())
    return report


def swept(gateway: Gateway, clock: Clock) -> Report:
    """Entries without an end, positions, orders that nobody needs any more."""
    began = clock()
    shown = gateway.positions()
    held = frozenset(p.symbol for p in shown)
    entries = order_rows.live_entries()
    actions = entering.settle_entries(entries, gateway, clock, held, began)
    wanted = rows.closes_waiting(clock())  # the way out before the way in: an entry takes seconds
    actions += sum(guarded(one.position.symbol, closing.carry_out, one.pk, gateway, clock) for one in wanted)
    trims = trimmer.waiting(clock())
    actions += sum(guarded(one.position.symbol, trimmer.trim, one.pk, gateway, clock) for one in trims)
    waiting = entering.send_waiting(gateway, clock)
    lost = order_rows.unresolved_orders(clock())
    for order in lost:
        guarded(order.intent.symbol, sender.settle, order, gateway, clock)
    positions = list(rows.open_positions())
    if back := take_back(positions, shown, gateway, clock):
        actions, positions = actions + back, list(rows.open_positions())
    if positions:
        shown = gateway.positions() if entries or waiting or wanted or trims else shown
        actions += sweep_positions(positions, shown, gateway, clock)
    actions += waiting + clear_leftovers(gateway, clock)
    examined = len(entries) + len(lost) + len(positions) + len(shown)
    if not examined:
        return Report.idle("no open position and no open order")
    return Report(examined=examined, actions=actions, panels=("positions",))


def take_back(positions: Sequence[Position], shown: Sequence[VenuePosition], gateway: Gateway, clock: Clock) -> int:
    """Positions that were booked as closed although nothing said by what, and that the venue shows again."""
    ours = {(p.symbol, p.side) for p in positions}
    strange = [p for p in shown if (p.symbol, p.side.value) not in ours]
    lost = rows.closed_lately(strange, clock()) if strange else []
    return sum(guarded(one.symbol, reopen, one, gateway, clock) for one in lost)


def reopen(position: Position, gateway: Gateway, clock: Clock) -> int:
    """Ours again, with its trade undone, unless its fills have come meanwhile and say that it was closed. 1 or 0."""
    if not store.unexplained(position) or not guard.there(position, gateway):
        return 0
    try:
        fresh = store.take_fills(position, gateway.fills(position.symbol, position.opened_at - CLOCKS_APART))
    except VenueError as error:
        log.warning("%s: fills not known yet: %s", position.symbol, error)
        fresh = 0
    if store.unexplained(position):
        return int(store.reopen(position))
    return amends.rebook(position) if fresh else 0


def sweep_positions(
    positions: Sequence[Position], shown: Sequence[VenuePosition], gateway: Gateway, clock: Clock
) -> int:
    """Each position with its part of one read of the whole account. One that fails does not stop the others."""
    there = {p.symbol: p for p in shown}
    books = resting({p.symbol for p in positions}, gateway)
    positions = [p for p in positions if p.symbol in books]
    marks, now, actions = gateway.marks(), clock(), 0
    live, rules = order_rows.live_orders(p.pk for p in positions), rows.rules()
    quiet: list[tuple[Position, Seen]] = []
    for position in positions:
        symbol = position.symbol
        seen = Seen(now, there.get(symbol), books[symbol], price(marks, symbol))
        if guarded(symbol, care.undisturbed, position, seen, live.get(position.pk, []), rules):
            quiet.append((position, seen))
        else:
            actions += guarded(symbol, care.look_after, position, seen, gateway, clock, MONITOR, "protect")
    for position, seen in quiet:
        looking.note_best(position, seen)
    store.confirm([p for p, _ in quiet], [o.pk for p, _ in quiet for o in live[p.pk]], now)
    return actions


def resting(symbols: set[str], gateway: Gateway) -> dict[str, dict[str, VenueOrder]]:
    """The open orders of these symbols, by client id. All symbols at once cost as much as 40 of them one by one.

    One that can't be read is left out; where none can be, that is raised.
    """
    books: dict[str, dict[str, VenueOrder]] = {}
    if len(symbols) > ONE_BY_ONE:
        books = {symbol: {} for symbol in symbols}
        for order in gateway.open_orders():
            books.setdefault(order.symbol, {})[order.client_order_id] = order
        return books
    for symbol in sorted(symbols):
        try:
            books[symbol] = {order.client_order_id: order for order in gateway.open_orders(symbol)}
        except VenueError as error:
            log.warning("%s: %s", symbol, error)
            no = error
    if symbols and not books:
        raise no
    return books


def clear_leftovers(gateway: Gateway, clock: Clock) -> int:
    """Cancel what may still fill although nothing needs it any more."""
    orders = order_rows.leftovers(clock())
    for order in orders:
        guarded(order.intent.symbol, sender.cancel, order, gateway, clock, "nothing needs it any more")
    return len(orders)


def price(marks: dict[str, Mark], symbol: str) -> Decimal | None:
    return marks[symbol].price if symbol in marks else None


@all_of_them
def trail(gateway: Gateway, clock: Clock) -> Report:
    """Every open position against one read of all marks; those whose stop must move, or that are due, are minded."""
    positions = list(rows.open_positions())
    if not positions:
        return Report.idle("no open position")
    marks, rules, now, actions = gateway.marks(), rows.rules(), clock(), 0
    limits = rows.stop_limits(p.pk for p in positions)
    known = [p for p in positions if p.symbol in marks]
    for position in known:
        looking.note_best(position, Seen(now, None, {}, marks[position.symbol].price))
    Position.objects.bulk_update(known, ["mark_price", "unrealized", "mark_at"])
    for position in known:
        mark, limit = marks[position.symbol].price, limits.get(position.pk)
        actions += guarded(position.symbol, shadow, position, mark, limit, rules, now, gateway, clock)
    return Report(examined=len(known), actions=actions, panels=("positions",))


def shadow(
    position: Position,
    mark: Decimal,
    limit: Decimal | None,
    rules: Rules,
    now: datetime,
    gateway: Gateway,
    clock: Clock,
) -> object:
    """Mind the position where its stop must move, or where something is due."""
    need = watch.needs(watch.seen(rows.as_held(position, limit), mark, now), mark, now, rules)
    return mind(position.pk, gateway, clock, need.why) if need else 0

"""What is due for one position is done: the way out, the trailing stop, missing or wrong orders."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trading import events
from trading.exchange.filters import towards_profit
from trading.exchange.venue import Gateway, Side
from trading.models import Intent, Order, Position
from trading.orders import rows as order_rows
from trading.orders.sender import Clock
from trading.positions import closing, guard, looking, rows, store, trailing, watch
from trading.positions.exits import Exit, Rules, due
from trading.positions.guard import Seen


def look_after(position: Position, seen: Seen, gateway: Gateway, clock: Clock, requester: str, reason: str) -> int:
    """Do what is due for one position, given what the venue shows. How many things were done."""
    live = order_rows.orders_of(position.pk)
    if undisturbed(position, seen, live, rows.rules()):
        looking.note_best(position, seen)
        store.confirm([position], [order.pk for order in live], seen.at)
        return 0
    seen = looking.reconcile(position, seen, gateway, clock)
    if looking.flat(position, seen):
        closing.finish(position, gateway, clock)
        return 1
    if not seen.holds(position):
        return keep(position, seen, gateway, clock, requester, reason)
    looking.remember(position, seen)
    guard.note_gap(position, seen.absent, seen.at)
    if position.status == Position.CLOSING:
        return closing.close_out(position, Exit(position.close_reason, "closing goes on"), requester, gateway, clock)
    rules = rows.rules()
    held = rows.as_held(position, rows.stop_limits([position.pk]).get(position.pk))
    out = due(held, seen.mark, seen.at, rules)
    if out is not None:
        return closing.close_out(position, out, requester, gateway, clock)
    tightened = held.ride is not None and tighten(position, trailing.wanted_stop(held.ride, rules.trail), gateway)
    placed, out = protect(position, seen, gateway, clock, requester, "trailing" if tightened else reason)
    if out is not None:
        return placed + closing.close_out(position, out, requester, gateway, clock)
    return placed + tightened


def protect(
    position: Position, seen: Seen, gateway: Gateway, clock: Clock, requester: str, reason: str
) -> tuple[int, Exit | None]:
    """Its orders as the row wants them, read back: how many were placed, and an Exit where that can't be."""
    placed, out = guard.align(position, seen.absent, gateway, clock, requester, reason)
    if out is None:
        shown = {o.client_order_id: o for o in gateway.open_orders(position.symbol)} if placed else seen.orders
        guard.verify(position, shown, clock())
        events.changed("positions", *(["orders"] if placed else []))
    return placed, out


def keep(position: Position, seen: Seen, gateway: Gateway, clock: Clock, requester: str, reason: str) -> int:
    """The venue shows nothing and no fill says why. Until that is clear it has its stops: they can only reduce."""
    if position.status != Position.OPEN or seen.gone or not store.unexplained(position):
        return 0
    guard.note_gap(position, seen.absent, seen.at)
    placed, _ = protect(position, seen, gateway, clock, requester, reason)
    return placed


def tighten(position: Position, wanted: Decimal | None, gateway: Gateway) -> bool:
    """Move the stop's price, and the backstop's with it; the orders follow in `align`. Never loosens."""
    if wanted is None:
        return False
    side, filters = Side(position.side), guard.rules_of(position.symbol, gateway)
    was, gap = position.stop_price, position.stop_price - position.backstop_price
    position.stop_price = towards_profit(side, wanted, filters)
    position.backstop_price = towards_profit(side, position.stop_price - gap, filters)
    position.trailing = True
    row = Position.objects.filter(pk=position.pk, stop_price=was)
    return bool(row.update(stop_price=position.stop_price, backstop_price=position.backstop_price, trailing=True))


def undisturbed(position: Position, seen: Seen, live: Sequence[Order], rules: Rules) -> bool:
    """The venue shows exactly what the rows say, and nothing is due: nearly always so, and written down in bulk."""
    if position.status != Position.OPEN or position.protected_since is None or position.flat_seen_at is not None:
        return False
    if seen.mark is None or seen.holds(position) != position.quantity:
        return False
    if sorted(o.intent.kind for o in live) != [Intent.BACKSTOP, Intent.STOP, Intent.TARGET]:
        return False
    if not all(guard.fits(o, position) and guard.same(o, seen.orders.get(o.intent.client_order_id)) for o in live):
        return False
    limit = next(o.intent.price for o in live if o.intent.kind == Intent.STOP)
    held = watch.seen(rows.as_held(position, limit), seen.mark, seen.at)
    return watch.needs(held, seen.mark, seen.at, rules) is None and position.breached_at is None

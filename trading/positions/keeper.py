"""Looks after positions, from the entry that opens one to the trade that it becomes.

1. `enter` sends an entry, awaits its fill, makes the position and protects it.
2. `mind`, `sync` and `sweep` look at the venue and do what is due: exits, trailing, missing or wrong stops, closes.
3. What a dead process left behind is found by the same look: start-up and recovery are the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from time import perf_counter
from typing import Any, ParamSpec
from weakref import WeakKeyDictionary, WeakSet

from django.db import transaction

from trading import events
from trading.codes import Code
from trading.exchange.errors import KEY, TOO_MANY, KeyRefused, Refused, Silenced, VenueError
from trading.exchange.filters import towards_profit
from trading.exchange.venue import Gateway, Mark, OrderStatus, Side, VenueOrder, VenuePosition
from trading.gates.desk import Rejection
from trading.gates.directives import Level
from trading.gates.store import standing
from trading.models import AccountSnapshot, Decision, Intent, Order, Position, SwitchChange, TrimRequest
from trading.orders import rows as order_rows
from trading.orders import sender
from trading.orders import store as order_store
from trading.orders.lifecycle import StaleRow
from trading.orders.sender import AlreadySent, Clock, NotSent
from trading.positions import amends, guard, pnl, rows, store, trailing, trimmer, watch
from trading.positions.exits import Exit, Rules, due, stop_passed
from trading.positions.guard import Seen
from trading.runtime import Report

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)  # how long an entry's own task may take to begin before the sweep sends it
SECOND_LOOK = timedelta(seconds=2)  # flat is believed without fills after two looks this far apart, on good evidence
ALONE = timedelta(seconds=40)  # and after this where the list of positions is alone in saying so
CLOCKS_APART = timedelta(minutes=1)  # fills are asked for from this long before the order
MONITOR = "position_monitor"
ONE_BY_ONE = 5  # symbols whose orders are asked for one by one: cheaper, and still quick
FUNDING_ASKED = timedelta(minutes=1)  # how far apart; it is paid by the hour, and asking is dear
P = ParamSpec("P")
BROKEN: ContextVar[list[str]] = ContextVar("broken")  # what went wrong in the look at hand
OVER = (VenueError, StaleRow, NotSent, AlreadySent, trimmer.Waits)  # ends one look at one symbol; the next look goes on


class PartBroken(RuntimeError):
    """A look at everything met something that nobody foresaw; the rest was looked after."""


one_way_seen: WeakSet = WeakSet()  # gateways whose account is known to be in one-way mode
funding_asked: WeakKeyDictionary[Gateway, datetime] = WeakKeyDictionary()


# -- the way in ------------------------------------------------------------------------------------------------


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
        look_after(position, seen, gateway, clock, "executor", "protect the entry")
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


# -- one look ------------------------------------------------------------------------------------------------


def look_after(position: Position, seen: Seen, gateway: Gateway, clock: Clock, requester: str, reason: str) -> int:
    """Do what is due for one position, given what the venue shows. How many things were done."""
    live = order_rows.orders_of(position.pk)
    if undisturbed(position, seen, live, rows.rules()):
        note_best(position, seen)
        store.confirm([position], [order.pk for order in live], seen.at)
        return 0
    seen = reconcile(position, seen, gateway, clock)
    if flat(position, seen):
        finish(position, gateway, clock)
        return 1
    if not seen.holds(position):
        return keep(position, seen, gateway, clock, requester, reason)
    remember(position, seen)
    guard.note_gap(position, seen.absent, seen.at)
    if position.status == Position.CLOSING:
        return close_out(position, Exit(position.close_reason, "closing goes on"), requester, gateway, clock)
    rules = rows.rules()
    held = rows.as_held(position, rows.stop_limits([position.pk]).get(position.pk))
    out = due(held, seen.mark, seen.at, rules)
    if out is not None:
        return close_out(position, out, requester, gateway, clock)
    tightened = held.ride is not None and tighten(position, trailing.wanted_stop(held.ride, rules.trail), gateway)
    placed, out = protect(position, seen, gateway, clock, requester, "trailing" if tightened else reason)
    if out is not None:
        return placed + close_out(position, out, requester, gateway, clock)
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


# -- the way out ------------------------------------------------------------------------------------------------


def close_out(position: Position, out: Exit, requester: str, gateway: Gateway, clock: Clock) -> int:
    """Leave at market and, where the venue agrees, book the trade."""
    if guard.leave(position, out, requester, gateway, clock):
        seen = reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        if flat(position, seen):
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
        seen = reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        if flat(position, seen):
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


def trim(request_id: int, gateway: Gateway, clock: Clock) -> int:
    """Close the part of a position that somebody asked to close, and resize its stops to the rest. 1 or 0."""
    request = trimmer.take(request_id, clock())
    if request is None:
        return 0
    try:
        trim_now(request, gateway, clock)
    except OVER as error:
        trimmer.give_back(request_id, str(error))
        raise
    finally:
        events.changed("positions", "orders", "account")
    return 1


def trim_now(request: TrimRequest, gateway: Gateway, clock: Clock) -> None:
    """One go at it. What is open afterwards is looked after in any case: an order of it may have filled."""
    position = request.position
    if position.status != Position.CLOSED:
        seen = reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        position.refresh_from_db(fields=["status"])
        try:
            if position.status == Position.OPEN and seen.holds(position):
                trimmer.reduce(request, position, seen.mark, gateway, clock)
        finally:
            seen = guard.look(position.symbol, gateway, clock)
            look_after(position, seen, gateway, clock, request.requested_by, "the rest after a trim")
    if not trimmer.explained(request):
        store.take_fills(position, gateway.fills(position.symbol, position.opened_at - CLOCKS_APART))
        store.recount(position)
    position.refresh_from_db()
    trimmer.settle(request, position, clock())


# -- who calls ------------------------------------------------------------------------------------------------


def mind(position_id: int, gateway: Gateway, clock: Clock, why: str) -> int:
    """Look at one position now: the stream saw that something must change. How many things were done."""
    position = rows.open_positions().filter(pk=position_id).first()
    if position is None:
        return 0
    with gateway.urgently():
        return look_after(position, guard.look(position.symbol, gateway, clock), gateway, clock, "stream", why)


def sync(symbol: str, gateway: Gateway, clock: Clock) -> None:
    """Read one symbol's orders, fills and position: its user-data stream spoke."""
    began = clock()
    with gateway.urgently():
        if entries := order_rows.live_entries(symbol):
            settle_entries(entries, gateway, clock, frozenset(p.symbol for p in gateway.positions()), began)
        for position in rows.open_positions().filter(symbol=symbol):
            look_after(position, guard.look(symbol, gateway, clock), gateway, clock, "stream", "protect")


def all_of_them(look: Callable[P, Report]) -> Callable[P, Report]:
    """A look at everything ends in an error where one part was broken, but only after all the others had their turn."""

    @wraps(look)
    def told(*about: P.args, **more: P.kwargs) -> Report:
        broken: list[str] = []
        before = BROKEN.set(broken)
        try:
            report = look(*about, **more)
        finally:
            BROKEN.reset(before)
        if broken:
            raise PartBroken(f"{len(broken)} of {report.examined} could not be looked after; {broken[0]}"[:400])
        return report

    return told


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
    actions = settle_entries(entries, gateway, clock, held, began)
    wanted = rows.closes_waiting(clock())  # the way out before the way in: an entry takes seconds
    actions += sum(guarded(one.position.symbol, carry_out, one.pk, gateway, clock) for one in wanted)
    trims = trimmer.waiting(clock())
    actions += sum(guarded(one.position.symbol, trim, one.pk, gateway, clock) for one in trims)
    waiting = send_waiting(gateway, clock)
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
        if guarded(symbol, undisturbed, position, seen, live.get(position.pk, []), rules):
            quiet.append((position, seen))
        else:
            actions += guarded(symbol, look_after, position, seen, gateway, clock, MONITOR, "protect")
    for position, seen in quiet:
        note_best(position, seen)
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


def note_best(position: Position, seen: Seen) -> None:
    """What this look showed, in memory; a new best price in the row at once."""
    best = position.best_price
    noted(position, seen)
    if position.best_price is not None and position.best_price != best:
        rows.remember_best(position, position.best_price)


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


def price(marks: dict[str, Mark], symbol: str) -> Decimal | None:
    return marks[symbol].price if symbol in marks else None


def guarded(symbol: str, act: Callable[..., object], *about: Any) -> int:
    """One symbol's part of a sweep; what goes wrong with one does not stop the others. How many things were done."""
    try:
        done = act(*about)
    except OVER as error:
        log.warning("%s: %s", symbol, error)
        return 0
    except Exception as error:
        log.exception("%s could not be looked after", symbol)
        BROKEN.get([]).append(f"{symbol}: {type(error).__name__}: {error}")
        return 0
    return done if isinstance(done, int) else 0


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


def clear_leftovers(gateway: Gateway, clock: Clock) -> int:
    """Cancel what may still fill although nothing needs it any more."""
    orders = order_rows.leftovers(clock())
    for order in orders:
        guarded(order.intent.symbol, sender.cancel, order, gateway, clock, "nothing needs it any more")
    return len(orders)


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
        note_best(position, Seen(now, None, {}, marks[position.symbol].price))
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


def account(gateway: Gateway, clock: Clock, mode: str) -> Report:
    """The account as the venue shows it, what is there that is not ours, and the funding that was paid."""
    began = perf_counter()
    shown = gateway.account()
    latency = round((perf_counter() - began) * 1000)
    positions = gateway.positions()
    AccountSnapshot.objects.create(
        at=clock(),
        equity=shown.equity,
        balance=shown.balance,
        available=shown.available,
        margin_used=shown.margin_used,
        unrealized=shown.unrealized,
        latency_ms=latency,
        external=rows.external(positions),
        mode=mode,
    )
    paid = take_funding(gateway, clock(), mode)
    return Report(examined=1 + len(positions), actions=paid, panels=("account",))


def take_funding(gateway: Gateway, now: datetime, mode: str) -> int:
    """Book the funding that was paid since the last look, once a minute. How many bookings."""
    if now - funding_asked.get(gateway, datetime.min.replace(tzinfo=UTC)) < FUNDING_ASKED:
        return 0
    shown = gateway.income(rows.funding_since(now))
    funding_asked[gateway] = now
    return store.take_funding(shown, mode)

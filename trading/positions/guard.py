"""The orders that a position rests on, brought to what its row wants; and the way out at market.

Prices live in the row (`stop_price`, `backstop_price`, `target_price`); `align` compares them with the orders that may
still fill and places, replaces or cancels. So placing, resizing, trailing and recovery are one code path.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from trading import events
from trading.exchange.errors import VenueError
from trading.exchange.venue import Filters, Gateway, OrderStatus, Side, VenueOrder, VenuePosition
from trading.models import Fill, Intent, Order, Position
from trading.orders import intents, sender, stops
from trading.orders import rows as order_rows
from trading.orders.intents import Draft, Purpose
from trading.orders.lifecycle import LIVE, RESTING, StaleRow
from trading.orders.sender import Clock
from trading.positions import books, rows, store
from trading.positions.exits import Exit, bar_length

log = logging.getLogger(__name__)

WOULD_TRIGGER = -2021
NOTHING_TO_REDUCE = {-2022, -4509}  # the position is gone: the next look tells
PRICES = ("stop_price", "backstop_price", "target_price", "band", "trailing")  # what a position's orders are drawn from
ATTEMPTS = {Intent.STOP: 3, Intent.BACKSTOP: 1, Intent.TARGET: 1}
EXIT_ATTEMPTS = 3
POLLS, POLL = 8, 0.25  # how often and how far apart a market order's fill is asked for, seconds
DEAF = timedelta(seconds=30)  # a longer silence between two looks was an outage


@dataclass(frozen=True, slots=True)
class Seen:
    """One symbol at the venue as just read. `mark` is None where it gave no price."""

    at: datetime
    position: VenuePosition | None
    orders: Mapping[str, VenueOrder]
    mark: Decimal | None
    told: Decimal = Decimal(0)  # how much of it the account's own list has, where the list of positions has none
    gone: bool = False  # the list of positions is not alone in saying that nothing is held
    absent: frozenset[str] = frozenset()  # live orders of ours that neither the books nor an answer shows

    def holds(self, position: Position) -> Decimal:
        """How much of `position` the venue shows; what it holds on the other side is not ours."""
        there = self.position is not None and self.position.side == position.side
        return self.position.quantity if there and self.position else self.told


def look(symbol: str, gateway: Gateway, clock: Clock) -> Seen:
    """Position and both order books of one symbol, read now."""
    held = next((p for p in gateway.positions() if p.symbol == symbol), None)
    orders = {o.client_order_id: o for o in gateway.open_orders(symbol)}
    return Seen(clock(), held, orders, held.mark_price if held else None)


def look_for(position: Position, gateway: Gateway, clock: Clock) -> Seen:
    """A look at what was just filled; the venue's list of positions may lag behind its orders for a moment."""
    for _ in range(POLLS):
        seen = look(position.symbol, gateway, clock)
        if seen.holds(position) or not position.quantity:
            break
        rest(clock, POLL)
    return seen


def rules_of(symbol: str, gateway: Gateway) -> Filters:
    filters = gateway.filters().get(symbol)
    if filters is None:
        raise VenueError(f"the venue gives no rules for {symbol}")
    return filters


def rest(clock: Clock, seconds: float) -> None:
    """Wait. A clock that is not the wall's brings its own `sleep`."""
    getattr(clock, "sleep", time.sleep)(seconds)


def await_fill(order: Order, gateway: Gateway, clock: Clock) -> None:
    """Ask until a market order is over; an order that is merely acknowledged is not filled."""
    for _ in range(POLLS):
        if not order.live or order.status == OrderStatus.UNKNOWN:
            return
        rest(clock, POLL)
        try:
            sender.ask(order, gateway, clock)
        except VenueError as error:
            log.warning("%s: asking for its fill: %s", order.intent.symbol, error)


# -- intents ------------------------------------------------------------------------------------------------


def want(
    position: Position, kind: str, build: Callable[[Purpose], Draft], reason: str, requester: str, now: datetime
) -> Intent | None:
    """Commit the wish for one more order of this kind; None where somebody is sending one at this moment.

    Under the row's lock: what was drawn from a row that somebody has changed meanwhile is not wanted any more.
    """
    with transaction.atomic():
        row = Position.objects.select_for_update().get(pk=position.pk)
        moved = kind != Intent.EXIT and any(getattr(row, name) != getattr(position, name) for name in PRICES)
        if moved or row.status == Position.CLOSED:
            raise StaleRow(f"{position.symbol} was changed while its {kind} was being drawn")
        mine = Intent.objects.filter(position=position, kind=kind)
        if kind != Intent.EXIT and mine.filter(being_sent(now)).exists():
            return None
        entry_id = store.decision_of(position).intent.client_order_id
        draft = build(Purpose(entry_id, mine.count() + 1, reason[:200], requester, now))
        return Intent.objects.create(position=position, mode=position.mode, **as_fields(draft))


def being_sent(now: datetime) -> Q:
    waiting = Q(order__isnull=True, expires_at__gt=now)
    return waiting | Q(order__status=OrderStatus.SENDING, order__sent_at__gt=now - order_rows.ASK_AFTER)


def as_fields(draft: Draft) -> dict:
    return {name: getattr(draft, name) for name in draft.__dataclass_fields__}


# -- prices ------------------------------------------------------------------------------------------------


def draw(position: Position, filters: Filters, now: datetime) -> None:
    """Stop, backstop and target from the fill, once, into the row."""
    decision = store.decision_of(position)
    signal, ticket = decision.signal, decision.ticket
    timeframe = signal.cycle.timeframe
    widest = rows.recent_range(position.symbol, timeframe, now, bar_length(timeframe))
    plan = stops.Plan(
        kind=settings.QUANTUM.QT_STOP_PLAN,
        r=position.r,
        backstop_distance=Decimal(ticket["backstop_distance"]),
        target_r=Decimal(ticket["target_r"]),
        band=max(widest, Decimal(str(signal.atr))),
    )
    made = stops.protection(Side(position.side), position.entry_price, plan, filters)
    position.stop_price, position.backstop_price, position.target_price = made.stop.trigger, made.backstop, made.target
    position.band = max(plan.band, abs(made.stop.trigger - made.backstop))
    position.save(update_fields=["stop_price", "backstop_price", "target_price", "band"])


def drafted(position: Position, kind: str, filters: Filters, stop_plan: str) -> Callable[[Purpose], Draft]:
    """The order of this kind that the row wants now."""
    symbol, side, quantity = position.symbol, Side(position.side), position.quantity
    if kind == Intent.BACKSTOP:
        return lambda why: intents.backstop(symbol, side, position.backstop_price, why)
    if kind == Intent.TARGET:
        return lambda why: intents.target(symbol, side, quantity, position.target_price, why)
    working = stops.working_stop(side, position.stop_price, position.band, filters, stop_plan)
    return lambda why: intents.stop(symbol, side, quantity, working.trigger, working.limit, why)


def fits(order: Order, position: Position) -> bool:
    """The order is what the row wants: its trigger, and (but for closePosition) what is left of the quantity."""
    prices = {
        Intent.STOP: position.stop_price,
        Intent.BACKSTOP: position.backstop_price,
        Intent.TARGET: position.target_price,
    }
    intent = order.intent
    there = order.status in RESTING or order.status == OrderStatus.SENDING
    whole = intent.close_position or intent.quantity - order.filled == position.quantity
    return there and whole and intent.trigger == prices[intent.kind]


def same(order: Order, shown: VenueOrder | None) -> bool:
    """The venue shows this order as the row has it."""
    return (
        shown is not None
        and shown.conditional == order.conditional
        and (shown.status, shown.filled) == (order.status, order.filled)
    )


# -- protection ------------------------------------------------------------------------------------------------


def align(
    position: Position, absent: frozenset[str], gateway: Gateway, clock: Clock, requester: str, reason: str
) -> tuple[int, Exit | None]:
    """Bring the venue's orders to what the row wants: how many were placed, and an Exit where that can't be.

    The working stop and the target are placed before the old one is cancelled; the backstop after, because the venue
    allows one closePosition stop a side (-4130). What is `absent` protects nothing; should it turn up again beside
    its replacement, one of the two is cancelled then.
    """
    filters, placed = rules_of(position.symbol, gateway), 0
    if position.stop_price is None:
        try:
            draw(position, filters, clock())
        except ValueError as error:
            return 0, Exit("SL_REJECTED_CLOSED", f"no stop can be drawn: {error}")
    for kind in (Intent.STOP, Intent.BACKSTOP, Intent.TARGET):
        position.refresh_from_db(fields=PRICES)  # somebody else may have tightened them
        live = [o for o in order_rows.orders_of(position.pk, kind) if o.intent.client_order_id not in absent]
        right = next((order for order in live if fits(order, position)), None)
        wrong = [order for order in live if order != right and order.status != OrderStatus.UNKNOWN]
        if right is None:
            placed += 1
            if kind == Intent.BACKSTOP:
                clear(wrong, gateway, clock)
                wrong = []
            found = place(position, kind, filters, gateway, clock, requester, reason)
            if isinstance(found, Exit):
                return placed, found
            right = found
        if right is not None:
            clear(wrong, gateway, clock)
    return placed, None


def clear(orders: list[Order], gateway: Gateway, clock: Clock, why: str = "replaced") -> None:
    """Cancel these. What became of one that can't be asked about, the next look finds out; nothing waits for it."""
    for order in orders:
        try:
            sender.cancel(order, gateway, clock, why)
        except VenueError as error:
            log.warning("%s of %s: cancelled (%s)? %s", order.intent.kind, order.intent.symbol, why, error)


def place(
    position: Position, kind: str, filters: Filters, gateway: Gateway, clock: Clock, requester: str, reason: str
) -> Order | Exit | None:
    """One protecting order, each attempt a new intent; a stop-limit that is refused is wanted as a stop-market next.

    The order if it rests (or filled at once), an Exit if there can be none, None if the next look must try again.
    """
    refused: Order | None = None
    for attempt in range(ATTEMPTS[kind]):
        plan = settings.QUANTUM.QT_STOP_PLAN if attempt == 0 else "stop_market"
        intent = want(position, kind, drafted(position, kind, filters, plan), reason, requester, clock())
        if intent is None:
            return None
        order = sender.send(intent.pk, gateway, clock)
        if order.status == OrderStatus.UNKNOWN:
            find(order, gateway, clock)
        if order.status in RESTING or order.status == OrderStatus.FILLED:
            return order
        if order.error_code == WOULD_TRIGGER:
            return passed(position, kind)
        if order.error_code in NOTHING_TO_REDUCE:
            return None
        if order.status == OrderStatus.REFUSED and not order.may_retry:
            refused = order
        elif attempt + 1 < ATTEMPTS[kind]:
            rest(clock, POLL)
    if kind == Intent.STOP and refused is not None:
        return Exit("SL_REJECTED_CLOSED", f"the stop was refused {ATTEMPTS[kind]} times: {refused.error}")
    return None


def find(order: Order, gateway: Gateway, clock: Clock) -> None:
    """Ask at once for an order whose answer was lost; the sweep goes on asking."""
    try:
        sender.ask(order, gateway, clock)
    except VenueError as error:
        log.warning("%s of %s: asking for it: %s", order.intent.kind, order.intent.symbol, error)


def passed(position: Position, kind: str) -> Exit:
    """The market is already behind the price at which this order should have triggered."""
    code = "trailing" if kind == Intent.STOP and position.trailing else kind
    return Exit(code, f"the market is already behind the {kind}")


def verify(position: Position, shown: Mapping[str, VenueOrder], at: datetime) -> bool:
    """Read back: a stop that covers the whole quantity is in the venue's books. Counts the seconds when none was."""
    covered = False
    for order in order_rows.orders_of(position.pk, Intent.STOP, Intent.BACKSTOP, Intent.TARGET):
        there = shown.get(order.intent.client_order_id)
        if there is None or there.conditional != order.conditional:
            continue
        sender.learn(order, there, at)
        whole = there.close_position or there.quantity >= position.quantity
        covered |= order.intent.kind != Intent.TARGET and whole and order.live
    if covered:
        became_protected(position, at)
    elif position.protected_since is not None:
        became_unprotected(position, at)
    return covered


def note_gap(position: Position, absent: frozenset[str], at: datetime) -> None:
    """No order that could stop this position is left: the seconds without one begin when the last one ended."""
    stopping = order_rows.orders_of(position.pk, Intent.STOP, Intent.BACKSTOP)
    rests = (o.status in RESTING and o.intent.client_order_id not in absent for o in stopping)
    if position.protected_since is not None and not any(rests):
        became_unprotected(position, at)


def became_protected(position: Position, at: datetime) -> None:
    if position.unprotected_since is not None:
        gap = (at - position.unprotected_since).total_seconds()
        position.seconds_unprotected += max(0.0, gap)
    position.unprotected_since, position.verified_at = None, at
    position.protected_since = position.protected_since or at
    position.save(update_fields=["seconds_unprotected", "unprotected_since", "verified_at", "protected_since"])


def became_unprotected(position: Position, at: datetime) -> None:
    """A stop vanished: since the last order that covered it was over. After a silence, until now it was an outage."""
    kinds = (Intent.STOP, Intent.BACKSTOP)
    over = Order.objects.filter(intent__position=position, intent__kind__in=kinds).exclude(status__in=LIVE)
    since = over.order_by("-updated_at").values_list("updated_at", flat=True).first() or at
    since = max(since, position.verified_at or since)
    if position.verified_at and at - position.verified_at > DEAF:
        position.seconds_outage += max(0.0, (at - since).total_seconds())
        since = at
    position.unprotected_since, position.protected_since = since, None
    position.save(update_fields=["seconds_outage", "unprotected_since", "protected_since"])
    log.warning("%s has no stop at the venue", position.symbol)
    events.changed("positions", "verdict")


def after_silence(position: Position, at: datetime) -> None:
    """Unprotected, and nobody could look for a while: that time was an outage, what was before it ours."""
    since, looked = position.unprotected_since, position.mark_at
    if since is None or looked is None or at - looked <= DEAF:
        return
    position.seconds_unprotected += max(0.0, (looked - since).total_seconds())
    position.seconds_outage += (at - max(looked, since)).total_seconds()
    position.unprotected_since = at
    position.save(update_fields=["seconds_unprotected", "seconds_outage", "unprotected_since"])


# -- the way out ------------------------------------------------------------------------------------------------


def leave(position: Position, out: Exit, requester: str, gateway: Gateway, clock: Clock) -> bool:
    """Out at market, reduce-only, again until the venue shows no position. True where it is flat."""
    begin_closing(position, out)
    refusal, sent, asked = "", False, False
    for _ in range(EXIT_ATTEMPTS):
        held = left(position, gateway, sent)
        if held and (triggered := under_way(position)):
            clear(triggered, gateway, clock, out.code)
            held = left(position, gateway, sent)
        if not held:
            return True
        for piece in pieces(held, position.symbol, gateway):
            order = market_out(position, piece, out, requester, gateway, clock)
            sent = sent or order.filled > 0
            if order.error_code in NOTHING_TO_REDUCE:
                if not asked and soon_gone(position, gateway, clock):
                    return True
                refusal, asked = order.error if asked else refusal, True
                break
            if order.status == OrderStatus.REFUSED and not order.may_retry:
                refusal = order.error
            elif order.status == OrderStatus.REFUSED:
                rest(clock, POLL)
    if not there(position, gateway):
        return True
    log.error("%s could not be closed (%s): %s", position.symbol, out.sentence, refusal or "no answer")
    if refusal:
        store.halt_entries(f"{position.symbol} could not be closed: {refusal}", clock())
    return False


def under_way(position: Position) -> list[Order]:
    """Working stops that have become orders at the market and rest there."""
    stopping = order_rows.orders_of(position.pk, Intent.STOP)
    return [order for order in stopping if order.status in (OrderStatus.TRIGGERED, OrderStatus.PARTIAL)]


def pieces(quantity: Decimal, symbol: str, gateway: Gateway) -> list[Decimal]:
    """What is to be sold or bought, in pieces that the venue takes; whole where it does not tell its rules."""
    try:
        filters = gateway.filters().get(symbol)
    except VenueError as error:
        log.warning("%s: out without the venue's rules: %s", symbol, error)
        filters = None
    return stops.lots(quantity, filters) if filters else [quantity]


def left(position: Position, gateway: Gateway, sent: bool) -> Decimal:
    """How much is to be closed. A list that shows nothing is not believed alone before an exit of ours has filled."""
    return there(position, gateway) or (Decimal(0) if sent else elsewhere(position, gateway) or Decimal(0))


def soon_gone(position: Position, gateway: Gateway, clock: Clock) -> bool:
    """The venue says that there is nothing to reduce: its lists may lag behind a stop that has just filled."""
    for _ in range(POLLS):
        rest(clock, POLL)
        if not there(position, gateway):
            return True
    return elsewhere(position, gateway) == 0


def begin_closing(position: Position, out: Exit) -> None:
    changed = Position.objects.filter(pk=position.pk, status=Position.OPEN)
    if changed.update(status=Position.CLOSING, close_reason=out.code):
        log.info("%s: closing, %s", position.symbol, out.sentence)
        events.changed("positions")
    position.refresh_from_db(fields=["status", "close_reason"])


def there(position: Position, gateway: Gateway) -> Decimal:
    """How much of the position the venue holds, read now."""
    mine = (p.quantity for p in gateway.positions() if p.symbol == position.symbol and p.side == position.side)
    return next(mine, Decimal(0))


def elsewhere(position: Position, gateway: Gateway) -> Decimal | None:
    """How much of it the account's own list has; None where that can't be read."""
    try:
        amount = gateway.amounts().get(position.symbol, Decimal(0))
    except VenueError as error:
        log.warning("%s: whether it is held is not known: %s", position.symbol, error)
        return None
    return max(Decimal(0), Side(position.side).sign * amount)


def paid_out(position: Position, gateway: Gateway) -> bool:
    """The income history knows of something that was closed on this symbol, and that no fill of ours explains."""
    try:
        told = gateway.journal(position.opened_at)
    except VenueError as error:
        log.warning("%s: what was earned with it is not known: %s", position.symbol, error)
        return False
    mine = {one.trade_id for one in told if one.symbol == position.symbol and one.kind in books.CLOSING}
    known = Fill.objects.filter(symbol=position.symbol, trade_id__in=mine).values_list("trade_id", flat=True)
    return bool(mine - set(known))


def market_out(
    position: Position, quantity: Decimal, out: Exit, requester: str, gateway: Gateway, clock: Clock
) -> Order:
    """One reduce-only market order, awaited. Sent twice it can't reverse the position."""
    symbol, side = position.symbol, Side(position.side)
    intent = want(
        position,
        Intent.EXIT,
        lambda why: intents.exit(symbol, side, quantity, why),
        f"{out.code}: {out.sentence}",
        requester,
        clock(),
    )
    assert intent is not None
    order = sender.send(intent.pk, gateway, clock)
    if order.status == OrderStatus.UNKNOWN:
        find(order, gateway, clock)
    await_fill(order, gateway, clock)
    return order

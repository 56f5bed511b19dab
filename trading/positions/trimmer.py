"""Trims that people asked for: a part of a position closed at market, reduce-only, exactly once.

1. Whoever takes the request first carries it out; half a minute later somebody else may.
2. What its orders have filled is counted first; while one of them may still fill, nothing more is sent.
3. What is missing is sent as a new intent, a reduce-only market order; then the stops are resized to the rest.
4. It is over when the fills explain all of it; the row says what was filled, at which price, and what it earned.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from trading import events
from trading.exchange.venue import Filters, Gateway, OrderStatus, Side
from trading.models import Fill, Intent, Order, Position, TrimRequest
from trading.orders import intents, sender, stops
from trading.orders.intents import Purpose
from trading.orders.lifecycle import LIVE
from trading.orders.sender import Clock
from trading.positions import care, guard, looking, pnl, rows, store
from trading.positions.looking import CLOCKS_APART
from trading.positions.onebyone import OVER, Waits
from trading.positions.trims import TooSmall, lot, plain

log = logging.getLogger(__name__)

ATTEMPTS = 3
NOT_YET = "the outcome of its order is not known yet"


def waiting(now: datetime) -> list[TrimRequest]:
    """Requested trims that nobody has begun, or whose worker has died at it, oldest first."""
    idle = Q(taken_at=None) | Q(taken_at__lt=now - rows.TAKEN)
    return list(TrimRequest.objects.filter(idle, outcome="").select_related("position").order_by("id"))


def take(request_id: int, now: datetime) -> TrimRequest | None:
    """The request, where nobody else is at it; it is the caller's for half a minute."""
    idle = Q(taken_at=None) | Q(taken_at__lt=now - rows.TAKEN)
    if not TrimRequest.objects.filter(idle, pk=request_id, outcome="").update(taken_at=now, error=""):
        return None
    return TrimRequest.objects.select_related("position__decision__intent").get(pk=request_id)


def give_back(request_id: int, why: str) -> None:
    """Something came in the way: the next sweep tries again."""
    TrimRequest.objects.filter(pk=request_id, outcome="").update(taken_at=None, error=why[:300])


def trim(request_id: int, gateway: Gateway, clock: Clock) -> int:
    """Close the part of a position that somebody asked to close, and resize its stops to the rest. 1 or 0."""
    request = take(request_id, clock())
    if request is None:
        return 0
    try:
        trim_now(request, gateway, clock)
    except OVER as error:
        give_back(request_id, str(error))
        raise
    finally:
        events.changed("positions", "orders", "account")
    return 1


def trim_now(request: TrimRequest, gateway: Gateway, clock: Clock) -> None:
    """One go at it. What is open afterwards is looked after in any case: an order of it may have filled."""
    position = request.position
    if position.status != Position.CLOSED:
        seen = looking.reconcile(position, guard.look(position.symbol, gateway, clock), gateway, clock)
        position.refresh_from_db(fields=["status"])
        try:
            if position.status == Position.OPEN and seen.holds(position):
                reduce(request, position, seen.mark, gateway, clock)
        finally:
            seen = guard.look(position.symbol, gateway, clock)
            care.look_after(position, seen, gateway, clock, request.requested_by, "the rest after a trim")
    if not explained(request):
        store.take_fills(position, gateway.fills(position.symbol, position.opened_at - CLOCKS_APART))
        store.recount(position)
    position.refresh_from_db()
    settle(request, position, clock())


def orders_of(request: TrimRequest) -> list[Order]:
    return list(Order.objects.filter(intent__trim=request).select_related("intent").order_by("id"))


def filled(request: TrimRequest) -> Decimal:
    return sum((order.filled for order in orders_of(request)), Decimal(0))


def reduce(request: TrimRequest, position: Position, mark: Decimal | None, gateway: Gateway, clock: Clock) -> None:
    """Send what is missing of it. Raises `Waits`, or ends the request where the venue or its rules say no."""
    filters = guard.rules_of(position.symbol, gateway)
    if not missing(request, request.quantity):
        return
    whole = part(request, position, mark or position.entry_price, filters)
    if isinstance(whole, TooSmall):
        conclude(request, TrimRequest.REFUSED, clock(), whole.sentence)
        return
    if whole != request.quantity:
        request.quantity = whole
        request.save(update_fields=["quantity"])
    refusals: list[str] = []
    while len(refusals) < ATTEMPTS and (pieces := stops.lots(missing(request, whole), filters)):
        order = send_one(request, position, pieces[0], gateway, clock)
        if order.status == OrderStatus.REFUSED:
            if order.error_code in guard.NOTHING_TO_REDUCE:
                raise Waits("the exchange shows nothing to reduce")
            refusals.append(order.error)
            guard.rest(clock, guard.POLL)
        elif not order.filled and order.status not in LIVE:
            raise Waits(f"its order ended as {order.status} without a fill")
    if len(refusals) == ATTEMPTS:
        conclude(request, TrimRequest.REFUSED, clock(), f"the exchange refused it: {refusals[-1]}")


def part(request: TrimRequest, position: Position, mark: Decimal, filters: Filters) -> Decimal | TooSmall:
    """How much it takes of what is held; one that has begun keeps to that, as long as something is left of the rest."""
    done = filled(request)
    held = min(request.before, position.quantity + done)
    if request.quantity >= held:
        return TooSmall(f"only {plain(position.quantity)} of the position is left")
    return request.quantity if done else lot(request.quantity, held, mark, filters)


def missing(request: TrimRequest, whole: Decimal) -> Decimal:
    """What is still to be closed; `Waits` while an order of it may still fill."""
    sent = orders_of(request)
    if any(order.status in LIVE for order in sent):
        raise Waits(NOT_YET)
    return max(Decimal(0), whole - sum((order.filled for order in sent), Decimal(0)))


def send_one(request: TrimRequest, position: Position, quantity: Decimal, gateway: Gateway, clock: Clock) -> Order:
    """One reduce-only market order for this request, awaited."""
    intent = want(request, position, quantity, clock())
    order = sender.send(intent.pk, gateway, clock)
    if order.status == OrderStatus.UNKNOWN:
        guard.find(order, gateway, clock)
    guard.await_fill(order, gateway, clock)
    return order


def want(request: TrimRequest, position: Position, quantity: Decimal, now: datetime) -> Intent:
    """Commit the wish for one more order of this request, under the position's lock."""
    with transaction.atomic():
        row = Position.objects.select_for_update().get(pk=position.pk)
        mine = Intent.objects.filter(trim=request)
        if row.status != Position.OPEN or not TrimRequest.objects.filter(pk=request.pk, outcome="").exists():
            raise Waits("the position is being closed")
        if mine.filter(Q(order__isnull=True, expires_at__gt=now) | Q(order__status__in=LIVE)).exists():
            raise Waits(NOT_YET)
        if quantity > missing(request, request.quantity):
            raise Waits("another process has sent of it meanwhile")
        entry_id = store.decision_of(position).intent.client_order_id
        why = f"trim of {plain(request.quantity)}: {request.reason or 'accepted by hand'}"
        purpose = Purpose(f"{entry_id}:{request.pk}", mine.count() + 1, why[:200], request.requested_by, now)
        draft = intents.trim(position.symbol, Side(position.side), quantity, purpose)
        return Intent.objects.create(position=position, trim=request, mode=position.mode, **guard.as_fields(draft))


def explained(request: TrimRequest) -> bool:
    """The fills that we know add up to what its orders say."""
    known = Fill.objects.filter(order__intent__trim=request).values_list("quantity", flat=True)
    return sum(known, Decimal(0)) == filled(request)


def settle(request: TrimRequest, position: Position, now: datetime) -> None:
    """End it where its fills are all there, or where the whole position goes; `Waits` where neither is so yet."""
    if not explained(request):
        raise Waits("its fills are not known yet")
    if filled(request) >= request.quantity:
        conclude(request, TrimRequest.DONE, now)
    elif position.status != Position.OPEN:
        conclude(request, TrimRequest.OVERTAKEN, now, "the whole position was closed")
    elif TrimRequest.objects.filter(pk=request.pk, outcome="").exists():
        raise Waits("not all of it is closed yet")


def conclude(request: TrimRequest, outcome: str, now: datetime, why: str = "") -> None:
    """It is over: what was filled of it, and what that earned. One that is over already stays as it is."""
    position = request.position
    done = list(Fill.objects.filter(order__intent__trim=request).values_list("side", "price", "quantity", "fee"))
    side, fills = Side(position.side), [pnl.Execution(*row) for row in done]
    tally = pnl.tally(side, fills)
    ended = TrimRequest.objects.filter(pk=request.pk, outcome="").update(
        outcome=outcome,
        ended_at=now,
        error=why[:300],
        filled=filled(request),
        average_price=tally.exit_price,
        realized=pnl.realized(side, position.entry_price, tally.exit_price, tally.closed),
        fees=tally.fees,
    )
    if ended:
        log.info("%s: trim %d %s, %s closed %s", position.symbol, request.pk, outcome, plain(tally.closed), why)
        events.changed("positions", "orders", "account", "balance")

"""The one door to the venue's order endpoints.

1. Claim: the order's row is created SENDING in a transaction of its own; a second call for the same intent is refused.
2. Ask the venue, outside any transaction, with a permit that only this file makes.
3. Record what we now know: placed, refused, or unknown. Unknown is never retried; it is asked about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from trading import events
from trading.codes import Code
from trading.exchange import rows as venue_rows
from trading.exchange.errors import Duplicate, KeyRefused, NotAccepted, OutcomeUnknown, Refused, Unreachable
from trading.exchange.venue import Gateway, OrderStatus, Permit, VenueOrder
from trading.gates.store import standing
from trading.models import Decision, Intent, Order, Position, SwitchChange
from trading.orders import intents, rows, store
from trading.orders.lifecycle import LEGAL, UNRESOLVED, StaleRow

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

LEAVES = timedelta(seconds=5)  # a request that had to wait for longer is not sent
FENCE = timedelta(seconds=15)  # that, the request's validity window (5 s) and 5 s more: later it can't be accepted
BETWEEN = timedelta(seconds=2)  # two answers "not there" count as two when they are this far apart
ASKED_IN_VAIN = 2


class NotSent(Exception):
    """The intent may not be sent (any more). Nothing left."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code = code


class AlreadySent(Exception):
    """Somebody has claimed this intent before us; it is theirs to send."""


def send(intent_id: int, gateway: Gateway, clock: Clock) -> Order:
    """Send a committed intent once. The order's status says what we know of it afterwards."""
    order = claim(intent_id, clock())
    intent = order.intent
    try:
        shown = gateway.place(intents.request(intent), permit(intent), latest(order))
    except Duplicate:
        unknown(order, clock(), "an order with this id exists already")
        ask(order, gateway, clock)
    except (Refused, NotAccepted, KeyRefused) as no:
        later = isinstance(no, NotAccepted)
        become(order, OrderStatus.REFUSED, clock(), str(no), error_code=no.code, may_retry=later)
        store.hold(no, clock())
        log.warning("%s of %s refused: %s", intent.kind, intent.symbol, no)
    except (OutcomeUnknown, Unreachable) as lost:
        unknown(order, clock(), str(lost))
        log.warning("%s of %s: outcome unknown: %s", intent.kind, intent.symbol, lost)
    else:
        learn(order, shown, clock())
    events.changed("orders")
    return order


def claim(intent_id: int, now: datetime) -> Order:
    """The order's row, ours alone and committed; `NotSent` or `AlreadySent` where there can be none."""
    try:
        with transaction.atomic(durable=True):
            intent = Intent.objects.get(pk=intent_id)
            one_at_a_time(intent)
            forbid(intent, now)
            return Order.objects.create(intent=intent, sent_at=now, updated_at=now, mode=intent.mode)
    except IntegrityError:
        raise AlreadySent(f"intent {intent_id} has been sent") from None


def one_at_a_time(intent: Intent) -> None:
    """Lock the intent, and with an entry every rival for its symbol: of two, the second sees the first's order."""
    rivals = Q(kind=Intent.ENTRY, symbol=intent.symbol, decision__outcome=Decision.PENDING)
    wanted = Q(pk=intent.pk) | rivals if intent.kind == Intent.ENTRY else Q(pk=intent.pk)
    list(Intent.objects.select_for_update(of=("self",)).filter(wanted).order_by("pk"))


def forbid(intent: Intent, now: datetime) -> None:
    """Raise `NotSent` where this intent may not leave now. Only entries are held back by the state of the desk."""
    if Order.objects.filter(intent=intent).exists():
        raise AlreadySent(f"intent {intent.pk} has been sent")
    if intent.expires_at is not None and now >= intent.expires_at:
        raise NotSent(Code.EXPIRED, f"expired at {intent.expires_at:%H:%M:%S}")
    if intent.kind != Intent.ENTRY:
        return
    state = rows.switch_state()
    if state != SwitchChange.ACTIVE:
        raise NotSent(Code.KILL_SWITCH, f"the switch is on {state}")
    if halts := standing(now).halts:
        raise NotSent(Code.SELF_HEALING_NO_NEW_TRADES, halts[0])
    if facts := venue_rows.waiting():
        raise NotSent(Code.PREFLIGHT_REQUIRED, "; ".join(f"{name}: {fact}" for name, fact in facts.items()))
    if Order.objects.filter(intent__symbol=intent.symbol, status__in=UNRESOLVED).exists():
        raise NotSent(Code.UNRESOLVED_ORDER, "an order on this symbol has no known outcome")
    if rows.being_checked(intent.symbol, now):
        raise NotSent(Code.UNRESOLVED_ORDER, "the exchange's daily check is using this symbol")
    if rows.live_entries(intent.symbol):
        raise NotSent(Code.UNRESOLVED_ORDER, "another entry on this symbol is on its way")
    if Position.objects.filter(symbol=intent.symbol).exclude(status=Position.CLOSED).exists():
        raise NotSent(Code.ALREADY_OPEN, "a position on this symbol is open")


def permit(intent: Intent) -> Permit:
    return Permit(intent.pk, intent.client_order_id)


def latest(order: Order) -> datetime:
    """Until when it may leave. Later it might arrive after somebody has found that it can't any more."""
    return min(order.sent_at + LEAVES, order.intent.expires_at or order.sent_at + LEAVES)


def unknown(order: Order, at: datetime, why: str) -> None:
    """Nobody knows what became of it; but where somebody has found out meanwhile, that stands."""
    become(order, OrderStatus.UNKNOWN, at, why)


def become(order: Order, status: OrderStatus, at: datetime, why: str, **facts: object) -> None:
    """Move an order; where somebody has moved it meanwhile, from there if it may, else theirs stands."""
    facts["error"] = why[:300]
    try:
        order.move_to(status, at=at, why=why, **facts)
    except StaleRow:
        order.refresh_from_db()
        if status in LEGAL[OrderStatus(order.status)]:
            order.move_to(status, at=at, why=why, **facts)


def learn(order: Order, shown: VenueOrder, at: datetime) -> None:
    """Take over what the venue shows of an order. A picture older than ours changes nothing."""
    try:
        _learn(order, shown, at)
    except StaleRow:
        order.refresh_from_db()
        _learn(order, shown, at)


def _learn(order: Order, shown: VenueOrder, at: datetime) -> None:
    was = OrderStatus(order.status)
    facts = {
        "venue_order_id": shown.venue_order_id,
        "spawned_id": shown.spawned_id or order.spawned_id,
        "filled": max(order.filled, shown.filled),
        "average_price": shown.average_price or order.average_price,
        "verified_at": at,
        "clean_reads": 0,
    }
    if shown.status in LEGAL[was]:
        if was is OrderStatus.NOT_PLACED:
            log.error(
                "%s of %s was given up as never placed, and the venue shows it %s: looked after again",
                order.intent.kind,
                order.intent.symbol,
                shown.status.value,
            )
        happened = max(order.sent_at, min(at, shown.updated_at))
        order.move_to(shown.status, at=happened, why="shown by the venue", **facts)
    elif shown.status == was:
        Order.objects.filter(pk=order.pk).update(**facts)
        for name, value in facts.items():
            setattr(order, name, value)


def ask(order: Order, gateway: Gateway, clock: Clock) -> VenueOrder | None:
    """Ask the venue for this order by its id, in its book, and learn from the answer. May raise `Unreachable`."""
    shown = gateway.order(order.intent.symbol, order.intent.client_order_id, conditional=order.conditional)
    if shown is not None:
        learn(order, shown, clock())
    return shown


def cancel(order: Order, gateway: Gateway, clock: Clock, why: str) -> Order:
    """Cancel at the venue. "Not there" is no answer but a question: it may have filled."""
    try:
        withdraw(order, gateway)
    except Refused as no:
        log.info("cancel of %s %s (%s): %s", order.intent.symbol, order.intent.kind, why, no)
    except (NotAccepted, KeyRefused, OutcomeUnknown, Unreachable) as no:
        log.warning("cancel of %s %s (%s): %s", order.intent.symbol, order.intent.kind, why, no)
        return order
    if order.live:
        settle(order, gateway, clock)
    events.changed("orders")
    return order


def withdraw(order: Order, gateway: Gateway) -> None:
    """The venue's cancel: of the order itself, or of the one that it became when it triggered."""
    intent = order.intent
    if not order.spawned_id:
        gateway.cancel(intent.symbol, intent.client_order_id, permit(intent), conditional=order.conditional)
        return
    for shown in gateway.open_orders(intent.symbol):
        if not shown.conditional and shown.venue_order_id == order.spawned_id:
            gateway.cancel(intent.symbol, shown.client_order_id, permit(intent), conditional=False)


def settle(order: Order, gateway: Gateway, clock: Clock, held: bool = False) -> None:
    """Find out what became of an order that the venue's books don't list.

    Found: adopted. Not found: an order that we never saw is NOT_PLACED once its request can't arrive any more and two
    clean answers, apart from each other, have said so (and nothing is `held` that could be its fill); one that we had
    seen is over after two such answers. Anything else stays as it is, and is asked about again.
    """
    now = clock()
    if order.status == OrderStatus.SENDING:
        unknown(order, now, "its sender is gone")
    if ask(order, gateway, clock) is not None:
        return
    arrived = order.status != OrderStatus.UNKNOWN
    if not arrived and (held or now <= order.sent_at + FENCE):
        Order.objects.filter(pk=order.pk).update(asked_at=now, clean_reads=0)
        return
    if order.clean_reads and order.asked_at and now - order.asked_at < BETWEEN:
        return
    if order.clean_reads + 1 < ASKED_IN_VAIN:
        order.clean_reads, order.asked_at = order.clean_reads + 1, now
        order.save(update_fields=["clean_reads", "asked_at"])
        return
    became = OrderStatus.CANCELED if arrived else OrderStatus.NOT_PLACED
    order.move_to(became, at=now, why="the venue has no such order, asked twice", asked_at=now)

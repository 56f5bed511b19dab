"""What happened to one position, as a story: decided, wanted, sent, filled, moved, paid, closed. Newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from monitoring.show import labels
from monitoring.watch.retold import retold
from monitoring.watch.words import age, percent, price, signed
from trading.models import Fill, FundingPayment, Intent, Order, Position
from trading.orders.lifecycle import RESTING

MOST = 120
FILLING = ("filled", "partial")


@dataclass(frozen=True, slots=True)
class Event:
    """One line: `what` happened, `also` with its numbers. `href` leads to its own page."""

    at: datetime
    what: str
    also: str = ""
    shape: str = ""
    href: str = ""
    id: str = ""


def timeline(position: Position) -> list[Event]:
    """Five queries: the orders, their moves, the fills, the payments, the trade."""
    mine = Q(position=position) | Q(decision__position=position)
    wanted = list(Intent.objects.filter(mine).select_related("order").prefetch_related("order__moves"))
    fills = list(Fill.objects.filter(position=position).select_related("order__intent").order_by("-at")[:MOST])
    paid = list(FundingPayment.objects.filter(position=position).order_by("-at")[:MOST])
    return arrange(position, wanted, fills, paid)


def arrange(
    position: Position, wanted: Sequence[Intent], fills: Sequence[Fill], paid: Sequence[FundingPayment]
) -> list[Event]:
    filled = {fill.order_id for fill in fills}
    found = [
        *opened(position),
        *(event for one in wanted for event in of_intent(one, filled)),
        *(of_fill(fill) for fill in fills),
        *(Event(p.at, _("Funding"), f"{signed(p.amount, 4)} USDT") for p in paid),
        *closed(position),
    ]
    return sorted(found, key=lambda e: e.at, reverse=True)[:MOST]


def opened(position: Position) -> Iterator[Event]:
    if position.decision_id:
        decision = position.decision
        told = {"side": _(position.side), "p": price(Decimal(str(round(decision.signal.confidence, 3))))}  # type: ignore[union-attr]
        said = _("Signal: %(side)s, confidence %(p)s") % told
        yield Event(decision.at, said, "", "", f"/decisions/{position.decision_id}/")  # type: ignore[union-attr]
    if position.seconds_unprotected:
        also = _("%(s)s without a stop at the exchange in all") % {"s": age(position.seconds_unprotected)}
        yield Event(position.opened_at, _("Position opened"), also)
    else:
        yield Event(position.opened_at, _("Position opened"))


def of_intent(intent: Intent, filled: set[int | None]) -> Iterator[Event]:
    """That it was wanted, and each change of its order; a fill tells more than the move to filled."""
    kind = labels.kind(intent.kind)
    also = "; ".join(part for part in (sizes(intent), retold(intent.reason)) if part)
    yield Event(intent.created_at, _("%(kind)s wanted") % {"kind": kind}, also, id=intent.client_order_id)
    order: Order | None = getattr(intent, "order", None)
    for move in order.moves.all() if order else ():
        if move.became in FILLING and order and order.pk in filled:
            continue
        shape, word, _meaning = labels.STATUSES[move.became]
        refusal = labels.refusal(order.error_code, order.error) if order and move.became == "refused" else ""
        shown = "" if move.became in RESTING else shape
        yield Event(move.at, f"{kind} {word}", refusal or retold(move.why), shown)


def sizes(intent: Intent) -> str:
    """0.120 at market; 0.120, trigger 29,942.0, limit 29,900.0."""
    quantity = price(intent.quantity) if intent.quantity is not None else _("the whole position")
    prices = [_("trigger %(p)s") % {"p": price(intent.trigger)}] if intent.trigger is not None else []
    prices += [_("limit %(p)s") % {"p": price(intent.price)}] if intent.price is not None else []
    return ", ".join([quantity, *prices]) if prices else f"{quantity} {labels.TYPES.get(intent.type, intent.type)}"


def of_fill(fill: Fill) -> Event:
    kind = labels.kind(fill.order.intent.kind) if fill.order else _("Order from outside")
    told = {"quantity": price(fill.quantity), "price": price(fill.price), "fee": price(round(fill.fee, 4))}
    also = _("%(quantity)s at %(price)s, fee %(fee)s USDT") % told
    return Event(fill.at, _("%(kind)s filled") % {"kind": kind}, also, "ok", id=fill.trade_id)


def closed(position: Position) -> Iterator[Event]:
    if position.closed_at is None:
        return
    trade = getattr(position, "trade", None)
    why = labels.closed(position.close_reason)
    if trade is None:
        yield Event(position.closed_at, _("Position closed"), why)
        return
    way = 1 if trade.side == "long" else -1
    share = way * (trade.exit_price - trade.entry_price) / trade.entry_price
    also = f"{why}: {signed(trade.net)} USDT, {percent(share, sign=True)}, {signed(trade.r_multiple)} R"
    yield Event(position.closed_at, _("Position closed"), also)

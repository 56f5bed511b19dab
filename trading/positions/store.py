"""What happened to a position, written down: opened, filled, closed, paid. Only rows; nothing here asks the venue."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Sum

from trading import events
from trading.codes import Code
from trading.exchange.venue import Income, Side, VenueFill
from trading.gates import sentence
from trading.gates.desk import Rejection
from trading.models import Decision, Fill, FundingPayment, Intent, Order, Position, SwitchChange, Trade
from trading.orders import rows as order_rows
from trading.positions import pnl
from trading.positions.exits import bar_length

log = logging.getLogger(__name__)

BY_KIND = {Intent.STOP: "stop", Intent.BACKSTOP: "backstop", Intent.TARGET: "target"}
NOTED = ("mark_price", "mark_at", "unrealized", "liquidation_price")  # what a look shows and nothing rests on
LIQUIDATION = "liquidation"  # why a position was closed: the venue took it over
NEAR = Decimal("0.005")  # a fill nobody ordered, this near the liquidation price, was the liquidation


# -- decisions ------------------------------------------------------------------------------------------------


def settle(decision: Decision, outcome: str, now: datetime, no: Rejection | None = None, said: str = "") -> None:
    """End a pending decision: traded, or failed with a code. One that is settled already stays as it is."""
    changes: dict = {"outcome": outcome, "code": "", "sentence": said, "settled_at": now}
    if no is not None:
        changes |= {"code": no.code, "sentence": sentence.say(no)[:400], "rejections": [as_json(no)]}
    Decision.objects.filter(pk=decision.pk, outcome=Decision.PENDING).update(**changes)
    events.changed("decisions", "funnel", "verdict", "ribbon")


def show_unknown(decision: Decision, now: datetime, sent_at: datetime) -> None:
    """Still pending, and says why: what became of the order is not known."""
    no = Rejection(Code.TIMEOUT_UNKNOWN, value=max(0.0, (now - sent_at).total_seconds()))
    Decision.objects.filter(pk=decision.pk, outcome=Decision.PENDING).update(code=no.code, sentence=sentence.say(no))
    events.changed("decisions", "funnel", "verdict")


def as_json(no: Rejection) -> dict:
    return {
        "code": no.code.value,
        "value": no.value,
        "limit": no.limit,
        "setting": no.setting,
        "facts": dict(no.facts),
        "sentence": sentence.say(no),
    }


def decision_of(row: Intent | Position) -> Decision:
    """The decision behind an entry or a position; both always have one."""
    if row.decision is None:
        raise ValueError(f"{type(row).__name__.lower()} {row.pk} on {row.symbol} has no decision")
    return row.decision


# -- positions ------------------------------------------------------------------------------------------------


def open_position(order: Order, filled_at: datetime, began: datetime) -> Position:
    """The position that a filled entry made, and its decision settled; the existing one where somebody was faster.

    `began` is our first opportunity to protect it: what passed before was outage, what passes after is ours.
    """
    intent = order.intent
    decision = decision_of(intent)
    ticket = decision.ticket
    side = Side(ticket["side"])
    price = order.average_price or Decimal(ticket["price"])
    horizon = bar_length(decision.signal.cycle.timeframe) * int(ticket["horizon_bars"])
    said = f"{'Bought' if side is Side.LONG else 'Sold'} {order.filled.normalize():f} at {price.normalize():f}."
    try:
        with transaction.atomic():
            position = Position.objects.create(
                decision=decision,
                symbol=intent.symbol,
                side=side,
                opened_quantity=order.filled,
                quantity=order.filled,
                entry_price=price,
                leverage=int(ticket["leverage"]),
                margin_mode=ticket["margin_mode"],
                r=Decimal(ticket["r"]),
                best_price=price,
                opened_at=filled_at,
                expires_at=filled_at + horizon,
                unprotected_since=max(filled_at, began),
                seconds_outage=max(0.0, (began - filled_at).total_seconds()),
                mode=intent.mode,
            )
            settle(decision, Decision.TRADED, began, said=said)
            events.changed("positions", "account", "candles")
    except IntegrityError:  # somebody was faster, or the symbol is held already and this fill added to it
        settle(decision, Decision.TRADED, began, said=said)
        held = Position.objects.exclude(status=Position.CLOSED).filter(symbol=intent.symbol)
        return Position.objects.filter(decision=decision).first() or held.get()
    return position


def take_fills(position: Position, shown: Sequence[VenueFill]) -> int:
    """Store the venue's fills that belong to this position; how many were new.

    An ordinary order's fills carry its own venue id, a conditional one's the id of the order that it became. What no
    order of ours explains, and happened since the position was opened, was done to it from outside.
    """
    mine = orders_by_venue_id(position)
    others = orders_by_venue_id_elsewhere(position)
    fills = of_position(position, [f for f in shown if f.venue_order_id not in others], mine)
    known = set(
        Fill.objects.filter(symbol=position.symbol, trade_id__in=[f.trade_id for f in fills]).values_list(
            "trade_id", flat=True
        )
    )
    fresh = [fill_row(f, position, mine.get(f.venue_order_id)) for f in fills if f.trade_id not in known]
    Fill.objects.bulk_create(fresh, ignore_conflicts=True)
    for fill in Fill.objects.filter(position=position, order__isnull=True):
        if fill.venue_order_id in mine:
            Fill.objects.filter(pk=fill.pk).update(order=mine[fill.venue_order_id])
    return len(fresh)


def of_position(position: Position, shown: Sequence[VenueFill], mine: Mapping[str, int]) -> list[VenueFill]:
    """Our orders' fills, and those of nobody's from its opening on while something was held: later ones are others'."""
    side = Side(position.side)
    told = any(f.venue_order_id in mine and f.side == side.entry for f in shown)
    left, found = Decimal(0) if told else position.opened_quantity, []
    for fill in sorted(shown, key=lambda f: (f.at, f.trade_id.rjust(24, "0"))):
        if fill.venue_order_id in mine or (fill.at >= position.opened_at and left > 0):
            left += fill.quantity if fill.side == side.entry else -fill.quantity
            found.append(fill)
    return found


def orders_by_venue_id(position: Position) -> dict[str, int]:
    """Our orders of this position, its entry included, by the venue id that their fills carry."""
    entry = Order.objects.filter(intent__decision__position=position)
    ours = Order.objects.filter(intent__position=position)
    return venue_ids(entry) | venue_ids(ours)


def orders_by_venue_id_elsewhere(position: Position) -> dict[str, int]:
    """Our orders on this symbol that belong to earlier positions."""
    day = position.opened_at - timedelta(days=1)
    others = Order.objects.filter(intent__symbol=position.symbol, sent_at__gte=day)
    return venue_ids(others.exclude(intent__position=position).exclude(intent__decision__position=position))


def venue_ids(orders: Iterable[Order]) -> dict[str, int]:
    found = {}
    for pk, own, spawned, kind in orders.values_list("pk", "venue_order_id", "spawned_id", "intent__type"):  # type: ignore[attr-defined]
        conditional = kind not in ("MARKET", "LIMIT")
        if name := spawned if conditional else own:
            found[name] = pk
    return found


def fill_row(fill: VenueFill, position: Position, order_id: int | None) -> Fill:
    return Fill(
        order_id=order_id,
        position=position,
        trade_id=fill.trade_id,
        venue_order_id=fill.venue_order_id,
        symbol=fill.symbol,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        realized=fill.realized,
        maker=fill.maker,
        at=fill.at,
        mode=position.mode,
    )


def executions(position: Position) -> list[pnl.Execution]:
    rows = Fill.objects.filter(position=position).values_list("side", "price", "quantity", "fee")
    return [pnl.Execution(*row) for row in rows]


def recount(position: Position) -> pnl.Tally:
    """Quantity, entry price, fees and realised profit from the fills that we know."""
    side = Side(position.side)
    tally = pnl.tally(side, executions(position))
    entry = tally.entry_price or position.entry_price
    opened = max(tally.opened, position.opened_quantity)
    position.entry_price = entry
    position.opened_quantity = opened
    position.quantity = max(Decimal(0), opened - tally.closed)
    position.fees = tally.fees
    position.realized = pnl.realized(side, entry, tally.exit_price, tally.closed)
    position.save(update_fields=["entry_price", "opened_quantity", "quantity", "fees", "realized"])
    return tally


def confirm(positions: Sequence[Position], order_ids: Sequence[int], at: datetime) -> None:
    """The venue showed these just as the rows have them: two statements for all of them."""
    if not positions:
        return
    for position in positions:
        position.verified_at = at
    Position.objects.bulk_update(positions, ["verified_at", *NOTED])
    Order.objects.filter(pk__in=order_ids).update(verified_at=at, clean_reads=0)
    events.changed("positions")


# -- closing ------------------------------------------------------------------------------------------------


def close_reason(position: Position) -> str:
    """What closed it: the kind of the order that filled the most, trims apart, or what happened from outside."""
    side = Side(position.side)
    exits = Fill.objects.filter(position=position, side=side.exit).exclude(order__intent__kind=Intent.TRIM)
    top = exits.values("order__intent__kind").annotate(n=Sum("quantity")).order_by("-n").first()
    kind = top["order__intent__kind"] if top else None
    if kind == Intent.STOP and position.trailing:
        return "trailing"
    if kind in BY_KIND:
        return BY_KIND[kind]
    if kind == Intent.EXIT:
        return position.close_reason or "manual"
    last = exits.order_by("-at").first()
    if last and position.liquidation_price and at_liquidation(side, last.price, position.liquidation_price):
        return LIQUIDATION
    return "external"


def at_liquidation(side: Side, price: Decimal, liquidation: Decimal) -> bool:
    return side.sign * (price - liquidation) <= NEAR * liquidation


def book(position: Position, now: datetime) -> Trade:
    """Close the row and book its trade, once. Quantity that no fill explains is priced at the last mark."""
    side = Side(position.side)
    tally = recount(position)
    fills = executions(position)
    if position.quantity > 0:
        fills.append(pnl.Execution(side.exit, position.mark_price or position.entry_price, position.quantity))
        tally = pnl.tally(side, fills)
    exit_price = tally.exit_price or position.entry_price
    gross = pnl.realized(side, position.entry_price, exit_price, position.opened_quantity)
    funding = funding_of(position)
    done = pnl.result(gross, tally.fees, funding, position.r, position.opened_quantity)
    last = Fill.objects.filter(position=position, side=side.exit).order_by("-at").values_list("at", flat=True).first()
    reason, closed_at = close_reason(position), max(last or now, position.opened_at)
    with transaction.atomic():
        closed = Position.objects.exclude(status=Position.CLOSED).filter(pk=position.pk)
        if closed.update(
            status=Position.CLOSED,
            quantity=0,
            realized=done.gross,
            unrealized=0,
            funding=funding,
            closed_at=closed_at,
            close_reason=reason,
        ):
            Trade.objects.create(
                position=position,
                symbol=position.symbol,
                side=position.side,
                quantity=position.opened_quantity,
                entry_price=position.entry_price,
                exit_price=exit_price,
                gross=done.gross,
                fees=done.fees,
                funding=done.funding,
                net=done.net,
                r_multiple=done.r_multiple,
                opened_at=position.opened_at,
                closed_at=closed_at,
                close_reason=reason,
                mode=position.mode,
            )
            events.changed("positions", "trades", "account", "equity", "orders")
    position.refresh_from_db()
    return position.trade


def unexplained(position: Position) -> Decimal:
    """How much of what was opened no fill and no order of ours says was closed."""
    side = Side(position.side)
    fills = Fill.objects.filter(position=position, side=side.exit).values_list("quantity", flat=True)
    orders = Order.objects.filter(intent__position=position).values_list("filled", flat=True)
    closed = max(sum(fills, Decimal(0)), sum(orders, Decimal(0)))
    return max(Decimal(0), position.opened_quantity - closed)


def reopen(position: Position) -> bool:
    """A closed position that the venue holds all the same: open again, and the trade that it never was is gone."""
    with transaction.atomic():
        closed = Position.objects.filter(pk=position.pk, status=Position.CLOSED)
        if not closed.update(status=Position.OPEN, closed_at=None, close_reason="", flat_seen_at=None):
            return False
        Trade.objects.filter(position=position).delete()
        position.refresh_from_db()
        recount(position)
        events.changed("positions", "trades", "account", "equity", "orders")
    log.error("%s: booked as closed, and the venue still holds it: taken back", position.symbol)
    return True


# -- funding ------------------------------------------------------------------------------------------------


def funding_of(position: Position) -> Decimal:
    """Exact: SQLite would add in floating point."""
    return sum(FundingPayment.objects.filter(position=position).values_list("amount", flat=True), Decimal(0))


def take_funding(shown: Sequence[Income], mode: str) -> int:
    """Book funding payments once, each to the position that was open then; how many were new."""
    known = set(
        FundingPayment.objects.filter(income_id__in=[i.income_id for i in shown]).values_list("income_id", flat=True)
    )
    fresh = [i for i in shown if i.income_id not in known]
    if not fresh:
        return 0
    held = list(Position.objects.filter(symbol__in={i.symbol for i in fresh}).order_by("-opened_at"))
    rows = [
        FundingPayment(
            income_id=i.income_id, position=holder(i, held), symbol=i.symbol, amount=i.amount, at=i.at, mode=mode
        )
        for i in fresh
    ]
    with transaction.atomic():
        FundingPayment.objects.bulk_create(rows, ignore_conflicts=True)
        for position in {row.position for row in rows if row.position}:
            add_funding(position)
        events.changed("positions", "account", "trades")
    return len(rows)


def holder(income: Income, held: Sequence[Position]) -> Position | None:
    return next(
        (
            p
            for p in held
            if p.symbol == income.symbol
            and p.opened_at <= income.at
            and (p.closed_at is None or income.at <= p.closed_at)
        ),
        None,
    )


def add_funding(position: Position) -> None:
    """The position's funding anew, and its trade's where it is booked already: funding may be told late."""
    total = funding_of(position)
    Position.objects.filter(pk=position.pk).update(funding=total)
    trade = Trade.objects.filter(position=position).first()
    if trade is not None:
        done = pnl.result(trade.gross, trade.fees, total, position.r, trade.quantity)
        Trade.objects.filter(pk=trade.pk).update(funding=total, net=done.net, r_multiple=done.r_multiple)


# -- the switch ------------------------------------------------------------------------------------------------


def halt_entries(reason: str, now: datetime) -> None:
    """Nothing new while something can't be closed. A halt that is on already stays as it is."""
    if order_rows.switch_state() != SwitchChange.HALTED:
        SwitchChange.objects.create(state=SwitchChange.HALTED, at=now, by="system", reason=reason[:500])
        events.changed("ribbon", "verdict")

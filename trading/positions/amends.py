"""What was told late, put right in the books: funding, the fee of a liquidation, fills that came after the close.

Nothing is guessed: each correction rests on a line of the venue's, and made again it changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from trading import events
from trading.exchange.errors import VenueError
from trading.exchange.venue import Gateway, Income, Side, VenueFill
from trading.models import Fill, FundingPayment, IncomeEntry, Position, Trade
from trading.positions import books, pnl, store

log = logging.getLogger(__name__)

BACK = timedelta(days=3)  # how long after a close its missing fills are asked for
AFTER = timedelta(seconds=10)  # a fill may be this much later than the close that we booked without it
BEFORE = timedelta(minutes=1)
ZERO = Decimal(0)
SAME = Decimal("1e-7")  # beyond this a database of the embedded kind rounds


def late_funding(since: datetime, mode: str) -> int:
    """Book payments that the account's watcher has not seen; how many."""
    told = IncomeEntry.objects.filter(kind=books.FUNDING, at__gte=since)
    known = set(FundingPayment.objects.filter(at__gte=since).values_list("income_id", flat=True))
    prefix = f"{books.FUNDING}-"
    late = [
        Income(row.income_id.removeprefix(prefix), row.symbol, row.kind, row.amount, row.at)
        for row in told
        if row.income_id.removeprefix(prefix) not in known
    ]
    return store.take_funding(late, mode) if late else 0


def late_fills(gateway: Gateway, now: datetime) -> int:
    """Closed positions whose fills don't add up to what was opened: ask for the rest, and book the trade anew."""
    closed = Position.objects.filter(status=Position.CLOSED, closed_at__gte=now - BACK).order_by("id")
    done = 0
    for position, missing in short(list(closed)):
        try:
            shown = gateway.fills(position.symbol, position.opened_at - BEFORE)
        except VenueError as error:
            log.warning("%s: its last fills are not known yet: %s", position.symbol, error)
            continue
        done += take(position, missing, shown)
    return done


def short(positions: Sequence[Position]) -> list[tuple[Position, Decimal]]:
    """Positions with how much of their quantity no closing fill explains; one query."""
    exits = {p.pk: Side(p.side).exit for p in positions}
    closed: dict[int | None, Decimal] = {}
    rows = Fill.objects.filter(position__in=list(exits)).values_list("position_id", "side", "quantity")
    for pk, side, quantity in rows:
        if exits.get(pk or 0) == side:
            closed[pk] = closed.get(pk, ZERO) + quantity
    return [(p, left) for p in positions if (left := p.opened_quantity - closed.get(p.pk, ZERO)) > 0]


def take(position: Position, missing: Decimal, shown: Sequence[VenueFill]) -> int:
    """Store fills that can be this position's close, oldest first and no more than are missing."""
    side, mine = Side(position.side), store.orders_by_venue_id(position)
    known = set(Fill.objects.filter(symbol=position.symbol).values_list("trade_id", flat=True))
    others = store.orders_by_venue_id_elsewhere(position)
    until = (position.closed_at or position.opened_at) + AFTER
    taken = 0
    for fill in sorted(shown, key=lambda f: f.at):
        fits = fill.side == side.exit and fill.quantity <= missing and position.opened_at <= fill.at <= until
        ours = fill.venue_order_id in mine
        if fill.trade_id in known or not fits or not (ours or fill.venue_order_id not in others):
            continue
        row = store.fill_row(fill, position, mine.get(fill.venue_order_id))
        Fill.objects.bulk_create([row], ignore_conflicts=True)
        missing, taken = missing - fill.quantity, taken + 1
    if taken:
        rebook(position)
    return taken


def charges(since: datetime, now: datetime) -> int:
    """Book what a liquidation cost beyond its fills, to the trade that it ended; how many trades changed.

    Entries are halted by the first that is heard of it.
    """
    rows = list(IncomeEntry.objects.filter(kind=books.CLEARANCE, at__gte=since).order_by("at"))
    holders = {position.pk: position for row in rows if (position := holder(row)) is not None}
    changed = 0
    for position in holders.values():
        with transaction.atomic():
            if rebook(position):
                store.halt_entries(f"{position.symbol} was liquidated", now)
                changed += 1
    return changed


def holder(entry: IncomeEntry) -> Position | None:
    """The closed position that a liquidation's fee belongs to."""
    inside = Q(opened_at__lte=entry.at) & Q(closed_at__gte=entry.at - AFTER)
    found = Position.objects.filter(inside, status=Position.CLOSED, symbol=entry.symbol)
    return found.order_by("opened_at").first()


def charged(position: Position) -> Decimal:
    """The fees of a liquidation, as a cost."""
    rows = IncomeEntry.objects.filter(
        kind=books.CLEARANCE, symbol=position.symbol, at__gte=position.opened_at, asset__in=books.OURS
    )
    ends = rows.filter(at__lte=(position.closed_at or position.opened_at) + AFTER)
    return -sum(ends.values_list("amount", flat=True), ZERO)


def rebook(position: Position) -> int:
    """The trade's result anew, from its fills, payments and the venue's charges. 1 where something changed."""
    trade = Trade.objects.filter(position=position).first()
    if trade is None:
        return 0
    side, fills = Side(position.side), store.executions(position)
    tally = pnl.tally(side, fills)
    if tally.closed < position.opened_quantity:  # the rest is still unknown: it stays priced at the last mark
        gone = position.opened_quantity - tally.closed
        fills.append(pnl.Execution(side.exit, position.mark_price or position.entry_price, gone))
        tally = pnl.tally(side, fills)
    cost, funding = charged(position), store.funding_of(position)
    gross = pnl.realized(side, tally.entry_price or position.entry_price, tally.exit_price, tally.closed)
    done = pnl.result(gross, tally.fees + cost, funding, position.r, position.opened_quantity)
    reason = store.LIQUIDATION if cost else position.close_reason
    exit_price = tally.exit_price or trade.exit_price
    moved = (done.gross - trade.gross, done.fees - trade.fees, done.funding - trade.funding)
    if all(abs(by) < SAME for by in moved) and trade.close_reason == reason:
        return 0
    with transaction.atomic():
        Trade.objects.filter(pk=trade.pk).update(
            exit_price=exit_price,
            gross=done.gross,
            fees=done.fees,
            funding=done.funding,
            net=done.net,
            r_multiple=done.r_multiple,
            close_reason=reason,
        )
        Position.objects.filter(pk=position.pk).update(
            realized=done.gross, fees=done.fees, funding=done.funding, close_reason=reason
        )
        events.changed("trades", "account", "positions")
    log.info("%s: its trade was booked anew: net %s USDT", position.symbol, done.net)
    return 1

"""Our books against the venue's: its income history stored, each day compared, what is there looked at.

1. Read the income history from a little before the last reading on; at a day's end, the whole day once more.
2. Put right what was told late.
3. Compare every day that was read, or that did not agree; a day is OK only when it is over and was read wholly.
4. Read positions and both order books, and set them beside our journal.
A reading that fails changes nothing; the next one begins where the last good one ended, however long ago.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import Min, Q

from trading import events
from trading.exchange.venue import Booking, Gateway, Side
from trading.models import (
    DailyMoney,
    Fill,
    FundingPayment,
    IncomeEntry,
    Installation,
    Intent,
    Order,
    Position,
    Trade,
)
from trading.orders.sender import Clock
from trading.positions import amends, books, sightings
from trading.positions.books import Day, Line, Note
from trading.runtime import Report

OVERLAP = timedelta(hours=1)  # read once more each time: the venue lists some lines late
SETTLE = timedelta(minutes=10)  # after a day's end it is read as a whole, and then counts as told
LAG = timedelta(minutes=2)  # of the running day, what is younger is not compared yet: one side may be behind
TOLD = timedelta(days=89)  # the venue tells no more than three months
AGAIN = timedelta(days=30)  # days that did not agree are compared anew for so long
SLACK = timedelta(seconds=1)
MOST_SYMBOLS = 20  # whose unknown trades are asked for in one round
MOST_TRADES = 1000  # of others, whose ids a note keeps
ZERO = Decimal(0)
Spans = dict[str, list[tuple[datetime, datetime | None, datetime | None]]]  # opened, closed, last seen by the keeper
NOTHING_YET = "nothing was traded here yet"


def reconcile(gateway: Gateway, clock: Clock, mode: str) -> Report:
    """One round; how many lines and things were looked at, and how many lines were new."""
    start = began()
    if start is None:
        return Report.idle(NOTHING_YET)
    now = clock()
    since = where_from(start, now)
    told = [one for one in gateway.journal(since) if one.at >= start]
    fresh = store_entries(told, now, mode)
    put_right = amends.late_funding(since, mode) + amends.late_fills(gateway, now) + amends.charges(since, now)
    days = [compare(day, start, since, now, mode, gateway) for day in due(since, now)]
    look = sightings.look(gateway, clock, mode)
    events.changed("reconciliation")
    return Report(examined=len(told) + len(days) + len(look.positions) + len(look.orders), actions=fresh + put_right)


# -- what to read ----------------------------------------------------------------------------------------------------


def began() -> datetime | None:
    """Since when these books are kept; None before anything is in them."""
    known = [
        Installation.objects.aggregate(n=Min("created_at"))["n"],
        Position.objects.aggregate(n=Min("opened_at"))["n"],
        IncomeEntry.objects.aggregate(n=Min("at"))["n"],
    ]
    return min((at for at in known if at is not None), default=None)


def where_from(start: datetime, now: datetime) -> datetime:
    """The moment from which the history is read: a little before the last reading, or a day that must be settled."""
    newest = DailyMoney.objects.order_by("-day").first()
    if newest is None:
        return max(start, now - TOLD)
    since = newest.read_until - OVERLAP
    over = DailyMoney.objects.filter(settled=False, day__gt=(now - TOLD).date()).order_by("day").first()
    if over is not None and now >= books.bounds(over.day)[1] + SETTLE:
        since = min(since, books.bounds(over.day)[0])
    return max(since, start, now - TOLD)


def store_entries(told: Sequence[Booking], now: datetime, mode: str) -> int:
    """The lines that are not stored yet; how many those were."""
    ids = [one.income_id for one in told]
    known: set[str] = set()
    for i in range(0, len(ids), 500):
        known |= set(IncomeEntry.objects.filter(income_id__in=ids[i : i + 500]).values_list("income_id", flat=True))
    fresh = [IncomeEntry(**asdict(one), read_at=now, mode=mode) for one in told if one.income_id not in known]
    IncomeEntry.objects.bulk_create(fresh, batch_size=500, ignore_conflicts=True)
    return len(fresh)


def due(since: datetime, now: datetime) -> list[date]:
    """Every day that was read just now, and those that did not agree."""
    first, last = since.astimezone(UTC).date(), now.astimezone(UTC).date()
    days = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    wrong = DailyMoney.objects.exclude(state=DailyMoney.OK).filter(day__gte=(now - AGAIN).date())
    return sorted(days | set(wrong.values_list("day", flat=True)))


# -- one day ---------------------------------------------------------------------------------------------------------


def compare(day: date, began: datetime, since: datetime, now: datetime, mode: str, gateway: Gateway) -> DailyMoney:
    """The day's row, made or made anew."""
    start, end = books.bounds(day)
    start = max(start, began)
    before = DailyMoney.objects.filter(day=day).first()
    whole = now >= end + SETTLE and since <= start
    settled = whole or bool(before and before.settled)
    until = end if now >= end + LAG else max(start, now - LAG)
    notes: list[dict] = before.notes if before else []
    spans = holdings(start, until)
    facts = with_strangers(gather(start, until, known_strangers(notes), spans), spans, gateway)
    lines, found = books.reckon(facts)
    results = [line for line in lines if line.kind in books.COMPARED]
    fields = {
        "state": books.verdict(lines, settled and not facts.pending),
        "ours": sum((line.ours for line in results), ZERO),
        "theirs": sum((line.theirs for line in results), ZERO),
        "explained": sum((line.explained for line in results), ZERO),
        "difference": sum((line.difference for line in results), ZERO),
        "worst": books.worst(lines),
        "lines": [as_json(line) for line in lines],
        "notes": [note_json(note) for note in found],
        "since": start,
        "compared_until": until,
        "read_until": min(end, now) if before is None else max(before.read_until, min(end, now)),
        "settled": settled,
        "checked_at": now,
        "mode": mode,
    }
    row, _ = DailyMoney.objects.update_or_create(day=day, defaults=fields)
    return row


def gather(start: datetime, until: datetime, strangers: frozenset[books.Trade], spans: Spans) -> Day:
    """Both sides of the time from `start` until `until`; seven queries."""
    inside = {"at__gte": start, "at__lt": until}
    touched = Fill.objects.filter(**inside, position__isnull=False).values_list("position_id", flat=True)
    closed = list(Trade.objects.filter(closed_at__gte=start, closed_at__lt=until))
    ids = {*touched, *(trade.position_id for trade in closed)}
    fills = Fill.objects.filter(position__in=ids, at__lt=until).order_by("at")
    columns = ("position_id", "side", "symbol", "trade_id", "price", "quantity", "fee", "at")
    paid = FundingPayment.objects.filter(position__in=[trade.position_id for trade in closed])
    entries = IncomeEntry.objects.filter(**inside).order_by("at")
    told = entries.values_list("kind", "symbol", "asset", "amount", "trade_id", "at")
    return Day(
        start=start,
        until=until,
        fills=[books.Traded(*row) for row in fills.values_list(*columns)],
        sides={pk: Side(side) for pk, side in Position.objects.filter(pk__in=ids).values_list("pk", "side")},
        payments=list(FundingPayment.objects.filter(**inside).values_list("symbol", "amount")),
        trades=[books.Booked(t.position_id, t.symbol, t.gross, t.fees, t.funding) for t in closed],
        paid_in=books.sums(paid.values_list("position_id", "amount")),
        told=[
            books.Told(*row, external=row[0] == books.CLEARANCE and not held(spans, row[1], row[5], SLACK))
            for row in told
        ],
        strangers=strangers,
    )


def holdings(start: datetime, until: datetime) -> Spans:
    """When we held something on each symbol; one query."""
    ended = Q(closed_at__isnull=True) | Q(closed_at__gte=start - amends.AFTER)
    columns = ("symbol", "opened_at", "closed_at", "verified_at")
    found: Spans = defaultdict(list)
    for symbol, *span in Position.objects.filter(ended, opened_at__lte=until).values_list(*columns):
        found[symbol].append((span[0], span[1], span[2]))
    return found


def held(spans: Spans, symbol: str, at: datetime, after: timedelta = timedelta(0)) -> bool:
    """A position of ours was open then. It is closed by its last fill, or later where that was not known."""
    mine = spans.get(symbol, ())
    return any(opened <= at + SLACK and (closed is None or closed + after > at) for opened, closed, _ in mine)


def unseen(spans: Spans, symbol: str, at: datetime) -> bool:
    """Our journal has an open position there that nobody has looked at since: its keeper will book this."""
    mine = spans.get(symbol, ())
    return any(closed is None and opened <= at and (seen is None or seen < at) for opened, closed, seen in mine)


# -- trades that are in no book of ours --------------------------------------------------------------------------------


def known_strangers(notes: Sequence[Mapping]) -> frozenset[books.Trade]:
    """Trades that an earlier round has found to be others'."""
    external = (note for note in notes if note["code"] == "external")
    return frozenset((note["symbol"], trade) for note in external for trade in note["trades"])


def with_strangers(day: Day, spans: Spans, gateway: Gateway) -> Day:
    """Ask the venue whose the unknown trades are. One of ours that is in no book stays a difference."""
    wanted = books.unknown_trades(day)
    symbols = sorted({symbol for symbol, _ in wanted})[:MOST_SYMBOLS]
    if not symbols:
        return day
    ours = venue_ids(symbols, day.start)
    shown = {(symbol, f.trade_id): f for symbol in symbols for f in gateway.fills(symbol, day.start)}
    asked = {trade: shown[trade] for trade in wanted & shown.keys()}
    strange = {t for t, f in asked.items() if f.venue_order_id not in ours and not held(spans, t[0], f.at)}
    pending = {t for t, f in asked.items() if t not in strange and unseen(spans, t[0], f.at)}
    return replace(day, strangers=day.strangers | strange, pending=frozenset(pending))


def venue_ids(symbols: Sequence[str], since: datetime) -> set[str]:
    """What the venue calls our orders; a probe belongs to no trade of ours."""
    orders = Order.objects.filter(intent__symbol__in=symbols, updated_at__gte=since - books.DAY)
    mine = orders.exclude(intent__kind=Intent.PROBE).values_list("venue_order_id", "spawned_id")
    return {name for pair in mine for name in pair if name}


def as_json(line: Line) -> dict[str, str]:
    amounts = ("ours", "theirs", "explained", "difference")
    return {"kind": line.kind, "symbol": line.symbol} | {name: books.plain(getattr(line, name)) for name in amounts}


def note_json(note: Note) -> dict:
    return asdict(note) | {"amount": books.plain(note.amount), "trades": list(note.trades)[:MOST_TRADES]}

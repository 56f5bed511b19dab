"""Our books against the venue's: what each fill realised, one line a kind and symbol, and a day's verdict. Pure.

Amounts are USDT; what is paid is negative on both sides. `explained` is the part of the venue's that is known not to be
ours: other people's trades on this account, and money that was moved and not earned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from trading.exchange.venue import Side

ZERO, CENT = Decimal(0), Decimal("0.01")
REALIZED, COMMISSION, FUNDING, CLEARANCE = "REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR"
COMPARED = (REALIZED, COMMISSION, FUNDING, CLEARANCE)
CLOSING = (REALIZED, CLEARANCE)  # what only a close leaves behind
TRADES = "TRADES"  # our trades' results against their own fills and payments
OURS = ("USDT", "USDC", "")  # what counts as a dollar
DAY = timedelta(days=1)
OK, FAIL, UNKNOWN = "ok", "fail", "unknown"

Key = tuple[str, str]  # kind, symbol
Trade = tuple[str, str]  # symbol, the venue's trade id


@dataclass(frozen=True, slots=True)
class Traded:
    """One fill as our books have it, of one position."""

    position: int
    side: str  # buy, sell
    symbol: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    at: datetime

    @property
    def key(self) -> Trade:
        return self.symbol, self.trade_id


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the venue's income history."""

    kind: str
    symbol: str
    asset: str
    amount: Decimal
    trade_id: str
    at: datetime
    external: bool = False  # it belongs to no position of ours

    @property
    def key(self) -> Trade:
        return self.symbol, self.trade_id


@dataclass(frozen=True, slots=True)
class Booked:
    """A trade's result as it was booked."""

    position: int
    symbol: str
    gross: Decimal
    fees: Decimal
    funding: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of money on one symbol."""

    kind: str
    symbol: str
    ours: Decimal
    theirs: Decimal
    explained: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """What nothing explains; positive where the venue shows more than we do."""
        return self.theirs - self.explained - self.ours


@dataclass(frozen=True, slots=True)
class Note:
    """Why some of the venue's money is not in our books: `external`, `pending`, `moved`, `other_asset`."""

    code: str
    kind: str
    symbol: str
    asset: str
    amount: Decimal
    trades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """Everything that both sides have of one UTC day, or of the part of it that is compared.

    `fills` hold all earlier fills of their positions too; those from `start` on are the day's. `strangers` are trades
    that are known to be nobody's of ours.
    """

    start: datetime
    until: datetime
    fills: Sequence[Traded]
    sides: Mapping[int, Side]
    payments: Sequence[tuple[str, Decimal]]  # symbol, amount
    trades: Sequence[Booked]
    paid_in: Mapping[int, Decimal]  # funding of the trades' positions, as it was paid
    told: Sequence[Told]
    strangers: frozenset[Trade] = frozenset()
    pending: frozenset[Trade] = frozenset()  # of positions that nobody has looked at since: not in our books yet


def bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def realised(side: Side, fills: Iterable[Traded]) -> dict[Trade, Decimal]:
    """What each fill of a position realised, by the average price of what was held then; oldest first."""
    held, cost, found = ZERO, ZERO, {}
    for fill in sorted(fills, key=lambda f: (f.at, f.trade_id.rjust(24, "0"))):
        if fill.side == side.entry:
            held, cost = held + fill.quantity, cost + fill.price * fill.quantity
            continue
        closing = min(fill.quantity, held)
        basis = cost * closing / held if held else ZERO
        found[fill.key] = side.sign * (fill.price * closing - basis)
        held, cost = held - closing, cost - basis
    return found


def earned(day: Day) -> dict[int, dict[Trade, Decimal]]:
    """What each position's fills realised."""
    by_position: dict[int, list[Traded]] = defaultdict(list)
    for fill in day.fills:
        by_position[fill.position].append(fill)
    return {pk: realised(day.sides[pk], fills) for pk, fills in by_position.items()}


def unknown_trades(day: Day) -> set[Trade]:
    """Trades that the venue tells of, that are in no book of ours and not known to be others'."""
    mine = {fill.key for fill in day.fills} | day.strangers
    return {one.key for one in day.told if one.kind in (REALIZED, COMMISSION) and one.trade_id} - mine


def reckon(day: Day) -> tuple[list[Line], list[Note]]:
    """The day's lines, those with a difference first; and what explains the rest."""
    ours, theirs, explained = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)  # type: ignore[var-annotated]
    told, notes, left_out = sort_out(day)
    profits = earned(day)
    for fill in day.fills:
        if not day.start <= fill.at < day.until or fill.key in left_out:
            continue
        ours[COMMISSION, fill.symbol] -= fill.fee
        if fill.key in (known := profits[fill.position]):
            ours[REALIZED, fill.symbol] += known[fill.key]
    for symbol, amount in day.payments:
        ours[FUNDING, symbol] += amount
    fees = sums((fill.position, fill.fee) for fill in day.fills)
    for trade in day.trades:
        by_fills = sum(profits.get(trade.position, {}).values(), ZERO)
        paid, charged = day.paid_in.get(trade.position, ZERO), trade.fees - fees.get(trade.position, ZERO)
        ours[CLEARANCE, trade.symbol] -= charged
        ours[TRADES, trade.symbol] += trade.gross + trade.funding
        theirs[TRADES, trade.symbol] += by_fills + paid
    for one in told:
        theirs[one.kind, one.symbol] += one.amount
        if foreign(one, day) or one.key in day.pending or one.kind not in COMPARED:
            explained[one.kind, one.symbol] += one.amount
    keys = [key for key in {*ours, *theirs} if ours[key] or theirs[key]]
    lines = [Line(*key, ours[key], theirs[key], explained[key]) for key in keys]
    order = (*COMPARED, TRADES)
    rank = {kind: n for n, kind in enumerate(order)}
    lines.sort(key=lambda one: (abs(one.difference) < CENT, rank.get(one.kind, 9), one.kind, one.symbol))
    return lines, notes


def sort_out(day: Day) -> tuple[list[Told], list[Note], set[Trade]]:
    """The venue's lines that can be compared in dollars, notes about the others, and our trades that go with those."""
    told = [one for one in day.told if one.asset in OURS]
    notes, strange = grouped("other_asset", [one for one in day.told if one.asset not in OURS]), set()
    for one in day.told:
        if one.asset not in OURS and one.trade_id:
            strange.add(one.key)
    notes += grouped("external", [one for one in told if one.kind in COMPARED and foreign(one, day)])
    notes += grouped("pending", [one for one in told if one.kind in COMPARED and one.key in day.pending])
    notes += grouped("moved", [one for one in told if one.kind not in COMPARED])
    return told, notes, strange


def foreign(one: Told, day: Day) -> bool:
    return one.external or bool(one.trade_id) and one.key in day.strangers


def grouped(code: str, told: Sequence[Told]) -> list[Note]:
    amounts: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    trades: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in told:
        key = one.kind, one.symbol, one.asset
        amounts[key] += one.amount
        trades[key] |= {one.trade_id} - {""}
    return [Note(code, *key, amount, tuple(sorted(trades[key]))) for key, amount in sorted(amounts.items())]


def sums(pairs: Iterable[tuple[int, Decimal]]) -> dict[int, Decimal]:
    found: dict[int, Decimal] = defaultdict(Decimal)
    for key, amount in pairs:
        found[key] += amount
    return dict(found)


def worst(lines: Iterable[Line]) -> Decimal:
    return max((abs(line.difference) for line in lines), default=ZERO)


def verdict(lines: Iterable[Line], settled: bool) -> str:
    """To the cent. A day that is not over, or not wholly told, is unknown as long as nothing is wrong with it."""
    if worst(lines) >= CENT:
        return FAIL
    return OK if settled else UNKNOWN


def plain(value: Decimal) -> str:
    """A number without an exponent and without the zeros that a column pads it with."""
    return f"{value.normalize():f}" if value else "0"


# -- what is there now -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """One position or order, as our journal has it and as the venue shows it; "" where a side has none."""

    symbol: str
    what: str  # long, short; or the order's client id
    ours: str
    theirs: str
    kind: str = ""  # of an order
    external: bool = False  # nothing of ours explains it

    @property
    def state(self) -> str:
        if self.external:
            return "external"
        return "agrees" if self.ours == self.theirs else "missing" if not self.theirs else "differs"


def paired(
    ours: Mapping[Key, str], theirs: Mapping[Key, str], kinds: Mapping[Key, str], external: Iterable[Key] = ()
) -> list[Pair]:
    """Both sides of every position or order; what does not agree first."""
    strange = frozenset(external)
    found = [
        Pair(*key, ours.get(key, ""), theirs.get(key, ""), kinds.get(key, ""), key in strange)
        for key in {*ours, *theirs}
    ]
    return sorted(found, key=lambda one: (one.state == "agrees", one.symbol, one.kind, one.what))

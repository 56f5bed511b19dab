"""What must hold whatever the venue does: one pure function over two accounts of the same facts, the venue's and ours.

1. Every order at the venue with an id of ours is in the journal, and every live order of the journal is at the venue.
2. No id was filled for more than its order wanted: nothing was sent twice.
3. What the venue holds is what our open positions say, unless an order's outcome is still unknown.
4. No open position was without a stop for longer than `BARE` at a stretch.
5. signals = traded + rejected + failed + pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from trading.exchange.venue import OrderStatus, Side
from trading.exchange.wire import symbol_of
from trading.models import Decision, Order, Position, Signal
from trading.orders.lifecycle import LIVE
from trading.practice.exchange import Exchange

BARE = 5.0  # seconds
OURS = "qt-"
ASKED = (OrderStatus.SENDING, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Journal:
    """One order of ours: its status, what it wanted (None: all of the position) and what we think was filled."""

    status: str
    wanted: Decimal | None
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """Both sides at one moment. Orders by client id; positions signed, by symbol; `bare`: seconds without a stop."""

    venue_open: frozenset[str] = frozenset()
    venue_filled: Mapping[str, Decimal] = field(default_factory=dict)
    journal: Mapping[str, Journal] = field(default_factory=dict)
    venue_held: Mapping[str, Decimal] = field(default_factory=dict)
    ours_held: Mapping[str, Decimal] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()  # symbols where somebody else has traded
    bare: Mapping[str, float] = field(default_factory=dict)
    signals: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)


def wrongs(facts: Facts) -> list[str]:
    """What does not hold, one sentence each; empty where all does."""
    return [*_orders(facts), *_twice(facts), *_held(facts), *_bare(facts), *_law(facts)]


def _orders(facts: Facts) -> list[str]:
    unknown = {name for name, row in facts.journal.items() if row.status in ASKED}
    live = {name for name, row in facts.journal.items() if row.status in LIVE}
    mine = {name for name in facts.venue_open | set(facts.venue_filled) if name.startswith(OURS)}
    found = [f"{name} is at the venue and not in the journal" for name in sorted(mine - set(facts.journal))]
    found += [f"{name} is open at the venue and over here" for name in sorted(mine & facts.venue_open - live)]
    found += [f"{name} is live here and gone there" for name in sorted(live - unknown - facts.venue_open)]
    for name, row in sorted(facts.journal.items()):
        if name not in unknown and row.filled != facts.venue_filled.get(name, Decimal(0)):
            found.append(f"{name}: {row.filled} filled here, {facts.venue_filled.get(name, 0)} there")
    return found


def _twice(facts: Facts) -> list[str]:
    rows = (
        (name, facts.journal[name].wanted, done) for name, done in facts.venue_filled.items() if name in facts.journal
    )
    return [f"{name}: {done} filled, {most} wanted" for name, most, done in rows if most is not None and done > most]


def _held(facts: Facts) -> list[str]:
    if any(row.status in ASKED for row in facts.journal.values()):
        return []
    symbols = (set(facts.venue_held) | set(facts.ours_held)) - facts.strangers
    there, here = facts.venue_held, facts.ours_held
    return [
        f"{s}: {there.get(s, 0)} held at the venue, {here.get(s, 0)} here"
        for s in sorted(symbols)
        if there.get(s, Decimal(0)) != here.get(s, Decimal(0))
    ]


def _bare(facts: Facts) -> list[str]:
    return [f"{s} was without a stop for {n:.1f} s" for s, n in sorted(facts.bare.items()) if n > BARE]


def _law(facts: Facts) -> list[str]:
    told = sum(facts.outcomes.values())
    return [] if told == facts.signals else [f"{facts.signals} signals, {told} outcomes: {dict(facts.outcomes)}"]


# -- where the facts come from ----------------------------------------------------------------------------------------


def gather(exchange: Exchange, now: datetime, strangers: frozenset[str] = frozenset()) -> Facts:
    """The exchange's own books, and our rows."""
    engine, fills = exchange.engine, Counter[str]()
    for fill in exchange.ledger.fills(limit=10_000):
        fills[fill.client_id] += fill.quantity  # type: ignore[assignment]
    rows = Order.objects.select_related("intent")
    held = Position.objects.exclude(status=Position.CLOSED)
    return Facts(
        venue_open=frozenset(o.client_id for o in [*engine.open_orders(), *engine.open_algos()]),
        venue_filled={name: Decimal(done) for name, done in fills.items()},
        journal={o.intent.client_order_id: Journal(o.status, o.intent.quantity, o.filled) for o in rows},
        venue_held={str(symbol_of(p.symbol)): p.amount for p in engine.account.held()},
        ours_held={p.symbol: Side(p.side).sign * p.quantity for p in held},
        strangers=strangers,
        bare={p.symbol: _without(p, now) for p in Position.objects.all()},
        signals=Signal.objects.count(),
        outcomes=Counter(Decision.objects.values_list("outcome", flat=True)),
    )


def _without(position: Position, now: datetime) -> float:
    """Seconds without a stop by our own count, the present ones included; what was an outage is told apart there."""
    since = position.unprotected_since if position.status != Position.CLOSED else None
    return position.seconds_unprotected + ((now - since).total_seconds() if since else 0.0)

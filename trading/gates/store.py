"""This stage's rows about the portfolio: what is held, what the balancer saw and proposed, which directives stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from trading import events
from trading.exchange.venue import Side
from trading.feed import rows as feed_rows
from trading.gates import balance, correlation, rows
from trading.gates.balance import Balance, Book, Figures, Trim
from trading.gates.desk import Desk, Holding
from trading.gates.directives import Level, holds_entries, strictest
from trading.models import AccountSnapshot, BalanceLook, Decision, Directive, Position, TrimProposal, TrimRequest
from trading.runtime import Report

KEEP = 2000  # looks
FINEST = Decimal("1e-12")  # as fine as a quantity is stored
NOTHING_OPEN = "no open positions"
SHOWN_PAIRS = 20


# -- what is held -----------------------------------------------------------------------------------------------------


def holdings() -> tuple[Holding, ...]:
    """Open positions, entries on their way, and what the venue holds that isn't ours: each takes a slot."""
    held = [of_position(p) for p in Position.objects.exclude(status=Position.CLOSED)]
    taken = {h.symbol for h in held}
    pending = Decision.objects.filter(outcome=Decision.PENDING).select_related("signal")
    held += [
        Holding(
            symbol=d.signal.symbol,
            side=Side(d.signal.side),
            notional=Decimal(d.ticket["notional"]),
            risk=Decimal(d.ticket["risk"]),
            margin=Decimal(d.ticket["margin"]),
        )
        for d in pending
        if d.signal.symbol not in taken
    ]
    snapshot = AccountSnapshot.objects.order_by("at").last()
    for row in snapshot.external if snapshot else []:
        # its stop is not known to us, so no risk is claimed; its size counts in the exposure
        held.append(Holding(row["symbol"], Side(row["side"]), Decimal(row["notional"]), Decimal(0), Decimal(0)))
    return tuple(held)


def of_position(p: Position) -> Holding:
    return Holding(
        symbol=p.symbol,
        side=Side(p.side),
        notional=p.quantity * (p.mark_price or p.entry_price),
        risk=risk_left(p),
        margin=p.quantity * p.entry_price / p.leverage,
    )


def risk_left(position: Position) -> Decimal:
    """USDT lost from the entry if the stop fills at its price; nothing where the stop has passed the entry."""
    stop = position.stop_price or position.backstop_price
    distance = position.r if stop is None else Side(position.side).sign * (position.entry_price - stop)
    return max(Decimal(0), distance) * position.quantity


# -- directives -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gates obey now: the strictest level, and why entries are held."""

    level: Level = Level.ALLOW_ALL
    halts: tuple[str, ...] = ()


def standing(now: datetime) -> Standing:
    """The directives in force; one query."""
    open_end = Q(until__isnull=True) | Q(until__gt=now)
    found = list(Directive.objects.filter(open_end, ended_at__isnull=True).order_by("at", "pk"))
    return Standing(
        strictest(Level(row.level) for row in found),
        tuple(row.reason for row in found if holds_entries(Level(row.level))),
    )


def direct(level: Level, key: str, reason: str, by: str, now: datetime, until: datetime | None = None) -> Directive:
    """Let the gates take on no more than this, about `key`, until it is ended. Said again it changes nothing."""
    try:
        return _direct(level, key, reason, by, now, until)
    except IntegrityError:  # somebody has said it at the same moment: now theirs is there
        return _direct(level, key, reason, by, now, until)


def _direct(level: Level, key: str, reason: str, by: str, now: datetime, until: datetime | None) -> Directive:
    with transaction.atomic():
        mine = Directive.objects.select_for_update().filter(key=key, ended_at__isnull=True)
        if (before := mine.first()) is not None:
            if (before.level, before.until) == (level.value, until):
                return before
            mine.update(ended_at=now, ended_by=by[:80])
        events.changed("verdict", "policy", "risk", "incidents")
        return Directive.objects.create(
            level=level.value, key=key[:120], reason=reason[:200], by=by[:80], at=now, until=until
        )


def lift(key: str, by: str, now: datetime) -> bool:
    """End the directive about `key`; whether one stood."""
    ended = Directive.objects.filter(key=key, ended_at__isnull=True).update(ended_at=now, ended_by=by[:80])
    if ended:
        events.changed("verdict", "policy", "risk", "incidents")
    return bool(ended)


# -- the balancer -----------------------------------------------------------------------------------------------------


def look(now: datetime, asked_by: str) -> Report:
    """Weigh what is held, from our rows: the account's newest equity, stored candles."""
    held = holdings()
    if not held:
        expire(now)
        return Report.idle(NOTHING_OPEN)
    snapshot = AccountSnapshot.objects.order_by("at").last()
    if snapshot is None or not snapshot.equity > 0:
        return Report.idle("the account is not known", examined=len(held))
    symbols = sorted({h.symbol for h in held})
    candles = feed_rows.load_book(symbols, settings.QUANTUM.timeframe, bars=correlation.BARS + 1)
    return weigh(held, snapshot.equity, correlation.pairs(candles), now, asked_by)


def look_with(desk: Desk | None, accepted: Sequence[Holding], now: datetime) -> Report:
    """The executor's question: the portfolio as its batch leaves it, the entries that it has just accepted included."""
    held = (*desk.holdings, *accepted) if desk else ()
    if desk is None:
        return Report.idle("no bar was judged")
    if not held:
        expire(now)
        return Report.idle(NOTHING_OPEN)
    if desk.equity is None or not desk.equity > 0:
        return Report.idle("the account is not known", examined=len(held))
    return weigh(held, desk.equity, desk.correlation, now, "executor", desk)


def weigh(
    held: Sequence[Holding],
    equity: Decimal,
    known: Mapping[tuple[str, str], float],
    now: datetime,
    asked_by: str,
    desk: Desk | None = None,
) -> Report:
    trimming = TrimRequest.objects.filter(outcome="").values("position")  # proposed anew once that is over
    open_now = {p.symbol: p for p in Position.objects.filter(status=Position.OPEN).exclude(pk__in=trimming)}
    limits = desk.limits if desk else rows.limits()
    found = balance.weigh(Book(tuple(held), frozenset(open_now), equity, known, limits))
    with transaction.atomic():
        keep(found, equity, now, asked_by)
        new = propose(found.trims, open_now, now)
        events.changed("balance")
    return Report(examined=len(held), actions=new, panels=("balance",))


def keep(found: Balance, equity: Decimal, now: datetime, asked_by: str) -> None:
    BalanceLook.objects.create(
        at=now,
        asked_by=asked_by[:40],
        equity=equity,
        figures=figures(found.figures),
        pairs=[{"first": p.first, "second": p.second, "rho": p.rho} for p in found.pairs[:SHOWN_PAIRS]],
        mode=settings.QUANTUM.mode,
    )
    stale = list(BalanceLook.objects.order_by("-pk").values_list("pk", flat=True)[KEEP : KEEP + 1])
    if stale:
        BalanceLook.objects.filter(pk__lte=stale[0]).delete()


def figures(of: Figures) -> dict[str, Any]:
    """As JSON: money as text."""
    return {
        "positions": of.positions,
        "gross": text(of.gross),
        "net": text(of.net),
        "long": text(of.long),
        "short": text(of.short),
        "risk": text(of.risk),
        "leverage": of.leverage,
        "risk_share": of.risk_share,
        "shares": dict(of.shares),
        "herfindahl": of.herfindahl,
    }


def text(money: Decimal) -> str:
    """As exactly as it is stored, without trailing zeros."""
    return f"{money.quantize(FINEST, ROUND_HALF_EVEN).normalize():f}"


def propose(trims: Sequence[Trim], positions: Mapping[str, Position], now: datetime) -> int:
    """Keep the open proposals equal to what is right now: new in, the same renewed, the others expired.

    What a person has dismissed for a position is not proposed for it again.
    """
    answered = (TrimProposal.OPEN, TrimProposal.DISMISSED)
    known = list(TrimProposal.objects.filter(state__in=answered, position__in=positions.values()))
    dismissed = {(row.position_id, row.why) for row in known if row.state == TrimProposal.DISMISSED}
    all_wanted = {(positions[t.symbol].pk, t.why.value): t for t in trims}
    wanted = {key: trim for key, trim in all_wanted.items() if key not in dismissed}
    there = {(row.position_id, row.why): row for row in known if row.state == TrimProposal.OPEN}
    renewed = [there[key] for key in wanted.keys() & there.keys()]
    for row in renewed:
        fill(row, wanted[row.position_id, row.why], positions[row.symbol], now)
    TrimProposal.objects.bulk_update(renewed, ["share", "quantity", "value", "limit", "facts", "after", "seen_at"])
    expire(now, [row.pk for row in renewed])
    fresh = []
    for key in wanted.keys() - there.keys():
        trim = wanted[key]
        row = TrimProposal(position_id=key[0], symbol=trim.symbol, why=key[1], setting=trim.setting)
        row.proposed_at, row.mode = now, settings.QUANTUM.mode
        fresh.append(fill(row, trim, positions[trim.symbol], now))
    TrimProposal.objects.bulk_create(fresh, ignore_conflicts=True)  # somebody else may weigh at this moment
    return len(fresh)


def fill(row: TrimProposal, trim: Trim, position: Position, now: datetime) -> TrimProposal:
    row.share, row.value, row.limit = round(float(trim.share), 6), trim.value, trim.limit
    row.quantity = (position.quantity * trim.share).quantize(FINEST, ROUND_HALF_EVEN)
    row.facts, row.after, row.seen_at = dict(trim.facts), figures(trim.after), now
    return row


def expire(now: datetime, kept: Collection[int] = ()) -> int:
    """End the open proposals that are not right any more: all but those that are kept."""
    found = TrimProposal.objects.filter(state=TrimProposal.OPEN).exclude(pk__in=kept)
    return found.update(state=TrimProposal.EXPIRED, ended_at=now, ended_by="portfolio_balancer")

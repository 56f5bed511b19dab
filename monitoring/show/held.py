"""An open position as the page shows it: money, the stop that the exchange itself confirmed, the way to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from monitoring.watch.words import NBSP, age, exact, grouped, market, percent, places_of, price, signed, usual_places

PROTECT_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Protection:
    """One protective order: its price, and when the exchange last showed it to us."""

    kind: str
    price: Decimal | None
    order_id: int | None = None
    type: str = ""
    quantity: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    verified_at: datetime | None = None
    triggered: bool = False  # it is being filled, or waits beyond its limit: it protects no longer
    client_order_id: str | None = None
    venue_order_id: str | None = None

    def covers(self, quantity: Decimal) -> bool:
        return self.close_position or (self.quantity is not None and self.quantity >= quantity)


@dataclass(frozen=True, slots=True)
class Held:
    """An open position's facts, as the rows have them."""

    id: int
    symbol: str
    side: str
    quantity: Decimal
    entry: Decimal
    mark: Decimal | None
    mark_at: datetime | None
    leverage: int
    r: Decimal
    liquidation: Decimal | None
    target: Decimal | None
    trailing: bool
    stop: Protection | None
    backstop: Protection | None
    unprotected_since: datetime | None
    seconds_unprotected: float
    opened_at: datetime
    decision_id: int | None
    closing: bool = False
    fees: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)  # received is positive
    expires_at: datetime | None = None  # time exit
    margin_mode: str = ""

    @property
    def sign(self) -> int:
        return 1 if self.side == "long" else -1

    @property
    def places(self) -> int:
        """Decimals for all prices of the row: those of its resting orders and its mark."""
        resting = [p.price for p in (self.stop, self.backstop) if p and p.price]
        return places_of(*resting, self.target, self.mark, at_most=usual_places(self.entry) + 2) or usual_places(
            self.entry
        )


@dataclass(frozen=True, slots=True)
class Money:
    """What a mark price makes of a position. Shares are of the entry; `rail` is 0 at liquidation, 1 at the mark."""

    mark: Decimal
    at: datetime
    unrealized: Decimal
    share: Decimal
    in_r: Decimal
    notional: Decimal
    stop_away: Decimal | None
    liquidation_away: Decimal | None
    rail: float | None


def value(held: Held, mark: Decimal, at: datetime) -> Money:
    moved = held.sign * (mark - held.entry)
    stop = held.stop.price if held.stop else None
    return Money(
        mark=mark,
        at=at,
        unrealized=moved * held.quantity,
        share=moved / held.entry,
        in_r=moved / held.r if held.r else Decimal(0),
        notional=mark * held.quantity,
        stop_away=held.sign * (mark - stop) / mark if stop else None,
        liquidation_away=held.sign * (mark - held.liquidation) / mark if held.liquidation else None,
        rail=rail(mark, stop, held.liquidation),
    )


def rail(mark: Decimal, stop: Decimal | None, liquidation: Decimal | None) -> float | None:
    """Where the stop lies between liquidation (0) and the mark (1)."""
    if stop is None or liquidation is None or mark == liquidation:
        return None
    return round(min(1.0, max(0.0, float((stop - liquidation) / (mark - liquidation)))), 4)


@dataclass(frozen=True, slots=True)
class Badge:
    """The stop truth: `state` is ok, warn, fail or unknown. Not verified is never drawn as protected."""

    state: str
    word: str
    price: str
    verified_at: datetime | None
    note: str


def badge(held: Held, guard: Protection | None, limit: timedelta, now: datetime, kind: str = "stop") -> Badge:
    if guard is None or guard.price is None:
        return Badge(
            "fail", _("Not protected"), _("no backstop") if kind == "backstop" else _("no stop"), None, gap(held, now)
        )
    shown = price(guard.price, held.places)
    if guard.verified_at is None:
        return Badge("unknown", _("Protection not read back"), shown, None, _("placed, not read back yet"))
    if guard.triggered:
        return Badge("warn", _("Triggered"), shown, guard.verified_at, _("triggered, not filled yet"))
    if not guard.covers(held.quantity):
        told = {"covered": grouped(guard.quantity or 0, 4), "of": grouped(held.quantity, 4)}
        small = _("covers %(covered)s of %(of)s") % told
        return Badge("warn", _("Protection too small"), shown, guard.verified_at, small)
    if now - guard.verified_at > limit:
        return Badge("warn", _("Protection not confirmed"), shown, guard.verified_at, "")
    return Badge("ok", _("Protected"), shown, guard.verified_at, "")


def gap(held: Held, now: datetime) -> str:
    """2 s of 5 s: how long without protection, now. Where the rows don't say that it is naked, no time is made up."""
    if held.unprotected_since is None:
        return _("none at the exchange")
    return _("%(age)s of %(limit)s") % {"age": age(now - held.unprotected_since), "limit": age(PROTECT_WITHIN)}


def seconds_without(held: Held, now: datetime) -> float:
    """Seconds without a stop since the opening, those of this moment included."""
    running = (now - held.unprotected_since).total_seconds() if held.unprotected_since else 0.0
    return held.seconds_unprotected + max(0.0, running)


def cells(held: Held, money: Money) -> dict[str, str]:
    """The cells that move with the price, written out: for the first page and for each patch alike."""
    return {
        "mark": price(money.mark, held.places),
        "unrealized": signed(money.unrealized, 2),
        "share": f"{percent(money.share, sign=True)}, {signed(money.in_r, 2)}{NBSP}R",
        "notional": f"{grouped(money.notional, 0)}{NBSP}USDT, {held.leverage}×",
        "reach": reach(money),
    }


def reach(money: Money) -> str:
    """1.24 % away, liq. 31.0 %."""
    away = _("%(share)s away") % {"share": percent(money.stop_away)} if money.stop_away is not None else _("no stop")
    if money.liquidation_away is None:
        return away
    return _("%(away)s, liq. %(share)s") % {"away": away, "share": percent(money.liquidation_away, 1)}


def patch(held: Held, mark: Decimal, at: datetime) -> dict[str, object]:
    """One row of a numeric patch: the numbers as strings, and their words as the page writes them."""
    money = value(held, mark, at)
    return {
        "id": held.id,
        "symbol": held.symbol,
        "mark": exact(mark),
        "unrealized": exact(round(money.unrealized, 8)),
        "share": exact(round(money.share, 6)),
        "r": exact(round(money.in_r, 4)),
        "stop": money.rail,
        "text": cells(held, money),
    }


def title(held: Held) -> str:
    return market(held.symbol)

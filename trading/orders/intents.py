"""What we want at the venue, as values: one draft per order; its client order id follows from what it is for."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from trading.exchange.checks import Probe
from trading.exchange.venue import OrderRequest, OrderType, Side

LETTER = {"entry": "e", "stop": "s", "backstop": "b", "target": "t", "exit": "x", "trim": "r", "probe": "p"}
PREFIX = "qt-"
PROBE_PREFIX = f"{PREFIX}{LETTER['probe']}-"
CHECKED = "the venue's checks: a stop placed, read back and cancelled"
SOON = timedelta(seconds=5)  # an exit or a stop that was not sent by then is wanted anew


def client_order_id(kind: str, key: str) -> str:
    """`qt-<kind>-<130 bits of base32>`: the same for the same wish, another for another; 31 characters."""
    digest = hashlib.sha256(f"{kind}:{key}".encode()).digest()
    return f"{PREFIX}{LETTER[kind]}-{b32encode(digest)[:26].decode().lower()}"


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that we want, before it is a row."""

    kind: str
    client_order_id: str
    symbol: str
    side: str  # buy, sell
    type: OrderType
    created_at: datetime
    expires_at: datetime | None
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    reason: str = ""
    requester: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("entry", "probe") and not (self.reduce_only or self.close_position):
            raise ValueError(f"a {self.kind} may only reduce")
        if self.close_position == (self.quantity is not None):
            raise ValueError("an order has a quantity, or closes the position")
        if self.type.conditional != (self.trigger is not None):
            raise ValueError(f"{self.type} and trigger {self.trigger} don't fit")


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why an order of a position is wanted, by whom, and the how-manieth of its kind it is."""

    entry_id: str  # client order id of the position's entry
    number: int
    reason: str
    requester: str
    at: datetime

    def id(self, kind: str) -> str:
        return client_order_id(kind, f"{self.entry_id}:{self.number}")


class Wanted(Protocol):
    """An intent's row or a draft: both carry the same names."""

    client_order_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal | None
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    close_position: bool


def stop(symbol: str, side: Side, quantity: Decimal, trigger: Decimal, limit: Decimal | None, why: Purpose) -> Draft:
    """The working stop of a position on `side`: stop-limit with a `limit`, else stop-market."""
    return Draft(
        "stop",
        why.id("stop"),
        symbol,
        side.exit,
        OrderType.STOP if limit is not None else OrderType.STOP_MARKET,
        why.at,
        why.at + SOON,
        quantity=quantity,
        price=limit,
        trigger=trigger,
        reduce_only=True,
        reason=why.reason,
        requester=why.requester,
    )


def backstop(symbol: str, side: Side, trigger: Decimal, why: Purpose) -> Draft:
    """Farther out: closes the whole position at market, whatever its quantity is by then."""
    return Draft(
        "backstop",
        why.id("backstop"),
        symbol,
        side.exit,
        OrderType.STOP_MARKET,
        why.at,
        why.at + SOON,
        trigger=trigger,
        close_position=True,
        reason=why.reason,
        requester=why.requester,
    )


def target(symbol: str, side: Side, quantity: Decimal, trigger: Decimal, why: Purpose) -> Draft:
    """The take-profit.

    TAKE_PROFIT_MARKET on mark price, not a resting limit: it lives in the same book as the stops and is read back with
    them, it touches what the label says is touched, and no resting reduce-only quantity competes with a triggered stop
    (-2022). It costs a taker's fee, which the expected-value gate has counted.
    """
    return Draft(
        "target",
        why.id("target"),
        symbol,
        side.exit,
        OrderType.TAKE_PROFIT_MARKET,
        why.at,
        why.at + SOON,
        quantity=quantity,
        trigger=trigger,
        reduce_only=True,
        reason=why.reason,
        requester=why.requester,
    )


def probe(wanted: Probe, key: str, requester: str, at: datetime, reason: str = CHECKED) -> Draft:
    """The order of a venue check: a stop with a limit, so far away that it never fills."""
    return Draft(
        "probe",
        client_order_id("probe", key),
        wanted.symbol,
        wanted.side,
        OrderType.STOP,
        at,
        at + SOON,
        quantity=wanted.quantity,
        price=wanted.price,
        trigger=wanted.trigger,
        reason=reason,
        requester=requester,
    )


def taken_back(symbol: str, side: str, quantity: Decimal, key: str, requester: str, at: datetime) -> Draft:
    """What a probe filled against all odds, given back at market, reduce-only."""
    return Draft(
        "probe",
        client_order_id("probe", key),
        symbol,
        side,
        OrderType.MARKET,
        at,
        at + SOON,
        quantity=quantity,
        reduce_only=True,
        reason="a check's order was filled: given back at market",
        requester=requester,
    )


def exit(symbol: str, side: Side, quantity: Decimal, why: Purpose) -> Draft:
    """Out at market, reduce-only."""
    return Draft(
        "exit",
        why.id("exit"),
        symbol,
        side.exit,
        OrderType.MARKET,
        why.at,
        why.at + SOON,
        quantity=quantity,
        reduce_only=True,
        reason=why.reason,
        requester=why.requester,
    )


def trim(symbol: str, side: Side, quantity: Decimal, why: Purpose) -> Draft:
    """A part of the position out at market, reduce-only."""
    return replace(exit(symbol, side, quantity, why), kind="trim", client_order_id=why.id("trim"))


def request(wanted: Wanted) -> OrderRequest:
    """The intent in the venue's terms."""
    return OrderRequest(
        client_order_id=wanted.client_order_id,
        symbol=wanted.symbol,
        side=wanted.side,
        type=OrderType(wanted.type),
        quantity=wanted.quantity,
        price=wanted.price,
        trigger=wanted.trigger,
        reduce_only=wanted.reduce_only,
        close_position=wanted.close_position,
    )

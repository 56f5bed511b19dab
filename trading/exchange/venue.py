"""What an exchange is to us: the values that cross the wire, and the one protocol that carries them.

Symbols are ccxt's (`BTC/USDT:USDT`), prices and quantities `Decimal`, times aware UTC datetimes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Side(StrEnum):
    """The direction of a belief or a position."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        return 1 if self is Side.LONG else -1

    @property
    def opposite(self) -> Side:
        return Side.SHORT if self is Side.LONG else Side.LONG

    @property
    def entry(self) -> str:
        """The order side that opens it: `buy` or `sell`."""
        return "buy" if self is Side.LONG else "sell"

    @property
    def exit(self) -> str:
        return "sell" if self is Side.LONG else "buy"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"  # stop-limit
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"

    @property
    def conditional(self) -> bool:
        """Lives in the venue's algo book until it triggers."""
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class OrderStatus(StrEnum):
    """What became of an order. SENDING and UNKNOWN are ours; the others are the venue's."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    NEW = "new"
    PARTIAL = "partial"
    TRIGGERED = "triggered"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    NOT_PLACED = "not_placed"  # proven: the venue never had it


@dataclass(frozen=True, slots=True)
class Filters:
    """The venue's rules for one symbol. `percent_up`/`percent_down` are PERCENT_PRICE multipliers of the mark price."""

    symbol: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    percent_up: Decimal = Decimal("1.05")
    percent_down: Decimal = Decimal("0.95")
    take_bound: Decimal = Decimal("0.05")
    trading: bool = True
    max_leverage: int = 20
    maintenance_rate: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order as we want it at the venue. `side` is `buy` or `sell`; `quantity` is None for closePosition."""

    client_order_id: str
    symbol: str
    side: str
    type: OrderType
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue reports it. `spawned_id` is the ordinary order that a triggered conditional one became."""

    venue_order_id: str
    client_order_id: str
    symbol: str
    side: str
    type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    close_position: bool
    updated_at: datetime
    spawned_id: str = ""

    @property
    def conditional(self) -> bool:
        return self.type.conditional


@dataclass(frozen=True, slots=True)
class VenueFill:
    trade_id: str
    venue_order_id: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    realized: Decimal
    at: datetime
    maker: bool = False


@dataclass(frozen=True, slots=True)
class VenuePosition:
    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal | None
    unrealized: Decimal
    leverage: int | None = None
    margin_mode: str = ""
    margin: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Money in USDT. `equity` = wallet balance + unrealised profit."""

    equity: Decimal
    balance: Decimal
    available: Decimal
    margin_used: Decimal
    unrealized: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark price and funding of one symbol; `funding_rate` is a fraction per 8 h interval."""

    symbol: str
    price: Decimal
    funding_rate: Decimal
    next_funding_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Income:
    """One line of the venue's cash journal that is not a fill: funding."""

    income_id: str
    symbol: str
    kind: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Flaw:
    """What was wrong with a candle on the wire, before its numbers are looked at: the fields, and what stood there."""

    kind: str  # nan, shape, foreign, unclosed
    fields: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Booking:
    """One line of the venue's income history, of whatever kind. `symbol` is "" where it is about the account."""

    income_id: str  # unique among all kinds
    kind: str
    symbol: str
    asset: str
    amount: Decimal
    trade_id: str
    info: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the venue: its endpoint as the library names it; code 0 is "accepted", None that no code came."""

    endpoint: str
    code: int | None
    took_ms: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle as the venue gives it; prices are floats, `open_time` is its start."""

    symbol: str
    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that a committed intent stands behind an order. Only `orders/sender.py` makes one; `place` demands it."""

    intent_id: int
    client_order_id: str

    def __post_init__(self) -> None:
        if not self.intent_id or not self.client_order_id:
            raise ValueError("a permit needs a committed intent and its client order id")


class Gateway(Protocol):
    """The venue, seen from here. Every call may raise the errors of `exchange/errors.py` and nothing else."""

    def now(self) -> datetime: ...
    def filters(self, fresh: bool = False, current: bool = False) -> dict[str, Filters]:
        """The rules of every perpetual: the last known ones where the venue does not answer, good for the way out.

        `current`: a minute old at most, or an error; `fresh`: asked for now, or an error.
        """

    def bars(self, symbol: str, timeframe: str, since: datetime | None = None, limit: int = 500) -> list[Bar]: ...
    def marks(self) -> dict[str, Mark]: ...
    def account(self) -> Account: ...
    def positions(self) -> list[VenuePosition]: ...
    def amounts(self) -> dict[str, Decimal]:
        """What is held by symbol, shorts below zero, from another list than `positions`."""

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Both books: ordinary and conditional."""

    def order(self, symbol: str, client_order_id: str, *, conditional: bool) -> VenueOrder | None:
        """The order with our id, or None where the venue says it has none."""

    def fills(self, symbol: str, since: datetime) -> list[VenueFill]: ...
    def income(self, since: datetime) -> list[Income]: ...
    def journal(self, since: datetime) -> list[Booking]:
        """The income history of every kind from `since` on, oldest first."""

    def urgently(self) -> AbstractContextManager[None]:
        """What is read meanwhile reduces risk: it is asked even while the venue wants silence, unless we are banned."""

    def recorded(self) -> AbstractContextManager[list[Call]]:
        """The requests that this thread makes meanwhile."""

    @property
    def library(self) -> str:
        """Name and version of the library that speaks to the venue."""

    def set_leverage(self, symbol: str, leverage: int) -> None: ...
    def set_margin_mode(self, symbol: str, mode: str) -> None: ...
    def set_clock(self) -> timedelta:
        """Ask the venue for its time: its clock less ours."""

    def one_way(self) -> bool: ...
    def multi_assets(self) -> bool: ...
    def may_trade(self) -> bool: ...
    def may_withdraw(self) -> bool | None:
        """None where the venue does not tell."""

    def symbol_settings(self, symbol: str) -> tuple[str, int]:
        """Margin mode and leverage of a new position."""

    def place(self, request: OrderRequest, permit: Permit, latest: datetime | None = None) -> VenueOrder:
        """Send it, once; what could not leave until `latest` (by our clock) is not sent."""

    def cancel(self, symbol: str, client_order_id: str, permit: Permit, *, conditional: bool) -> VenueOrder | None: ...

"""The practice exchange's nouns: orders, fills, positions, answers. Times are integer ms, money is `Decimal`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, get_type_hints

ZERO = Decimal(0)
OPEN = ("NEW", "PARTIALLY_FILLED")
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")


class Refused(Exception):
    """The exchange's "no": a venue error code, with its own message where the table's has no values in it."""

    def __init__(self, code: int, message: str = "", status: int = 0) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(f"{code} {message}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves over the wire; `delay` is how many seconds the shell waits before it answers.

    With `reset` nothing leaves: the connection is torn down.
    """

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """One moment of one symbol."""

    price: Decimal
    mark: Decimal

    def by(self, working_type: str) -> Decimal:
        return self.mark if working_type == "MARK_PRICE" else self.price


@dataclass(slots=True)
class Order:
    """An ordinary order in the matching engine; one that came from a conditional order knows it by `algo_id`."""

    order_id: int
    client_id: str
    symbol: str
    side: str  # BUY or SELL
    type: str  # MARKET or LIMIT
    quantity: Decimal
    time: int
    price: Decimal = ZERO
    tif: str = "GTC"
    reduce_only: bool = False
    close_position: bool = False
    good_till: int = 0
    orig_type: str = ""
    trigger: Decimal = ZERO
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    algo_id: int = 0
    status: str = "NEW"
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    updated: int = 0

    @property
    def sign(self) -> int:
        return 1 if self.side == "BUY" else -1

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def average(self) -> Decimal:
        return self.quote / self.executed if self.executed else ZERO


@dataclass(slots=True)
class Algo:
    """A conditional order, resting in the algo book until its trigger; `actual_order_id` is what it became."""

    algo_id: int
    client_id: str
    symbol: str
    side: str
    type: str  # one of CONDITIONAL
    quantity: Decimal  # 0 with close_position: resolved at the trigger
    trigger: Decimal
    created: int
    price: Decimal = ZERO
    tif: str = "GTC"
    working_type: str = "CONTRACT_PRICE"
    reduce_only: bool = False
    close_position: bool = False
    price_protect: bool = False
    good_till: int = 0
    status: str = "NEW"
    updated: int = 0
    triggered: int = 0
    actual_order_id: int = 0
    actual_price: Decimal = ZERO
    actual_quantity: Decimal = ZERO
    reason: str = ""

    @property
    def sign(self) -> int:
        return 1 if self.side == "BUY" else -1

    @property
    def stops(self) -> bool:
        """A stop rather than a take-profit."""
        return self.type.startswith("STOP")

    @property
    def rises(self) -> bool:
        """Triggers when the price comes up to it: a buy stop or a sell take-profit."""
        return self.stops == (self.side == "BUY")


@dataclass(slots=True)
class Fill:
    trade_id: int
    order_id: int
    client_id: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    realized: Decimal
    maker: bool
    reduce_only: bool
    time: int


@dataclass(slots=True)
class Income:
    """One line of the account's cash journal."""

    income_id: int
    symbol: str
    kind: str
    amount: Decimal
    info: str
    trade_id: int
    time: int


@dataclass(slots=True)
class Position:
    """One symbol's position and its settings; `amount` is negative for a short, `margin` the isolated wallet."""

    symbol: str
    leverage: int = 20
    isolated: bool = False
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    margin: Decimal = ZERO
    realized: Decimal = ZERO
    updated: int = 0

    @property
    def sign(self) -> int:
        return (self.amount > 0) - (self.amount < 0)

    def unrealized(self, mark: Decimal) -> Decimal:
        return self.amount * (mark - self.entry)


def pack(value: Any) -> dict[str, Any]:
    """A dataclass as JSON-able dict; decimals as strings."""
    return {f.name: str(v) if isinstance(v := getattr(value, f.name), Decimal) else v for f in fields(value)}


def unpack(kind: type, row: dict[str, Any]) -> Any:
    """The inverse of `pack`."""
    decimals = DECIMALS[kind]
    return kind(**{name: Decimal(v) if name in decimals else v for name, v in row.items()})


DECIMALS: dict[type, set[str]] = {
    kind: {name for name, hint in get_type_hints(kind).items() if hint is Decimal}
    for kind in (Order, Algo, Fill, Income, Position)
}

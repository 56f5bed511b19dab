"""What a position earned: gross from the fills, net of fees and funding, in USDT and in R."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from trading.exchange.venue import Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `side` is buy or sell."""

    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Tally:
    """The fills of a position, added up. An average price of nothing is None."""

    opened: Decimal
    closed: Decimal
    entry_price: Decimal | None
    exit_price: Decimal | None
    fees: Decimal

    @property
    def left(self) -> Decimal:
        return self.opened - self.closed


@dataclass(frozen=True, slots=True)
class Result:
    """net = gross - fees + funding (funding received is positive); `r_multiple` is net in units of initial risk."""

    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    r_multiple: float


def unrealized(side: Side, quantity: Decimal, entry: Decimal, mark: Decimal) -> Decimal:
    return side.sign * (mark - entry) * quantity


def average(fills: Iterable[Execution]) -> Decimal | None:
    fills = list(fills)
    quantity = sum((f.quantity for f in fills), ZERO)
    return sum((f.price * f.quantity for f in fills), ZERO) / quantity if quantity else None


def tally(side: Side, fills: Iterable[Execution]) -> Tally:
    fills = list(fills)
    entries = [f for f in fills if f.side == side.entry]
    exits = [f for f in fills if f.side == side.exit]
    return Tally(
        opened=sum((f.quantity for f in entries), ZERO),
        closed=sum((f.quantity for f in exits), ZERO),
        entry_price=average(entries),
        exit_price=average(exits),
        fees=sum((f.fee for f in fills), ZERO),
    )


def realized(side: Side, entry: Decimal, exit_price: Decimal | None, quantity: Decimal) -> Decimal:
    """Gross profit of `quantity` closed at `exit_price`."""
    return ZERO if exit_price is None else side.sign * (exit_price - entry) * quantity


def result(gross: Decimal, fees: Decimal, funding: Decimal, r: Decimal, quantity: Decimal) -> Result:
    """`r` is the initial stop's distance in price, `quantity` what was opened."""
    net = gross - fees + funding
    risk = r * quantity
    return Result(gross, fees, funding, net, round(float(net / risk), 6) if risk else 0.0)

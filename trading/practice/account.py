"""The account: one USDT wallet, positions in one-way mode, and what fills, funding and liquidation do to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from trading.practice.margin import liquidation_price, maintenance
from trading.practice.rules import Bracket
from trading.practice.values import ZERO, Position

TAKER = Decimal("0.0005")
MAKER = Decimal("0.0002")
CENTS = Decimal("1e-8")
ENTRY = Decimal("1e-10")

Brackets = Callable[[str], tuple[Bracket, ...]]


@dataclass(slots=True)
class Account:
    """`wallet` is the whole balance, isolated margins included."""

    wallet: Decimal
    positions: dict[str, Position] = field(default_factory=dict)

    def position(self, symbol: str) -> Position:
        return self.positions.setdefault(symbol, Position(symbol))

    def held(self) -> list[Position]:
        """Positions that are not flat."""
        return [p for p in self.positions.values() if p.amount]

    @property
    def cross_wallet(self) -> Decimal:
        return self.wallet - sum((p.margin for p in self.positions.values()), ZERO)


def trade(account: Account, symbol: str, signed: Decimal, price: Decimal, fee: Decimal, now: int) -> Decimal:
    """Book one fill: realise what it closes, open what it adds, pay the fee. Returns the realised PnL."""
    p = account.position(symbol)
    closing = min(abs(signed), abs(p.amount)) if p.sign * signed < 0 else ZERO
    opening = abs(signed) - closing
    realized = (closing * (price - p.entry) * p.sign).quantize(CENTS, ROUND_HALF_EVEN)
    if closing:
        p.margin -= (p.margin * closing / abs(p.amount)).quantize(CENTS, ROUND_HALF_EVEN)
        p.amount += closing if signed > 0 else -closing
        p.realized += realized
    if not p.amount:
        p.entry = p.margin = ZERO
    if opening:
        held = abs(p.amount)
        p.entry = ((p.entry * held + price * opening) / (held + opening)).quantize(ENTRY, ROUND_HALF_EVEN)
        p.amount += opening if signed > 0 else -opening
        if p.isolated:
            p.margin += (opening * price / p.leverage).quantize(CENTS, ROUND_HALF_EVEN)
    p.updated = now
    account.wallet += realized - fee
    return realized


def fund(account: Account, symbol: str, mark: Decimal, rate: Decimal) -> Decimal:
    """Pay (or receive) funding: longs pay a positive rate. Returns the amount, negative when paid."""
    p = account.position(symbol)
    amount = (-p.amount * mark * rate).quantize(CENTS, ROUND_HALF_EVEN)
    account.wallet += amount
    if p.isolated:
        p.margin += amount
    return amount


def collateral(account: Account, p: Position, marks: Mapping[str, Decimal], brackets: Brackets) -> Decimal:
    """What stands behind a position: its isolated wallet; or, crossed, what the others leave of the wallet."""
    if p.isolated:
        return p.margin
    others = [o for o in account.held() if not o.isolated and o.symbol != p.symbol]
    return account.cross_wallet + sum(
        (
            o.unrealized(marks[o.symbol]) - maintenance(abs(o.amount) * marks[o.symbol], brackets(o.symbol))
            for o in others
        ),
        ZERO,
    )


def liquidation_of(account: Account, p: Position, marks: Mapping[str, Decimal], brackets: Brackets) -> Decimal:
    return liquidation_price(p.amount, p.entry, collateral(account, p, marks, brackets), brackets(p.symbol))


def available(account: Account, marks: Mapping[str, Decimal], reserved: Decimal) -> Decimal:
    """What new orders may use: the cross wallet with its profit, less cross margin and open orders' margin."""
    crossed = [p for p in account.held() if not p.isolated]
    profit = sum((p.unrealized(marks[p.symbol]) for p in crossed), ZERO)
    used = sum((abs(p.amount) * marks[p.symbol] / p.leverage for p in crossed), ZERO)
    return max(ZERO, account.cross_wallet + profit - used - reserved)


def initial_margin(p: Position, mark: Decimal) -> Decimal:
    return abs(p.amount) * mark / p.leverage

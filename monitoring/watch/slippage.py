"""What exits cost beyond their intended price, by kind of order: the plans for a stop compared on evidence. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median

STOP_LIMIT, STOP_MARKET, BACKSTOP, TARGET = "stop_limit", "stop_market", "backstop", "target"
PLANS = (STOP_LIMIT, STOP_MARKET, BACKSTOP, TARGET)
ENOUGH = 5  # exits from which a plan's figures are worth comparing


@dataclass(frozen=True, slots=True)
class Exit:
    """One filled exit that had a trigger. `side` is the order's: a sell closes a long. `limit` is None at market."""

    order: int
    symbol: str
    kind: str  # stop, backstop, target
    type: str  # STOP, STOP_MARKET, TAKE_PROFIT_MARKET
    side: str
    trigger: Decimal
    limit: Decimal | None
    filled: Decimal
    quantity: Decimal
    at: datetime

    @property
    def plan(self) -> str:
        if self.kind in (BACKSTOP, TARGET):
            return self.kind
        return STOP_LIMIT if self.type == "STOP" else STOP_MARKET

    @property
    def bps(self) -> Decimal:
        """Worse than its trigger by so many hundredths of a per cent; negative is better."""
        worse = self.trigger - self.filled if self.side == "sell" else self.filled - self.trigger
        return worse / self.trigger * 10_000

    @property
    def cost(self) -> Decimal:
        """The same in USDT."""
        worse = self.trigger - self.filled if self.side == "sell" else self.filled - self.trigger
        return worse * self.quantity


@dataclass(frozen=True, slots=True)
class Plan:
    """All exits of one kind together, in bps and USDT."""

    name: str
    n: int
    middle: Decimal
    worst: Decimal
    cost: Decimal

    @property
    def enough(self) -> bool:
        return self.n >= ENOUGH


def plans(exits: Iterable[Exit]) -> list[Plan]:
    """In the order of PLANS; those without an exit are left out."""
    found: dict[str, list[Exit]] = defaultdict(list)
    for one in exits:
        found[one.plan].append(one)
    return [
        Plan(
            name=name,
            n=len(found[name]),
            middle=median(one.bps for one in found[name]),
            worst=max(one.bps for one in found[name]),
            cost=sum((one.cost for one in found[name]), Decimal(0)),
        )
        for name in PLANS
        if name in found
    ]

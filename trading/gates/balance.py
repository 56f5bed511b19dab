"""The portfolio as a whole: how much is on, what moves together, how much hangs on one symbol; and what to trim. Pure.

A trim is a proposal: by how much one position would have to be smaller, why, and the figures that this would leave.
The rules are asked one after the other, each of the portfolio that the trims before it would leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from trading.exchange.venue import Side
from trading.gates.correlation import between, together
from trading.gates.desk import Holding, Limits

LEAST = Decimal("0.01")  # of a position: less is not worth an order
SLACK = Decimal("1.1")  # a position outgrows its budget by that much before it is named: marks and equity wobble


class Why(StrEnum):
    """What a trim is for."""

    LEVERAGE = "LEVERAGE"
    OPEN_RISK = "OPEN_RISK"
    CONCENTRATION = "CONCENTRATION"
    CORRELATED = "CORRELATED"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is on. Notional and risk in USDT; `herfindahl` over the shares of risk: 1 is all in one, None no risk."""

    positions: int
    long: Decimal
    short: Decimal
    risk: Decimal
    leverage: float  # gross notional over equity
    risk_share: float  # of equity
    shares: Mapping[str, float]  # of the open risk, by symbol
    herfindahl: float | None

    @property
    def gross(self) -> Decimal:
        return self.long + self.short

    @property
    def net(self) -> Decimal:
        return self.long - self.short


@dataclass(frozen=True, slots=True)
class Pair:
    """How much two held positions move together, their directions counted in; None where it can't be measured."""

    first: str
    second: str
    rho: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    """One rule's wish: a share of one position, with the measured value and the limit that it misses."""

    symbol: str
    share: Decimal
    value: float
    limit: float
    setting: str
    facts: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trim:
    """A proposal: `share` of the position's quantity, and what would be on afterwards."""

    symbol: str
    share: Decimal
    why: Why
    value: float
    limit: float
    setting: str
    facts: Mapping[str, str | float]
    after: Figures


@dataclass(frozen=True, slots=True)
class Book:
    """What is held, and what it is measured against. Only `ours` can be trimmed."""

    holdings: tuple[Holding, ...]
    ours: frozenset[str]
    equity: Decimal
    correlation: Mapping[tuple[str, str], float]
    limits: Limits

    def __post_init__(self) -> None:
        if not (self.equity.is_finite() and self.equity > 0):
            raise ValueError(f"a portfolio is measured against a positive equity, was {self.equity}")

    @property
    def budget(self) -> Decimal:
        """USDT that one trade may lose."""
        return self.equity * self.limits.risk_per_trade

    def cut(self, symbol: str, share: Decimal) -> Book:
        return replace(self, holdings=tuple(h if h.symbol != symbol else smaller(h, share) for h in self.holdings))


@dataclass(frozen=True, slots=True)
class Balance:
    figures: Figures
    pairs: tuple[Pair, ...]
    trims: tuple[Trim, ...]


def weigh(book: Book) -> Balance:
    """Measure the portfolio, and propose what would bring it back within its limits."""
    trims: list[Trim] = []
    left = book
    for why, rule in RULES:
        for _ in range(len(book.holdings) ** 2):  # every cut mends its own breach: there are at most that many
            cut = rule(left)
            if cut is None:
                break
            left = left.cut(cut.symbol, cut.share)
            trims = with_cut(trims, why, cut, measure(left))
    return Balance(measure(book), pairs(book), tuple(t for t in trims if t.share >= LEAST))


def with_cut(trims: Sequence[Trim], why: Why, cut: Cut, after: Figures) -> list[Trim]:
    """The trims with one more; a second cut of the same position for the same reason makes the first one larger."""
    before = next((t for t in trims if (t.symbol, t.why) == (cut.symbol, why)), None)
    share = 1 - (1 - before.share) * (1 - cut.share) if before else cut.share
    one = Trim(cut.symbol, share, why, cut.value, cut.limit, cut.setting, cut.facts, after)
    return [*(t for t in trims if t is not before), one]


def measure(book: Book) -> Figures:
    held, equity = book.holdings, book.equity
    sides = {side: sum((abs(h.notional) for h in held if h.side is side), Decimal(0)) for side in Side}
    risk = sum((h.risk for h in held), Decimal(0))
    shares = {h.symbol: round(float(h.risk / risk), 6) for h in held} if risk else {}
    return Figures(
        positions=sum(1 for h in held if h.notional),
        long=sides[Side.LONG],
        short=sides[Side.SHORT],
        risk=risk,
        leverage=round(float(sum(sides.values(), Decimal(0)) / equity), 6),
        risk_share=round(float(risk / equity), 6),
        shares=shares,
        herfindahl=round(sum(share * share for share in shares.values()), 6) if shares else None,
    )


def pairs(book: Book) -> tuple[Pair, ...]:
    """Every two that are held, those that move together most first, those that can't be measured last."""
    known = [Pair(a.symbol, b.symbol, moves(book, a, b)) for a, b in combinations(book.holdings, 2)]
    return tuple(sorted(known, key=lambda p: (p.rho is None, -(p.rho or 0.0), p.first, p.second)))


def moves(book: Book, a: Holding, b: Holding) -> float | None:
    rho = between(book.correlation, a.symbol, b.symbol)
    return None if rho is None else together(rho, a.side, b.side)


def smaller(holding: Holding, share: Decimal) -> Holding:
    left = 1 - share
    return replace(holding, notional=holding.notional * left, risk=holding.risk * left, margin=holding.margin * left)


def largest(book: Book, size: Callable[[Holding], Decimal]) -> Holding | None:
    """The largest of ours; of equals the first by name."""
    mine = sorted((h for h in book.holdings if h.symbol in book.ours and size(h) > 0), key=lambda h: h.symbol)
    return max(mine, key=size, default=None)


# -- the rules --------------------------------------------------------------------------------------------------------


def over_leverage(book: Book) -> Cut | None:
    """Gross notional over equity, against QT_MAX_LEVERAGE: the largest position gives way."""
    gross = sum((abs(h.notional) for h in book.holdings), Decimal(0))
    excess = gross - book.equity * book.limits.max_leverage
    one = largest(book, lambda h: abs(h.notional))
    if excess <= 0 or one is None:
        return None
    share = min(Decimal(1), excess / abs(one.notional))
    return Cut(one.symbol, share, float(gross / book.equity), float(book.limits.max_leverage), "QT_MAX_LEVERAGE")


def over_risk(book: Book) -> Cut | None:
    """All stops together, against QT_MAX_OPEN_RISK: the position with the most at risk gives way."""
    risk = sum((h.risk for h in book.holdings), Decimal(0))
    excess = risk - book.equity * book.limits.max_open_risk
    one = largest(book, lambda h: h.risk)
    if excess <= 0 or one is None:
        return None
    share = min(Decimal(1), excess / one.risk)
    return Cut(one.symbol, share, float(risk / book.equity), float(book.limits.max_open_risk), "QT_MAX_OPEN_RISK")


def too_much_in_one(book: Book) -> Cut | None:
    """One position that would lose more than a trade may, as equity is now."""
    one = largest(book, lambda h: h.risk)
    if one is None or one.risk <= book.budget * SLACK:
        return None
    value, limit = float(one.risk / book.equity), float(book.limits.risk_per_trade)
    facts: dict[str, str | float] = {"share": measure(book).shares.get(one.symbol, 0.0)}
    return Cut(one.symbol, 1 - book.budget / one.risk, value, limit, "QT_RISK_PER_TRADE", facts)


def moving_together(book: Book) -> Cut | None:
    """Two that move together are one trade: together they may lose what one may. The one with more at risk gives."""
    limit = book.limits.max_correlation
    held = {h.symbol: h for h in book.holdings}
    for pair in pairs(book):
        if pair.rho is None or pair.rho <= limit or limit >= 1:
            return None
        two = replace(book, holdings=(held[pair.first], held[pair.second]))
        risk = sum((h.risk for h in two.holdings), Decimal(0))
        one = largest(two, lambda h: h.risk)
        if one is None or risk <= book.budget * SLACK:
            continue
        other = pair.second if one.symbol == pair.first else pair.first
        facts: dict[str, str | float] = {
            "other": other,
            "other_side": held[other].side.value,
            "joint_risk": round(float(risk / book.equity), 6),
        }
        share = min(Decimal(1), (risk - book.budget) / one.risk)
        return Cut(one.symbol, share, pair.rho, limit, "QT_MAX_CORRELATION", facts)
    return None


RULES: tuple[tuple[Why, Callable[[Book], Cut | None]], ...] = (
    (Why.LEVERAGE, over_leverage),
    (Why.OPEN_RISK, over_risk),
    (Why.CONCENTRATION, too_much_in_one),
    (Why.CORRELATED, moving_together),
)

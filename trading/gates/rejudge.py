"""What would have been decided with another limit: the stored bars judged again, each from its own desk. Pure.

1. A bar's desk gets the one limit that is asked about; everything else is as the gates saw it.
2. What a bar accepts beyond what was accepted then is held in the next bars until its own path ended, takes its slot,
   margin and cooldown; what it no longer accepts is missing from them.
3. The difference is told: who would have passed as well, and who would not have.

Signals, sizes of what was really held, and equity stay what they were. Where nothing is changed, nothing differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading.codes import Code
from trading.forecast.belief import Belief
from trading.gates import policy
from trading.gates.desk import SETTING, Desk, Holding, Market
from trading.gates.judge import Verdict, decide
from trading.gates.ticket import Ticket

# What made the belief itself (stop, target, horizon) can't be changed after it: the models learned those labels.
LEARNED = {"stop_atr", "min_stop_costs", "target_r", "horizon_bars", "margin_mode"}
FIELDS: Mapping[str, str] = {name: of for of, name in SETTING.items() if of not in LEARNED}
MINIMA: Mapping[str, policy.Regime] = {policy.setting(regime): regime for regime in policy.Regime}
SETTINGS = (*FIELDS, *MINIMA)

Pairs = Callable[["Bar"], Mapping[tuple[str, str], float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One stored bar. `accepted` are the symbols accepted then, `until` says when each signal's own path ended."""

    desk: Desk
    beliefs: tuple[Belief, ...]
    accepted: frozenset[str]
    until: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passed:
    """One signal whose verdict differs: when it was judged, and the order it would have been."""

    at: datetime
    belief: Belief
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """`untold` counts signals whose correlation with what would have been held can't be measured any more."""

    bars: int
    signals: int
    rejected: int  # then
    gained: tuple[Passed, ...] = ()
    lost: tuple[Passed, ...] = ()
    untold: int = 0


# -- the one limit ----------------------------------------------------------------------------------------------------


def changed(desk: Desk, setting: str, value: float) -> Desk:
    """The desk with that setting at that value."""
    if setting in MINIMA:
        return with_minimum(desk, MINIMA[setting], value)
    name = FIELDS[setting]
    limits = replace(desk.limits, **{name: alike(getattr(desk.limits, name), value)})
    if limits.risk_per_trade > limits.max_open_risk:  # as settings.overlay cuts it
        limits = replace(limits, risk_per_trade=limits.max_open_risk)
    return replace(desk, limits=limits)


def with_minimum(desk: Desk, regime: policy.Regime, value: float) -> Desk:
    """The policy's minimum, adjusted by volatility as ever; a market that was another way is not touched."""
    if desk.policy.regime != regime:
        return desk
    needed = policy.min_confidence(regime, policy.Volatility(desk.policy.volatility), {regime: value})
    return replace(desk, policy=replace(desk.policy, min_confidence=needed))


def alike(was: Any, value: float) -> Any:
    """The number in the type that the limit has."""
    if isinstance(was, timedelta):
        return timedelta(seconds=value)
    return Decimal(str(value)) if isinstance(was, Decimal) else type(was)(value)


# -- bar by bar -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Carried:
    """What differs from what was really held, from bar to bar."""

    added: dict[str, tuple[Holding, datetime]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    orders: dict[str, tuple[datetime | None, int | None]] = field(default_factory=dict)

    def onto(self, desk: Desk) -> Desk:
        """The desk as it would have stood."""
        self.removed &= {held.symbol for held in desk.holdings}
        self.added = {symbol: one for symbol, one in self.added.items() if one[1] > desk.now}
        if not (self.added or self.removed or self.orders):
            return desk
        gone = [held for held in desk.holdings if held.symbol in self.removed]
        kept = [held for held in desk.holdings if held.symbol not in self.removed | self.added.keys()]
        new = [held for held, _ in self.added.values()]
        free = desk.available
        if free is not None:
            free += sum((h.margin for h in gone), Decimal(0)) - sum((h.margin for h in new), Decimal(0))
        markets = {symbol: self.entered(market) for symbol, market in desk.markets.items()}
        return replace(desk, holdings=(*kept, *new), available=free, markets=markets)

    def entered(self, market: Market) -> Market:
        if market.symbol not in self.orders:
            return market
        at, number = self.orders[market.symbol]
        return replace(market, last_order_at=at, last_order_id=number)

    def add(self, ticket: Ticket, desk: Desk, until: datetime) -> None:
        held = Holding(ticket.symbol, ticket.side, ticket.notional, ticket.risk, ticket.margin)
        self.added[ticket.symbol] = (held, until)
        self.orders[ticket.symbol] = (desk.now, 0)

    def remove(self, symbol: str, desk: Desk) -> None:
        market = desk.market(symbol)
        self.removed.add(symbol)
        self.orders[symbol] = (market.last_order_at, market.last_order_id)


class Measured(dict[tuple[str, str], float]):
    """The correlations that were kept; the others are measured when somebody asks for one.

    A bar keeps all that it could measure of what was held or accepted in it: what is missing of those stays missing.
    """

    def __init__(self, bar: Bar, pairs: Pairs) -> None:
        super().__init__(bar.desk.correlation)
        self.bar, self.pairs = bar, pairs
        self.kept = bar.accepted | {held.symbol for held in bar.desk.holdings}
        self.asked = False

    def get(self, pair: Any, default: Any = None) -> Any:
        if pair not in self and not self.asked and not self.kept & set(pair):
            self.asked = True
            self.update({one: rho for one, rho in self.pairs(self.bar).items() if not self.kept & set(one)})
        return super().get(pair, default)


def again(bar: Bar) -> list[Verdict]:
    """The bar judged again with nothing changed: the verdicts that were stored."""
    return decide(bar.beliefs, bar.desk)


def difference(bars: Iterable[Bar], setting: str, value: float, pairs: Pairs | None = None) -> Difference:
    """Who would have passed and who would not, with that setting at that value; the bars oldest first."""
    carried = Carried()
    gained: list[Passed] = []
    lost: list[Passed] = []
    count = signals = rejected = untold = 0
    for bar in bars:
        desk = carried.onto(changed(bar.desk, setting, value))
        if pairs is not None:
            desk = replace(desk, correlation=Measured(bar, pairs))
        verdicts = decide(bar.beliefs, desk)
        count, signals, rejected = count + 1, signals + len(verdicts), rejected + len(verdicts) - len(bar.accepted)
        untold += sum(unmeasured(verdict) for verdict in verdicts)
        for verdict in verdicts:
            settle(verdict, bar, desk, carried, gained, lost)
    return Difference(count, signals, rejected, tuple(gained), tuple(lost), untold)


def settle(verdict: Verdict, bar: Bar, desk: Desk, carried: Carried, gained: list[Passed], lost: list[Passed]) -> None:
    """Note the verdict where it differs, and carry what follows from it."""
    symbol, was = verdict.belief.symbol, verdict.belief.symbol in bar.accepted
    if verdict.ticket is not None and not was:
        gained.append(Passed(desk.now, verdict.belief, verdict.ticket))
        carried.add(verdict.ticket, desk, bar.until.get(symbol, desk.now))
    elif verdict.ticket is None and was:
        lost.append(Passed(desk.now, verdict.belief))
        carried.remove(symbol, desk)
    elif was:  # both: the real order counts from here on
        carried.orders.pop(symbol, None)


def unmeasured(verdict: Verdict) -> bool:
    """Nothing but a correlation that nobody knows any more stood in its way."""
    noes = verdict.rejections
    return len(noes) == 1 and noes[0].code is Code.CORRELATION and noes[0].value is None

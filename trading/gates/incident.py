"""The morning of the 198: high-confidence signals, no trade and no reason, played the old way and ours.

In November 2025 an executor sorted its signals by confidence, kept five, took as many as there were free slots, and
only then asked whether they go with the trend. The first ones were shorts above their 200-bar mean: none could trade,
the slots were not given to the next, the rest was written down nowhere, and after the cooldown it began again.
There the price stood 1.28 % above the mean; a band of 2 % lets that pass today, so here it stands 3 % above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading.exchange.venue import Filters, Side
from trading.forecast.belief import Belief, Vote
from trading.gates.desk import Desk, Limits, Market, PolicyNow
from trading.gates.gates import with_trend
from trading.gates.judge import Verdict, decide

SIGNALS, AGAINST, SLOTS, KEPT = 198, 5, 4, 5
FIRST = ("DASH", "ZEC", "ZEN", "TAO", "XMR")  # the four that took the slots, and the fifth that was kept
ABOVE = 1.03  # price over its 200-bar mean
COOLDOWN = timedelta(seconds=120)
KINDS = ("lightgbm", "xgboost", "extratrees", "logistic")
PRICE = Decimal(100)


@dataclass(frozen=True, slots=True)
class OldPass:
    """One pass of the old executor: what it planned, what it sent, what it never wrote down."""

    planned: tuple[Belief, ...]
    submitted: tuple[Belief, ...]
    kept_for_nothing: int
    unrecorded: int


def signals(now: datetime) -> list[Belief]:
    """198 shorts, best first: confidence from 0.49 down to 0.33."""
    names = [*FIRST, *(f"COIN{i:03}" for i in range(AGAINST + 1, SIGNALS + 1))]
    return [signal(f"{name}/USDT:USDT", round(0.49 - 0.16 * i / (SIGNALS - 1), 6), now) for i, name in enumerate(names)]


def signal(symbol: str, confidence: float, now: datetime) -> Belief:
    votes = tuple(Vote(f"{kind} 1", kind, "1", Side.SHORT, confidence) for kind in KINDS)
    return Belief(
        symbol=symbol,
        side=Side.SHORT,
        confidence=confidence,
        agreement=1.0,
        votes=votes,
        excluded=(),
        price=PRICE,
        atr=1.0,
        r=1.5,
        cost_r=0.0933,
        at=now - timedelta(seconds=2),
    )


def desk(beliefs: Sequence[Belief], now: datetime, limits: Limits) -> Desk:
    """10 000 USDT, nothing held, four slots, a trending market; the first five stand above their mean."""
    names = [belief.symbol for belief in beliefs]
    return Desk(
        now=now,
        mode="replay",
        execution_enabled=True,
        switch="active",
        limits=replace(limits, max_positions=SLOTS),
        policy=PolicyNow(1, "TRENDING", "NORMAL", 0.32, 1.0, True, "QT_POLICY_MIN_CONF_TRENDING"),
        markets={name: market(name, i < AGAINST, now) for i, name in enumerate(names)},
        holdings=(),
        equity=Decimal(10_000),
        available=Decimal(10_000),
        daily_pnl=Decimal(0),
        correlation=Unrelated(),
        bar_closed_at=now - timedelta(seconds=2),
    )


class Unrelated(dict):
    """Every pair of coins a little correlated, without listing the pairs."""

    def get(self, key: object, default: object = None) -> float:
        return 0.1


def market(symbol: str, against: bool, now: datetime) -> Market:
    rules = Filters(
        symbol=symbol,
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(100_000),
        market_max_quantity=Decimal(50_000),
        min_notional=Decimal(5),
    )
    return Market(
        symbol=symbol,
        candle_at=now - timedelta(seconds=2),
        mark=PRICE,
        mark_at=now - timedelta(seconds=1),
        ema200=float(PRICE) / (ABOVE if against else 0.99),
        funding_rate=-0.0001,
        filters=rules,
    )


def old_way(beliefs: Sequence[Belief], desk: Desk) -> OldPass:
    """Sort, keep five, fill the slots, and only then ask: who can't trade has taken a slot from somebody who could."""
    best = sorted(beliefs, key=lambda belief: -belief.confidence)[:KEPT]
    planned = best[: desk.limits.max_positions - len(desk.holdings)]
    submitted = [belief for belief in planned if with_trend(belief, desk) is None]
    return OldPass(tuple(planned), tuple(submitted), len(best) - len(planned), len(beliefs) - len(planned))


def our_way(beliefs: Sequence[Belief], desk: Desk) -> list[Verdict]:
    """The judge that trades here, on the same signals."""
    return decide(beliefs, desk)

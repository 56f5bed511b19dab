"""Beliefs and desks for tests: everything passes until `dataclasses.replace` or a keyword says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from trading.exchange.venue import Filters, Side
from trading.forecast.belief import Belief, Vote
from trading.gates.desk import Desk, Holding, Limits, Market, PolicyNow

NOW = datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC)
CLOSED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)  # when the judged bar closed
BTC = "BTC/USDT:USDT"
PRICE = Decimal(100)


def name(i: int) -> str:
    return f"S{i:05}/USDT:USDT"


def filters(symbol: str = BTC, **changes: Any) -> Filters:
    rules = Filters(
        symbol=symbol,
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(100_000),
        market_max_quantity=Decimal(50_000),
        min_notional=Decimal(5),
    )
    return replace(rules, **changes)


def belief(symbol: str = BTC, side: Side = Side.LONG, confidence: float = 0.45, **changes: Any) -> Belief:
    """A long at 100 with R = 1.50 and costs of 0.09 R."""
    votes = tuple(
        Vote(f"{kind} 1", kind, "1", side, confidence) for kind in ("lightgbm", "xgboost", "forest", "linear")
    )
    one = Belief(
        symbol=symbol,
        side=side,
        confidence=confidence,
        agreement=1.0,
        votes=votes,
        excluded=(),
        price=PRICE,
        atr=1.0,
        r=1.5,
        cost_r=0.0933,
        at=CLOSED,
    )
    return replace(one, **changes)


def beliefs(count: int, first: int = 0, **changes: Any) -> list[Belief]:
    """`count` beliefs, best first: confidence falls from 0.49 towards 0.44."""
    return [
        belief(name(i), **{"confidence": round(0.49 - 0.05 * i / (first + count), 6)} | changes)
        for i in range(first, first + count)
    ]


def market(symbol: str = BTC, **changes: Any) -> Market:
    known = Market(
        symbol=symbol,
        candle_at=CLOSED,
        mark=PRICE,
        mark_at=NOW - timedelta(seconds=1),
        ema200=99.0,
        funding_rate=0.0001,
        filters=filters(symbol),
    )
    return replace(known, **changes)


def policy_now(**changes: Any) -> PolicyNow:
    ranging = PolicyNow(3, "RANGING", "NORMAL", 0.40, 1.0, True, "QT_POLICY_MIN_CONF_RANGING", "trend strength 17")
    return replace(ranging, **changes)


def holding(symbol: str = BTC, side: Side = Side.LONG, **changes: Any) -> Holding:
    return replace(Holding(symbol, side, Decimal(3000), Decimal(45), Decimal(1000)), **changes)


def uncorrelated(symbols: Iterable[str], rho: float = 0.1) -> dict[tuple[str, str], float]:
    return dict.fromkeys(combinations(sorted(set(symbols)), 2), rho)


class Everywhere(dict):
    """The same correlation for each pair, without listing them all."""

    def __init__(self, rho: float) -> None:
        self.rho = rho

    def get(self, key: object, default: object = None) -> float:  # type: ignore[override]
        return self.rho


def limits(**changes: Any) -> Limits:
    return replace(Limits(), **changes)


def desk(symbols: Iterable[str] = (BTC,), **changes: Any) -> Desk:
    """10 000 USDT, nothing held, a ranging market, every symbol fresh; `changes` are fields of Desk."""
    set_up = Desk(
        now=NOW,
        mode="practice",
        execution_enabled=True,
        switch="active",
        limits=Limits(),
        policy=policy_now(),
        markets={symbol: market(symbol) for symbol in symbols},
        holdings=(),
        equity=Decimal(10_000),
        available=Decimal(10_000),
        daily_pnl=Decimal(0),
        correlation=Everywhere(0.1),
        bar_closed_at=CLOSED,
    )
    return replace(set_up, **changes)


def with_market(base: Desk, symbol: str = BTC, **changes: Any) -> Desk:
    """The desk with one symbol's market changed."""
    return replace(base, markets={**base.markets, symbol: replace(base.market(symbol), **changes)})

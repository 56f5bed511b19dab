"""The policy of the moment: how the market is, and what that asks of an entry. Pure; thresholds are tables.

Regime and volatility are one for the whole market: the median over symbols, of the bars that are played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np


class Regime(StrEnum):
    TRENDING = "TRENDING"
    RANGING = "RANGING"
    NORMAL = "NORMAL"


class Volatility(StrEnum):
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    EXTREME = "EXTREME"


TRENDING_FROM = 25.0  # median ADX14
RANGING_BELOW = 20.0
BANDS = ((0.005, Volatility.LOW), (0.015, Volatility.NORMAL), (0.03, Volatility.HIGH))  # median ATR14 / price below ...
MIN_CONFIDENCE: Mapping[Regime, float] = {Regime.TRENDING: 0.32, Regime.RANGING: 0.40, Regime.NORMAL: 0.38}
ADJUST: Mapping[Volatility, float] = {
    Volatility.LOW: -0.02,
    Volatility.NORMAL: 0.0,
    Volatility.HIGH: 0.02,
    Volatility.EXTREME: 0.07,
}
LOWEST, HIGHEST = 0.15, 0.60
SIZE_VOLATILITY: Mapping[Volatility, float] = {
    Volatility.LOW: 1.0,
    Volatility.NORMAL: 1.0,
    Volatility.HIGH: 0.5,
    Volatility.EXTREME: 0.5,
}
SIZE_REGIME: Mapping[Regime, float] = {Regime.TRENDING: 1.0, Regime.RANGING: 0.7, Regime.NORMAL: 1.0}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the market measured: median ADX14, median ATR14 / price, over how many symbols."""

    adx: float
    atr_share: float
    symbols: int

    def __post_init__(self) -> None:
        if not (0 <= self.adx <= 100 and self.atr_share >= 0 and self.symbols > 0):  # NaN fails too
            raise ValueError(f"these are no market facts: {self}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What entries need while the market is like this."""

    regime: Regime
    volatility: Volatility
    min_confidence: float
    size_factor: float
    entries_allowed: bool
    why: str
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def terms(self) -> tuple[str, str, float, float, bool]:
        """What makes it another policy; measured facts alone don't."""
        return self.regime.value, self.volatility.value, self.min_confidence, self.size_factor, self.entries_allowed


def measure(atr_share: np.ndarray, adx: np.ndarray) -> Facts | None:
    """The medians over the symbols that have both; None where none has."""
    known = np.isfinite(atr_share) & np.isfinite(adx)
    if not known.any():
        return None
    return Facts(
        adx=round(float(np.median(adx[known])), 6),
        atr_share=round(float(np.median(atr_share[known])), 8),
        symbols=int(known.sum()),
    )


def regime(adx: float) -> Regime:
    """Trending from 25, ranging below 20, normal between."""
    if adx >= TRENDING_FROM:
        return Regime.TRENDING
    return Regime.RANGING if adx < RANGING_BELOW else Regime.NORMAL


def volatility(atr_share: float) -> Volatility:
    return next((level for below, level in BANDS if atr_share < below), Volatility.EXTREME)


def min_confidence(of: Regime, level: Volatility, configured: Mapping[Regime, float] = MIN_CONFIDENCE) -> float:
    """The regime's configured minimum, adjusted by volatility, within 0.15 and 0.60; rounded so that equality holds."""
    return round(min(HIGHEST, max(LOWEST, configured[of] + ADJUST[level])), 6)


def policy(facts: Facts, configured: Mapping[Regime, float] = MIN_CONFIDENCE) -> Policy:
    now, level = regime(facts.adx), volatility(facts.atr_share)
    return Policy(
        regime=now,
        volatility=level,
        min_confidence=min_confidence(now, level, configured),
        size_factor=round(SIZE_VOLATILITY[level] * SIZE_REGIME[now], 6),
        entries_allowed=level is not Volatility.EXTREME,
        why=why(facts, now, level),
        facts={"adx": facts.adx, "atr_share": facts.atr_share, "symbols": facts.symbols},
    )


def why(facts: Facts, now: Regime, level: Volatility) -> str:
    """Ranging: trend strength 17, trending from 25. Volatility normal: 0.9 % per bar, high from 1.5 %."""
    bound = {
        Volatility.LOW: "normal from 0.5\u00a0%",
        Volatility.NORMAL: "high from 1.5\u00a0%",
        Volatility.HIGH: "extreme from 3\u00a0%",
        Volatility.EXTREME: "no entries from 3\u00a0%",
    }[level]
    trend = "ranging below 20" if now is Regime.TRENDING else "trending from 25"
    return (
        f"{now.value.capitalize()}: trend strength {facts.adx:.0f}, {trend}; volatility {level.value.lower()}: "
        f"{facts.atr_share * 100:.2f}\u00a0% per bar, {bound}; median of {facts.symbols} symbols"
    )


def setting(of: str) -> str:
    """The setting that gives a regime's minimum confidence."""
    return f"QT_POLICY_MIN_CONF_{of}"

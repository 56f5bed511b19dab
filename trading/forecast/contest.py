"""Champion against challenger, on candles that neither was fitted on: only what is better takes over.

Both answer every (symbol, bar) pair of the window. The gain is the mean difference of their log losses, paired, with a
95 % interval from a bootstrap over stretches of one horizon: neighbouring bars share their fate, and so do the coins of
one bar. The challenger wins where that whole interval lies above zero. Where the champion isn't whole any more (a model
of it is quarantined) the challenger need only not be proven worse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from trading.forecast.calibration import figures
from trading.forecast.evidence import MIN_STRETCHES, interval, stretches


class Why(StrEnum):
    """Why a challenger was promoted, or was not."""

    FIRST = "FIRST"  # nobody could vote
    UNJUDGED = "UNJUDGED"  # asked for without a contest: a replay begins
    BETTER = "BETTER"
    RESTORES = "RESTORES"  # the champion isn't whole, and the challenger is not worse
    NOT_BETTER = "NOT_BETTER"
    WORSE = "WORSE"
    TOO_LITTLE = "TOO_LITTLE"  # too few bars that neither has seen


WINS = (Why.FIRST, Why.UNJUDGED, Why.BETTER, Why.RESTORES)


@dataclass(frozen=True, slots=True)
class Contest:
    why: Why
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def promoted(self) -> bool:
        return self.why in WINS


def judge(
    champion: np.ndarray, challenger: np.ndarray, truth: np.ndarray, bars: np.ndarray, horizon: int, whole: bool = True
) -> Contest:
    """Probabilities [2, n] of both, labels [n, 2] and bar numbers [n] of the window that neither was fitted on."""
    count = stretches(bars, horizon) if len(bars) else 0
    if count < MIN_STRETCHES:
        return Contest(Why.TOO_LITTLE, {"n": len(bars), "stretches": count, "wanted": MIN_STRETCHES})
    wanted = truth.T.astype(np.float64)
    gains = (losses(champion, wanted) - losses(challenger, wanted)).mean(axis=0)
    low, high = interval(gains, bars, horizon)
    rate = float(wanted.mean())
    return Contest(
        verdict(low, high, whole),
        {
            "n": len(bars),
            "stretches": count,
            "gain": round(float(gains.mean()), 6),
            "low": low,
            "high": high,
            "champion": figures(champion.reshape(-1), wanted.reshape(-1), rate),
            "challenger": figures(challenger.reshape(-1), wanted.reshape(-1), rate),
        },
    )


def verdict(low: float, high: float, whole: bool) -> Why:
    if low > 0:
        return Why.BETTER
    if high < 0:
        return Why.WORSE
    return Why.NOT_BETTER if whole else Why.RESTORES


def losses(p: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Log loss of each answer."""
    return -np.log(np.abs(1 - wanted - np.clip(p, 1e-6, 1 - 1e-6)))

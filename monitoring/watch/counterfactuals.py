"""What each gate saved or cost: what became of the signals that it rejected, in R after costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from trading.models import Decision, SignalOutcome

SAVED, COST, UNCLEAR = "saved", "cost", "unclear"


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One code: of `n` rejected signals whose path is known, the mean result and its 95 % interval.

    Without an interval the sample is too short to tell; `unknown` counts the paths that a gap in the candles hid.
    """

    code: str
    n: int
    unknown: int
    mean_r: float | None
    ci_low: float | None
    ci_high: float | None

    @property
    def verdict(self) -> str:
        """The gate saved what would surely have been lost, or cost what would surely have been won."""
        if self.ci_low is None or self.ci_high is None or self.ci_low <= 0 <= self.ci_high:
            return UNCLEAR
        return SAVED if self.ci_high < 0 else COST


Path = tuple[float | None, datetime, int]  # net R, the signal's time, its horizon in bars


def counterfactuals(window: timedelta, now: datetime) -> list[Counterfactual]:
    """By the rejection's first code, the largest sample first; only paths whose whole horizon is over; one query."""
    over = SignalOutcome.objects.filter(
        signal__at__gt=now - window,
        matures_at__lte=now,
        signal__decision__outcome=Decision.REJECTED,
    )
    found: dict[str, list[Path]] = defaultdict(list)
    rows = over.values_list("signal__decision__code", "net_r", "signal__at", "horizon")
    for code, net, at, horizon in rows.iterator(chunk_size=5000):
        found[code].append((net, at, horizon))
    told = [judged(code, paths, settings.QUANTUM.bar) for code, paths in found.items()]
    return sorted(told, key=lambda one: (-one.n, one.code))


def judged(code: str, paths: list[Path], bar: timedelta) -> Counterfactual:
    """The mean and, where the sample is long enough, its interval: bars within one horizon share their fate."""
    import numpy as np

    from trading.forecast.evidence import MIN_STRETCHES, interval, stretches

    known = [(net, at, horizon) for net, at, horizon in paths if net is not None]
    unknown = len(paths) - len(known)
    if not known:
        return Counterfactual(code, 0, unknown, None, None, None)
    values = np.array([net for net, _, _ in known])
    bars = np.array([int(at.timestamp() // bar.total_seconds()) for _, at, _ in known])
    horizon = max(horizon for _, _, horizon in known)
    enough = stretches(bars, horizon) >= MIN_STRETCHES
    low, high = interval(values, bars, horizon) if enough else (None, None)
    return Counterfactual(code, len(known), unknown, round(float(values.mean()), 6), low, high)

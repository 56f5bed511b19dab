"""When a position must be closed at market: its time is over, or its stop was passed and did not fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from trading.exchange.venue import Side
from trading.positions.trailing import Ride, TrailRule, wanted_stop

UNITS = {"m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rules:
    """How positions are looked after. `escalate`: how long a passed stop may take to fill."""

    escalate: timedelta = timedelta(seconds=2)
    trail: TrailRule = TrailRule()


@dataclass(frozen=True, slots=True)
class Held:
    """An open position as its keeper knows it. `limit` is the working stop's limit; `best` the best price since entry.

    `breached_at`: since when its stop is passed or triggered without a fill.
    """

    position_id: int
    symbol: str
    side: Side
    entry: Decimal
    r: Decimal
    stop: Decimal | None
    limit: Decimal | None
    best: Decimal
    expires_at: datetime
    breached_at: datetime | None = None
    closing: bool = False

    @property
    def ride(self) -> Ride | None:
        """What trailing needs; None while there is no stop to move."""
        return None if self.stop is None else Ride(self.side, self.entry, self.r, self.stop, self.best)


@dataclass(frozen=True, slots=True)
class Exit:
    """Out, and why: `code` is the trade's close reason."""

    code: str
    sentence: str


def bar_length(timeframe: str) -> timedelta:
    """`5m`, `1h`, `1d` as a duration."""
    return timedelta(seconds=int(timeframe[:-1]) * UNITS[timeframe[-1]])


def stop_passed(held: Held, mark: Decimal) -> bool:
    """The mark is at or behind the working stop's trigger."""
    return held.stop is not None and held.side.sign * (mark - held.stop) <= 0


def limit_passed(held: Held, mark: Decimal) -> bool:
    """The mark is behind the stop's limit: that order can't fill any more at this price."""
    return held.limit is not None and held.side.sign * (mark - held.limit) < 0


def due(held: Held, mark: Decimal | None, now: datetime, rules: Rules) -> Exit | None:
    """The first reason to close `held` at market now, or None. Without a mark only time can tell."""
    if now >= held.expires_at:
        return Exit("time", f"time exit: due since {held.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    if mark is not None and limit_passed(held, mark):
        return Exit("stop_escalated", f"mark {mark:f} is beyond the stop's limit {held.limit:f}")
    if held.breached_at is not None and now - held.breached_at >= rules.escalate:
        waited = (now - held.breached_at).total_seconds()
        return Exit("stop_escalated", f"the stop at {held.stop:f} was passed {waited:.1f} s ago and has not filled")
    if mark is not None and (trailed := trailed_past(held, mark, rules.trail)) is not None:
        return Exit("trailing", f"mark {mark:f} is behind {trailed:f}, where the trailing stop belongs")
    return None


def trailed_past(held: Held, mark: Decimal, rule: TrailRule) -> Decimal | None:
    """Where the stop should have been moved to, if the mark has come back through it meanwhile."""
    wanted = wanted_stop(held.ride, rule) if held.ride else None
    return wanted if wanted is not None and held.side.sign * (mark - wanted) <= 0 else None

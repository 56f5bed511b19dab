"""Open positions with what their way out hangs on, and when that is endangered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LOOKS = timedelta(seconds=60)  # between two looks at an open position
OVERDUE = timedelta(seconds=60)
CLOSES, TRIES = timedelta(seconds=120), timedelta(seconds=30)
BEHIND = 0.5  # R that a trailing stop may lag before it counts
FLAT_SEEN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Held:
    """One open position with what its way out hangs on. Prices and money as floats: they are only compared."""

    id: int
    symbol: str
    side: str
    status: str
    entry: float
    r: float
    stop: float | None
    best: float | None
    quantity: float
    notional: float
    leverage: int
    ticket_leverage: int | None
    opened_at: datetime
    expires_at: datetime
    looked_at: datetime | None  # the keeper's newest look at it
    mark_at: datetime | None
    unprotected_since: datetime | None
    protected: bool
    breached_at: datetime | None
    flat_seen_at: datetime | None  # the venue showed no such position
    trailing: bool
    mode: str = ""

    @property
    def sign(self) -> int:
        return 1 if self.side == "long" else -1


@dataclass(frozen=True, slots=True)
class Closing:
    """A close that was asked for and is not done."""

    position: int
    symbol: str
    requested_at: datetime
    error: str = ""


def wrong_side(one: Held) -> bool:
    """Its stop lies where the position wins."""
    reference = max(one.entry, one.best or one.entry) if one.sign > 0 else min(one.entry, one.best or one.entry)
    behind = reference if one.trailing else one.entry
    return one.stop is not None and one.sign * (behind - one.stop) <= 0


def lag_r(one: Held, profit: float, distance: float) -> float:
    """How many R the stop lies behind where trailing would have put it; 0 where it need not move.

    `profit` is the share of the entry price from which on it trails, `distance` the R that it then keeps.
    """
    if one.r <= 0 or one.stop is None or one.best is None:
        return 0.0
    won = one.sign * (one.best - one.entry)
    if won < max(profit * one.entry, one.r):
        return 0.0
    wanted = one.best - one.sign * distance * one.r
    return max(0.0, one.sign * (wanted - one.stop) / one.r)


def looks(monitor: timedelta) -> timedelta:
    """How old the keeper's newest look at a position may be."""
    return max(LOOKS, monitor * 4)


def late_close(asked: Closing, now: datetime) -> bool:
    """It was asked for, and should be done by now."""
    return now - asked.requested_at > (TRIES if asked.error else CLOSES)


def passed(one: Held, escalate: timedelta, now: datetime) -> bool:
    """The market went through its stop, and it is still there."""
    return one.breached_at is not None and now - one.breached_at > escalate + TRIES


def ghost(one: Held, now: datetime) -> bool:
    """The venue shows no such position any more."""
    return one.flat_seen_at is not None and now - one.flat_seen_at > FLAT_SEEN

"""Which positions are closed while self-healing defends, and why. Pure.

EMERGENCY_SHUTDOWN closes all. DEFENSIVE_EXIT closes what is in danger, the first of these that holds:

1. UNPROTECTED: no stop at the exchange for longer than a stop takes to be placed.
2. BEYOND_STOP: its stop was passed, and neither the stop nor the keeper has closed it since.
3. NEAR_LIQUIDATION: liquidation lies less than twice as far from the entry as the stop. Measured from the entry: a
   position in profit, whose stop has followed, has no distance left to lose.
4. UNSEEN: its mark and the last proof of its stop are both old, although the exchange answers: its keeper is broken.
   While the exchange is silent nobody could see anything, and nothing is closed on what is not known: its orders there
   work without us.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from monitoring.watch.detectors.exchange import PROTECT_WITHIN
from trading.exchange.venue import Side
from trading.gates.directives import Level

PASSED = timedelta(seconds=10)  # a passed stop is escalated after two seconds; by then somebody should have
UNSEEN = timedelta(seconds=60)
ANSWERS = timedelta(seconds=30)  # the account is read every ten seconds
TIMES = 2  # liquidation at least that many stop distances away


class Danger(StrEnum):
    UNPROTECTED = "UNPROTECTED"
    BEYOND_STOP = "BEYOND_STOP"
    NEAR_LIQUIDATION = "NEAR_LIQUIDATION"
    UNSEEN = "UNSEEN"
    SHUTDOWN = "SHUTDOWN"


@dataclass(frozen=True, slots=True)
class Exposure:
    """An open position. Times are when something was last so; `unprotected_since` is None while a stop covers it."""

    position_id: int
    symbol: str
    side: Side
    entry: Decimal
    opened_at: datetime
    stop: Decimal | None = None
    liquidation: Decimal | None = None
    mark_at: datetime | None = None
    verified_at: datetime | None = None
    unprotected_since: datetime | None = None
    breached_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A position to be closed, and the sentence that its request keeps."""

    position_id: int
    symbol: str
    danger: Danger
    sentence: str


def to_close(level: Level, exposures: Iterable[Exposure], venue_at: datetime | None, now: datetime) -> list[Closing]:
    """What has to go at this level. `venue_at`: when the exchange last answered."""
    if level is Level.EMERGENCY_SHUTDOWN:
        said = "everything is closed, a person is needed"
        return [Closing(one.position_id, one.symbol, Danger.SHUTDOWN, f"{level}: {said}") for one in exposures]
    if level is not Level.DEFENSIVE_EXIT:
        return []
    answers = venue_at is not None and now - venue_at <= ANSWERS
    found = ((one, in_danger(one, answers, now)) for one in exposures)
    return [Closing(one.position_id, one.symbol, why[0], f"{level}: {why[1]}") for one, why in found if why]


def in_danger(one: Exposure, venue_answers: bool, now: datetime) -> tuple[Danger, str] | None:
    """The first danger that this position is in, with its numbers; None where it is as safe as it was meant to be."""
    if one.unprotected_since is not None and (naked := now - one.unprotected_since) > PROTECT_WITHIN:
        said = f"no stop at the exchange for {seconds(naked)} s, limit {seconds(PROTECT_WITHIN)} s"
        return Danger.UNPROTECTED, said
    if one.breached_at is not None and (passed := now - one.breached_at) > PASSED:
        return Danger.BEYOND_STOP, f"its stop was passed {seconds(passed)} s ago, limit {seconds(PASSED)} s"
    if (times := stop_distances(one)) is not None and times < TIMES:
        return Danger.NEAR_LIQUIDATION, f"liquidation is {times:.2f} stop distances away, at least {TIMES}"
    silent = now - max(at for at in (one.opened_at, one.mark_at, one.verified_at) if at is not None)
    if venue_answers and silent > UNSEEN:
        said = f"neither its price nor its stop was seen for {seconds(silent)} s, limit {seconds(UNSEEN)} s"
        return Danger.UNSEEN, said
    return None


def stop_distances(one: Exposure) -> Decimal | None:
    """How many times as far as the stop liquidation lies, from the entry; None where either is not known or no loss."""
    if one.stop is None or one.liquidation is None or one.liquidation <= 0:
        return None
    stop, end = (one.side.sign * (one.entry - price) for price in (one.stop, one.liquidation))
    return None if stop <= 0 else end / stop


def seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}"

"""What is open at the exchange, and the money: stops, outcomes of orders, books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, HIGH, Action, Ailment, Finding, Remedy

PROTECT_WITHIN = timedelta(seconds=10)
KNOWN_WITHIN = timedelta(seconds=60)  # a lost answer is found out within the request's validity window and two looks


def unprotected(facts: Facts) -> Iterator[Finding]:
    for one in facts.naked:
        if facts.silence(one.since) > PROTECT_WITHIN:
            params: dict[str, str | float] = {
                "symbol": one.symbol,
                "seconds": (facts.now - one.since).total_seconds(),
                "limit": PROTECT_WITHIN.total_seconds(),
            }
            again = Remedy(Action.PROTECT_POSITION, str(one.position_id))
            subject = str(one.position_id)
            yield Finding(
                Ailment.UNPROTECTED, subject, "position_monitor", CRITICAL, params, True, (again, again, again)
            )


def unknown_orders(facts: Facts) -> Iterator[Finding]:
    for one in facts.lost:
        if facts.silence(one.since) > KNOWN_WITHIN:
            params: dict[str, str | float] = {
                "symbol": one.symbol,
                "seconds": (facts.now - one.since).total_seconds(),
                "limit": KNOWN_WITHIN.total_seconds(),
            }
            again = Remedy(Action.RUN_MODULE, "position_monitor")
            subject = str(one.order_id)
            yield Finding(Ailment.ORDER_UNKNOWN, subject, "exchange", HIGH, params, True, (again, again, again))


def money_faults(facts: Facts) -> Iterator[Finding]:
    """Books that differ make every limit rest on wrong numbers; stops that the venue does not keep end all entries."""
    for one in facts.money:
        broken = one.code == Ailment.STOPS_BROKEN
        yield Finding(
            Ailment(one.code), one.subject, "exchange", CRITICAL if broken else HIGH, one.params, impacts_trading=broken
        )

"""Every detector, asked in order; the worst finding first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitoring.watch.detectors import exchange, feed, ground, running
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import SEVERITIES, Finding

DETECTORS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    running.processes,
    running.silent_modules,
    running.failing_modules,
    running.wired,
    feed.quiet_stream,
    feed.stale_candles,
    running.stuck_training,
    exchange.unprotected,
    exchange.unknown_orders,
    ground.slow_database,
    ground.little_room,
    ground.silent_broker,
    running.unknown_parts,
    exchange.money_faults,
    feed.data_faults,
)


def detect(facts: Facts) -> list[Finding]:
    """Worst first."""
    found = [finding for detector in DETECTORS for finding in detector(facts)]
    return sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.key))

"""What lies beneath: database, disk, broker."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import HIGH, MEDIUM, Ailment, Finding

SLOW_MS = 1000.0


def slow_database(facts: Facts) -> Iterator[Finding]:
    if facts.database_ms > SLOW_MS:
        params = {"ms": facts.database_ms, "limit_ms": SLOW_MS}
        yield Finding(Ailment.DATABASE_SLOW, "", "database", MEDIUM, params, False)


def little_room(facts: Facts) -> Iterator[Finding]:
    """Entries stop while there is still room for what the exits have to write."""
    if facts.room.short:
        params = {"free_mb": megabytes(facts.room.free), "limit_mb": megabytes(facts.room.limit)}
        yield Finding(Ailment.DISK_SHORT, "", "database", HIGH, params, True)


def megabytes(size: int) -> float:
    return round(size / 1e6, 1)


def silent_broker(facts: Facts) -> Iterator[Finding]:
    """Without it beat's schedules reach nobody; the stream trades on by itself."""
    if facts.broker_ms is None:
        yield Finding(Ailment.BROKER_SILENT, "", "broker", HIGH, {}, True)

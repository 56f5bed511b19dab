"""What runs in this stage: the position monitor, the trailing stop manager, and the account's watcher."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from trading.positions import keeper
from trading.runtime import Report, register


@register
class PositionMonitor:
    """Sweeps everything that is open; what a dead process left behind is found here."""

    name, title, queue = "position_monitor", "Position Monitor", "trade"
    every = timedelta(seconds=settings.QUANTUM.QT_POSITION_MONITOR_INTERVAL)

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        return keeper.sweep(venue(), timezone.now)


@register
class TrailingStopManager:
    """Moves stops behind the best price, from one read of all marks."""

    name, title, queue = "trailing", "Trailing Stop Manager", "trade"
    every = timedelta(seconds=settings.QUANTUM.QT_TRAILING_CHECK_INTERVAL)

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        return keeper.trail(venue(), timezone.now)


@register
class Exchange:
    """Reads the account, measures the venue's answer, books funding."""

    name, title, every, queue = "exchange", "Exchange", timedelta(seconds=10), "work"

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        return keeper.account(venue(), timezone.now, settings.QUANTUM.mode)

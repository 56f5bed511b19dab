"""What runs in this stage: the position monitor, the trailing stops, the account's watcher, the reconciliation."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from trading.orders import canary
from trading.positions import accounting, keeper, reckoning
from trading.runtime import CALLER, Report, register


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

        return accounting.account(venue(), timezone.now, settings.QUANTUM.mode)


@register
class Reconciliation:
    """Compares our books with the venue's income history, and our journal with what is there."""

    name, title, every, queue = "reconciliation", "Reconciliation", timedelta(minutes=5), "work"

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        return reckoning.reconcile(venue(), timezone.now, settings.QUANTUM.mode)


@register
class VenueCanary:
    """Proves once a day that the venue takes, shows, replaces, triggers and cancels our stops."""

    name, title, every, queue = "venue_canary", "Venue Canary", timedelta(minutes=5), "work"

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        return canary.tick(venue(), timezone.now, settings.QUANTUM.mode, CALLER.get())

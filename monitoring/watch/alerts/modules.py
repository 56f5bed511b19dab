"""The Notifier: judges the laws' minutes, keeps the alerts, sends what is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from monitoring.models import Alert, Incident
from monitoring.watch import forgetting
from monitoring.watch.alerts import minutes, outbox
from monitoring.watch.alerts.burn import burning
from monitoring.watch.alerts.routing import Habits, Quiet
from monitoring.watch.alerts.sender import send
from monitoring.watch.alerts.sources import Trouble, Wanted, from_burning, from_incidents
from quantum.channels import quiet_hours
from trading.runtime import Report, register


@register
class Notifier:
    """Every few seconds, so that a page leaves within ten of what it is about."""

    name, title, every, queue = "notifier", "Notifier", timedelta(seconds=5), "work"

    def __init__(self, send: outbox.Send = send, clock: Callable[[], datetime] = timezone.now) -> None:
        self.send, self.clock = send, clock
        self.forget = forgetting.Hourly(forgetting.told)

    def tick(self, now: datetime) -> Report:
        minutes.mark(now)
        told = wanted(now)
        channels = [one.name for one in settings.QUANTUM.alert_channels]
        begun, over = outbox.settle(told, channels, habits(), now)
        sent, failed = outbox.deliver(channels, self.send, now, self.clock)
        self.forget(now)
        if not told and not over and not sent and not failed:
            return Report.idle("there is nothing to tell", examined=len(channels) + 1)
        return Report(examined=len(told) + len(channels) + 1, actions=begun + over + sent)


def wanted(now: datetime) -> list[Wanted]:
    """Three queries."""
    lost = minutes.lately(now)
    return from_incidents(troubles()) + [
        one for law, found in lost.items() for one in from_burning(burning(law, found, now), now)
    ]


def troubles() -> list[Trouble]:
    rows = Incident.objects.filter(closed_at=None)
    told = set(Alert.objects.filter(resolved_at=None).values_list("key", flat=True))
    return [
        Trouble(row.key, row.code, row.severity, row.first_seen, row.paged_at is not None,
                row.acknowledged_at is not None, row.params, f"incident:{row.key}" in told)
        for row in rows
    ]  # fmt: skip


def habits() -> Habits:
    config = settings.QUANTUM
    quiet = Quiet(*quiet_hours(config.QT_ALERT_QUIET_HOURS), config.QT_ALERT_TIMEZONE)
    return Habits(timedelta(minutes=config.QT_ALERT_DIGEST_MINUTES), quiet)

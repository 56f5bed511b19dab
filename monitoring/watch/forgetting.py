"""What is over is kept for half a year and then forgotten; what goes on is kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from monitoring.models import Alert, Incident
from monitoring.watch.safety import EMERGENCY_KEY
from trading.models import Directive

KEPT = timedelta(days=180)
EVERY = timedelta(hours=1)
MOST = 500  # rows of a table at once


class Hourly:
    """Forgets at most once an hour."""

    def __init__(self, forget: Callable[[datetime], int]) -> None:
        self.forget = forget
        self.at: datetime | None = None

    def __call__(self, now: datetime) -> int:
        if self.at is not None and self.at <= now < self.at + EVERY:
            return 0
        self.at = now
        return self.forget(now)


def healed(now: datetime) -> int:
    """Incidents with their remedies, and directives; one that a person lifted is known while its incident goes on."""
    before = now - KEPT
    still = Incident.objects.filter(closed_at=None).values("key")
    ended = Directive.objects.filter(ended_at__lt=before).exclude(key=EMERGENCY_KEY).exclude(key__in=still)
    return oldest(Incident.objects.filter(closed_at__lt=before)) + oldest(ended)


def told(now: datetime) -> int:
    """Alerts with their deliveries."""
    return oldest(Alert.objects.filter(resolved_at__lt=now - KEPT))


def oldest(rows: QuerySet[Any]) -> int:
    """Delete the first of these and what belongs to them; how many."""
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST])
    if found:
        rows.model._default_manager.filter(pk__in=found).delete()
    return len(found)

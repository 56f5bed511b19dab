"""Self-Healing as a module: how often it looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from monitoring.models import Incident
from monitoring.watch import healing
from monitoring.watch.detectors import STREAM_QUIET
from monitoring.watch.healer import BY, STREAM, Hands, look
from trading.models import ModuleState
from trading.runtime import Report, register


@register
class SelfHealing:
    """Looks every few seconds while something is open, at once when the stream falls silent, else twice a minute."""

    name, title, queue = BY, "Self-Healing", "work"
    every = timedelta(seconds=settings.QUANTUM.QT_CRITICAL_CHECK_INTERVAL)

    def __init__(self, hands: Hands | None = None) -> None:
        self.hands = hands or Hands()
        self.born: datetime | None = None  # since when this process watches

    def tick(self, now: datetime) -> Report:
        self.born = self.born or now
        worked = dict(ModuleState.objects.filter(name__in=(self.name, STREAM)).values_list("name", "last_work"))
        last, heard = worked.get(self.name), worked.get(STREAM)
        severities = list(Incident.objects.filter(closed_at=None).values_list("severity", flat=True))
        quiet = now - max(heard or self.born, self.born) > STREAM_QUIET
        if not quiet and not healing.due(last, severities, now):
            rest = (last + healing.CALM - now).total_seconds() if last else 0
            return Report.idle(f"nothing is open; the next look is in {rest:.0f} s")
        return look(now, self.born, self.hands)

"""Self-Healing as a module: how often it looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from monitoring.models import Incident
from monitoring.watch import dataseen, forgetting, healing, pulses
from monitoring.watch.detectors.feed import STREAM_QUIET
from monitoring.watch.detectors.silence import HUNG
from monitoring.watch.hands import BY, Hands
from monitoring.watch.healer import STREAM, look
from trading.gates import store
from trading.gates.directives import Level, strictness
from trading.models import ModuleState
from trading.runtime import Report, register


@register
class SelfHealing:
    """Looks every few seconds while something is open; at once where a process or the stream is silent or data bad.

    Otherwise twice a minute.
    """

    name, title, queue = BY, "Self-Healing", "work"
    every = timedelta(seconds=settings.QUANTUM.QT_CRITICAL_CHECK_INTERVAL)

    def __init__(self, hands: Hands | None = None) -> None:
        self.hands = hands or Hands()
        self.born: datetime | None = None  # since when this process watches
        self.awake_at: datetime | None = None  # its watchman's newest round
        self.forget = forgetting.Hourly(forgetting.healed)

    def watch(self, now: datetime) -> datetime:
        """Since when this process watches without a break: it begins anew where it slept, or the clock was set."""
        slept = self.awake_at is not None and now - self.awake_at > max(HUNG, self.every * 2)
        if self.born is None or self.born > now or slept or pulses.woken():
            self.born = now
        return self.born

    def tick(self, now: datetime) -> Report:
        born = self.watch(now)
        worked = dict(ModuleState.objects.filter(name__in=(self.name, STREAM)).values_list("name", "last_work"))
        last, heard = worked.get(self.name), worked.get(STREAM)
        severities = list(Incident.objects.filter(closed_at=None).values_list("severity", flat=True))
        quiet = now - max(heard or born, born) > STREAM_QUIET
        due = quiet or healing.due(last, severities, now, defending(now))
        if not due and not pulses.missed() and not dataseen.urgent(last or born, now):
            rest = (last + healing.CALM - now).total_seconds() if last else 0
            return Report.idle(f"nothing worse than low is open; the next look is in {rest:.0f} s")
        report = look(now, born, self.hands)
        self.forget(now)
        return report


def defending(now: datetime) -> bool:
    """Positions are being closed: the next look comes at the next tick."""
    return strictness(store.standing(now).level) >= strictness(Level.DEFENSIVE_EXIT)

"""The fire drill: in practice mode, one drill now and then by itself; off unless QT_FIRE_DRILL_INTERVAL is set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from monitoring.control import practice
from monitoring.control.actions import Stale, Unreachable
from monitoring.control.drills import asking
from monitoring.control.permissions import machine
from monitoring.models import DrillRun
from monitoring.watch.drills.catalogue import ALL, longest_ago
from trading.runtime import Report, register

BY = "fire_drill"


@register
class FireDrill:
    """Starts the drill that was run longest ago; one that closes a position is left to people."""

    name, title, every, queue = BY, "Fire Drill", timedelta(seconds=60), "work"

    def tick(self, now: datetime) -> Report:
        interval = settings.QUANTUM.QT_FIRE_DRILL_INTERVAL
        if not practice.practising():
            return Report.idle("fire drills are run in practice mode alone")
        if not interval:
            return Report.idle("fire drills are off (QT_FIRE_DRILL_INTERVAL)")
        last = DrillRun.objects.filter(by=BY).aggregate(at=Max("requested_at"))["at"]
        if last is not None and (due := last + timedelta(seconds=interval)) > now:
            return Report.idle(f"the next fire drill is due at {due:%H:%M}")
        runs = dict(DrillRun.objects.values_list("name").annotate(at=Max("requested_at")))
        try:
            asking.start(longest_ago(runs).name, machine(BY), now, "a fire drill")
        except (Stale, Unreachable) as no:
            return Report.idle(f"waiting: {no}"[:300])
        return Report(examined=len(ALL), actions=1, panels=("drills",))

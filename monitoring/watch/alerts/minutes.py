"""Minute by minute: which laws held. A bad moment makes its whole minute bad."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from monitoring.models import Incident, LawMinute
from monitoring.watch.alerts.burn import KEPT_FOR, Law, Minute, State
from trading import laws
from trading.models import ModuleState

BREAKS: Mapping[Law, tuple[str, ...]] = {  # the incidents that say that a law is broken
    Law.KNOWN: ("ORDER_UNKNOWN", "PART_UNKNOWN"),
    Law.PROTECTED: ("UNPROTECTED",),
    Law.FRESH: ("STREAM_SILENT", "FEED_STALE"),
    Law.RUNNING: ("MODULE_SILENT", "PROCESS_SILENT", "MODULE_NOT_LOADED", "BROKER_SILENT"),
}
MILD = ("low", "medium")  # a module that nothing hangs on breaks no law
LATELY = timedelta(hours=24)  # signals older than this were counted in their own day
KEEP = KEPT_FOR + timedelta(days=27)  # a month for the page
WATCHER, NOTIFIER = "self_healing", "notifier"


def mark(now: datetime) -> int:
    """Judge the minute that ended; its laws once each. Six queries; how many were broken or not known.

    A minute in which we did not run ourselves is no evidence: the house was off, or is just starting.
    """
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    ran = ModuleState.objects.filter(name=NOTIFIER, last_tick__gte=minute).exists()
    if not ran or LawMinute.objects.filter(at=minute).exists():
        return 0
    rows = [
        LawMinute(law=law.value, at=minute, state=state.value, params=params)
        for law, (state, params) in judged(minute).items()
    ]
    with transaction.atomic():
        LawMinute.objects.bulk_create(rows, ignore_conflicts=True)
        if minute.minute == 0:
            LawMinute.objects.filter(at__lt=now - KEEP).delete()
    return sum(row.state != State.KEPT for row in rows)


def judged(minute: datetime) -> dict[Law, tuple[State, dict[str, Any]]]:
    """What incidents of that minute say; without self-healing's look since, nobody can say that all was well."""
    end = minute + timedelta(minutes=1)
    open_then = Incident.objects.filter(Q(closed_at=None) | Q(closed_at__gt=minute), first_seen__lt=end)
    found = list(open_then.values_list("code", "key", "severity"))
    looked = ModuleState.objects.filter(name=WATCHER, last_tick__gte=minute - timedelta(minutes=1)).exists()
    told: dict[Law, tuple[State, dict[str, Any]]] = {}
    for law, codes in BREAKS.items():
        keys = [key for code, key, severity in found if code in codes and not (law is Law.RUNNING and severity in MILD)]
        state = State.BROKEN if keys else State.KEPT if looked else State.UNKNOWN
        told[law] = state, {"incidents": keys[:5]} if keys else {}
    count = laws.conservation(Q(at__gte=end - LATELY))
    missing = count.signals - count.traded - count.rejected - count.failed - count.pending
    told[Law.ACCOUNTED] = (State.BROKEN, {"signals": missing}) if missing else (State.KEPT, {})
    return told


def lately(now: datetime) -> dict[Law, list[Minute]]:
    """The lost minutes of the longest window, by law; kept ones are not needed. One query."""
    rows = LawMinute.objects.filter(at__gt=now - KEPT_FOR).exclude(state=State.KEPT).order_by("at")
    told: dict[Law, list[Minute]] = {law: [] for law in Law}
    for law, at, state in rows.values_list("law", "at", "state"):
        if law in told:
            told[Law(law)].append(Minute(at, State(state)))
    return told

"""Recording what a bench or a suite measured, as its file says it: who, when, which build, on which database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions import BadRequest, Stale
from monitoring.control.permissions import person
from monitoring.models import DrillRun, ReliabilityFigure
from monitoring.watch import reliability
from trading import events

PROFILES = ("embedded", "postgres")
LARGEST = 5_000_000  # characters of a file
KEEP = timedelta(days=365)


def record(
    text: str,
    source: str,
    who: Any,
    now: datetime,
    measured_at: datetime,
    profile: str,
    build: str = "",
    seed: str = "",
) -> list[ReliabilityFigure]:
    """Store every figure of the output. The same output once more is refused: one run counts once."""
    actor = person(who)
    actor.must("drill.start")
    if profile not in PROFILES:
        raise BadRequest("profile", _("profile must be one of %(known)s.") % {"known": ", ".join(PROFILES)})
    if len(text) > LARGEST:
        raise BadRequest("file", _("the file may have %(most)s characters.") % {"most": LARGEST})
    if measured_at > now:
        raise BadRequest("at", _("at must not lie in the future."))
    found, wrong = reliability.read(text)
    if wrong:
        raise BadRequest("file", "; ".join(wrong[:5]))
    if not found:
        raise BadRequest("file", _("the file holds no line that begins with BENCH or GOAL."))
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    rows = [
        ReliabilityFigure(
            name=one.name,
            value=one.value,
            unit=one.unit,
            target=one.target,
            passed=one.passed,
            measured_at=measured_at,
            build=(build or settings.BUILD)[:40],
            seed=seed[:120],
            profile=profile,
            source=source[:200],
            digest=digest,
            recorded_at=now,
            recorded_by=actor.name[:80],
        )
        for one in found
        if one.value is not None or one.passed is not None
    ]
    with transaction.atomic():
        audit.lock()
        if ReliabilityFigure.objects.filter(digest=digest).exists():
            raise Stale(_("This output was recorded before."))
        ReliabilityFigure.objects.bulk_create(rows)
        audit.append(who=actor.name, action="reliability.record", target=source[:120],
                     after={"figures": len(rows), "sha256": digest}, now=now)  # fmt: skip
        ReliabilityFigure.objects.filter(measured_at__lt=now - KEEP).delete()
        events.changed("reliability")
    return rows


def lines(now: datetime) -> tuple[reliability.Line, ...]:
    """Each promise with what the last runs say; two queries."""
    return reliability.told(newest_runs(now), newest_figures(now), now)


def newest_runs(now: datetime) -> Sequence[reliability.Run]:
    """Each drill's newest run that was carried out; oldest first, so that the newest one wins."""
    fields = ("name", "outcome", "why", "ended_at", "build", "seed", "profile", "detected_s", "acted_s", "verified_s",
              "unprotected_s")  # fmt: skip
    carried = DrillRun.objects.filter(
        outcome__in=(DrillRun.PASSED, DrillRun.FAILED), ended_at__gte=now - reliability.LATELY
    )
    return [
        reliability.Run(name, outcome == DrillRun.PASSED, *rest)
        for name, outcome, *rest in carried.order_by("id").values_list(*fields)
    ]


def newest_figures(now: datetime) -> Sequence[reliability.Figure]:
    fields = ("name", "value", "unit", "target", "passed", "measured_at", "build", "seed", "profile")
    rows = ReliabilityFigure.objects.filter(measured_at__gte=now - reliability.LATELY).order_by("measured_at", "id")
    return [reliability.Figure(*row) for row in rows.values_list(*fields)]

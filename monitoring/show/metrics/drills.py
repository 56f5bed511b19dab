"""The newest run of each drill that was carried out: whether it passed, and its times. One query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db.models import Max

from monitoring.models import DrillRun
from monitoring.show.metrics.text import Sample, gauge, since

OVER = (DrillRun.PASSED, DrillRun.FAILED)


def families(now: datetime) -> Iterable[str]:
    newest = DrillRun.objects.filter(outcome__in=OVER).order_by().values("name").annotate(n=Max("id")).values("n")
    runs = list(DrillRun.objects.filter(id__in=newest).order_by("name").defer("evidence", "undo", "params"))

    def each(value: Callable[[DrillRun], float | None]) -> list[Sample]:
        return [({"drill": run.name}, value(run)) for run in runs]

    yield gauge("drill_passed", "1 where a drill's newest run passed.", each(lambda run: run.outcome == run.PASSED))
    yield gauge("drill_detected_seconds", "From the fault to its detection.", each(lambda run: run.detected_s))
    yield gauge("drill_acted_seconds", "From the fault to the remedy.", each(lambda run: run.acted_s))
    yield gauge("drill_verified_seconds", "From the fault's end to the proof.", each(lambda run: run.verified_s))
    unprotected = each(lambda run: run.unprotected_s)
    yield gauge("drill_unprotected_seconds", "Without a stop during the drill.", unprotected)
    yield gauge("drill_age_seconds", "Since a drill was last run.", each(lambda run: since(run.ended_at, now)))

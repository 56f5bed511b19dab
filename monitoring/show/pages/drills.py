"""The drills' page, each drill's history, and the reliability page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.control.practice import practising
from monitoring.models import DrillRun
from monitoring.show import controls, drills
from monitoring.show.frame import look, looking, page
from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.drills.spec import Drill

HERE = "/drills/"
FACTS_SHOWN = 40


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/drills.html", _("Drills"), HERE, ("drills_said", "drills"))


@looking
@require_GET
def reliability(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/reliability.html", _("Reliability"), "/reliability/", ("reliability",))


@looking
@require_GET
def history(request: HttpRequest, name: str) -> HttpResponse:
    """One drill: what it does, and every run of it with its evidence."""
    if name not in CATALOGUE:
        raise Http404
    scene, drill = look(request), CATALOGUE[name]
    runs = drills.runs_of(name)
    one = drills.line(drill, runs, scene.now)
    free = practising() and not any(row.outcome not in drills.OVER for row in runs)
    told: dict[str, Any] = {
        "drill": drill,
        "one": one,
        "needs": drills.needs(drill),
        "part": str(words.PARTS[drill.part]),
        "runs": [(row, drills.state(row, scene.now), *times(row), words.reason(row.why, row.params)) for row in runs],
        "facts": facts(runs, drill),
        "control": controls.offer(drills.start(drill), scene.audience) if free else None,
    }
    return page(request, "monitoring/drill.html", str(drill.title), HERE, (), told, scene)


def times(row: DrillRun) -> tuple[str, str, str]:
    return words.seconds(row.detected_s), words.seconds(row.acted_s), words.seconds(row.verified_s)


def facts(runs: Sequence[DrillRun], drill: Drill) -> list[tuple[str, str, str]]:
    """The newest run's evidence: seconds since the break, what, about what."""
    newest = next((row for row in runs if row.evidence.get("facts")), None)
    if newest is None or newest.broken_at is None:
        return []
    began = newest.broken_at
    found = [(drills.moment(at), kind, key) for at, kind, key in newest.evidence["facts"]]
    after = [(f"{(at - began).total_seconds():.2f}", kind, key) for at, kind, key in found if at >= began]
    return after[:FACTS_SHOWN]

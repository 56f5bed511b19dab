"""Drills and promises over HTTP: what can be broken on purpose, what came of it, what was measured of each promise."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import figures
from monitoring.control.drills import asking
from monitoring.models import DrillRun
from monitoring.show import drills as telling
from monitoring.show.api import query
from monitoring.show.api.answers import answer, missing
from monitoring.show.api.lists import documented, nothing_asked
from monitoring.show.api.once import once_outside
from monitoring.show.api.query import PAGE, SPAN, Field, between, page, parse
from monitoring.show.frame import look
from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.reliability import Line

router = Router(tags=["drills"])
NAME = Field("name", query.text(60), "one drill's runs")
OUTCOME = Field("outcome", query.choice(*DrillRun.OUTCOMES), "queued, running, passed, failed or skipped")
BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": False, "required": ["name"],
        "properties": {"name": {"type": "string", "maxLength": 60}, "reason": {"type": "string", "maxLength": 500}},
    }}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@router.get("/drills")
def drills(request: HttpRequest) -> HttpResponse:
    """Every drill with its limits and its last run."""
    nothing_asked(request)
    scene = look(request)
    found = [telling.as_json(one) for group in scene.once(telling.lines).values() for one in group]
    going = scene.once(telling.going)
    return answer({"items": found, "going": telling.run_json(going) if going else None, "next": None,
                   "as_of": scene.now})  # fmt: skip


@router.get("/drills/runs", openapi_extra=documented(NAME, OUTCOME))
def runs(request: HttpRequest) -> HttpResponse:
    """Runs, newest first; `since` and `until` are about when each was asked for."""
    asked = parse(request.GET, (*PAGE, *SPAN, NAME, OUTCOME))
    rows = between(DrillRun.objects.all(), asked, "requested_at")
    for name in ("name", "outcome"):
        if asked[name]:
            rows = rows.filter(**{name: asked[name]})
    found, onward = page(rows, asked)
    return answer({"items": [telling.run_json(row) | {"evidence": row.evidence} for row in found], "next": onward,
                   "as_of": timezone.now()})  # fmt: skip


@router.post("/drills", openapi_extra=BODY)
def start(request: HttpRequest) -> HttpResponse:
    """Start one drill; 202, for it takes seconds to minutes: its run is under /drills/runs. Practice mode only."""
    nothing_asked(request)
    told = query.body(request, {"name": query.text(60), "reason": query.text(500)}, optional=("reason",))
    if told["name"] not in CATALOGUE:
        raise missing("drill", told["name"])
    return once_outside(request, lambda: started(request, told), lambda said: 202)


def started(request: HttpRequest, told: dict[str, Any]) -> dict[str, Any]:
    return telling.run_json(asking.start(told["name"], request.user, timezone.now(), told.get("reason", "")))


@router.get("/reliability")
def reliability(request: HttpRequest) -> HttpResponse:
    """Each promise with the worst that the last runs measured; `unknown` where nothing was run lately."""
    nothing_asked(request)
    now = timezone.now()
    measured = [
        {name: getattr(one, name) for name in ("name", "value", "unit", "target", "passed", "build", "seed", "profile")}
        | {"measured_at": one.at}
        for one in figures.newest_figures(now)
    ]
    return answer({"items": [promise(line) for line in figures.lines(now)], "figures": measured, "next": None,
                   "as_of": now})  # fmt: skip


def promise(line: Line) -> dict[str, Any]:
    return {
        "key": line.promise.key,
        "title": str(line.promise.title),
        "state": line.state,
        "value": line.value,
        "limit": line.limit,
        "unit": line.unit or None,
        "worst": line.worst or None,
        "target": line.target or None,
        "drills": list(line.promise.drills),
        "run": line.n,
        "of": line.of,
        "measured_at": line.at,
        "builds": list(line.builds),
        "seeds": list(line.seeds),
        "profiles": list(line.profiles),
    }

"""Incidents over HTTP: what was found, what was tried, what proved that it is over; and who has seen it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import incidents as desk
from monitoring.models import Incident
from monitoring.show import mending, safety
from monitoring.show.api import query
from monitoring.show.api.answers import answer, missing
from monitoring.show.api.lists import documented, nothing_asked, number
from monitoring.show.api.once import once
from monitoring.show.api.query import PAGE, SPAN, Field, between, page, parse
from monitoring.show.scene import Scene
from monitoring.watch import ailments, circuit

router = Router(tags=["incidents"])
STATUS = Field("status", query.choice("open", "closed", "all"), "open, closed or all (default)", default="all")
SEVERITY = Field("severity", query.choice(*Incident.SEVERITIES), "low, medium, high or critical")
BODY = {
    "requestBody": {"required": False, "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": False,
        "properties": {"reason": {"type": "string", "maxLength": 500}},
    }}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@router.get("/incidents", openapi_extra=documented(STATUS, SEVERITY))
def incidents(request: HttpRequest) -> HttpResponse:
    """Newest first; `since` and `until` are about when each was first seen."""
    asked = parse(request.GET, (*PAGE, *SPAN, STATUS, SEVERITY))
    rows = between(Incident.objects.all(), asked, "first_seen")
    if asked["status"] != "all":
        rows = rows.filter(closed_at__isnull=asked["status"] == "open")
    if asked["severity"]:
        rows = rows.filter(severity=asked["severity"])
    found, onward = page(rows, asked)
    return answer({"items": [incident(row) for row in found], "next": onward, "as_of": timezone.now()})


@router.get("/safety")
def safety_policy(request: HttpRequest) -> HttpResponse:
    """The safety policy in force, why, what it does, how it ends; the restarts used; what was closed by it lately."""
    nothing_asked(request)
    scene = Scene(timezone.now())
    force, used = safety.in_force(scene), safety.restarts(scene)
    window = circuit.WINDOW.total_seconds()
    return answer(
        {
            "level": force.level,
            "since": force.since,
            "effect": force.effect,
            "directives": [
                {"id": row.pk, "level": row.level, "key": row.key, "reason": row.reason, "by": row.by, "at": row.at,
                 "until": row.until, "ends": safety.ending(row, used)}
                for row in scene.once(mending.standing)
            ],
            "restarts": {"used": used.used, "most": used.most, "window_s": window, "again_at": used.again_at},
            "closes": [
                {"id": row.pk, "position": row.position_id, "symbol": row.position.symbol, "reason": row.reason,
                 "requested_at": row.requested_at, "status": row.position.status}
                for row in force.closes
            ],
            "as_of": scene.now,
        }
    )  # fmt: skip


@router.post("/incidents/{incident_id}/acknowledge", openapi_extra=BODY)
def acknowledge(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Say that somebody has seen it. Said again it changes nothing."""
    nothing_asked(request)
    wanted = number(incident_id)
    told = query.body(request, {"reason": query.text(500)}, optional=("reason",)) if request.body else {}
    if not Incident.objects.filter(pk=wanted).exists():
        raise missing("incident", incident_id)
    return once(request, lambda: acknowledged(request, wanted, told.get("reason", "")))


def acknowledged(request: HttpRequest, incident_id: int, reason: str) -> dict[str, Any]:
    done = desk.acknowledge(incident_id, request.user, timezone.now(), reason)
    return incident(done.incident) | {"changed": done.changed}


def incident(row: Incident) -> dict[str, Any]:
    return {
        "id": row.pk,
        "key": row.key,
        "code": row.code,
        "title": ailments.title(row.code, row.params),
        "sentence": ailments.sentence(row.code, row.params),
        "subsystem": row.subsystem,
        "severity": row.severity,
        "params": row.params,
        "impacts_trading": row.impacts_trading,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "count": row.count,
        "remedy": row.remedy or None,
        "attempts": row.attempts,
        "escalated_at": row.escalated_at,
        "paged_at": row.paged_at,
        "verified": row.verified,
        "evidence": row.evidence,
        "closed_at": row.closed_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by or None,
    }

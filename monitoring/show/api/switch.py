"""The kill switch over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.lists import nothing_asked
from monitoring.show.api.once import once

router = Router(tags=["controls"])

SWITCH = {"state": query.text(20), "reason": query.text(500)}
SWITCH_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["state"], "additionalProperties": False, "properties": {
            "state": {"type": "string", "enum": list(actions.STATES)}, "reason": {"type": "string", "maxLength": 500},
        }}}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@router.post("/controls/switch", openapi_extra=SWITCH_BODY)
def switch(request: HttpRequest) -> HttpResponse:
    """The new state. Towards halted a reason is optional; with an Idempotency-Key a retry changes nothing."""
    nothing_asked(request)
    wanted = query.body(request, SWITCH, optional=("reason",))
    return once(request, lambda: switched(request, wanted))


def switched(request: HttpRequest, wanted: dict[str, str]) -> dict[str, Any]:
    done = actions.set_switch(wanted["state"], wanted.get("reason", ""), request.user, timezone.now())
    return {"state": done.state, "was": done.was, "changed": done.changed, "at": done.at, "by": done.by,
            "reason": done.reason}  # fmt: skip

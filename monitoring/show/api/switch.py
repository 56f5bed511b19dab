"""The kill switch over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.lists import nothing_asked
from monitoring.show.api.once import once

router = Router(tags=["controls"])


def change(value: Any) -> int:
    """The number of a change of the switch; 0 where nobody had moved it yet."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= query.LARGEST:
        raise ValueError("must be the number of a change")
    return value


SWITCH: dict[str, Callable[[Any], Any]] = {"state": query.text(20), "reason": query.text(500), "shown": change}
SWITCH_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["state"], "additionalProperties": False, "properties": {
            "state": {"type": "string", "enum": list(actions.STATES)}, "reason": {"type": "string", "maxLength": 500},
            "shown": {"type": "integer", "minimum": 0,
                      "description": "`change` as it was seen; 409 towards trading where the switch was moved since"},
        }}}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@router.post("/controls/switch", openapi_extra=SWITCH_BODY)
def switch(request: HttpRequest) -> HttpResponse:
    """The new state. Towards halted a reason is optional; with an Idempotency-Key a retry changes nothing.

    With `shown` (`change` of an earlier answer, or of /risk) it goes towards trading only where nobody moved it since.
    """
    nothing_asked(request)
    wanted = query.body(request, SWITCH, optional=("reason", "shown"))
    return once(request, lambda: switched(request, wanted))


def switched(request: HttpRequest, wanted: dict[str, Any]) -> dict[str, Any]:
    told = wanted.get("reason", ""), request.user, timezone.now(), wanted.get("shown", "")
    done = actions.set_switch(wanted["state"], *told)
    return {"state": done.state, "was": done.was, "changed": done.changed, "at": done.at, "by": done.by,
            "reason": done.reason, "change": done.change}  # fmt: skip

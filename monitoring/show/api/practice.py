"""Breaking the practice exchange on purpose over HTTP, and mending it: the same actions as the page's buttons."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import practice
from monitoring.control.actions import REASON_LENGTH
from monitoring.show.api import query
from monitoring.show.api.lists import nothing_asked
from monitoring.show.api.once import once_outside

router = Router(tags=["controls"])

REASON = {"type": "string", "maxLength": REASON_LENGTH}
KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}


def described(required: bool, **properties: dict[str, Any]) -> dict[str, Any]:
    """What a body may hold, for the documents."""
    schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    schema |= {"required": ["target"]} if required else {}
    body = {"required": required, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "parameters": [KEY]}


BREAK = described(True, target={"type": "string", "enum": list(practice.ORDERS)}, reason=REASON)
MEND = described(False, reason=REASON)


@router.post("/controls/practice/break", openapi_extra=BREAK)
def break_it(request: HttpRequest) -> HttpResponse:
    """Break the practice exchange for a minute: `mute` silences its streams, `errors` answers every request with 503.

    409 where it is broken so already, in any other mode, and where its desk does not answer.
    """
    nothing_asked(request)
    fields = {"target": query.text(20), "reason": query.text(REASON_LENGTH)}
    told = query.body(request, fields, optional=("reason",))
    return once_outside(request, lambda: broken(request, told))


def broken(request: HttpRequest, told: dict[str, Any]) -> dict[str, Any]:
    done = practice.break_it(told["target"], request.user, timezone.now(), told.get("reason", ""))
    return {"state": "broken", "target": told["target"], "fault": done.id, "kind": done.kind,
            "seconds_left": done.seconds_left}  # fmt: skip


@router.post("/controls/practice/mend", openapi_extra=MEND)
def mend(request: HttpRequest) -> HttpResponse:
    """End every fault of the practice exchange; 409 where nothing is broken."""
    nothing_asked(request)
    told = query.body(request, {"reason": query.text(REASON_LENGTH)}, optional=("reason",)) if request.body else {}
    return once_outside(request, lambda: mended(request, told))


def mended(request: HttpRequest, told: dict[str, Any]) -> dict[str, Any]:
    return {"state": "mended", "ended": practice.mend(request.user, timezone.now(), told.get("reason", ""))}

"""Settings over HTTP: every one in force, and the limits that may be tuned."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.answers import answer, bad
from monitoring.show.api.asked import given, shown
from monitoring.show.api.lists import nothing_asked
from monitoring.show.api.once import once
from monitoring.watch.effective import Setting, effective
from trading import tuning

router = Router(tags=["settings"])
NUMBER = {"type": ["number", "string", "null"]}
PATCH_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": False, "properties": {
            "reason": {"type": "string", "maxLength": actions.REASON_LENGTH}, "name": {"type": "string"},
            "value": NUMBER, "shown": {"type": "object"}, "as_of": {"type": "string"},
            **dict.fromkeys(tuning.TUNABLE, NUMBER),
        }}}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@router.get("/settings/effective")
def in_force(request: HttpRequest) -> HttpResponse:
    """Every setting in force: its value, and where that comes from. Of a secret only whether it is set."""
    nothing_asked(request)
    return answer({"items": [setting(one) for one in effective()], "next": None, "as_of": timezone.now()})


@router.get("/settings")
def tunable(request: HttpRequest) -> HttpResponse:
    """The limits that may be changed while the system runs."""
    nothing_asked(request)
    return answer(limits())


@router.patch("/settings", openapi_extra=PATCH_BODY)
def tune(request: HttpRequest) -> HttpResponse:
    """Set limits by name, all or none; null goes back to the environment's value. Loosening needs a reason.

    `{"QT_MAX_POSITIONS": 4, "reason": "..."}`, or one as `{"name": "QT_MAX_POSITIONS", "value": 4}`. With `shown`
    (values by name as they were seen) it changes nothing where one of them is another by now: 409.
    """
    nothing_asked(request)
    told = given(request, name=query.text(60), value=anything, **dict.fromkeys(tuning.TUNABLE, anything))
    return once(request, lambda: tuned(request, told))


def anything(value: Any) -> Any:
    return value


def tuned(request: HttpRequest, told: dict[str, Any]) -> dict[str, Any]:
    values = {name: told[name] for name in tuning.TUNABLE if name in told}
    if ("name" in told) != ("value" in told):
        raise bad({"value" if "name" in told else "name": "is missing"})
    if "name" in told:
        values[told["name"]] = told["value"]
    done = actions.tune(values, told.get("reason", ""), request.user, timezone.now(), shown(told))
    changed = [
        {"name": d.name, "was": d.was, "value": d.value, "loosened": d.loosened, "changed": d.changed} for d in done
    ]
    return {"changed": changed} | limits()


def limits() -> dict[str, Any]:
    items = [limit(one) for one in effective() if one.tunable]
    return {"items": items, "next": None, "as_of": timezone.now()}


def setting(one: Setting) -> dict[str, Any]:
    return {
        "name": one.name,
        "value": one.value,
        "source": one.source,
        "default": one.default,
        "group": one.group,
        "tunable": one.tunable is not None,
        "secret": one.secret,
        "is_set": one.is_set,
        "changed_by": one.changed_by,
        "changed_at": one.changed_at,
    }


def limit(one: Setting) -> dict[str, Any]:
    assert one.tunable is not None
    return {
        "name": one.name,
        "value": one.value,
        "source": one.source,
        "default": one.default,
        "first": one.first,
        "range": [one.allowed.low, one.allowed.high],
        "whole": one.allowed.whole,
        "unit": one.tunable.unit,
        "group": one.tunable.group,
        "loosens": one.tunable.loosens.value,
        "changed_by": one.changed_by,
        "changed_at": one.changed_at,
        "reason": one.reason,
    }

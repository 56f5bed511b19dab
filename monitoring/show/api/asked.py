"""The fields that every control's body may have: why, and what the page had shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest

from monitoring.control import actions
from monitoring.control.actions import Shown
from monitoring.show.api import query


def seen(given: Any) -> dict[str, Any]:
    """What a page showed: at most 20 values by name."""
    if not isinstance(given, dict) or len(given) > 20:
        raise ValueError("must be an object of at most 20 values")
    return {query.text(80)(name): query.text(200)(str(value)) for name, value in given.items()}


CONTROL: dict[str, Callable[[Any], Any]] = {
    "reason": query.text(actions.REASON_LENGTH),
    "shown": seen,
    "as_of": lambda text: query.instant(query.text(40)(text)),
}
CONTROL_BODY: dict[str, Any] = {
    "requestBody": {"required": False, "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": False, "properties": {
            "reason": {"type": "string", "maxLength": actions.REASON_LENGTH},
            "shown": {"type": "object", "description": "values as the page showed them; 409 where one has changed"},
            "as_of": {"type": "string", "description": "when they were shown; 409 where that is too long ago"},
        }}}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


def given(request: HttpRequest, **more: Callable[[Any], Any]) -> dict[str, Any]:
    """The body's fields; all of them may be left out, and so may the body."""
    fields = CONTROL | more
    return query.body(request, fields, optional=tuple(fields)) if request.body else {}


def shown(told: Mapping[str, Any]) -> Shown:
    return Shown(told.get("shown", {}), told.get("as_of"))

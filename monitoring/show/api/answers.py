"""How the API answers: JSON by orjson, money as strings, UTC with Z, and one shape for every error."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse

from monitoring.watch.words import exact


class Refusal(Exception):
    """A 4xx: `fields` names what was wrong with what."""

    def __init__(self, status: int, code: str, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields or {}


def bad(fields: dict[str, str]) -> Refusal:
    """400 with every field that was wrong."""
    return Refusal(400, "bad_request", " ".join(f"{name}: {why}" for name, why in fields.items()), fields)


def missing(what: str, number: object) -> Refusal:
    return Refusal(404, "not_found", f"There is no {what} {number}.", {"id": f"no {what} {number}"})


def plain(value: Any) -> Any:
    """What orjson does not know: money as a string without trailing zeros."""
    if isinstance(value, Decimal):
        return money(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def money(value: Decimal | None) -> str | None:
    return None if value is None else exact(value)


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def answer(value: Any, status: int = 200) -> HttpResponse:
    response = HttpResponse(dumps(value), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def refuse(no: Refusal) -> HttpResponse:
    error = {"code": no.code, "message": no.message, "fields": no.fields}
    response = answer({"error": error}, no.status)
    if no.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None

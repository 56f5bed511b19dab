"""Alerts over HTTP: what people have to be told, and what came of telling them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import alerts as control
from monitoring.models import Alert
from monitoring.show import alerts as telling
from monitoring.show.api import query
from monitoring.show.api.answers import answer
from monitoring.show.api.lists import documented, nothing_asked
from monitoring.show.api.once import once
from monitoring.show.api.query import PAGE, SPAN, Field, between, page, parse

router = Router(tags=["alerts"])
SEVERITY = Field("severity", query.choice(*Alert.SEVERITIES), "page or ticket")
OPEN = Field("open", query.choice("true", "false"), "true: those that go on")


@router.get("/alerts", openapi_extra=documented(SEVERITY, OPEN))
def alerts(request: HttpRequest) -> HttpResponse:
    """What people have to be told, newest first, with every delivery; `since` and `until` are about its beginning."""
    asked = parse(request.GET, (*PAGE, *SPAN, SEVERITY, OPEN))
    rows = between(Alert.objects.prefetch_related("deliveries"), asked, "first_at")
    if asked["severity"]:
        rows = rows.filter(severity=asked["severity"])
    if asked["open"]:
        rows = rows.filter(resolved_at__isnull=asked["open"] == "true")
    found, onward = page(rows, asked)
    return answer({"items": [telling.as_json(telling.line(row)) for row in found], "next": onward,
                   "as_of": timezone.now()})  # fmt: skip


@router.post("/controls/alerts/test")
def test(request: HttpRequest) -> HttpResponse:
    """Send a test message to every address; 202, for the notifier sends it within seconds. 409 where none is set."""
    nothing_asked(request)
    return once(request, lambda: tested(request), lambda said: 202)


def tested(request: HttpRequest) -> dict[str, Any]:
    return telling.as_json(telling.line(control.send_test(request.user, timezone.now())))

"""Refresh the universe: by the API's path, and by the mission's own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from monitoring.control import actions
from monitoring.control.permissions import NotAllowed
from monitoring.show.api.answers import Refusal, answer, refuse
from monitoring.show.api.door import Door
from trading.models import UniverseSnapshot

COMMAND = 'curl -X POST -H "Authorization: Bearer KEY" {url}'


def refresh(user: Any) -> HttpResponse:
    """Ask for a new snapshot; 202, and what is known now."""
    now = timezone.now()
    try:
        actions.refresh_universe(user, now)
    except NotAllowed as error:
        raise Refusal(403, "not_allowed", str(error)) from None
    except actions.Unreachable as error:
        raise Refusal(409, "broker_down", str(error)) from None
    newest = UniverseSnapshot.objects.order_by("-at").values_list("at", flat=True).first()
    return answer({"requested": True, "at": now, "snapshot_at": newest}, 202)


@csrf_exempt  # the door checks CSRF itself, for sessions alone
def refresh_plain(request: HttpRequest) -> HttpResponse:
    """POST /api/universe/refresh; a GET is told the exact command."""
    if request.method != "POST":
        url = request.build_absolute_uri("/api/universe/refresh")
        response = refuse(
            Refusal(405, "method_not_allowed", f"Use POST: {COMMAND.format(url=url)}", {"method": "POST"})
        )
        response["Allow"] = "POST"
        return response
    try:
        return refresh(Door()(request))
    except Refusal as no:
        return refuse(no)

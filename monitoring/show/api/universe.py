"""Refresh the universe: by the API's path, and by the mission's own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from kombu.exceptions import OperationalError

from monitoring.control.permissions import NotAllowed, person
from monitoring.show.api.answers import Refusal, answer, refuse
from monitoring.show.api.door import Door
from trading.models import UniverseSnapshot
from trading.tasks import tick

COMMAND = 'curl -X POST -H "Authorization: Bearer KEY" {url}'


def refresh(user: Any) -> HttpResponse:
    """Ask the worker for a new snapshot; 202, and what is known now."""
    try:
        person(user).must("universe.refresh")
    except NotAllowed as error:
        raise Refusal(403, "not_allowed", str(error)) from None
    try:
        tick.apply_async(("universe", person(user).name[:40]), queue=f"{settings.QUANTUM.mode}-work", retry=False)
    except OperationalError:
        raise Refusal(409, "broker_down", "The queue does not answer, so nothing was asked for. Try again.") from None
    newest = UniverseSnapshot.objects.order_by("-at").values_list("at", flat=True).first()
    now = timezone.now()
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

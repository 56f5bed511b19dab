"""Putting the first ten minutes' checklist away."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from monitoring.show import steps
from monitoring.show.frame import looking


@looking
@require_POST
def put_away(request: HttpRequest) -> HttpResponse:
    steps.note(request.user, steps.DISMISSED, timezone.now())  # type: ignore[arg-type]
    return redirect("/")

"""How well the system is: the score, its way through time, and every question behind it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("scorecard", "score_history", "score_changes", "probes")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/health.html", _("Health"), "/health/", SHOWS)

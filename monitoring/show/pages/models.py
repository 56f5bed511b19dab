"""The models' page: who votes, how good they were on what they had not seen, what was found about them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("models_said", "training", "voters", "jobs", "findings", "calibration", "former")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/models.html", _("Models"), "/models/", SHOWS)

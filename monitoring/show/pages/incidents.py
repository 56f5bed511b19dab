"""The incidents' page: what is wrong, what was done about it, what holds entries, what was healed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.control.practice import practising
from monitoring.show.frame import looking, page

SHOWS = ("incidents_said", "directives", "incidents", "healed")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    shows = (*SHOWS, "drill") if practising() else SHOWS
    return page(request, "monitoring/incidents.html", _("Incidents"), "/incidents/", shows)

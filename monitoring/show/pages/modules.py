"""The modules' page: every module, worst first, with what it last did."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("modules_said", "processes", "runs")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/modules.html", _("Modules"), "/modules/", SHOWS)

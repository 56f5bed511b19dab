"""The alerts' page: who is told, what was told, how fast the laws' budgets burn."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("alerts_said", "alerts", "alert_laws")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/alerts.html", _("Alerts"), "/alerts/", SHOWS)

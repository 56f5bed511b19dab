"""The settings' page: what is in force, where it came from, who changed it when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("settings_said", "limits", "settings")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/settings.html", _("Settings"), "/settings/", SHOWS)

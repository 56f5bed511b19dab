"""The universe's page: every symbol, in or out, and how fresh its candle is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("universe_said", "snapshot", "quality", "symbols")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/universe.html", _("Universe"), "/universe/", SHOWS)

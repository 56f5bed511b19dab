"""The first page: everything at a glance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from monitoring.show import panels
from monitoring.show.frame import look, looking, page
from monitoring.show.steps import checklist
from trading.models import Decision


@looking
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    scene = look(request)
    title = scene.headline.sentence
    newest = next((line.id for line in scene.feed if line.outcome == Decision.REJECTED), None)
    words = {"checklist": checklist(request.user, newest)}  # type: ignore[arg-type]
    return page(request, "monitoring/overview.html", title, "/", panels.OVERVIEW, words, scene)

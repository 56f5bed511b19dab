"""The data behind candle charts, asked for by the page's script."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show import hub
from monitoring.show.candles import payload
from monitoring.show.drawings import of_decision, of_position
from monitoring.show.frame import looking
from trading.models import Decision, Position


@looking
@require_GET
def position(request: HttpRequest, number: int) -> HttpResponse:
    """A position's candles, open or closed, with what happened to it."""
    row = Position.objects.select_related("trade").filter(pk=number).first()
    if row is None:
        return missing(_("There is no position %(id)s.") % {"id": number})
    newer = hub.marks().get(row.symbol)
    mark = newer[0] if newer and (row.mark_at is None or newer[1] > row.mark_at) else row.mark_price
    return JsonResponse(payload(of_position(row, mark, timezone.now())))


@looking
@require_GET
def decision(request: HttpRequest, number: int) -> HttpResponse:
    """The candles around a decision."""
    row = Decision.objects.select_related("signal__cycle").filter(pk=number).first()
    if row is None:
        return missing(_("There is no decision %(id)s.") % {"id": number})
    return JsonResponse(payload(of_decision(row, timezone.now())))


def missing(text: str) -> JsonResponse:
    return JsonResponse({"error": {"code": "not_found", "message": text, "fields": {}}}, status=404)

"""`/reconciliation/`: whether our books and the exchange's agree, and whether its stops work as we know them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

HERE = "/reconciliation/"
SHOWS = ("reconciliation", "money_days", "sides", "canary", "slippage")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/reconciliation.html", _("Reconciliation"), HERE, SHOWS)

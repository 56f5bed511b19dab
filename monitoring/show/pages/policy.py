"""The policy's page: what an entry needs, the limits and their use, the gates, the cooldowns."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import looking, page

SHOWS = ("policy_said", "brake", "risk", "cooldowns", "minima", "codes", "guard", "policies")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return page(request, "monitoring/policy.html", _("Policy"), "/policy/", SHOWS)

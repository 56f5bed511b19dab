"""`/setup/`: from the practice market to a demo account of one's own, step by step.

The page names keys, has everything checked and starts entries; it never raises the mode: that takes the environment.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from monitoring.control import venue as acting
from monitoring.control.actions import BadRequest
from monitoring.control.permissions import NotAllowed, may
from monitoring.show import venue
from monitoring.show.frame import look, looking, page, problem

HERE = "/setup/"
SHOWS = ("venue_said", "preflight")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return shown(request)


@sensitive_post_parameters("key", "secret")
@sensitive_variables("key", "secret")
@looking
@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Keys pasted, or the names of files that hold them. What was typed is never sent back."""
    given, now = request.POST, timezone.now()
    try:
        if given.get("way") == "files":
            acting.name_keys(given.get("key_file", ""), given.get("secret_file", ""), request.user, now)
        elif given.get("way") == "paste":
            acting.paste_keys(given.get("key", ""), given.get("secret", ""), request.user, now)
        else:
            raise BadRequest("way", _("way must be paste or files."))
    except BadRequest as no:
        return shown(request, {"field": no.field, "text": str(no)}, 400)
    except NotAllowed as no:
        return problem(request, 403, _("The keys were not kept."), str(no))
    return redirect(f"{HERE}#checks")


def shown(request: HttpRequest, wrong: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    scene, config = look(request), settings.QUANTUM
    row = scene.once(venue.keys)
    words: dict[str, Any] = {
        "config": config,
        "venue": config.venue,
        "testnet_venue": config.testnet_venue,
        "keys": row,
        "may_name_keys": may(request.user, "venue.keys"),
        "wrong": wrong or {},
        "in_testnet": config.mode == venue.TESTNET,
        "env_lines": venue.lines_of_env(row),
        "objections": [] if config.mode == venue.TESTNET else venue.objections(),
        "exact_shape": not config.stand_in_url,
    }
    return page(request, "monitoring/setup.html", _("Setup"), HERE, SHOWS, words, scene, status)

"""/metrics, for who may look; a scraper sends `Authorization: Bearer KEY`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.show.api.answers import Refusal, refuse
from monitoring.show.api.door import Door
from monitoring.show.build import BUILD, VERSION
from monitoring.show.exports.streaming import SLOTS
from monitoring.show.metrics import drills, laws, queues, running, standing, venue
from monitoring.show.metrics.text import gauge
from monitoring.show.scene import Scene, table


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    try:
        Door()(request)
    except Refusal as no:
        return refuse(no)
    text = "".join(families(timezone.now()))
    response = HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def families(now: datetime) -> Iterable[str]:
    """One text for each metric; what is not known has no sample, never a 0. Some forty queries, in no loop."""
    info = {"mode": settings.QUANTUM.mode, "version": VERSION, "build": BUILD, "config": settings.QUANTUM.fingerprint}
    scene = Scene(now)
    yield gauge("build_info", "What runs here.", [(info, 1)])
    yield from standing.families(now)
    yield from laws.families(scene.held, now)
    yield from running.families(scene.pulses, scene.once(table), now)
    yield from venue.families(now)
    yield from queues.families(now)
    yield from drills.families(now)
    yield gauge("exports_running", "Exports in this web process.", SLOTS.taken)

"""What we hold: each position with what protects it, its candles, and what happened to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show import steps
from monitoring.show.api.answers import Refusal
from monitoring.show.api.query import LARGEST, Field, parse, whole
from monitoring.show.frame import look, looking, page, problem
from monitoring.show.panels.proof import confirmed
from monitoring.show.scene import Scene
from monitoring.show.timeline import timeline
from trading.models import Position

PANELS = ("exposure", "positions", "candles", "proof", "balance", "closed")
CHOSEN = Field("position", whole(1, LARGEST), "the position whose candles and story are shown")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The chosen position, else the first open one, is told in full."""
    try:
        asked = parse(request.GET, (CHOSEN,))
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    scene = look(request)
    chosen = choose(scene, asked["position"])
    if chosen is None and asked["position"]:
        text = _("The table of positions lists those that are open; closed ones are among the trades.")
        return problem(request, 404, _("There is no position %(id)s.") % {"id": asked["position"]}, text)
    if confirmed(scene):
        steps.note(request.user, steps.STOP, scene.now)  # type: ignore[arg-type]
    words = {"chosen": chosen, "events": timeline(chosen) if chosen else [], "own": "candles"}
    return page(request, "monitoring/positions.html", _("Positions"), "/positions/", PANELS, words, scene)


def choose(scene: Scene, number: int | None) -> Position | None:
    """The asked one, open or closed; else the first open one; else the one that was closed last."""
    known = Position.objects.select_related("trade", "decision__signal")
    if number is not None:
        return known.filter(pk=number).first()
    if scene.held:
        return known.filter(pk=scene.held[0].id).first()
    return known.filter(status=Position.CLOSED).order_by("-closed_at").first()

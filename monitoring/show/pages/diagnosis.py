"""The diagnosis: what is wrong, what only looks as if it ran, what is stale, and what another value would have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.api.answers import Refusal
from monitoring.show.api.query import Field, choice, parse, text
from monitoring.show.frame import look, looking, page, problem
from monitoring.show.scene import Scene
from monitoring.show.waterfall import USUAL, WINDOWS
from monitoring.watch import otherwise, rejudge
from monitoring.watch.effective import setting as in_force
from monitoring.watch.knobs import shown
from monitoring.watch.rejudge import NotJudged, WhatIf
from trading import tuning
from trading.gates.rejudge import SETTINGS

SHOWS = ("verdict", "checked", "diagnosis", "not_running", "stale")
SHOWN = 20  # signals that are named
FIELDS = (
    Field("window", choice(*WINDOWS), "15m, 1h, 4h, 24h or 7d", default=USUAL),
    Field("setting", text(60), "a limit that a gate reads"),
    Field("value", text(40), "the value to judge with"),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the form: its value and range as people write them."""

    name: str
    value: str
    low: str
    high: str
    chosen: bool


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    given = request.GET.copy()
    for name in [name for name, value in given.items() if value == "" and len(given.getlist(name)) == 1]:
        del given[name]  # a form's empty field asks for nothing
    try:
        asked = parse(given, FIELDS)
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    scene = look(request)
    words = {"window": asked["window"], "asked": asked, "limits": limits(asked["setting"] or usual(scene))}
    words |= answered(asked, scene)
    shows = (*SHOWS, f"waterfall_{asked['window']}")
    words["waterfall"] = shows[-1]
    return page(request, "monitoring/diagnosis.html", _("Diagnosis"), "/diagnosis/", shows, words, scene)


def usual(scene: Scene) -> str:
    """The limit that stopped most."""
    return scene.funnel.dominant.setting if scene.funnel.dominant else ""


def limits(chosen: str) -> list[Limit]:
    """The limits that can be asked about, in the order of the settings; one query."""
    rows = tuning.rows()
    found = (in_force(name, rows) for name in tuning.TUNABLE if name in SETTINGS)
    return [
        Limit(
            name=one.name,
            value=shown(one.name, one.value),
            low=shown(one.name, one.allowed.low),
            high=shown(one.name, one.allowed.high),
            chosen=one.name == chosen,
        )
        for one in found
    ]


def answered(asked: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The answer to what the form asked, or why there is none."""
    if asked["setting"] is None or asked["value"] is None:
        return {"answer": None, "wrong": ""}
    span = WINDOWS[asked["window"]][0]
    try:
        told = rejudge.what_if(asked["setting"], rejudge.asked(asked["setting"], asked["value"]), span, scene.now)
    except NotJudged as no:
        return {"answer": None, "wrong": f"{asked[no.field]}: {no}"}
    return {"answer": told, "wrong": "", "sentence": otherwise.sentence(told), "named": named(told)}


def named(told: WhatIf) -> list[tuple[Any, bool]]:
    """The signals whose verdict differs, the newest first: those that would have passed, then those that would not."""
    newest = [(one, True) for one in reversed(told.gained)] + [(one, False) for one in reversed(told.lost)]
    return newest[:SHOWN]

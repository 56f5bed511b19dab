"""The first page's own: the tiles under the headline, and what is wrong now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls, diagnosis, mending, tiles
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene

SHOWN = 4


def strip(scene: Scene) -> dict[str, Any]:
    return {"tiles": tiles.tiles(scene)}


def problems(scene: Scene) -> dict[str, Any]:
    """What the diagnosis ranks first, each a way to its cause; and what self-healing is at work on."""
    found, incidents = scene.once(diagnosis.problems), scene.once(mending.open_incidents)
    worst = mending.told(incidents[0], (), (), scene.now) if incidents else None
    act = mending.acknowledge(incidents[0]) if incidents else None
    words = ngettext("%(n)s, what matters most first", "%(n)s, what matters most first", len(found))
    return {
        "problems": found[:SHOWN],
        "more": max(0, len(found) - SHOWN),
        "about": words % {"n": len(found)} if found else _("none found"),
        "worst": worst,
        "incidents": len(incidents),
        "control": controls.offer(act, scene.audience) if act else None,
        "looked": looked_at(scene),
        "silent": scene.once(mending.silent),
    }


def looked_at(scene: Scene) -> datetime | None:
    """When self-healing last looked."""
    return next((p.state.last_tick for p in scene.pulses if p.name == "self_healing" and p.state), None)


def diagnosed_at(scene: Scene) -> datetime:
    return scene.once(diagnosis.looked).at


TILED = ("positions", "orders", "account", "trades", "policy", "verdict", "scorecard", "candles", "incidents")

register(
    Panel("tiles", strip, lambda scene: scene.now, lambda: None, timed=True, follows=TILED, seldom=0.5),
    Panel("problems", problems, diagnosed_at, lambda: SECOND * 30, timed=True, follows=("incidents",), seldom=2),
)

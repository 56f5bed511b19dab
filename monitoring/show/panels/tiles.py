"""The first page's own: the tiles under the headline, and what is wrong now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls, mending, tiles
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene

SHOWN = 4


def strip(scene: Scene) -> dict[str, Any]:
    return {"tiles": tiles.tiles(scene)}


def problems(scene: Scene) -> dict[str, Any]:
    """Open incidents, worst first; the rest is on their page."""
    found = scene.once(mending.open_incidents)
    told = [mending.told(row, (), (), scene.now) for row in found[:SHOWN]]
    acts = [mending.acknowledge(one.row) for one in told]
    words = ngettext("%(n)s open, worst first", "%(n)s open, worst first", len(found))
    return {
        "problems": [
            (one, controls.offer(act, scene.audience) if act else None) for one, act in zip(told, acts, strict=True)
        ],
        "more": max(0, len(found) - SHOWN),
        "about": words % {"n": len(found)} if found else _("none open"),
        "looked": looked_at(scene),
    }


def looked_at(scene: Scene) -> datetime | None:
    """When self-healing last looked."""
    return next((p.state.last_tick for p in scene.pulses if p.name == "self_healing" and p.state), None)


TILED = ("positions", "orders", "account", "trades", "policy", "verdict", "scorecard", "candles", "incidents")

register(
    Panel("tiles", strip, lambda scene: scene.now, lambda: None, timed=True, follows=TILED, seldom=0.5),
    Panel("problems", problems, looked_at, lambda: SECOND * 60, timed=True, follows=("incidents",)),
)

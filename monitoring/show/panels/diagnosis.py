"""The diagnosis: ranked problems with what proves them and what to press, and what was looked for when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import diagnosis
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.engine import DETECTORS
from monitoring.watch.words import age

LIMIT = 30 * SECOND
MOVING = ("verdict", "funnel", "modules", "positions", "orders", "incidents", "candles", "settings")


def ranked(scene: Scene) -> dict[str, Any]:
    found = diagnosis.in_full(scene)
    ranks, subjects = {one.key: one for one in found}, {one.subject: one for one in reversed(found) if one.subject}
    said = ngettext("%(n)s problem, what matters most first", "%(n)s problems, what matters most first", len(found))
    return {
        "reasons": [(one, subjects.get(one.code)) for one in diagnosis.reasons(scene)],
        "problems": [(one, ranks.get(one.because)) for one in found],
        "about": said % {"n": len(found)} if found else "",
        "looked_for": looked_for(scene),
    }


def looked_for(scene: Scene) -> str:
    """53 causes were looked for in 60 min of decisions, orders, positions, models and modules."""
    seen = scene.once(diagnosis.looked)
    told = {"n": len(DETECTORS), "window": age(seen.window_s)}
    return _("%(n)s causes were looked for in %(window)s of signals, orders, exits, models and modules.") % told


def checked(scene: Scene) -> dict[str, Any]:
    seen, again = scene.once(diagnosis.looked), scene.once(diagnosis.configured)
    return {
        "looked_for": looked_for(scene),
        "found": len(scene.once(diagnosis.problems)),
        "meant": [words.meant(one) for one in seen.meant],
        "refused": bool(again.refusals),
        "waiting": len(again.waiting),
    }


def looked_at(scene: Scene) -> datetime:
    return scene.once(diagnosis.looked).at


register(
    Panel("diagnosis", ranked, looked_at, lambda: LIMIT, timed=True, follows=MOVING, seldom=2.0),
    Panel("checked", checked, looked_at, lambda: LIMIT, timed=True, follows=MOVING, seldom=2.0),
)

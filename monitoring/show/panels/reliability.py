"""What is promised, and what the last runs measured of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from monitoring.control import figures
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene
from monitoring.watch import reliability, separation
from monitoring.watch.reliability import FAIL, OK, UNKNOWN, Line
from monitoring.watch.separation import Separation
from monitoring.watch.words import grouped

TITLES = {promise.figure: promise.title for promise in reliability.PROMISES if promise.figure}


def lines(scene: Scene) -> tuple[Line, ...]:
    return figures.lines(scene.now)


def measured(scene: Scene) -> list[reliability.Figure]:
    """The newest value of every figure that was recorded, by name."""
    found = {one.name: one for one in figures.newest_figures(scene.now)}
    return [found[name] for name in sorted(found)]


def shown(scene: Scene) -> dict[str, Any]:
    found = scene.once(lines)
    count = {state: sum(line.state == state for line in found) for state in (OK, FAIL, UNKNOWN)}
    told = {"ok": count[OK], "fail": count[FAIL], "unknown": count[UNKNOWN], "all": len(found)}
    return {
        "shape": FAIL if count[FAIL] else UNKNOWN if count[UNKNOWN] else OK,
        "sentence": headline(count, told),
        "rest": _("Computed from drills and recorded runs of the last 7 days; what was not run lately is not known."),
        "separation": told_apart(separation.measured()),
        "lines": [(line, word(line), value(line), limit(line)) for line in found],
        "figures": [
            (one, grouped(one.value) if one.value is not None else "", TITLES.get(one.name, ""))
            for one in scene.once(measured)
        ],
    }


def told_apart(found: Separation) -> tuple[str, str]:
    """Shape and sentence: does the score tell faulty minutes from healthy ones?"""
    if found.auc is None:
        told = {"healthy": found.healthy, "faulty": found.faulty, "n": found.drills}
        return UNKNOWN, _(
            "Whether the score tells faulty minutes from healthy ones is not known:"
            " %(n)s drills, %(faulty)s faulty"
            " and %(healthy)s healthy scores."
        ) % told
    said = {"auc": grouped(found.auc, 2), "healthy": found.healthy, "faulty": found.faulty, "n": found.drills}
    return OK if found.auc >= separation.GOOD else FAIL, _(
        "The score tells faulty minutes from healthy ones with an area of %(auc)s (1 is always, 0.5 says nothing):"
        " %(faulty)s faulty and %(healthy)s healthy scores around %(n)s drills."
    ) % said


def headline(count: dict[str, int], told: dict[str, int]) -> str:
    if count[FAIL]:
        return _("%(fail)s of %(all)s promises are broken, %(unknown)s not known") % told
    if count[UNKNOWN] and not count[OK]:
        return _("None of %(all)s promises was measured lately") % told
    if count[UNKNOWN]:
        return _("%(ok)s of %(all)s promises are kept, %(unknown)s not known") % told
    return _("All %(all)s promises are kept") % told


def word(line: Line) -> str:
    return {OK: _("kept"), FAIL: _("broken"), UNKNOWN: _("not known")}[line.state]


def value(line: Line) -> str:
    """The measured number with its unit; nothing where there is none."""
    if line.value is None:
        return ""
    places = 0 if float(line.value).is_integer() else 2 if abs(line.value) < 10 else 1
    return f"{grouped(line.value, places)} {line.unit}".strip()


def limit(line: Line) -> str:
    if line.limit is not None and not line.promise.figure:
        return _("at most %(n)s") % {"n": f"{grouped(line.limit)} {line.unit}".strip()}
    return _("target %(n)s") % {"n": line.target} if line.target else ""


def oldest(scene: Scene) -> datetime | None:
    return min((line.at for line in scene.once(lines) if line.at), default=None)


register(Panel("reliability", shown, oldest, lambda: reliability.LATELY, follows=("drills",)))

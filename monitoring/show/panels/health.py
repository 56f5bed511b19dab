"""The health page: the score's way through time, what changed and by whom, and every probe with its evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitoring.models import HealthScore
from monitoring.show import charts
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.panels.score import card
from monitoring.show.scene import Scene
from monitoring.watch import history, spoken
from monitoring.watch.probes.words import fix, question
from monitoring.watch.scorecard import Component, Point

DAY = timedelta(days=1)
MOST = 2000  # points of history that are read
DRAWN = 300
FIRST = 5  # changes that are told at once


def scores(scene: Scene) -> list[tuple]:
    """The last day's scores, thinned evenly; one query."""
    rows = HealthScore.objects.filter(at__gt=scene.now - DAY, at__lte=scene.now).order_by("-at", "-id")
    found = list(rows.values_list("at", "overall", "coverage")[:MOST])[::-1]
    step = max(1, len(found) // DRAWN)
    return found[::step] if not found or found[::step][-1] == found[-1] else [*found[::step], found[-1]]


def way(scene: Scene) -> dict[str, Any]:
    return {"figure": charts.score_history(scene.once(scores))}


def changes(scene: Scene) -> dict[str, Any]:
    """Since a day ago, or since the first score that was kept; three queries."""
    turn = history.since(scene.now - DAY, scene.once(card))
    if turn is None:
        return {"turn": None}
    found = [
        {"name": spoken.named(c.component), "was": c.was, "now": c.now, "why": spoken.turned(c),
         "by": turn.by.get(c.component, ""), "better": c.now > c.was}
        for c in turn.changes
    ]  # fmt: skip
    return {"turn": turn, "changes": found[:FIRST], "more": found[FIRST:]}


def probes(scene: Scene) -> dict[str, Any]:
    """Every question: those without a yes first, the others folded by component."""
    seen = scene.once(card)
    parts = [part(one, name) for name, ones in seen.groups.items() for one in ones]
    open_ = [one | {"points": [p for p in one["points"] if not p["earned"]]} for one in parts]
    well = [one | {"points": [p for p in one["points"] if p["earned"]]} for one in parts]
    return {
        "open": [one for one in open_ if one["points"]],
        "well": [one for one in well if one["points"]],
        "asked": sum(len(one["points"]) for one in parts),
        "yes": sum(len(one["points"]) for one in well),
    }


def part(one: Component, group: str) -> dict[str, Any]:
    return {
        "one": one,
        "name": spoken.name(one.part),
        "group": spoken.group(group),
        "shape": one.status,
        "said": spoken.state(one.status),
        "points": [told(point) for point in one.points],
    }


def told(point: Point) -> dict[str, Any]:
    state = {"ok": "ok", "fail": "fail"}.get(point.state.value, "unknown")
    return {
        "key": point.probe,
        "shape": state,
        "said": spoken.state(state),
        "question": question(point.probe),
        "why": spoken.why(point),
        "fix": "" if point.earned else fix(point.probe),
        "earned": point.earned,
        "of": point.of,
        "as_of": point.as_of,
        "href": point.params.get("href", ""),
    }


register(
    Panel("score_history", way, lambda scene: scene.now, lambda: SECOND * 90, follows=("modules",), seldom=15.0),
    Panel("score_changes", changes, lambda scene: scene.now, lambda: SECOND * 30, follows=("modules",), seldom=10.0),
    Panel("probes", probes, lambda scene: scene.now, lambda: SECOND * 30, follows=("modules",), seldom=5.0),
)

"""The score: one number of a hundred, what was measured of it, what holds it, and every component's lost points."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitoring.models import HealthScore
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.probed import probed
from monitoring.show.scene import Scene
from monitoring.watch import scorecard, spoken
from monitoring.watch.probes import State, answers
from monitoring.watch.probes.words import fix
from monitoring.watch.scorecard import Cap, Component, Point, Scorecard

DAY = timedelta(days=1)
ONE_BY_ONE = 3  # caps that are told in full


def card(scene: Scene) -> Scorecard:
    return scorecard.score(answers(scene.once(probed)), scene.now)


def yesterday(scene: Scene) -> int | None:
    """The score of a day ago, if one was kept around then; one query."""
    then = scene.now - DAY
    near = HealthScore.objects.filter(at__lte=then, at__gt=then - timedelta(hours=1)).order_by("-at")
    return near.values_list("overall", flat=True).first()


def score(scene: Scene) -> dict[str, Any]:
    seen = scene.once(card)
    capped = {cap.part for cap in seen.caps}
    worst = seen.worst
    return {
        "card": seen,
        "unmeasured": 100 - seen.coverage,
        "yesterday": scene.once(yesterday),
        "status": spoken.status(seen.status),
        "caps": [spoken.cap(cap, seen) for cap in first_of_each(seen.caps)[:ONE_BY_ONE]],
        "more_caps": max(0, len(first_of_each(seen.caps)) - ONE_BY_ONE),
        "at_most": min((cap.at for cap in seen.caps), default=None),
        "groups": [
            {
                "name": spoken.group(name),
                "score": sum(one.score for one in parts),
                "of": sum(one.out_of for one in parts),
                "parts": [part(one, one.part.key in capped, one is worst) for one in parts],
            }
            for name, parts in seen.groups.items()
        ],
    }


def first_of_each(caps: tuple[Cap, ...]) -> list[Cap]:
    """What is known to be wrong before what is not known."""
    return sorted(caps, key=lambda cap: cap.code == "dark")


def part(one: Component, capped: bool, worst: bool) -> dict[str, Any]:
    return {
        "one": one,
        "name": spoken.name(one.part),
        "shape": one.status,
        "said": spoken.state(one.status),
        "pips": pips(one),
        "open": worst and bool(one.gone),
        "capped": capped,
        "gone": [lost(mark) for mark in one.gone],
    }


def pips(one: Component) -> str:
    """Ten marks: earned, lost, not measured."""
    return " " * one.score + "l" * one.lost + "d" * one.dark


def lost(mark: Point) -> dict[str, Any]:
    return {
        "of": mark.of,
        "why": spoken.why(mark),
        "fix": fix(mark.probe),
        "href": mark.params.get("href", ""),
        "unknown": mark.state is State.UNKNOWN,
    }


register(
    Panel(
        "scorecard", score, lambda scene: scene.now, lambda: SECOND * 30, timed=True, seldom=5.0,
        follows=("modules", "positions", "funnel"),
    )
)  # fmt: skip

"""Drills: what was proven by breaking it, and what is being broken now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitoring.control.practice import practising
from monitoring.show import controls, drills
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import CATALOGUE


def said(scene: Scene) -> dict[str, Any]:
    shape, sentence, rest = scene.once(drills.headline)
    row = scene.once(drills.going)
    return {
        "shape": shape,
        "sentence": sentence,
        "rest": rest,
        "going": row,
        "drill": CATALOGUE.get(row.name) if row else None,
        "times": [words.seconds(value) for value in (row.detected_s, row.acted_s, row.verified_s)] if row else [],
        "practising": practising(),
    }


def listed(scene: Scene) -> dict[str, Any]:
    """Every drill by what is broken; a button each, for those who may, in practice mode, while none is running."""
    free = practising() and scene.once(drills.going) is None
    return {
        "groups": [
            (
                title,
                [
                    (
                        one,
                        drills.needs(one.drill),
                        controls.offer(drills.start(one.drill), scene.audience) if free else None,
                    )
                    for one in group
                ],
            )
            for title, group in scene.once(drills.lines).items()
        ]
    }


def last_at(scene: Scene) -> datetime | None:
    """When the newest drill ended."""
    return next((row.ended_at for row in scene.once(drills.newest) if row.ended_at), None)


register(
    Panel("drills_said", said, last_at, lambda: drills.OLD, timed=True, follows=("drills",)),
    Panel("drills", listed, last_at, lambda: drills.OLD),
)

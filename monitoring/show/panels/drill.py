"""Try it: break the practice exchange for a while, and watch what the house does about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitoring.control.practice import practising
from monitoring.show import controls, drill
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene


def offered(scene: Scene) -> dict[str, Any]:
    if not practising():
        return {"practising": False}
    found = scene.once(drill.broken)
    known = isinstance(found, list)
    return {
        "practising": True,
        "broken": found if known else [],
        "unknown": "" if known else found,
        "breaks": [controls.offer(one, scene.audience) for one in (drill.mute(), drill.errors())],
        "mend": controls.offer(drill.mend(), scene.audience) if known and found else None,
    }


def asked_at(scene: Scene) -> datetime:
    return scene.now


register(Panel("drill", offered, asked_at, lambda: SECOND * 15, timed=True, seldom=2))

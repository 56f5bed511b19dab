"""The settings' page: the limits that can be tuned, and every other setting as it is in force."""

from __future__ import annotations

from typing import Any

from monitoring.show import settings as words
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene


def said(scene: Scene) -> dict[str, Any]:
    sentence, more = words.summary(scene)
    return {"sentence": sentence, "more": more}


def limits(scene: Scene) -> dict[str, Any]:
    return {"groups": words.grouped(scene, tunable=True)}


def others(scene: Scene) -> dict[str, Any]:
    return {"groups": words.grouped(scene, tunable=False)}


register(
    Panel("settings_said", said, lambda scene: scene.now, lambda: None, follows=("settings",)),
    Panel("limits", limits, lambda scene: scene.now, lambda: None, follows=("settings",)),
    Panel("settings", others, lambda scene: scene.now, lambda: None),
)

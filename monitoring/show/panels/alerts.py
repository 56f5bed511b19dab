"""Alerts: what is told, to whom, and how fast the laws' budgets burn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitoring.show import alerts, controls, silence
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.alerts.burn import RULES

FRESH = timedelta(minutes=2)  # the notifier judges every minute


def said(scene: Scene) -> dict[str, Any]:
    shape, sentence, rest = scene.once(alerts.headline)
    ways = scene.once(alerts.ways)
    test = controls.offer(alerts.test(), scene.audience) if ways else None
    return {"shape": shape, "sentence": sentence, "rest": rest, "ways": ways, "control": test}


def told(scene: Scene) -> dict[str, Any]:
    return {"lines": scene.once(alerts.lines)}


def laws(scene: Scene) -> dict[str, Any]:
    return {"budgets": scene.once(alerts.budgets), "rules": RULES}


def looked_at(scene: Scene) -> datetime | None:
    return silence.looked_at(scene, "notifier")


register(
    Panel("alerts_said", said, looked_at, lambda: FRESH, timed=True, follows=("alerts",)),
    Panel("alerts", told, looked_at, lambda: FRESH, timed=True),
    Panel("alert_laws", laws, looked_at, lambda: FRESH, timed=True, follows=("alerts",)),
)

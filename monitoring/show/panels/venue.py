"""The way to a venue: its headline with what can be pressed, and the checks as they are answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings

from monitoring.show import venue
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene


def said(scene: Scene) -> dict[str, Any]:
    return venue.headline(scene) | {"offered": venue.offered(scene), "round": scene.once(venue.newest_round)}


def answered(scene: Scene) -> dict[str, Any]:
    return {"round": scene.once(venue.newest_round), "in_testnet": settings.QUANTUM.mode == venue.TESTNET}


register(
    Panel("venue_said", said, lambda s: s.now, lambda: timedelta(minutes=5), timed=True, follows=("preflight",)),
    Panel("preflight", answered, lambda s: s.once(venue.newest_round).at, lambda: timedelta(days=1), timed=True),
)

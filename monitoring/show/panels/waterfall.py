"""The waterfall of each window: where its signals went, code by code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from monitoring.show import waterfall
from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.show.waterfall import USUAL, WINDOWS
from monitoring.watch.funnel import Funnel
from monitoring.watch.funnel import funnel as counted

SELDOM = {"15m": 1.0, "1h": 1.0, "4h": 5.0, "24h": 15.0, "7d": 60.0}  # long windows move slowly and read more rows


def seen(name: str, scene: Scene) -> Funnel:
    """The funnel of a window; four queries, none for the one that the headline stands on."""
    return scene.funnel if name == USUAL else counted(WINDOWS[name][0], scene.now)


QUESTIONS: dict[str, Callable[[Scene], Funnel]] = {name: partial(seen, name) for name in WINDOWS}


def drawn(name: str, scene: Scene) -> dict[str, Any]:
    found = scene.once(QUESTIONS[name])
    return {
        "parts": waterfall.parts(found),
        "summary": waterfall.summary(found) if found.bars else "",
        "funnel": found,
        "windows": [(key, str(label), key == name) for key, (_, label) in WINDOWS.items()],
    }


def as_of(name: str, scene: Scene) -> datetime | None:
    return scene.once(QUESTIONS[name]).as_of


def panel(name: str) -> Panel:
    """The panel of one window."""
    return Panel(
        f"waterfall_{name}",
        partial(drawn, name),
        partial(as_of, name),
        bars(1.5),
        follows=("funnel",),
        seldom=SELDOM[name],
        drawn_as="waterfall",
    )


register(*(panel(name) for name in WINDOWS))

"""What a panel is, and how one is rendered: one render serves the page and every socket of the same audience."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from monitoring.show.scene import Scene
from monitoring.templatetags.quantum import freshness

log = logging.getLogger(__name__)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Panel:
    """`facts` turns the scene into the template's words; `as_of` is when what it shows was true; `limit` its age."""

    name: str
    facts: Callable[[Scene], dict[str, Any]]
    as_of: Callable[[Scene], datetime | None]
    limit: Callable[[], timedelta | None]
    timed: bool = False  # changes by the mere passing of time: refreshed every few seconds
    follows: tuple[str, ...] = ()  # nudges for other things that change this panel too
    seldom: float = 0  # seconds between two pushes of a panel that changes all the time
    drawn_as: str = ""  # the template's name, where several panels share one

    @property
    def template(self) -> str:
        return f"monitoring/panels/{self.drawn_as or self.name}.html"


@dataclass(frozen=True, slots=True)
class Rendered:
    name: str
    html: str
    as_of: datetime

    @property
    def substance(self) -> str:
        """The HTML without what only ages: two renders with the same substance need no second push."""
        return AGES.sub(r"\1", self.html)


AGES = re.compile(
    r'(data-(?:ago|countdown|without)="[^"]*"[^>]*>)[^<]*|(?<=data-age=")[a-z]+|--age:[0-9.]+|--old:[0-9.]+'
)
PANELS: dict[str, Panel] = {}


def register(*panels: Panel) -> None:
    """Make panels known by their names."""
    for panel in panels:
        if panel.name in PANELS:
            raise ValueError(f"panel {panel.name} is registered twice")
        PANELS[panel.name] = panel


def moved_by(nudge: str) -> list[str]:
    """The panels that a nudge's name changes."""
    return [name for name, panel in PANELS.items() if name == nudge or nudge in panel.follows]


def bars(n: float) -> Callable[[], timedelta]:
    return lambda: settings.QUANTUM.bar * n


def render(names: Iterable[str], now: datetime, scene: Scene | None = None) -> list[Rendered]:
    """The named panels that exist, from one look at the rows. One that can't be drawn takes no other with it."""
    scene = scene or Scene(now)
    drawn = []
    for name in names:
        if name not in PANELS:
            continue
        try:
            drawn.append(one(PANELS[name], scene))
        except Exception:
            log.exception("panel %s could not be rendered", name)
            drawn.append(broken(PANELS[name], scene))
    return drawn


def one(panel: Panel, scene: Scene) -> Rendered:
    as_of, limit = panel.as_of(scene), panel.limit()
    words = {
        "now": scene.now,
        "panel": panel.name,
        "as_of": as_of,
        "limit": limit,
        "freshness": freshness(as_of, limit, scene.now),
        "audience": scene.audience,
    }
    html = render_to_string(panel.template, words | panel.facts(scene))
    return Rendered(panel.name, html, as_of or scene.now)


def broken(panel: Panel, scene: Scene) -> Rendered:
    """What stands in the place of a panel whose rendering failed: unknown, never the last known colour."""
    html = render_to_string("monitoring/panels/broken.html", {"panel": panel.name, "now": scene.now})
    return Rendered(panel.name, html, scene.now)

"""The ribbon and the headline."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.scene import Scene

VENUES = {
    "practice": gettext_lazy("Orders go to the practice exchange"),
    "paper": gettext_lazy("Orders go to the practice exchange"),
    "testnet": gettext_lazy("Orders go to the exchange's demo environment"),
    "live": gettext_lazy("Orders go to the exchange"),
}


def playing() -> str:
    """What is being played, in words that need no knowledge."""
    source = settings.QUANTUM.data_source
    if settings.QUANTUM.relay_url:
        return relaying(source)
    if source == "synthetic":
        return _("Synthetic market with trends built in; profit here proves nothing")
    if source == "stand-in":
        return _("A second practice exchange stands in for the demo environment")
    if source.startswith("recorded:"):
        return _("Playing %(data)s") % {"data": source.removeprefix("recorded:")}
    return _("Market data of the exchange")


def relaying(source: str) -> str:
    """Whose prices paper mode relays."""
    if source == "stand-in":
        return _("Prices relayed from a second practice exchange")
    return _("Real prices, relayed from Binance USD-M futures; fills are made here")


def ribbon(scene: Scene) -> dict[str, Any]:
    mode = settings.QUANTUM.mode
    return {
        "mode": mode,
        "playing": playing(),
        "venue": VENUES[mode],
        "arming": arming(scene),
        "money": _("no real money in reach") if mode != "live" else _("real money"),
        "switch": scene.facts.switch.state,
        "change": scene.facts.switch.change,
        "states": ["active", "reducing", "halted"],
        "data_at": scene.facts.candle_at,
    }


def arming(scene: Scene) -> str:
    """Whether somebody has allowed orders where that takes somebody."""
    if not settings.QUANTUM.must_be_started:
        return _("Not armed")
    return _("Not started") if scene.facts.venue_needs else _("Started")


def verdict(scene: Scene) -> dict[str, Any]:
    return {"verdict": scene.headline}


register(
    Panel("ribbon", ribbon, lambda s: s.facts.candle_at, bars(1.5), timed=True, follows=("candles",)),
    Panel("verdict", verdict, lambda s: s.funnel.as_of, bars(1.5), timed=True, follows=("policy", "models")),
)

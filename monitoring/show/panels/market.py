"""The universe's page: who is in, who is out and why, how fresh their candles are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show import controls, market
from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.show.silence import silent
from monitoring.watch.words import age, grouped, usual_places

SNAPSHOT_LIMIT = timedelta(minutes=15)
KINDS = {
    "gap": gettext_lazy("gap: a bar is missing"),
    "duplicate": gettext_lazy("duplicate: the bar was there already"),
    "revised": gettext_lazy("revised: the bar came again with other prices"),
    "unclosed": gettext_lazy("unclosed: the bar was not over"),
    "nan": gettext_lazy("no number: a price or volume was none"),
    "impossible": gettext_lazy("impossible: high, low, open and close contradict each other"),
    "future": gettext_lazy("future: the bar had not begun"),
    "off_grid": gettext_lazy("off the grid: the bar began at an odd time"),
    "spike": gettext_lazy("spike: the price jumped too far to be believed"),
    "order": gettext_lazy("order: an older bar came after a newer one"),
    "shape": gettext_lazy("shape: a field was missing, or the bar's end is another bar's"),
    "foreign": gettext_lazy("foreign: another symbol's or interval's bar"),
    "disputed": gettext_lazy("disputed: it contradicts what was told of the same bar"),
    "frozen": gettext_lazy("frozen: the price stands still although trades are told"),
    "jump": gettext_lazy("jump: the price moved far, and the mark bears it out"),
}


def said(scene: Scene) -> dict[str, Any]:
    """How many are in, and whether all of them have a fresh candle."""
    rows, taken = scene.once(market.listed), scene.once(market.snapshot)
    inside = [row for row in rows if row.inside]
    old = [row for row in inside if row.shape == "fail"]
    known = {"n": grouped(len(inside)), "old": len(old), "limit": age(scene.config.max_data_age)}
    if taken is None:
        sentence, tone = _("No universe yet."), "unknown"
    elif not inside:
        sentence, tone = _("No symbol may be traded."), "fail"
    elif old:
        sentence = ngettext(
            "%(old)s of %(n)s symbols has no candle younger than %(limit)s.",
            "%(old)s of %(n)s symbols have no candle younger than %(limit)s.",
            len(old),
        )
        sentence, tone = sentence % known, "fail" if 2 * len(old) > len(inside) else "warn"
    else:
        sentence = ngettext(
            "%(n)s symbol is in, and its candle is fresh.",
            "%(n)s symbols are in, all with a fresh candle.",
            len(inside),
        )
        sentence, tone = sentence % known, "ok"
        if silent(scene, "universe"):
            blind = _("Whether these are still the right ones is not known: the universe is not being read.")
            sentence, tone = f"{sentence} {blind}", "unknown"
    return {"sentence": sentence, "tone": tone, "snapshot": taken, "out": len(rows) - len(inside)}


def snapshot(scene: Scene) -> dict[str, Any]:
    taken = scene.once(market.snapshot)
    inside = [row for row in scene.once(market.listed) if row.inside]
    refresh = controls.refresh_universe(len(inside), taken.at if taken else None, scene.now)
    return {
        "snapshot": taken,
        "control": controls.offer(refresh, scene.audience),
        "inside": len(inside),
    }


def symbols(scene: Scene) -> dict[str, Any]:
    rows = scene.once(market.listed)
    return {
        "rows": [(row, grouped(row.last, usual_places(row.last)) if row.last else "") for row in rows],
        "tiers": any(row.tier for row in rows),
        "limit_age": scene.config.max_data_age,
        "line_bars": market.SPARK_BARS,
        "timeframe": settings.QUANTUM.timeframe,
    }


def taken_at(scene: Scene) -> datetime | None:
    taken = scene.once(market.snapshot)
    return taken.at if taken else None


def candle_at(scene: Scene) -> datetime | None:
    return scene.facts.candle_at


register(
    Panel("universe_said", said, candle_at, bars(1.5), timed=True, follows=("universe", "candles"), seldom=1),
    Panel("snapshot", snapshot, taken_at, lambda: SNAPSHOT_LIMIT, timed=True, follows=("universe",), seldom=1),
    Panel("symbols", symbols, candle_at, bars(1.5), timed=True, follows=("universe", "candles"), seldom=3),
)

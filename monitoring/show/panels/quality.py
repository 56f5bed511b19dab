"""The universe's page: how good the data are. The clock, gaps, candles put aside and why, and what stands still."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.panels.market import KINDS
from monitoring.show.scene import Scene
from monitoring.watch import data_quality
from monitoring.watch.data_quality import Clock, Quality
from monitoring.watch.words import grouped, market
from trading.gates.desk import Limits

SHOWN = 8  # gaps
FIELDS: Mapping[str, Promise] = {
    "open_time": gettext_lazy("open time"),
    "close_time": gettext_lazy("close time"),
    "open": gettext_lazy("open"),
    "high": gettext_lazy("high"),
    "low": gettext_lazy("low"),
    "close": gettext_lazy("close"),
    "volume": gettext_lazy("volume"),
    "symbol": gettext_lazy("symbol"),
    "interval": gettext_lazy("interval"),
    "closed": gettext_lazy("closed or not"),
    "row": gettext_lazy("the whole row"),
}


def seen(scene: Scene) -> Quality:
    return data_quality.read(scene.now)


def quality(scene: Scene) -> dict[str, Any]:
    now, found = scene.now, scene.once(seen)
    state = found.clock.state(now) if found.clock else "unknown"
    sentence, tone = verdict(found, state)
    return {
        "sentence": sentence,
        "tone": tone,
        "clock": found.clock,
        "clock_state": state,
        "clock_said": clock_said(found.clock, state),
        "gaps": [(gap, market(gap.symbol)) for gap in found.gaps[:SHOWN]],
        "more_gaps": max(0, found.open_gaps - SHOWN),
        "open_gaps": found.open_gaps,
        "missing": found.missing,
        "filled": found.filled,
        "refused": [(one, KINDS.get(one.kind, one.kind), fields(one.fields)) for one in found.refused],
        "frozen": [market(symbol) for symbol in found.frozen],
        "quiet": len(found.quiet),
        "paused": found.paused,
    }


def verdict(found: Quality, clock: str) -> tuple[str, str]:
    """The worst thing first, in a sentence."""
    if clock == "fail":
        return _("Our clock and the exchange's differ too much: entries are denied."), "fail"
    if found.frozen:
        n = len(found.frozen)
        told = ngettext("%(n)s symbol stands still although trades are told.",
                        "%(n)s symbols stand still although trades are told.", n)  # fmt: skip
        return told % {"n": n}, "fail"
    if found.open_gaps:
        told = ngettext("%(n)s gap is open; nothing is decided on features over it.",
                        "%(n)s gaps are open; nothing is decided on features over them.", found.open_gaps)  # fmt: skip
        return told % {"n": grouped(found.open_gaps)}, "warn"
    if found.put_aside:
        told = ngettext("%(n)s candle was put aside in the last 24 h; nothing was decided on it.",
                        "%(n)s candles were put aside in the last 24 h; nothing was decided on them.",
                        found.put_aside)  # fmt: skip
        return told % {"n": grouped(found.put_aside)}, "warn"
    if found.bar is None:
        return _("No bar was judged yet: nothing is known of the data."), "unknown"
    if found.paused:
        return _("Nothing is traded anywhere: the market is paused. Flat candles are the truth, and no fault."), "warn"
    if clock == "warn":
        return _("The data are whole; the clocks differ."), "warn"
    if clock == "unknown":
        return _("The data are whole; the clock was not measured lately."), "unknown"
    return _("No gap, nothing put aside, and the clocks agree."), "ok"


def clock_said(clock: Clock | None, state: str) -> str:
    limit = int(Limits().max_clock_offset.total_seconds() * 1000)
    known = {"limit": grouped(limit), "warn": grouped(int(data_quality.WARN.total_seconds() * 1000))}
    if clock is None:
        return _("not measured yet; the stream measures it every 5 s")
    known |= {"ms": grouped(abs(clock.offset_ms)), "took": grouped(clock.round_trip_ms)}
    ahead = clock.offset_ms > 0
    if state == "fail":
        return _("%(ms)s ms apart, entries stop at %(limit)s ms: set this machine's clock") % known
    said = _("the exchange's is %(ms)s ms ahead") if ahead else _("the exchange's is %(ms)s ms behind")
    return said % known + "; " + _("worth a word from %(warn)s ms, entries stop at %(limit)s ms") % known


def fields(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{FIELDS.get(name, name)} {grouped(n)}" for name, n in counts.items())


def at(scene: Scene) -> datetime | None:
    return scene.facts.candle_at


register(Panel("quality", quality, at, bars(1.5), timed=True, follows=("universe", "candles", "quality"), seldom=3))

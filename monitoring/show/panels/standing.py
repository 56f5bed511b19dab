"""What only looks as if it ran, and what is old: every source with its age and the age at which it is too old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.panels.held import verify_limit
from monitoring.show.panels.market import SNAPSHOT_LIMIT
from monitoring.show.scene import Pulse, Scene
from monitoring.watch.words import age, grouped, market
from trading.gates.desk import Limits

ACCOUNT_LIMIT = 30 * SECOND
NAMED = 3  # symbols


# -- what does not run ------------------------------------------------------------------------------------------------


def not_running(scene: Scene) -> dict[str, Any]:
    """Modules that are configured and yet never called, late, down, failing, or without any useful work."""
    ailing = [pulse for pulse in scene.pulses if pulse.shape != "ok"]
    words = ngettext("%(n)s of %(of)s module", "%(n)s of %(of)s modules", len(scene.pulses))
    return {
        "pulses": [
            (pulse, worked(pulse, scene.now), controls.offer(run(pulse, scene.now), scene.audience)) for pulse in ailing
        ],
        "fine": len(scene.pulses) - len(ailing),
        "about": words % {"n": len(ailing), "of": len(scene.pulses)} if ailing else "",
    }


def run(pulse: Pulse, now: datetime) -> controls.Control:
    return controls.tick(pulse.name, pulse.title, pulse.state.last_work if pulse.state else None, pulse.every, now)


def worked(pulse: Pulse, now: datetime) -> str:
    """When it last did something useful, and how often it should; of one that nobody has called, nothing."""
    every = {"every": age(pulse.every)}
    if pulse.state is None or pulse.state.last_tick is None:
        return ""
    if pulse.state.last_work is None:
        return _("No useful work yet; due every %(every)s.") % every
    told = every | {"ago": age(now - pulse.state.last_work)}
    return _("Its last useful work was %(ago)s ago; due every %(every)s.") % told


def beaten_at(scene: Scene) -> datetime | None:
    return max((p.state.last_tick for p in scene.pulses if p.state and p.state.last_tick), default=None)


# -- what is old ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Something that the house knows from elsewhere. `at` None: it has never been known."""

    name: str
    at: datetime | None
    limit: timedelta
    note: str
    href: str

    def shape(self, now: datetime) -> str:
        if self.at is None:
            return "unknown"
        return "ok" if now - self.at <= self.limit else "fail"


def stale(scene: Scene) -> dict[str, Any]:
    """Every source, the old ones first."""
    found = sorted(sources(scene), key=lambda one: ("fail", "unknown", "ok").index(one.shape(scene.now)))
    old = sum(one.shape(scene.now) == "fail" for one in found)
    words = ngettext("%(n)s of %(of)s sources is too old", "%(n)s of %(of)s sources are too old", old)
    return {
        "sources": [(one, one.shape(scene.now)) for one in found],
        "about": words % {"n": old, "of": len(found)} if old else _("none is too old"),
    }


def sources(scene: Scene) -> Iterable[Source]:
    yield candles(scene)
    marks = [one.mark_at for one in scene.held]
    if marks:
        oldest = None if None in marks else min(at for at in marks if at)
        limit = Limits().max_price_age
        yield Source(_("Prices of what is held"), oldest, limit, _("the oldest of them"), "/positions/")
        seen = [one.stop.verified_at for one in scene.held if one.stop and one.stop.verified_at]
        every = len(seen) == len(marks)
        note = _("the stop that was read back longest ago") if every else _("not every stop was read back")
        yield Source(_("Stops at the exchange"), min(seen) if every else None, verify_limit(), note, "/positions/")
    at = scene.account.at if scene.account else None
    yield Source(_("The account"), at, ACCOUNT_LIMIT, _("as the exchange showed it"), "/policy/")
    taken = scene.universe.at if scene.universe else None
    yield Source(_("The universe"), taken, SNAPSHOT_LIMIT, _("what may be traded"), "/universe/")


def candles(scene: Scene) -> Source:
    """The oldest candle of the universe, and how many symbols are late."""
    universe, limit = scene.universe, scene.facts.max_age
    if universe is None or not universe.inside:
        return Source(_("Candles"), scene.facts.candle_at, limit, _("no universe yet"), "/universe/")
    known = {s: universe.closed[s] for s in universe.inside if s in universe.closed}
    late = sorted((at, s) for s, at in known.items() if scene.now - at > limit)
    none = [s for s in universe.inside if s not in known]
    oldest = min(known.values(), default=None)
    return Source(_("Candles"), oldest, limit, said(len(universe.inside), [s for _, s in late], none), "/universe/")


def said(symbols: int, late: list[str], none: list[str]) -> str:
    """3 of 198 symbols are late: DASH/USDT, ZEC/USDT, ZEN/USDT."""
    parts = []
    for names, template in (
        (
            late,
            ngettext(
                "%(n)s of %(of)s symbols is late: %(names)s.", "%(n)s of %(of)s symbols are late: %(names)s.", len(late)
            ),
        ),
        (
            none,
            ngettext(
                "%(n)s of %(of)s symbols has none: %(names)s.",
                "%(n)s of %(of)s symbols have none: %(names)s.",
                len(none),
            ),
        ),
    ):
        if names:
            more = _(" and %(n)s more") % {"n": grouped(len(names) - NAMED)} if len(names) > NAMED else ""
            listed = ", ".join(market(name) for name in names[:NAMED]) + more
            parts.append(template % {"n": grouped(len(names)), "of": grouped(symbols), "names": listed})
    return " ".join(parts) or ngettext("all of %(n)s symbol", "all of %(n)s symbols", symbols) % {"n": grouped(symbols)}


register(
    Panel("not_running", not_running, beaten_at, lambda: SECOND * 30, timed=True, follows=("modules",), seldom=1),
    Panel(
        "stale", stale, lambda scene: scene.now, lambda: None, timed=True, follows=("candles", "positions"), seldom=1
    ),
)

"""Five tiles under the headline: protected, data, execution, money, health. Each a figure, its age, and a link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import held as holding
from monitoring.show.panels.held import verify_limit
from monitoring.show.panels.score import card, first_of_each
from monitoring.show.scene import Scene, directives
from monitoring.watch import ailments, spoken
from monitoring.watch.retold import retold
from monitoring.watch.words import age, clock, grouped, percent
from trading.gates.directives import Level, holds_entries
from trading.models import Order

NEAR = Decimal("0.8")  # of the daily loss limit


@dataclass(frozen=True, slots=True)
class Tile:
    """`what` says what the stamp's time is of. `since`: the figure is that moment's age; `money`: an amount in USDT."""

    name: str
    title: str
    href: str
    shape: str
    figure: str
    note: str
    what: str
    at: datetime | None
    limit: timedelta | None = None
    since: datetime | None = None
    money: Decimal | None = None
    of: str = ""


def last_order(scene: Scene) -> datetime | None:
    """When an order was last sent to the exchange; one query."""
    return Order.objects.aggregate(at=Max("sent_at"))["at"]


def tiles(scene: Scene) -> list[Tile]:
    return [protected(scene), data(scene), execution(scene), money(scene), health(scene)]


def protected(scene: Scene) -> Tile:
    """Only what the exchange itself has shown lately counts."""
    limit = verify_limit()
    badges = [holding.badge(one, one.stop, limit, scene.now) for one in scene.held]
    confirmed, seen = sum(badge.state == "ok" for badge in badges), [b.verified_at for b in badges if b.verified_at]
    looked = ticked(scene, "position_monitor")
    told = {"n": confirmed, "of": len(badges)}
    return Tile(
        name="protected",
        title=_("Protected"),
        href="/positions/",
        shape=worst(badge.state for badge in badges),
        figure=_("%(n)s of %(of)s") % told if badges else _("None open"),
        note=_("stops confirmed at the exchange") if badges else _("each position gets a stop at the exchange"),
        what=_("verified") if badges else _("looked"),
        at=min(seen, default=None) if badges else looked,
        limit=limit if badges else None,
    )


def ticked(scene: Scene, module: str) -> datetime | None:
    """When a module last looked."""
    return next((p.state.last_tick for p in scene.pulses if p.name == module and p.state), None)


def worst(states: Iterable[str]) -> str:
    """The worst of some states; where there is none, nothing is claimed."""
    found = set(states)
    return next((state for state in ("fail", "warn", "unknown", "ok") if state in found), "")


def data(scene: Scene) -> Tile:
    """The age of the newest candle, and how many symbols have a fresh one."""
    at, limit = scene.facts.candle_at, scene.facts.max_age
    seen = scene.universe
    fresh = sum(scene.now - seen.closed[s] <= limit for s in seen.inside if s in seen.closed) if seen else 0
    symbols = len(seen.inside) if seen else 0
    words = ngettext("%(fresh)s of %(n)s symbol fresh", "%(fresh)s of %(n)s symbols fresh", symbols)
    late = at is not None and scene.now - at > limit
    return Tile(
        name="data",
        title=_("Data age"),
        href="/universe/",
        shape="unknown" if at is None else "fail" if late else "ok" if fresh == symbols else "warn",
        figure=age(scene.now - at) if at else _("No data"),
        note=words % {"fresh": fresh, "n": symbols} if seen else _("the first candles come within seconds"),
        what=_("newest candle"),
        at=at,
        limit=limit,
        since=at,
    )


def execution(scene: Scene) -> Tile:
    """Whether an entry could leave now, and if not, why not; the newest order."""
    figure, shape, why = allowed(scene)
    at = scene.once(last_order)
    return Tile(
        name="execution",
        title=_("Execution"),
        href="/orders/",
        shape=shape,
        figure=figure,
        note=why,
        what=_("last order") if at else _("no order yet"),
        at=at,
    )


def allowed(scene: Scene) -> tuple[str, str, str]:
    """On, held or off; its shape; why."""
    facts, stands = scene.facts, scene.once(directives)
    switch, policy = facts.switch, scene.policy
    if not settings.QUANTUM.execution_enabled:
        return _("Off"), "warn", _("QT_ENABLE_EXECUTION is false")
    if facts.venue_needs:
        return _("Not started"), "warn", facts.venue_needs
    if switch.state != "active":
        told = {"by": switch.by or _("somebody"), "at": clock(switch.at) if switch.at else ""}
        halted = _("halted by %(by)s at %(at)s") if switch.state == "halted" else _("reducing, by %(by)s at %(at)s")
        return _("Off"), "warn", halted % told
    if holds_entries(stands.level):
        return _("Held"), "warn", "; ".join(map(retold, stands.halts))
    if policy is not None and not policy.entries_allowed:
        return _("Held"), "warn", _("volatility is extreme")
    if facts.candle_at is None or scene.now - facts.candle_at > facts.max_age:
        return _("Held"), "warn", _("the data is too old")
    if not facts.champions:
        return _("Held"), "unknown", _("no model may vote")
    if stands.level is not Level.ALLOW_ALL:
        return _("On"), "warn", str(ailments.LEVELS[stands.level])
    return _("On"), "ok", _("entries are allowed")


def money(scene: Scene) -> Tile:
    """Today's change of equity, and how much of the daily loss is used."""
    account = scene.account
    title, href, what = _("Money today"), "/trades/", _("read")
    if account is None:
        return Tile("money", title, href, "unknown", _("No data"), _("the account is not known yet"), what, None)
    told = {"used": percent(account.loss_used, 1), "limit": percent(account.loss_limit, 0)}
    used = account.loss_used / account.loss_limit if account.loss_limit else Decimal(1)
    return Tile(
        name="money",
        title=title,
        href=href,
        shape="fail" if used >= 1 else "warn" if used >= NEAR else "",
        figure=_("No data"),
        note=_("daily loss %(used)s of %(limit)s") % told,
        what=what,
        at=account.at,
        limit=timedelta(seconds=30),
        money=account.today,
    )


def health(scene: Scene) -> Tile:
    """The score, and the component that holds it back; the panel below tells why."""
    seen = scene.once(card)
    caps = first_of_each(seen.caps)
    if caps:
        told = {"at": min(cap.at for cap in caps), "name": spoken.named(caps[0].part)}
        note = _("held at %(at)s by %(name)s") % told
    else:
        note = _("%(n)s of 100 points measured") % {"n": seen.coverage}
    return Tile(
        name="health",
        title=_("Health"),
        href="/health/",
        shape={"healthy": "ok", "degraded": "warn", "critical": "fail"}.get(seen.status, "unknown"),
        figure=grouped(seen.overall),
        note=note,
        what=_("checked"),
        at=ticked(scene, "scorekeeper"),
        limit=timedelta(seconds=30),
        of="/ 100",
    )

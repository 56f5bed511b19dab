"""Each control built from its target alone, by a look at the rows: for the plain page that confirms it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.control import practice
from monitoring.control import venue as acting
from monitoring.control.actions import BadRequest, Stale, former_set
from monitoring.models import Incident
from monitoring.show import alerts, controls, drill, drills, mending, venue, wayback
from monitoring.show.controls import Control
from monitoring.watch import knobs
from monitoring.watch.drills.catalogue import CATALOGUE
from monitoring.watch.effective import Setting, setting
from monitoring.watch.manifest import expected
from monitoring.watch.words import market
from trading import tuning
from trading.models import Directive, ModelVersion, ModuleState, Position, TrimProposal, UniverseSnapshot
from trading.orders.rows import last_entries


def close(target: str, now: datetime) -> Control:
    row = Position.objects.filter(pk=target).first() if target.isdecimal() and len(target) < 19 else None
    if row is None:
        raise BadRequest("target", _("There is no position %(id)s.") % {"id": target[:20]})
    if row.status == Position.CLOSED:
        raise Stale(_("%(symbol)s is closed already.") % {"symbol": market(row.symbol)})
    known = row.mark_price is not None
    return controls.close(row.pk, row.symbol, row.side, row.quantity, row.mark_price, row.unrealized if known else None)


def cooldown(target: str, now: datetime) -> Control:
    if not target.isprintable():  # PostgreSQL takes no NUL
        raise BadRequest("target", _("There is no symbol %(name)s.") % {"name": ascii(target[:40])})
    seconds = tuning.effective().QT_COOLDOWN_SECONDS
    at, order = last_entries([target[:40]]).get(target[:40], (None, 0))
    left = (at + timedelta(seconds=seconds) - now).total_seconds() if at else 0
    if left <= 0:
        raise Stale(_("%(symbol)s is not cooling down.") % {"symbol": market(target[:40])})
    return controls.clear_cooldown(target, order, left, seconds)


def tick(target: str, now: datetime) -> Control:
    one = next((module for module in expected() if module.name == target), None)
    if one is None:
        raise BadRequest("target", _("There is no module %(name)s.") % {"name": target[:40]})
    state = ModuleState.objects.filter(name=target).first()
    return controls.tick(one.name, one.title, state.last_work if state else None, one.every, now)


def universe(target: str, now: datetime) -> Control:
    newest = UniverseSnapshot.objects.order_by("-at").first()
    inside = [row for row in newest.symbols if row.get("status") == "in"] if newest else []
    return controls.refresh_universe(len(inside), newest.at if newest else None, now)


def retrain(target: str, now: datetime) -> Control:
    mine = {"data_source": settings.QUANTUM.data_source, "timeframe": settings.QUANTUM.timeframe}
    voting = ModelVersion.objects.filter(status=ModelVersion.CHAMPION, **mine)
    newest = voting.order_by("-trained_at").values_list("trained_at", flat=True).first()
    return controls.retrain(newest, now)


def tune(target: str, now: datetime) -> Control:
    if target not in tuning.TUNABLE:
        raise BadRequest("target", _("%(name)s can't be tuned.") % {"name": target[:60]})
    return limit_control(setting(target, tuning.rows()))


UNITS = {
    "seconds": gettext_lazy("New value, in seconds"),
    "share": gettext_lazy("New value, as a share: 0.01 is 1 %"),
    "confidence": gettext_lazy("New value, from 0 to 1"),
    "correlation": gettext_lazy("New value, from 0 to 1"),
    "r": gettext_lazy("New value, in R"),
    "atr": gettext_lazy("New value, in ATR"),
    "times": gettext_lazy("New value, as a multiple of equity"),
}


def limit_control(one: Setting) -> Control:
    """The control of one limit that may be tuned."""
    assert one.tunable is not None
    return controls.tune(
        one.name,
        one.value,
        knobs.shown(one.name, one.value),
        knobs.shown(one.name, one.first),
        (one.allowed.low, one.allowed.high),
        one.allowed.whole,
        one.tunable.loosens.value,
        str(UNITS.get(one.tunable.unit, _("New value"))),
    )


def venue_check(target: str, now: datetime) -> Control:
    return venue.check()


def venue_start(target: str, now: datetime) -> Control:
    run = acting.newest()
    if run is None or not run.passed:
        raise Stale(_("The checks of this exchange have not passed with the key in use, so there is nothing to start."))
    return venue.start(run)


def venue_stop(target: str, now: datetime) -> Control:
    return venue.stop()


def acknowledge(target: str, now: datetime) -> Control:
    row = Incident.objects.filter(pk=target).first() if numbered(target) else None
    if row is None:
        raise BadRequest("target", _("There is no incident %(id)s.") % {"id": target[:20]})
    offered = mending.acknowledge(row)
    if offered is None:
        raise Stale(_("Nobody has to acknowledge it any more."))
    return offered


def lift(target: str, now: datetime) -> Control:
    row = Directive.objects.filter(pk=target).first() if numbered(target) else None
    if row is None:
        raise BadRequest("target", _("There is no directive %(id)s.") % {"id": target[:20]})
    if row.ended_at:
        raise Stale(_("This directive ended already."))
    return mending.lift(row)


def dismiss(target: str, now: datetime) -> Control:
    row = TrimProposal.objects.filter(pk=target).first() if numbered(target) else None
    if row is None:
        raise BadRequest("target", _("There is no trim %(id)s.") % {"id": target[:20]})
    if row.state != TrimProposal.OPEN:
        raise Stale(_("This proposal is over already."))
    return mending.dismiss(row)


def trim(target: str, now: datetime) -> Control:
    row = TrimProposal.objects.filter(pk=target).first() if numbered(target) else None
    if row is None:
        raise BadRequest("target", _("There is no trim %(id)s.") % {"id": target[:20]})
    if row.state != TrimProposal.OPEN:
        raise Stale(_("This proposal is over already."))
    return mending.apply(row)


def break_it(target: str, now: datetime) -> Control:
    practice.must_practise()
    offers = {practice.MUTE: drill.mute, practice.ERRORS: drill.errors}
    if target not in offers:
        raise BadRequest("target", _("There is nothing called %(name)s to break.") % {"name": target[:40]})
    return offers[target]()


def mend(target: str, now: datetime) -> Control:
    practice.must_practise()
    return drill.mend()


def drill_of(target: str, now: datetime) -> Control:
    practice.must_practise()
    if target not in CATALOGUE:
        raise BadRequest("target", _("There is no drill %(name)s.") % {"name": ascii(target[:60])})
    return drills.start(CATALOGUE[target])


def alert_test(target: str, now: datetime) -> Control:
    return alerts.test()


def rollback(target: str, now: datetime) -> Control:
    return wayback.roll_back(former_set(target), now)


def numbered(target: str) -> bool:
    return target.isdecimal() and target.isascii() and len(target) < 19


OFFERS: dict[str, Callable[[str, datetime], Control]] = {
    "close": close,
    "cooldown": cooldown,
    "tick": tick,
    "universe": universe,
    "retrain": retrain,
    "rollback": rollback,
    "tune": tune,
    "acknowledge": acknowledge,
    "lift": lift,
    "dismiss": dismiss,
    "trim": trim,
    "break": break_it,
    "mend": mend,
    "drill": drill_of,
    "alert": alert_test,
    "venue_check": venue_check,
    "venue_start": venue_start,
    "venue_stop": venue_stop,
}

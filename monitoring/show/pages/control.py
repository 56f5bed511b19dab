"""`/control/<action>/`: a plain page that states a control's consequence, and the one place where pages act.

A script posts JSON and gets JSON; a form gets a page. What the page showed comes along, and where it is not so any more
the answer is 409 and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from monitoring.control import actions, alerts, incidents, practice, venue
from monitoring.control.actions import BadRequest, Shown, Stale, Unreachable
from monitoring.control.drills import asking as drilling
from monitoring.control.permissions import NotAllowed
from monitoring.show.api import query
from monitoring.show.api.answers import Refusal
from monitoring.show.api.asked import CONTROL, shown
from monitoring.show.controls import Control
from monitoring.show.frame import looking, problem, theme, wants_json
from monitoring.show.levers import OFFERS
from monitoring.watch.words import iso, market, price, signed

FIELDS = CONTROL | {"target": query.text(80), "value": query.text(40)}


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person wants: on what, why, the new value where there is one, and what the page had shown."""

    target: str = ""
    reason: str = ""
    value: str = ""
    shown: Shown = actions.UNSEEN


@dataclass(frozen=True, slots=True)
class Said:
    """The result as the server saw it: 200 where it is done, 202 where it is accepted and its end not known yet."""

    message: str
    status: int = 200


@looking
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest, action: str) -> HttpResponse:
    """State the consequence, or act."""
    if action not in ACTS:
        raise Http404
    if request.method != "POST":
        return confirm(request, action, request.GET.get("target", ""))
    target = ""
    try:
        ask = asked(request)
        target = ask.target
        said = ACTS[action](ask, request.user, timezone.now())
    except Refusal as no:
        return refused(request, no.status, no.code, no.message, no.fields)
    except BadRequest as no:
        if wants_json(request):
            return refused(request, 400, "bad_request", str(no), {no.field: str(no)})
        return confirm(request, action, target, str(no))
    except NotAllowed as no:
        return refused(request, 403, "not_allowed", str(no), {})
    except venue.TooSoon as no:
        answer = refused(request, 429, "too_soon", str(no), {})
        answer["Retry-After"] = str(no.seconds)
        return answer
    except Stale as no:
        return refused(request, 409, "stale", str(no), {})
    except Unreachable as no:
        return refused(request, 409, "unreachable", str(no), {})
    if wants_json(request):
        return JsonResponse({"message": said.message}, status=said.status)
    return problem(request, said.status, _("Done.") if said.status == 200 else _("Accepted."), said.message)


def asked(request: HttpRequest) -> Ask:
    """The body of a script, or the fields of a form."""
    if request.content_type == "application/json":
        given = query.body(request, FIELDS, optional=tuple(FIELDS))
    else:
        fields: dict[str, Any] = {name: text for name, text in request.POST.items() if name in FIELDS}
        fields["shown"] = {n.removeprefix("shown."): v for n, v in request.POST.items() if n.startswith("shown.")}
        given = query.checked(fields, FIELDS)
    return Ask(given.get("target", ""), given.get("reason", ""), given.get("value", ""), shown(given))


def confirm(request: HttpRequest, action: str, target: str, wrong: str = "") -> HttpResponse:
    """The dialog as a page of its own."""
    now = timezone.now()
    try:
        offered: Control = OFFERS[action](target, now)
    except BadRequest as no:
        return problem(request, 404, _("There is nothing to press."), str(no))
    except Stale as no:
        return problem(request, 409, _("It is not so any more."), str(no))
    words: dict[str, Any] = {"control": offered, "title": offered.title, "theme": theme(request), "now": now}
    words |= {"as_of": iso(now), "wrong": wrong}
    words |= {name: request.POST.get(name, "") for name in ("reason", "value")}
    return render(request, "monitoring/control.html", words, status=400 if wrong else 200)


def refused(request: HttpRequest, status: int, code: str, text: str, fields: dict[str, str]) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": {"code": code, "message": text, "fields": fields}}, status=status)
    return problem(request, status, _("Nothing was changed."), text)


# -- what each one does ------------------------------------------------------------------------------------------


def number(text: str) -> int:
    try:
        return query.whole(1, query.LARGEST)(text)
    except ValueError as error:
        raise BadRequest("target", f"target {error}") from None


def close(ask: Ask, who: Any, now: datetime) -> Said:
    position_id = number(ask.target)
    actions.close_position(position_id, ask.reason, who, now, ask.shown)
    done = actions.closing(position_id)
    name = {"symbol": market(done.symbol)}
    if done.exit_price is not None and done.net is not None:
        money = {"price": price(done.exit_price), "money": signed(done.net)}
        return Said(_("%(symbol)s closed at %(price)s, %(money)s USDT.") % (name | money))
    if done.done:
        return Said(_("%(symbol)s is closed.") % name)
    if done.error:
        return Said(_("%(symbol)s: accepted, not closed yet. %(why)s") % (name | {"why": done.error}), 202)
    return Said(_("%(symbol)s: accepted, pending. The exchange has not confirmed the close yet.") % name, 202)


def cooldown(ask: Ask, who: Any, now: datetime) -> Said:
    done = actions.clear_cooldown(ask.target, ask.reason, who, now, ask.shown)
    told = {"symbol": market(done.symbol), "seconds": f"{done.seconds_left:.0f}"}
    return Said(_("%(symbol)s may be entered again, %(seconds)s s early.") % told)


def tick(ask: Ask, who: Any, now: datetime) -> Said:
    return beaten(actions.tick_module(ask.target, who, now, ask.reason))


def universe(ask: Ask, who: Any, now: datetime) -> Said:
    return beaten(actions.refresh_universe(who, now, ask.reason))


def beaten(asked: actions.Asked) -> Said:
    """What the module beat after it was rung for."""
    done = actions.ticked(asked)
    told = {"title": done.title, "n": done.examined, "did": done.actions, "why": done.idle_reason or done.error}
    if not done.done:
        return Said(_("%(title)s was rung for; it has not beaten yet.") % told, 202)
    if done.error:
        return Said(_("%(title)s ran and failed: %(why)s") % told)
    if done.idle_reason:
        return Said(_("%(title)s ran and was idle: %(why)s.") % told)
    return Said(_("%(title)s ran: %(n)s examined, %(did)s acted on.") % told)


def retrain(ask: Ask, who: Any, now: datetime) -> Said:
    run = actions.retrain(who, now, ask.reason)
    if run.started_at != now:
        return Said(_("Training %(n)s is running already: %(stage)s.") % {"n": run.pk, "stage": run.stage}, 202)
    return Said(_("Training %(n)s is queued; its progress is on the models' page.") % {"n": run.pk}, 202)


def rollback(ask: Ask, who: Any, now: datetime) -> Said:
    done = actions.roll_back(ask.target, ask.reason, who, now, ask.shown)
    n = len(done.kinds)
    told = {"version": done.version, "n": n}
    said = ngettext(
        "%(n)s model of version %(version)s votes again.", "%(n)s models of version %(version)s vote again.", n
    )
    return Said(said % told)


def tune(ask: Ask, who: Any, now: datetime) -> Said:
    done = actions.tune({ask.target: ask.value}, ask.reason, who, now, ask.shown)[0]
    told = {"name": done.name, "was": f"{done.was:g}", "value": f"{done.value:g}"}
    if not done.changed:
        return Said(_("%(name)s was %(value)s already; nothing changed.") % told)
    return Said(_("%(name)s went from %(was)s to %(value)s.") % told)


def acknowledge(ask: Ask, who: Any, now: datetime) -> Said:
    done = incidents.acknowledge(number(ask.target), who, now, ask.reason)
    if not done.changed:
        return Said(_("%(by)s had acknowledged it before.") % {"by": done.incident.acknowledged_by})
    return Said(_("Acknowledged; it closes by itself when it is over."))


def lift(ask: Ask, who: Any, now: datetime) -> Said:
    row = incidents.lift_directive(number(ask.target), ask.reason, who, now)
    return Said(_("%(level)s was lifted; the next bar's entries are judged without it.") % {"level": row.level})


def dismiss(ask: Ask, who: Any, now: datetime) -> Said:
    row = incidents.dismiss_trim(number(ask.target), who, now, ask.reason)
    return Said(_("%(symbol)s stays as it is.") % {"symbol": market(row.symbol)})


def trim(ask: Ask, who: Any, now: datetime) -> Said:
    asked = actions.apply_trim(number(ask.target), ask.reason, who, now, ask.shown)
    done = actions.trimming(asked.request_id)
    told = {"symbol": market(done.symbol), "filled": price(done.filled), "left": price(done.left), "why": done.error}
    if done.state == "done":
        told |= {"price": price(done.average_price), "money": signed(done.net or Decimal(0))}
        return Said(_("%(symbol)s: %(filled)s closed at %(price)s, %(money)s USDT; %(left)s are left.") % told)
    if done.over:
        return Said(_("%(symbol)s was not trimmed as wanted, %(filled)s were closed: %(why)s.") % told)
    if done.error:
        return Said(_("%(symbol)s: accepted, not done yet. %(why)s") % told, 202)
    return Said(_("%(symbol)s: accepted, pending. The exchange has not confirmed the trim yet.") % told, 202)


def break_it(ask: Ask, who: Any, now: datetime) -> Said:
    done = practice.break_it(ask.target, who, now, ask.reason)
    return Said(_("Broken for %(n)s s. Watch what is found, tried and proved.") % {"n": f"{done.seconds_left:.0f}"})


def mend(ask: Ask, who: Any, now: datetime) -> Said:
    n = practice.mend(who, now, ask.reason)
    told = ngettext("%(n)s fault was ended.", "%(n)s faults were ended.", n)
    return Said(told % {"n": n})


def drill(ask: Ask, who: Any, now: datetime) -> Said:
    row = drilling.start(ask.target, who, now, ask.reason)
    return Said(_("The drill %(name)s starts; its progress shows on the drills' page.") % {"name": row.name}, 202)


def alert_test(ask: Ask, who: Any, now: datetime) -> Said:
    alerts.send_test(who, now)
    return Said(_("It is sent within seconds; what came of it shows on this page."), 202)


def venue_check(ask: Ask, who: Any, now: datetime) -> Said:
    venue.request_checks(who, now, reason=ask.reason)
    return Said(_("The checks are being made; each answer shows on this page as it comes."), 202)


def venue_start(ask: Ask, who: Any, now: datetime) -> Said:
    shown = ask.shown.values.get("checks")
    row = venue.start(ask.reason, who, now, number(shown) if shown else None)
    return Said(_("Entries are allowed at %(venue)s from the next bar on.") % {"venue": row.venue})


def venue_stop(ask: Ask, who: Any, now: datetime) -> Said:
    if venue.stop(ask.reason, who, now) is None:
        return Said(_("Entries were not started here, so there was nothing to stop."))
    return Said(_("No new entries from now on. Open positions keep their stops."))


ACTS: dict[str, Callable[[Ask, Any, datetime], Said]] = {
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
    "drill": drill,
    "alert": alert_test,
    "venue_check": venue_check,
    "venue_start": venue_start,
    "venue_stop": venue_stop,
}

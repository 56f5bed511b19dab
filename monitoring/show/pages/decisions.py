"""The decisions' pages: the table, and one decision with every gate's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from monitoring.control.actions import Stale
from monitoring.show import controls, drawings, levers, steps
from monitoring.show.api.answers import Refusal
from monitoring.show.api.lists import CODE, OUTCOME
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, between, parse
from monitoring.show.api.shapes import ticket
from monitoring.show.feed import Line, fold_page
from monitoring.show.frame import frame, look, looking, problem
from monitoring.show.frame import page as whole
from monitoring.show.scene import Scene, line
from monitoring.show.trail import trail
from monitoring.watch.told import decided
from monitoring.watch.words import grouped, market
from trading.codes import Code
from trading.models import Decision, SignalOutcome

ROWS, READ = 50, 300  # lines of a page; decisions that are read for them
FIELDS = (*PAGE, *SPAN, SYMBOL, OUTCOME, CODE)
COLUMNS = {"symbol": "signal__symbol", "outcome": "outcome", "code": "code"}


@dataclass(frozen=True, slots=True)
class Counted:
    """One answer in the strip above the table: how often it was given, and where to see only those."""

    name: str
    outcome: str
    n: int
    href: str
    chosen: bool


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, filtered, a page at a time; repeats of one bar folded into one line."""
    given = request.GET.copy()
    for name in [name for name, value in given.items() if value == "" and len(given.getlist(name)) == 1]:
        del given[name]  # a form's empty field asks for nothing
    try:
        asked = parse(given, FIELDS)
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    wide = between(chosen_by(asked, "symbol"), asked, "at")
    lines, onward = read(wide.filter(**wanted(asked, "outcome", "code")), asked)
    kept = {name: str(value) for name, value in given.items() if name != "cursor"}
    counts = strip(wide, kept, asked)
    words = {
        "lines": lines,
        "older": "?" + urlencode(kept | {"cursor": onward}) if onward else "",
        "newest": "?" + urlencode(kept) if asked["cursor"] else "",
        "asked": given,
        "outcomes": ["traded", "rejected", "failed", "pending"],
        "codes": [c.value for c in Code],
        "filtered": any(asked[name] for name in (*COLUMNS, "since", "until")),
        "since": asked["since"],
        "until": asked["until"],
        "counts": counts,
        "headline": summary(counts, asked),
    }
    title = _("Decisions")
    return whole(request, "monitoring/decisions.html", title, "/decisions/", ["arrivals"], words)


def chosen_by(asked: Mapping[str, Any], *names: str) -> QuerySet[Decision]:
    return Decision.objects.filter(**wanted(asked, *names))


def wanted(asked: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {COLUMNS[name]: asked[name] for name in names if asked[name]}


def read(rows: QuerySet[Decision], asked: Mapping[str, Any]) -> tuple[list[Line], int | None]:
    """One page of lines, and the cursor of the next; one query. Of one code every decision is shown."""
    most = min(asked["limit"], ROWS)
    if asked["cursor"]:
        rows = rows.filter(pk__lt=asked["cursor"])
    many = most if asked["code"] else READ
    found = list(rows.select_related("signal").defer("gates").order_by("-pk")[: many + 1])
    told = [line(d) for d in found[:many]]
    lines, last = (told, told[-1].id if told else None) if asked["code"] else fold_page(told, most)
    more = len(found) > many or (told and last != told[-1].id)
    return lines, last if more else None


def strip(rows: QuerySet[Decision], kept: Mapping[str, str], asked: Mapping[str, Any]) -> list[Counted]:
    """Every answer with its count, most frequent first; one query. Each leads to its own decisions, and back."""
    counted = rows.order_by().values_list("outcome", "code").annotate(n=Count("pk"))
    rest = {name: value for name, value in kept.items() if name not in ("code", "outcome", "limit")}
    made = []
    for outcome, code, n in sorted(counted, key=lambda row: (-row[2], row[1], row[0])):
        chosen = asked["code"] == code if code else asked["outcome"] == outcome and not asked["code"]
        mine = {"outcome": outcome} | ({"code": code} if code else {})
        made.append(
            Counted(code or outcome.upper(), outcome, n, "?" + urlencode(rest | ({} if chosen else mine)), chosen)
        )
    return made


def summary(counts: Sequence[Counted], asked: Mapping[str, Any]) -> str:
    """202 decisions: 4 traded, 195 rejected, 1 failed, 2 pending."""
    seen = [one for one in counts if not asked["outcome"] or one.outcome == asked["outcome"]]
    if asked["code"]:
        seen = [one for one in seen if one.name == asked["code"]]
    total = sum(one.n for one in seen)
    told = ngettext("%(n)s decision", "%(n)s decisions", total) % {"n": grouped(total)}
    if asked["symbol"]:
        told = _("%(told)s on %(symbol)s") % {"told": told, "symbol": market(asked["symbol"])}
    if asked["code"]:
        return _("%(told)s of %(code)s.") % {"told": told, "code": asked["code"]}
    sums = {outcome: sum(one.n for one in seen if one.outcome == outcome) for outcome in OUTCOMES}
    parts = [str(words) % {"n": grouped(sums[outcome])} for outcome, words in OUTCOMES.items() if sums[outcome]]
    return f"{told}: {', '.join(parts)}." if parts else f"{told}."


OUTCOMES = {
    "traded": gettext_lazy("%(n)s traded"),
    "rejected": gettext_lazy("%(n)s rejected"),
    "failed": gettext_lazy("%(n)s failed"),
    "pending": gettext_lazy("%(n)s pending"),
}


@looking
@require_GET
def page(request: HttpRequest, number: int) -> HttpResponse:
    """One decision; five queries besides the ribbon's, seven where it may still be cooling down."""
    chosen = Decision.objects.select_related("signal__cycle", "policy").filter(pk=number).first()
    if chosen is None:
        missing = _("There is no decision %(number)s.") % {"number": number}
        return problem(request, 404, missing, _("The table of decisions lists those that are."))
    symbol = Decision.objects.filter(signal__symbol=chosen.signal.symbol)
    scene = look(request)
    told = trail(chosen)
    if chosen.outcome == Decision.REJECTED:
        steps.note(request.user, steps.REJECTION, scene.now)  # type: ignore[arg-type]
    words = {
        "decision": chosen,
        "signal": chosen.signal,
        "market": market(chosen.signal.symbol),
        "line": line(chosen),
        "trail": told,
        "ticket": ticket(chosen.ticket),
        "earlier": symbol.filter(pk__lt=number).order_by("-pk").values_list("pk", flat=True).first(),
        "later": symbol.filter(pk__gt=number).order_by("pk").values_list("pk", flat=True).first(),
        "headline": heading(chosen, told.rejected),
        "sentence": decided(chosen),
        "needs": len(told.changes),
        "cooldown": still_cooling(chosen, scene),
        "would": SignalOutcome.objects.filter(signal=chosen.signal_id).first(),
        "would_at": chosen.signal.at + settings.QUANTUM.bar * settings.QUANTUM.QT_HORIZON_BARS,
        "chart": f"/charts/decisions/{number}/",
        "chart_every": drawings.growing(chosen, scene.now),
    }
    title = f"{market(chosen.signal.symbol)} {chosen.signal.side}"
    return render(request, "monitoring/decision.html", frame(request, title, "/decisions/", scene) | words)


def still_cooling(chosen: Decision, scene: Scene) -> controls.Control | None:
    """The control that ends the cooldown which rejected this, while it lasts."""
    codes = [no["code"] for no in chosen.rejections]
    if Code.COOLDOWN_ACTIVE.value not in codes or not scene.audience.may("cooldown.clear"):
        return None
    try:
        return levers.cooldown(chosen.signal.symbol, scene.now)
    except Stale:
        return None


def heading(chosen: Decision, rejected: int) -> str:
    """LINK/USDT long was rejected by two gates."""
    what = {"market": market(chosen.signal.symbol), "side": SIDES[chosen.signal.side], "code": chosen.code}
    if chosen.outcome == Decision.TRADED:
        return _("%(market)s %(side)s was traded.") % what
    if chosen.outcome == Decision.FAILED:
        return _("%(market)s %(side)s failed: %(code)s.") % what
    if chosen.outcome == Decision.PENDING:
        return _("%(market)s %(side)s passed every gate; its outcome is not known yet.") % what
    if rejected in REJECTED:
        return str(REJECTED[rejected]) % what
    return _("%(market)s %(side)s was rejected by %(n)s gates.") % (what | {"n": rejected})


SIDES = {"long": gettext_lazy("long"), "short": gettext_lazy("short")}
REJECTED = {
    1: gettext_lazy("%(market)s %(side)s was rejected by one gate."),
    2: gettext_lazy("%(market)s %(side)s was rejected by two gates."),
    3: gettext_lazy("%(market)s %(side)s was rejected by three gates."),
    4: gettext_lazy("%(market)s %(side)s was rejected by four gates."),
    5: gettext_lazy("%(market)s %(side)s was rejected by five gates."),
    6: gettext_lazy("%(market)s %(side)s was rejected by six gates."),
}

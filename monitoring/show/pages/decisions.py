"""The decisions' pages: the table, and one decision with every gate's answer."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from monitoring.show import steps
from monitoring.show.api.answers import Refusal
from monitoring.show.api.lists import CODE, OUTCOME
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, between, parse
from monitoring.show.api.query import page as page_of
from monitoring.show.api.shapes import ticket
from monitoring.show.frame import frame, look, looking, problem
from monitoring.show.scene import line
from monitoring.show.trail import trail
from monitoring.watch.words import count, market
from trading.codes import Code
from trading.models import Decision

ROWS = 50


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, filtered, a page at a time."""
    fields = (*PAGE, *SPAN, SYMBOL, OUTCOME, CODE)
    given = request.GET.copy()
    for name in [name for name, value in given.items() if value == "" and len(given.getlist(name)) == 1]:
        del given[name]  # a form's empty field asks for nothing
    try:
        asked = parse(given, fields)
    except Refusal as no:
        return problem(request, no.status, "That can't be looked up.", no.message)
    asked["limit"] = min(asked["limit"], ROWS)
    rows = between(Decision.objects.select_related("signal").defer("ticket", "gates"), asked, "at")
    columns = {"symbol": "signal__symbol", "outcome": "outcome", "code": "code"}
    rows = rows.filter(**{column: asked[name] for name, column in columns.items() if asked[name]})
    found, onward = page_of(rows, asked)
    kept = {name: value for name, value in given.items() if name != "cursor"}
    scene = look(request)
    words = {
        "lines": [line(d) for d in found],
        "older": "?" + urlencode(kept | {"cursor": onward}) if onward else "",
        "newest": "?" + urlencode(kept) if asked["cursor"] else "",
        "asked": given,
        "outcomes": ["traded", "rejected", "failed", "pending"],
        "codes": [c.value for c in Code],
        "filtered": any(asked[name] for name in columns),
    }
    return render(request, "monitoring/decisions.html", frame(request, "Decisions", "/decisions/", scene) | words)


@looking
@require_GET
def page(request: HttpRequest, number: int) -> HttpResponse:
    """One decision; four queries besides the ribbon's."""
    chosen = Decision.objects.select_related("signal__cycle", "policy").filter(pk=number).first()
    if chosen is None:
        return problem(request, 404, f"There is no decision {number}.", "The table of decisions lists those that are.")
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
        "needs": len(told.changes),
    }
    title = f"{market(chosen.signal.symbol)} {chosen.signal.side}"
    return render(request, "monitoring/decision.html", frame(request, title, "/decisions/", scene) | words)


def heading(chosen: Decision, rejected: int) -> str:
    """LINK/USDT long was rejected by two gates."""
    what = f"{market(chosen.signal.symbol)} {chosen.signal.side}"
    if chosen.outcome == Decision.TRADED:
        return f"{what} was traded."
    if chosen.outcome == Decision.FAILED:
        return f"{what} failed: {chosen.code}."
    if chosen.outcome == Decision.PENDING:
        return f"{what} passed every gate; its outcome is not known yet."
    return f"{what} was rejected by {WORDS.get(rejected) or count(rejected, 'gate')}."


WORDS = {1: "one gate", 2: "two gates", 3: "three gates", 4: "four gates", 5: "five gates", 6: "six gates"}

"""What was closed, and what it adds up to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show import charts, ledger
from monitoring.show.api.answers import Refusal
from monitoring.show.api.lists import SIDE
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, between, parse
from monitoring.show.drawings import story
from monitoring.show.frame import look, looking, page, problem
from monitoring.show.pages.orders import around, asked_for, followed, kept, own
from monitoring.show.panels.ledger import summary_words, trade_words
from monitoring.show.results import by_day
from monitoring.show.scene import Scene
from monitoring.show.timeline import timeline
from trading.models import Trade

COLUMNS = {"symbol": "symbol", "side": "side"}
FIELDS = (*PAGE, *SPAN, SYMBOL, SIDE)
SHOWN = ("results", "performance", "trades")


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The sums, the charts and the list, all of the same trades."""
    given = asked_for(request)
    try:
        asked = parse(given, FIELDS)
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    scene = look(request)
    words = around(given, asked, COLUMNS)
    if given:
        words |= dict(zip(("results", "performance", "list"), filtered(scene, asked, given), strict=True))
    return page(request, "monitoring/trades.html", _("Trades"), "/trades/", () if given else SHOWN, words, scene)


def filtered(scene: Scene, asked: dict[str, Any], given: QueryDict) -> list[str]:
    """The three panels for these filters; the account's line knows no symbol and no side."""
    rows = between(ledger.trades(), asked, "closed_at")
    rows = rows.filter(**{column: asked[name] for name, column in COLUMNS.items() if asked[name]})
    sums = ledger.sums(rows)
    follow = followed(asked, given, "trades")
    narrowed = any(asked[name] for name in COLUMNS)
    line = (
        [] if narrowed else ledger.account_line(asked["since"] or scene.now - ledger.CURVE, asked["until"] or scene.now)
    )
    figures = {
        "equity": charts.equity(line),
        "daily": charts.daily_profit(by_day(ledger.whole_days(sums))),
        "without_equity": narrowed,
        "about": _("of the trades below") if narrowed else _("of the chosen time"),
        "own": follow["own"],
    }
    if asked["cursor"] is not None:
        rows = rows.filter(pk__lt=asked["cursor"])
    lines = ledger.trade_lines(list(rows.order_by("-id")[: ledger.ROWS + 1]))
    return [
        own(scene, "results", summary_words(sums, filtered=True) | {"own": follow["own"]}),
        own(scene, "performance", figures),
        own(scene, "trades", trade_words(lines, kept(given)) | follow),
    ]


@looking
@require_GET
def trade(request: HttpRequest, number: int) -> HttpResponse:
    """One trade, from its decision to its last fill."""
    row = ledger.trades().filter(pk=number).first()
    if row is None:
        text = _("The table of trades lists those that are.")
        return problem(request, 404, _("There is no trade %(id)s.") % {"id": number}, text)
    position, headline = row.position, story(row.position, None)
    words = {
        "trade": row,
        "position": position,
        "line": ledger.trade_lines([row])[0],
        "headline": headline,
        "events": timeline(position),
        "src": f"/charts/positions/{position.pk}/",
        "earlier": Trade.objects.filter(pk__lt=number).order_by("-pk").values_list("pk", flat=True).first(),
        "later": Trade.objects.filter(pk__gt=number).order_by("pk").values_list("pk", flat=True).first(),
    }
    return page(request, "monitoring/trade.html", headline, "/trades/", (), words)

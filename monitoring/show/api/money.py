"""Money and orders: the account, positions, orders, fills, trades."""

from __future__ import annotations

from django.db.models import Avg, Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.show.api import schemas, shapes
from monitoring.show.api.answers import answer
from monitoring.show.api.lists import KIND, OPEN, SIDE, STATUS, documented, listing, nothing_asked
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, between, docs, page, parse
from monitoring.show.scene import Scene, cleaned, held, with_guards
from monitoring.show.sums import totals
from trading.models import Fill, Order, Position, Trade

router = Router(tags=["money"])


@router.get("/account", openapi_extra=schemas.one("Account"))
def account(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer(shapes.account(Scene(now).account, now))


@router.get("/positions", openapi_extra=documented(SYMBOL, SIDE, OPEN, of="Position"))
def positions(request: HttpRequest) -> HttpResponse:
    asked = parse(request.GET, (*PAGE, *SPAN, SYMBOL, SIDE, OPEN))
    rows = between(Position.objects.all(), asked, "opened_at")
    rows = rows.filter(**{name: asked[name] for name in ("symbol", "side") if asked[name]})
    if asked["status"] != "all":
        closed = Q(status=Position.CLOSED)
        rows = rows.filter(closed if asked["status"] == "closed" else ~closed)
    found, onward = page(rows, asked)
    now = timezone.now()
    items = [shapes.position(row, held(row, guards), now) for row, guards in with_guards(found)]
    return answer({"items": items, "next": onward, "as_of": now})


@router.get("/orders", openapi_extra=documented(SYMBOL, STATUS, KIND, of="Order"))
def orders(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "intent__symbol", "status": "status", "kind": "intent__kind"}
    rows = Order.objects.select_related("intent")
    return listing(request, rows, shapes.order, "sent_at", filters, (SYMBOL, STATUS, KIND))


@router.get("/fills", openapi_extra=documented(SYMBOL, of="Fill"))
def fills(request: HttpRequest) -> HttpResponse:
    return listing(request, Fill.objects.all(), shapes.fill, "at", {"symbol": "symbol"}, (SYMBOL,))


@router.get("/trades", openapi_extra=documented(SYMBOL, SIDE, of="Trade"))
def trades(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "symbol", "side": "side"}
    return listing(request, Trade.objects.all(), shapes.trade, "closed_at", filters, (SYMBOL, SIDE))


@router.get("/trades/stats", openapi_extra=docs((*SPAN, SYMBOL)) | schemas.one("TradeStats"))
def trade_stats(request: HttpRequest) -> HttpResponse:
    """Null where there is nothing to divide by."""
    asked = parse(request.GET, (*SPAN, SYMBOL))
    rows = between(Trade.objects.all(), asked, "closed_at")
    if asked["symbol"]:
        rows = rows.filter(symbol=asked["symbol"])
    sums = rows.aggregate(
        n=Count("id"), wins=Count("id", filter=Q(net__gt=0)), mean_r=Avg("r_multiple"), as_of=Max("closed_at")
    )
    money = {name: cleaned(sum_) for name, sum_ in totals(rows, "net", "gross", "fees", "funding").items()}
    return answer(sums | money | {"win_rate": sums["wins"] / sums["n"] if sums["n"] else None})

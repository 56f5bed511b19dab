"""Data: candles, the universe."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.show.api import query, schemas, shapes
from monitoring.show.api import universe as universe_desk
from monitoring.show.api.answers import answer, bad
from monitoring.show.api.lists import documented, nothing_asked, timeframe
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, between, parse
from monitoring.watch.rows import newest_closes
from trading.models import Candle, UniverseSnapshot

router = Router(tags=["data"])


@router.get("/candles", openapi_extra=documented(SYMBOL, timeframe(), of="Candle", symbol="text", timeframe="text"))
def candles(request: HttpRequest) -> HttpResponse:
    """Newest first; `next` is a time in milliseconds."""
    asked = parse(request.GET, (*PAGE, *SPAN, SYMBOL, timeframe(settings.QUANTUM.timeframe)))
    if asked["symbol"] is None:
        raise bad({"symbol": "is missing"})
    rows = between(Candle.objects.filter(symbol=asked["symbol"], timeframe=asked["timeframe"]), asked, "open_time")
    if asked["cursor"] is not None:
        if asked["cursor"] > query.LATEST.timestamp() * 1000:
            raise bad({"cursor": "is no `next` of this list"})
        rows = rows.filter(open_time__lt=datetime.fromtimestamp(asked["cursor"] / 1000, UTC))
    found = list(rows.order_by("-open_time")[: asked["limit"] + 1])
    more, found = len(found) > asked["limit"], found[: asked["limit"]]
    onward = str(int(found[-1].open_time.timestamp() * 1000)) if more else None
    items = [shapes.candle(row) for row in found]
    return answer({"symbol": asked["symbol"], "timeframe": asked["timeframe"], "items": items, "next": onward,
                   "as_of": timezone.now()})  # fmt: skip


@router.get("/universe", openapi_extra=schemas.one("Universe"))
def universe(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    newest, now = UniverseSnapshot.objects.order_by("-at").first(), timezone.now()
    symbols = [row["symbol"] for row in newest.symbols] if newest else []
    return answer(shapes.universe(newest, newest_closes(symbols, now), now))


@router.post("/universe/refresh")
def universe_refresh(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    return universe_desk.refresh(request.user)

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
from monitoring.watch import data_quality, datawhy
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
    """Who is in and out; `why` tells what is wrong with the data of those that are in, with its numbers."""
    nothing_asked(request)
    newest, now = UniverseSnapshot.objects.order_by("-at").first(), timezone.now()
    symbols = [row["symbol"] for row in newest.symbols] if newest else []
    closed = newest_closes(symbols, now)
    return answer(shapes.universe(newest, closed, datawhy.whys(closed, symbols, now), now))


@router.get("/data-quality", openapi_extra=schemas.one("DataQuality"))
def quality(request: HttpRequest) -> HttpResponse:
    """Gaps, candles put aside by reason and field, what stands still, and the clock."""
    nothing_asked(request)
    now = timezone.now()
    return answer(shapes.data_quality(data_quality.read(now), now))


@router.post("/universe/refresh")
def universe_refresh(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    return universe_desk.refresh(request.user)

"""The HTTP API: `/api/v1/`. Each endpoint parses, asks one question of the rows, and answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Avg, Count, Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from monitoring.control import actions
from monitoring.control.permissions import NotAllowed
from monitoring.show.api import query, shapes
from monitoring.show.api import universe as universe_desk
from monitoring.show.api.answers import Refusal, answer, bad, dumps, missing, refuse
from monitoring.show.api.door import Door
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, Field, between, docs, page, parse
from monitoring.show.build import BUILD, VERSION
from monitoring.show.panels import playing
from monitoring.show.scene import Scene, held, with_guards
from monitoring.watch.funnel import funnel as count_funnel
from monitoring.watch.rows import newest_closes
from trading.codes import Code
from trading.exchange.venue import OrderStatus
from trading.gates.rows import switch_state
from trading.models import (
    Candle,
    Cycle,
    Decision,
    Fill,
    Intent,
    ModelVersion,
    Order,
    Position,
    Signal,
    Trade,
    UniverseSnapshot,
)

STARTED = timezone.now()
DAY = 24 * 60 * 60
api = NinjaAPI(title="Quantum", version="1", description="What the system does and why. Money is text, times are UTC.",
               auth=Door(), urls_namespace="api-v1")  # fmt: skip


# -- errors: one shape --------------------------------------------------------------------------------------------


@api.exception_handler(Refusal)
def refused(request: HttpRequest, no: Refusal) -> HttpResponse:
    return refuse(no)


@api.exception_handler(NotAllowed)
def not_allowed(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    return refuse(Refusal(403, "not_allowed", str(error), {"user": "has no role for this"}))


@api.exception_handler(actions.BadRequest)
def senseless(request: HttpRequest, error: actions.BadRequest) -> HttpResponse:
    return refuse(bad({error.field: str(error)}))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = {str(e["loc"][-1]): str(e["msg"]) for e in error.errors}
    return refuse(bad(fields))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return refuse(Refusal(error.status_code, "refused", str(error)))


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    return refuse(
        Refusal(404, "not_found", "There is no such address; /api/v1/docs lists them.", {"path": "is unknown"})
    )


# -- shared steps -------------------------------------------------------------------------------------------------


def listing(
    request: HttpRequest,
    rows: QuerySet,
    shape: Callable[[Any], dict],
    column: str,
    filters: dict[str, str],
    fields: tuple[Field, ...],
) -> HttpResponse:
    """One page of rows, newest first. `filters` maps a parameter to the column that it must equal."""
    asked = parse(request.GET, (*PAGE, *SPAN, *fields))
    rows = between(rows, asked, column)
    rows = rows.filter(**{path: asked[name] for name, path in filters.items() if asked[name] is not None})
    found, onward = page(rows, asked)
    return answer({"items": [shape(row) for row in found], "next": onward, "as_of": timezone.now()})


def nothing_asked(request: HttpRequest) -> None:
    """An endpoint without parameters refuses those that are given."""
    parse(request.GET, ())


def number(text: str) -> int:
    """An id in a path."""
    try:
        return query.whole(1, query.LARGEST)(text)
    except ValueError as error:
        raise bad({"id": str(error)}) from None


def documented(*fields: Field) -> dict[str, Any]:
    return docs((*PAGE, *SPAN, *fields))


OUTCOME = Field(
    "outcome", query.choice("traded", "rejected", "failed", "pending"), "traded, rejected, failed or pending"
)
CODE = Field("code", query.code, "a rejection code, such as COOLDOWN_ACTIVE")
SIDE = Field("side", query.choice("long", "short"), "long or short")
STATUS = Field("status", query.choice(*(s.value for s in OrderStatus)), "an order's status")
KIND = Field("kind", query.choice(*Intent.KINDS), "entry, stop, backstop, target or exit")
OPEN = Field("status", query.choice("open", "closed", "all"), "open (default), closed or all", default="open")
WINDOW = Field("window", query.window, "such as 30m, 1h or 7d", default=timedelta(hours=1))


# -- what it is ---------------------------------------------------------------------------------------------------


@api.get("/system")
def system(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    config = settings.QUANTUM
    return answer(
        {
            "mode": config.mode,
            "venue": "practice exchange" if config.practising else "binanceusdm",
            "venue_url": config.QT_PRACTICE_URL if config.practising else None,
            "data_source": config.data_source,
            "playing": playing(),
            "timeframe": config.timeframe,
            "armed": False,
            "armed_until": None,
            "execution_enabled": config.execution_enabled,
            "switch": switch_state(),
            "version": VERSION,
            "build": BUILD,
            "config_hash": config.fingerprint,
            "started_at": STARTED,
            "now": timezone.now(),
        }
    )


@api.get("/modules")
def modules(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer({"items": [shapes.module(p) for p in Scene(now).pulses], "next": None, "as_of": now})


@api.get("/rejection-codes")
def rejection_codes(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    return answer({"items": [shapes.rejection_code(c) for c in Code], "next": None, "as_of": timezone.now()})


# -- from bar to decision -----------------------------------------------------------------------------------------


@api.get("/cycle")
def cycle(request: HttpRequest) -> HttpResponse:
    """The newest judged bar; null before the first."""
    nothing_asked(request)
    newest = Cycle.objects.select_related("policy").defer("desk").order_by("-bar").first()
    return answer({"cycle": shapes.cycle(newest) if newest else None, "as_of": timezone.now()})


@api.get("/funnel", openapi_extra=docs((WINDOW,)))
def funnel(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return answer(shapes.funnel(count_funnel(parse(request.GET, (WINDOW,))["window"], now), now))


@api.get("/signals", openapi_extra=documented(SYMBOL, SIDE))
def signals(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "symbol", "side": "side"}
    return listing(request, Signal.objects.all(), shapes.signal, "at", filters, (SYMBOL, SIDE))


@api.get("/signals/{signal_id}")
def signal(request: HttpRequest, signal_id: str) -> HttpResponse:
    nothing_asked(request)
    row = Signal.objects.filter(pk=number(signal_id)).first()
    if row is None:
        raise missing("signal", signal_id)
    return answer(shapes.signal(row))


def decided() -> QuerySet:
    return Decision.objects.select_related("signal", "policy").defer("signal__votes", "signal__excluded")


@api.get("/decisions", openapi_extra=documented(SYMBOL, OUTCOME, CODE))
def decisions(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "signal__symbol", "outcome": "outcome", "code": "code"}
    return listing(request, decided(), shapes.decision, "at", filters, (SYMBOL, OUTCOME, CODE))


@api.get("/decisions/{decision_id}")
def decision(request: HttpRequest, decision_id: str) -> HttpResponse:
    nothing_asked(request)
    row = Decision.objects.select_related("signal", "policy").filter(pk=number(decision_id)).first()
    if row is None:
        raise missing("decision", decision_id)
    return answer(shapes.decision_in_full(row))


@api.get("/policy")
def policy(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer(shapes.policy(Scene(now).policy, now))


# -- money and orders ---------------------------------------------------------------------------------------------


@api.get("/account")
def account(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer(shapes.account(Scene(now).account, now))


@api.get("/positions", openapi_extra=documented(SYMBOL, SIDE, OPEN))
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


@api.get("/orders", openapi_extra=documented(SYMBOL, STATUS, KIND))
def orders(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "intent__symbol", "status": "status", "kind": "intent__kind"}
    rows = Order.objects.select_related("intent")
    return listing(request, rows, shapes.order, "sent_at", filters, (SYMBOL, STATUS, KIND))


@api.get("/fills", openapi_extra=documented(SYMBOL))
def fills(request: HttpRequest) -> HttpResponse:
    return listing(request, Fill.objects.all(), shapes.fill, "at", {"symbol": "symbol"}, (SYMBOL,))


@api.get("/trades", openapi_extra=documented(SYMBOL, SIDE))
def trades(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "symbol", "side": "side"}
    return listing(request, Trade.objects.all(), shapes.trade, "closed_at", filters, (SYMBOL, SIDE))


@api.get("/trades/stats", openapi_extra=docs((*SPAN, SYMBOL)))
def trade_stats(request: HttpRequest) -> HttpResponse:
    """Null where there is nothing to divide by."""
    asked = parse(request.GET, (*SPAN, SYMBOL))
    rows = between(Trade.objects.all(), asked, "closed_at")
    if asked["symbol"]:
        rows = rows.filter(symbol=asked["symbol"])
    sums = rows.aggregate(
        n=Count("id"), wins=Count("id", filter=Q(net__gt=0)), net=Sum("net"), gross=Sum("gross"), fees=Sum("fees"),
        funding=Sum("funding"), mean_r=Avg("r_multiple"), as_of=Max("closed_at"),
    )  # fmt: skip
    return answer(sums | {"win_rate": sums["wins"] / sums["n"] if sums["n"] else None})


# -- data and models ----------------------------------------------------------------------------------------------


def candle_fields() -> tuple[Field, ...]:
    frames = query.choice(*_timeframes())
    return (SYMBOL, Field("timeframe", frames, "such as 1m or 1h", default=settings.QUANTUM.timeframe))


def _timeframes() -> tuple[str, ...]:
    from quantum.config import TIMEFRAMES

    return tuple(TIMEFRAMES)


@api.get("/candles", openapi_extra=documented(SYMBOL, Field("timeframe", str, "such as 1m or 1h")))
def candles(request: HttpRequest) -> HttpResponse:
    """Newest first; `next` is a time in milliseconds."""
    asked = parse(request.GET, (*PAGE, *SPAN, *candle_fields()))
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


MODEL_STATUS = Field("status", query.choice("champion", "challenger", "retired", "quarantined"), "a model's status")


@api.get("/models", openapi_extra=documented(MODEL_STATUS))
def models(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = ModelVersion.objects.all()
    return listing(
        request, rows, lambda row: shapes.model(row, now), "trained_at", {"status": "status"}, (MODEL_STATUS,)
    )


@api.get("/models/{model_id}")
def model(request: HttpRequest, model_id: str) -> HttpResponse:
    nothing_asked(request)
    row = ModelVersion.objects.filter(pk=number(model_id)).first()
    if row is None:
        raise missing("model", model_id)
    return answer(shapes.model(row, timezone.now()))


@api.get("/universe")
def universe(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    newest, now = UniverseSnapshot.objects.order_by("-at").first(), timezone.now()
    symbols = [row["symbol"] for row in newest.symbols] if newest else []
    return answer(shapes.universe(newest, newest_closes(symbols, now), now))


@api.post("/universe/refresh")
def universe_refresh(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    return universe_desk.refresh(request.user)


# -- controls -----------------------------------------------------------------------------------------------------

SWITCH = {"state": query.text(20), "reason": query.text(500)}
SWITCH_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["state"], "additionalProperties": False, "properties": {
            "state": {"type": "string", "enum": list(actions.STATES)}, "reason": {"type": "string", "maxLength": 500},
        }}}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}],
}  # fmt: skip


@api.post("/controls/switch", openapi_extra=SWITCH_BODY)
def switch(request: HttpRequest) -> HttpResponse:
    """The new state. Towards halted a reason is optional; with an Idempotency-Key a retry changes nothing."""
    nothing_asked(request)
    wanted = query.body(request, SWITCH, optional=("reason",))
    return once(request, lambda: switched(request, wanted))


def switched(request: HttpRequest, wanted: dict[str, str]) -> dict[str, Any]:
    done = actions.set_switch(wanted["state"], wanted.get("reason", ""), request.user, timezone.now())
    return {"state": done.state, "was": done.was, "changed": done.changed, "at": done.at, "by": done.by,
            "reason": done.reason}  # fmt: skip


def once(request: HttpRequest, act: Callable[[], dict[str, Any]]) -> HttpResponse:
    """The action, or with a known Idempotency-Key its first answer; the same key with another body is refused."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise bad({"Idempotency-Key": "may have 200 printable characters"})
    if not key:
        return answer(act())
    slot = "once:" + hashlib.sha256(f"{request.user.pk}\n{request.path}\n{key}".encode()).hexdigest()
    before = cache.get(slot)
    if before is not None:
        body, said = before
        if body != request.body:
            raise Refusal(409, "key_reused", "This Idempotency-Key came with another body before.",
                          {"Idempotency-Key": "was used with another body"})  # fmt: skip
        return HttpResponse(said, content_type="application/json")
    said = dumps(act())
    cache.set(slot, (request.body, said), DAY)
    return HttpResponse(said, content_type="application/json")

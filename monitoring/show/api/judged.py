"""From bar to decision: the newest cycle, the funnel, signals, decisions, the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.show.api import schemas, shapes
from monitoring.show.api.answers import answer, missing
from monitoring.show.api.lists import CODE, OUTCOME, SIDE, WINDOW, documented, listing, nothing_asked, number
from monitoring.show.api.query import SYMBOL, docs, parse
from monitoring.show.scene import Scene
from monitoring.watch.counterfactuals import counterfactuals as would_have
from monitoring.watch.funnel import funnel as count_funnel
from trading.models import Cycle, Decision, Signal

router = Router(tags=["decisions"])
MONTH = replace(WINDOW, default=timedelta(days=30))


@router.get("/cycle", openapi_extra=schemas.named(cycle="Cycle?", as_of="time"))
def cycle(request: HttpRequest) -> HttpResponse:
    """The newest judged bar; null before the first."""
    nothing_asked(request)
    newest = Cycle.objects.select_related("policy").defer("desk").order_by("-bar").first()
    return answer({"cycle": shapes.cycle(newest) if newest else None, "as_of": timezone.now()})


@router.get("/funnel", openapi_extra=docs((WINDOW,)) | schemas.one("Funnel"))
def funnel(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return answer(shapes.funnel(count_funnel(parse(request.GET, (WINDOW,))["window"], now), now))


@router.get("/signals", openapi_extra=documented(SYMBOL, SIDE, of="Signal"))
def signals(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "symbol", "side": "side"}
    return listing(request, Signal.objects.all(), shapes.signal, "at", filters, (SYMBOL, SIDE))


@router.get("/signals/{signal_id}", openapi_extra=schemas.one("Signal", 404))
def signal(request: HttpRequest, signal_id: str) -> HttpResponse:
    nothing_asked(request)
    row = Signal.objects.filter(pk=number(signal_id)).first()
    if row is None:
        raise missing("signal", signal_id)
    return answer(shapes.signal(row))


def decided() -> QuerySet:
    return Decision.objects.select_related("signal", "policy").defer("signal__votes", "signal__excluded")


@router.get("/decisions", openapi_extra=documented(SYMBOL, OUTCOME, CODE, of="Decision"))
def decisions(request: HttpRequest) -> HttpResponse:
    filters = {"symbol": "signal__symbol", "outcome": "outcome", "code": "code"}
    return listing(request, decided(), shapes.decision, "at", filters, (SYMBOL, OUTCOME, CODE))


@router.get("/decisions/{decision_id}", openapi_extra=schemas.one("DecisionInFull", 404))
def decision(request: HttpRequest, decision_id: str) -> HttpResponse:
    nothing_asked(request)
    row = Decision.objects.select_related("signal", "policy").filter(pk=number(decision_id)).first()
    if row is None:
        raise missing("decision", decision_id)
    return answer(shapes.decision_in_full(row))


@router.get("/policy", openapi_extra=schemas.one("Policy"))
def policy(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer(shapes.policy(Scene(now).policy, now))


@router.get("/counterfactuals", openapi_extra=docs((MONTH,)) | schemas.named(by_code="[Counterfactual]", as_of="time"))
def counterfactuals(request: HttpRequest) -> HttpResponse:
    """What the rejected signals would have brought, by code: whether the gate saved or cost."""
    now = timezone.now()
    told = would_have(parse(request.GET, (MONTH,))["window"], now)
    return answer({"by_code": [shapes.counterfactual(one) for one in told], "as_of": now})

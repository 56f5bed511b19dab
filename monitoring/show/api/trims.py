"""Trims over HTTP: what the Portfolio Balancer proposes, what became of it, and applying one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.answers import answer, missing
from monitoring.show.api.asked import CONTROL_BODY, given, shown
from monitoring.show.api.lists import documented, nothing_asked, number
from monitoring.show.api.once import once
from monitoring.show.api.query import PAGE, SPAN, Field, between, page, parse
from trading.models import TrimProposal, TrimRequest

router = Router(tags=["controls"])
STATES = (TrimProposal.OPEN, TrimProposal.ACCEPTED, TrimProposal.DISMISSED, TrimProposal.EXPIRED)
STATE = Field("state", query.choice(*STATES), "open, accepted, dismissed or expired")


@router.get("/trims", openapi_extra=documented(STATE))
def trims(request: HttpRequest) -> HttpResponse:
    """Newest first; `since` and `until` are about when each was proposed."""
    asked = parse(request.GET, (*PAGE, *SPAN, STATE))
    rows = between(TrimProposal.objects.select_related("request__position"), asked, "proposed_at")
    if asked["state"]:
        rows = rows.filter(state=asked["state"])
    found, onward = page(rows, asked)
    return answer({"items": [proposal(row) for row in found], "next": onward, "as_of": timezone.now()})


def proposal(row: TrimProposal) -> dict[str, Any]:
    try:
        request: TrimRequest | None = row.request
    except TrimRequest.DoesNotExist:
        request = None
    return {
        "id": row.pk,
        "position": row.position_id,
        "symbol": row.symbol,
        "why": row.why,
        "share": row.share,
        "quantity": row.quantity,
        "value": row.value,
        "limit": row.limit,
        "setting": row.setting,
        "facts": row.facts,
        "after": row.after,
        "state": row.state,
        "proposed_at": row.proposed_at,
        "seen_at": row.seen_at,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by or None,
        "request": carried_out(actions.trim_state(request)) if request else None,
        "mode": row.mode,
    }


@router.post("/controls/trims/{trim_id}/apply", openapi_extra=CONTROL_BODY)
def apply(request: HttpRequest, trim_id: str) -> HttpResponse:
    """Close the proposed part at market, reduce-only: the result, or 202 while the exchange has not confirmed it."""
    nothing_asked(request)
    wanted, told = number(trim_id), given(request)
    if not TrimProposal.objects.filter(pk=wanted).exists():
        raise missing("trim", trim_id)
    return once(
        request,
        lambda: applied(request, wanted, told),
        lambda said: 202 if said["state"] == "pending" else 200,
        lambda asked: carried_out(actions.trimming(asked.request_id)),
    )


def applied(request: HttpRequest, trim_id: int, told: dict[str, Any]) -> actions.Trimming:
    return actions.apply_trim(trim_id, told.get("reason", ""), request.user, timezone.now(), shown(told))


def carried_out(done: actions.Trimming) -> dict[str, Any]:
    return {
        "state": done.state if done.over else "pending",
        "stage": done.state,
        "position": done.position_id,
        "symbol": done.symbol,
        "quantity": done.quantity,
        "filled": done.filled,
        "left": done.left,
        "average_price": done.average_price,
        "net": done.net,
        "requested_by": done.requested_by,
        "requested_at": done.requested_at,
        "ended_at": done.ended_at,
        "error": done.error or None,
    }

"""Controls over HTTP: the same actions as the page's. 202 where a wish is accepted and its end is not known yet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.answers import bad, missing
from monitoring.show.api.asked import CONTROL_BODY, given, shown
from monitoring.show.api.lists import nothing_asked, number
from monitoring.show.api.once import once, once_outside
from trading.models import Position

router = Router(tags=["controls"])


def pending(said: dict[str, Any]) -> int:
    return 202 if said["state"] == "pending" else 200


@router.post("/controls/positions/{position_id}/close", openapi_extra=CONTROL_BODY)
def close(request: HttpRequest, position_id: str) -> HttpResponse:
    """Close one position at market: the final fill, or 202 while the exchange has not confirmed it."""
    nothing_asked(request)
    wanted, told = number(position_id), given(request)
    if not Position.objects.filter(pk=wanted).exists():
        raise missing("position", position_id)
    return once(request, lambda: asked_to_close(request, wanted, told), pending, closed)


def asked_to_close(request: HttpRequest, position_id: int, told: dict[str, Any]) -> actions.Closing:
    return actions.close_position(position_id, told.get("reason", ""), request.user, timezone.now(), shown(told))


def closed(asked: actions.Closing) -> dict[str, Any]:
    """What came of a close that was asked for."""
    done = actions.closing(asked.position_id)
    return {
        "state": "closed" if done.done else "pending",
        "stage": done.state,
        "position": done.position_id,
        "symbol": done.symbol,
        "requested_by": done.requested_by,
        "requested_at": done.requested_at,
        "exit_price": done.exit_price,
        "net": done.net,
        "closed_at": done.closed_at,
        "error": done.error or None,
    }


@router.post("/controls/cooldowns/{path:symbol}/clear", openapi_extra=CONTROL_BODY)
def clear(request: HttpRequest, symbol: str) -> HttpResponse:
    """End a symbol's cooldown now; a reason is needed."""
    nothing_asked(request)
    try:
        known = query.symbol(symbol)
    except ValueError as error:
        raise bad({"symbol": str(error)}) from None
    told = given(request)
    return once(request, lambda: cleared(request, known, told))


def cleared(request: HttpRequest, symbol: str, told: dict[str, Any]) -> dict[str, Any]:
    done = actions.clear_cooldown(symbol, told.get("reason", ""), request.user, timezone.now(), shown(told))
    return {"state": "cleared", "symbol": done.symbol, "order_id": done.order_id, "seconds_left": 0,
            "seconds_cleared": round(done.seconds_left, 1)}  # fmt: skip


@router.post("/controls/modules/{name}/tick", openapi_extra=CONTROL_BODY)
def tick(request: HttpRequest, name: str) -> HttpResponse:
    """Run a module once, called by this person: its beat, or 202 while there is none."""
    nothing_asked(request)
    told = given(request)
    if name not in actions.registry():
        raise missing("module", name[:40])
    return once_outside(request, lambda: run(request, name, told), pending)


def run(request: HttpRequest, name: str, told: dict[str, Any]) -> dict[str, Any]:
    asked = actions.tick_module(name, request.user, timezone.now(), told.get("reason", ""))
    return beat(asked)


def beat(asked: actions.Asked) -> dict[str, Any]:
    """What came of a tick that was asked for."""
    done = actions.ticked(asked)
    return {
        "state": "pending" if not done.done else "failed" if done.error else "ticked",
        "module": asked.module,
        "title": asked.title,
        "called_by": asked.called_by,
        "requested_at": asked.at,
        "ticked_at": done.at,
        "examined": done.examined if done.done else None,
        "actions": done.actions if done.done else None,
        "idle_reason": done.idle_reason or None,
        "error": done.error or None,
        "took_ms": done.took_ms if done.done else None,
    }

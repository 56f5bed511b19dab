"""Money's truth over HTTP: days against the exchange's income, what is there, the canary, slippage by plan."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from ninja import Router

from monitoring.show import books
from monitoring.show.api import schemas
from monitoring.show.api.answers import answer
from monitoring.show.api.lists import nothing_asked
from monitoring.show.scene import Scene
from monitoring.watch import money_words, slippage
from monitoring.watch.money import Day, Look, Proof, Verdict
from monitoring.watch.words import exact

router = Router(tags=["money"])
DOCS = schemas.named(
    verdict="object", days="[object]", there="object", canary="object", slippage="[object]", as_of="time"
)


@router.get("/reconciliation", openapi_extra=DOCS)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Whether our books and the exchange's agree, day by day, and whether its stops work as we know them."""
    nothing_asked(request)
    scene = Scene(timezone.now())
    seen = scene.once(books.everything)
    with translation.override("en"):
        return answer(
            {
                "verdict": verdict(scene.once(books.agreement)),
                "days": [day(one) for one in seen.days],
                "there": look(seen.look) if seen.look else None,
                "canary": verdict(scene.once(books.contract)) | {"runs": [run(one) for one in seen.runs]},
                "slippage": [plan(one) for one in slippage.plans(scene.once(books.exits))],
                "as_of": scene.now,
            }
        )


def verdict(said: Verdict) -> dict[str, Any]:
    return {
        "state": said.state,
        "code": said.code,
        "sentence": money_words.sentence(said),
        "params": dict(said.params),
        "as_of": said.as_of,
    }


def day(one: Day) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "state": one.state,
        "settled": one.settled,
        "ours": one.ours,
        "theirs": one.theirs,
        "explained": one.explained,
        "worst": one.worst,
        "lines": [dict(line) for line in one.lines],
        "notes": [note(stored) for stored in one.notes],
        "compared_until": one.compared_until,
        "checked_at": one.checked_at,
    }


def note(stored: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: stored[name] for name in ("code", "kind", "symbol", "asset", "amount")}
    return told | {"trades": len(stored["trades"]), "sentence": money_words.note(stored)}


def look(seen: Look) -> dict[str, Any]:
    return {
        "at": seen.at,
        "agrees": seen.agrees,
        "positions": [dict(one) for one in seen.positions],
        "orders": [dict(one) for one in seen.orders],
    }


def run(one: Proof) -> dict[str, Any]:
    return {
        "id": one.id,
        "started_at": one.at,
        "finished_at": one.finished_at,
        "outcome": one.outcome or "running",
        "code": one.code,
        "symbol": one.symbol,
        "requested_by": one.requested_by,
        "client": one.client,
        "steps": [dict(step) | {"sentence": money_words.step(step)} for step in one.steps],
    }


def plan(one: slippage.Plan) -> dict[str, Any]:
    return {
        "plan": one.name,
        "exits": one.n,
        "median_bps": bps(one.middle),
        "worst_bps": bps(one.worst),
        "cost": exact(one.cost),
        "enough": one.enough,
    }


def bps(value: Decimal) -> float:
    return round(float(value), 2)

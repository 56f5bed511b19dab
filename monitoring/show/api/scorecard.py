"""How well the system is: the scorecard with every lost point's reason, its history, what changed since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.models import HealthScore
from monitoring.show.api.answers import answer
from monitoring.show.api.query import SPAN, Field, between, docs, instant, page, parse, whole
from monitoring.watch import history, spoken
from monitoring.watch.probes.words import fix, question
from monitoring.watch.scorecard import Change, Component, Point, Scorecard

router = Router(tags=["health"])
MOST = 5000  # points of history in one answer
LIMIT = Field("limit", whole(1, MOST), f"how many items, at most {MOST}", "integer", 1000)
CURSOR = Field("cursor", whole(1, 2**63 - 1), "the `next` of the page before")
SINCE = Field("since", instant, "compare with the score of this time; without it, of 24 h ago")
AT = Field("at", instant, "the score of this time, computed again from its evidence; without it, of now")


@router.get("/scorecard", openapi_extra=docs((AT,)))
def scorecard(request: HttpRequest) -> HttpResponse:
    """Overall of a hundred, what was measured of it, what holds it, and each component's ten points."""
    at = parse(request.GET, (AT,))["at"]
    now = timezone.now()
    if at is None:
        return answer(whole_card(history.measure(now), now))
    row = HealthScore.objects.filter(at__lte=at).order_by("-at", "-id").first()
    return answer(whole_card(history.recomputed(row), now) if row else nothing(at))


@router.get("/scorecard/history", openapi_extra=docs((*SPAN, LIMIT, CURSOR)))
def scores(request: HttpRequest) -> HttpResponse:
    """Newest first: one row on each change and at least one a minute; older ones are fewer."""
    asked = parse(request.GET, (*SPAN, LIMIT, CURSOR))
    rows = between(HealthScore.objects.defer("evidence"), asked, "at")
    found, onward = page(rows, asked)
    return answer({"items": [one_score(row) for row in found], "next": onward, "as_of": timezone.now()})


@router.get("/scorecard/changes", openapi_extra=docs((SINCE,)))
def changes(request: HttpRequest) -> HttpResponse:
    """The points gained and lost since then, why, and by whom where somebody's act explains it."""
    now = timezone.now()
    since = parse(request.GET, (SINCE,))["since"] or now - timedelta(days=1)
    turn = history.since(since, history.measure(now))
    return answer(
        {
            "since": since,
            "compared_with": turn.before.at if turn else None,
            "overall": {"from": turn.before.overall, "to": turn.now.overall} if turn else None,
            "changes": [change(one, turn.by.get(one.component)) for one in turn.changes] if turn else [],
            "as_of": now,
        }
    )


# -- shapes -----------------------------------------------------------------------------------------------------------


def whole_card(card: Scorecard, now: datetime) -> dict[str, Any]:
    return {
        "overall": card.overall,
        "status": card.status,
        "coverage": card.coverage,
        "uncapped": card.raw,
        "caps": [{"at": cap.at, "code": cap.code, "component": cap.part, "why": spoken.cap(cap, card)}
                 for cap in card.caps],
        "groups": [
            {"name": name, "score": sum(one.score for one in parts), "out_of": sum(one.out_of for one in parts),
             "components": [component(one, card, now) for one in parts]}
            for name, parts in card.groups.items()
        ],
        "as_of": card.at,
    }  # fmt: skip


def component(one: Component, card: Scorecard, now: datetime) -> dict[str, Any]:
    as_of = one.as_of or card.at
    return {
        "key": one.part.key,
        "name": one.part.name,
        "score": one.score,
        "out_of": one.out_of,
        "status": one.status,
        "critical": one.part.critical,
        "weight": one.part.weight,
        "as_of": as_of,
        "age_s": round((now - as_of).total_seconds(), 1),
        "points": [point(mark) for mark in one.points],
    }


def point(mark: Point) -> dict[str, Any]:
    evidence = {"probe": mark.probe, "state": mark.state.value, "code": mark.code or None, "as_of": mark.as_of}
    row = {"points": mark.earned, "of": mark.of, "why": spoken.why(mark), "question": question(mark.probe)}
    return row | {"evidence": evidence | dict(mark.params)} | ({} if mark.earned else {"fix": fix(mark.probe)})


def one_score(row: HealthScore) -> dict[str, Any]:
    return {"id": row.pk, "at": row.at, "overall": row.overall, "coverage": row.coverage, "status": row.status}


def change(one: Change, by: str | None) -> dict[str, Any]:
    return {
        "component": one.component,
        "name": one.name,
        "from": one.was,
        "to": one.now,
        "why": spoken.turned(one),
        "by": by,
        "points": [point(mark) for mark in one.turned],
    }


def nothing(at: datetime) -> dict[str, Any]:
    """No score was kept by then."""
    return {"overall": None, "status": "unknown", "coverage": 0, "uncapped": None, "caps": [], "groups": [],
            "as_of": None, "at": at}  # fmt: skip

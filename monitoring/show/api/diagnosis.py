"""What is wrong and why, over HTTP; and what another value of a limit would have given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.show import diagnosis as shown
from monitoring.show.api import schemas
from monitoring.show.api.answers import answer, bad
from monitoring.show.api.lists import WINDOW, nothing_asked
from monitoring.show.api.query import Field, docs, parse, text
from monitoring.show.diagnosis import Reason, Told
from monitoring.show.scene import Scene
from monitoring.watch import otherwise, rejudge
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.engine import DETECTORS
from monitoring.watch.diagnosis.problem import Action
from monitoring.watch.rejudge import Named, NotJudged, WhatIf

router = Router(tags=["diagnosis"])
ASKED = (
    Field("setting", text(60), "a limit that a gate reads, such as QT_MAX_POSITIONS"),
    Field("value", text(40), "the value to judge with"),
    WINDOW,
)
MOST = 200  # signals that are listed


@router.get("/diagnosis", openapi_extra=schemas.one("Diagnosis"))
def diagnosis(request: HttpRequest) -> HttpResponse:
    """Every problem in its order with what proves it and what to do; why signals did not trade; what is on purpose."""
    nothing_asked(request)
    scene = Scene(timezone.now())
    seen = scene.once(shown.looked)
    actions = {one.key: one.action for one in seen.problems}
    return answer(
        {
            "verdict": scene.headline.sentence,
            "problems": [problem(one, actions.get(one.key)) for one in shown.in_full(scene)],
            "reasons": [reason(one) for one in shown.reasons(scene)],
            "on_purpose": [
                {"code": one.code, "sentence": words.meant(one), "share": one.share, "since": one.since}
                for one in seen.meant
            ],
            "looked_for": len(DETECTORS),
            "window_s": seen.window_s,
            "as_of": seen.at,
        }
    )


def problem(one: Told, action: Action | None) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "severity": one.severity,
        "title": one.title,
        "cause": f"{one.cause} {one.otherwise}".strip(),
        "evidence": [{"sentence": proof.text, "href": proof.href or None} for proof in one.evidence],
        "steps": list(one.steps),
        "action": {"control": action.control or None, "target": action.target or None, "href": action.href or None}
        if action
        else None,
        "code": one.code,
        "subject": one.subject or None,
        "key": one.key,
        "setting": one.setting or None,
        "share": one.share,
        "since": one.since,
        "because": one.because or None,
    }


def reason(one: Reason) -> dict[str, Any]:
    return {
        "code": one.code,
        "n": one.n,
        "of": one.of,
        "symbols": one.symbols,
        "judged": not one.absent,
        "sentence": one.sentence,
        "setting": one.setting or None,
        "otherwise": one.otherwise or None,
    }


@router.get("/diagnosis/what-if", openapi_extra=docs(ASKED) | schemas.one("WhatIf"))
def what_if(request: HttpRequest) -> HttpResponse:
    """The window's stored signals judged again with one limit at another value. Nothing is changed."""
    asked = parse(request.GET, ASKED)
    lacking = {name: "is missing" for name in ("setting", "value") if asked[name] is None}
    if lacking:
        raise bad(lacking)
    try:
        value = rejudge.asked(asked["setting"], asked["value"])
    except NotJudged as no:
        raise bad({no.field: str(no)}) from None
    return answer(shaped(rejudge.what_if(asked["setting"], value, asked["window"], timezone.now())))


def shaped(told: WhatIf) -> dict[str, Any]:
    of = told.result
    return {
        "setting": told.setting,
        "value": told.value,
        "in_force": told.in_force,
        "since": told.since,
        "until": told.until,
        "bars": told.bars,
        "signals": told.signals,
        "rejected": told.rejected,
        "would_have_passed": len(told.gained),
        "would_not_have_passed": len(told.lost),
        "passed": [signal(one) for one in told.gained[-MOST:]],
        "stopped": [signal(one) for one in told.lost[-MOST:]],
        "result": {"n": of.n, "unknown": of.unknown, "mean_r": of.mean_r, "ci_low": of.ci_low, "ci_high": of.ci_high},
        "not_measured": told.untold,
        "older": told.older,
        "bars_without_desk": told.unreadable,
        "sentence": otherwise.sentence(told),
        "mode": settings.QUANTUM.mode,
    }


def signal(one: Named) -> dict[str, Any]:
    return {
        "signal": one.signal,
        "decision": one.decision,
        "symbol": one.symbol,
        "side": one.side,
        "at": one.at,
        "net_r": one.net_r,
    }

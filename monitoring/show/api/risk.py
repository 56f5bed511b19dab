"""Risk over HTTP: every limit and its use, the gates' answers, the kill switch, cooldowns; and the audit trail."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control.permissions import person
from monitoring.models import AuditEntry
from monitoring.show import risk as desk
from monitoring.show.api import query
from monitoring.show.api.answers import answer
from monitoring.show.api.lists import documented, listing, nothing_asked
from monitoring.show.api.query import Field
from monitoring.show.scene import Scene
from monitoring.watch.rows import switch
from trading.models import Decision

router = Router(tags=["risk"])
WHO = Field("who", query.text(80), "who did it")
ACTION = Field("action", query.text(60), "such as switch or position.close")
TARGET = Field("target", query.text(120), "what it was done to")


@router.get("/risk")
def risk(request: HttpRequest) -> HttpResponse:
    """Each limit with its use and last denial, the last hour's answers of the gates, switch and cooldowns."""
    nothing_asked(request)
    scene = Scene(timezone.now())
    law, turned = scene.funnel.law, switch()
    return answer(
        {
            "limits": [limit(one) for one in desk.limits(scene)],
            "evaluations": {
                "window": "1h",
                "signals": law.signals,
                "rejected": law.rejected,
                "passed": law.signals - law.rejected,
                "by_code": scene.funnel.by_code,
                "gates": [{"name": g.name, "denied": g.denied, "last": denial(g.last)} for g in desk.gates(scene)],
            },
            "switch": turned.state,
            "kill_switch": {
                "state": turned.state,
                "change": turned.change,
                "by": turned.by or None,
                "at": turned.at,
                "reason": turned.reason or None,
            },
            "cooldowns": [
                {"symbol": one.symbol, "seconds_left": one.seconds, "order_id": one.order_id, "since": one.since,
                 "until": one.until}
                for one in desk.cooling(scene)
            ],
            "as_of": scene.now,
        }
    )  # fmt: skip


def limit(one: desk.Limit) -> dict[str, Any]:
    return {
        "name": one.key,
        "title": str(one.title),
        "used": one.used,
        "max": one.most,
        "setting": one.setting,
        "about": one.about or None,
        "changed_by": one.tuned.changed_by if one.tuned else None,
        "changed_at": one.tuned.changed_at if one.tuned else None,
        "last_denial": denial(one.denial),
    }


def denial(row: Decision | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"decision": row.pk, "symbol": row.signal.symbol, "code": row.code, "sentence": row.sentence, "at": row.at}


@router.get("/audit", openapi_extra=documented(WHO, ACTION, TARGET))
def audit(request: HttpRequest) -> HttpResponse:
    """What people did, newest first; for risk officers and admins."""
    person(request.user).must("audit.read")
    filters = {"who": "who", "action": "action", "target": "target"}
    return listing(request, AuditEntry.objects.all(), entry, "at", filters, (WHO, ACTION, TARGET))


def entry(row: AuditEntry) -> dict[str, Any]:
    names = ("seq", "at", "who", "action", "target", "before", "after", "reason", "previous", "hash")
    return {name: getattr(row, name) for name in names}

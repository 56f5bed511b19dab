"""`/audit/`: whether the audit chain is whole, and what people did, newest first; for those who may read it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.models import AuditEntry
from monitoring.show import audited, ledger
from monitoring.show.api.answers import Refusal
from monitoring.show.api.query import PAGE, SPAN, Field, between, choice, parse
from monitoring.show.api.risk import ACTION, TARGET, WHO
from monitoring.show.frame import look, looking, page, problem
from monitoring.show.pages.orders import around, asked_for, kept

HERE = "/audit/"
COLUMNS = {"who": "who", "action": "action", "target": "target"}
VERIFY = Field("verify", choice("all"), "all: the whole chain is walked, not only its newest rows")
FIELDS = (*PAGE, *SPAN, WHO, ACTION, TARGET, VERIFY)


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, filtered, a page at a time; it stands still, so that what is read does not move."""
    scene = look(request)
    if not scene.audience.may("audit.read"):
        text = _("The audit trail is read by risk officers and admins. An admin gives roles.")
        return problem(request, 403, _("Your role does not read the audit trail."), text)
    given = asked_for(request)
    try:
        asked = parse(given, FIELDS)
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    given.pop("verify", None)
    seen = audited.chain(everything=asked["verify"] == "all")
    bad = audited.breaks_at(seen.found)
    words = {
        "seen": seen,
        "bad": bad,
        "verdict": audited.verdict(seen),
        "more": not seen.whole and seen.total <= audited.WHOLE,
        "near_bad": (bad or 0) + 2,
        "actions": choices(asked["action"]),
    }
    words |= around(given, asked, COLUMNS) | rows(asked, given, bad)
    return page(request, "monitoring/audit.html", _("Audit"), HERE, (), words, scene)


def choices(asked: str | None) -> list[tuple[str, str]]:
    """The acts that have words; one that has none and is asked for stands as it is written."""
    known = [(name, str(said)) for name, said in audited.ACTIONS.items()]
    return known if not asked or asked in audited.ACTIONS else [*known, (asked, asked)]


def rows(asked: dict[str, Any], given: QueryDict, bad_seq: int | None) -> dict[str, Any]:
    """One page of the trail; one query."""
    wanted = {column: asked[name] for name, column in COLUMNS.items() if asked[name] is not None}
    found = between(AuditEntry.objects.filter(**wanted), asked, "at")
    if asked["cursor"] is not None:
        found = found.filter(seq__lt=asked["cursor"])
    listed = list(found.order_by("-seq")[: ledger.ROWS + 1])
    shown, query = listed[: ledger.ROWS], kept(given)
    return {
        "lines": [audited.line(row, bad_seq) for row in shown],
        "older": f"?{query}{'&' if query else ''}cursor={shown[-1].seq}" if len(listed) > ledger.ROWS else "",
        "newest": (f"?{query}" if query else HERE) if asked["cursor"] is not None else "",
    }

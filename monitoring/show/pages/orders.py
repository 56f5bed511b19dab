"""Every order that was wanted, and what the exchange made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show import labels, ledger
from monitoring.show.api.answers import Refusal
from monitoring.show.api.lists import KIND
from monitoring.show.api.query import PAGE, SPAN, SYMBOL, Field, between, choice, parse
from monitoring.show.frame import look, looking, page, problem
from monitoring.show.panels import PANELS, one
from monitoring.show.panels.ledger import order_words
from monitoring.show.scene import Scene
from trading.models import Intent

STATUS = Field("status", choice(*labels.STATUSES), "an order's status, or not_sent")
COLUMNS = {"symbol": "symbol", "status": "order__status", "kind": "kind"}
FIELDS = (*PAGE, *SPAN, SYMBOL, STATUS, KIND)


@looking
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, filtered, a page at a time."""
    given = asked_for(request)
    try:
        asked = parse(given, FIELDS)
    except Refusal as no:
        return problem(request, no.status, _("That can't be looked up."), no.message)
    scene = look(request)
    words = around(given, asked, COLUMNS) | {
        "statuses": [(value, said[1]) for value, said in labels.STATUSES.items()],
        "kinds": labels.KINDS.items(),
        "exports": asked["status"] != labels.NOT_SENT,
    }
    shown = ["outstanding"]
    if given:
        words["list"] = own(scene, "orders", orders(asked, given))
    else:
        shown.append("orders")
    return page(request, "monitoring/orders.html", _("Orders"), "/orders/", shown, words, scene)


def orders(asked: dict[str, Any], given: QueryDict) -> dict[str, Any]:
    """The panel's words for these filters; two queries."""
    rows = between(ledger.intents(), asked, "created_at")
    wanted = {name: asked[name] for name in COLUMNS if asked[name] is not None}
    if wanted.get("status") == labels.NOT_SENT:
        del wanted["status"]
        rows = rows.filter(order__isnull=True)
    rows = rows.filter(**{COLUMNS[name]: value for name, value in wanted.items()})
    if asked["cursor"] is not None:
        rows = rows.filter(pk__lt=asked["cursor"])
    found: list[Intent] = list(rows.order_by("-id")[: ledger.ROWS + 1])
    return order_words(found, query=kept(given)) | followed(asked, given, "orders")


# -- what the lists share ---------------------------------------------------------------------------------------------


def asked_for(request: HttpRequest) -> QueryDict:
    """The query without a form's empty fields, which ask for nothing."""
    given = request.GET.copy()
    for name in [name for name, value in given.items() if value == "" and len(given.getlist(name)) == 1]:
        del given[name]
    return given


def kept(given: QueryDict) -> str:
    """The filters, without the place in the list."""
    return urlencode({name: value for name, value in given.items() if name != "cursor"})


def around(given: QueryDict, asked: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """What the form shows."""
    return {
        "asked": given,
        "since": field(asked["since"]),
        "until": field(asked["until"]),
        "query": kept(given),
        "filtered": any(asked[name] for name in (*columns, "since", "until")),
    }


def field(at: datetime | None) -> str:
    """A time as the browser's field takes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if at else ""


def followed(asked: dict[str, Any], given: QueryDict, name: str) -> dict[str, Any]:
    """A filtered list is kept up to date by asking anew; an older page of it stands still, and says so."""
    if asked["cursor"] is None:
        return {"own": name, "about": _("newest first, filtered")}
    about = _("an older page: it stands still")
    return {"own": "", "about": about, "newest": f"?{kept(given)}" if kept(given) else "."}


def own(scene: Scene, name: str, words: dict[str, Any], at: datetime | None = None) -> str:
    """A panel drawn for this page alone."""
    return one(replace(PANELS[name], facts=lambda _scene: words, as_of=lambda s: at or s.now), scene).html

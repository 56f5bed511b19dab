"""What the lists share: one page of rows, the fields that they take, ids in a path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from monitoring.show.api import query, schemas
from monitoring.show.api.answers import answer, bad
from monitoring.show.api.query import PAGE, SPAN, Field, between, docs, page, parse
from trading.exchange.venue import OrderStatus
from trading.models import Intent


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


def documented(*fields: Field, of: str = "", **more: str) -> dict[str, Any]:
    """A list for OpenAPI: its parameters, and the shape of its items where `of` names one."""
    return docs((*PAGE, *SPAN, *fields)) | (schemas.many(of, **more) if of else {})


OUTCOME = Field(
    "outcome", query.choice("traded", "rejected", "failed", "pending"), "traded, rejected, failed or pending"
)
CODE = Field("code", query.code, "a rejection code, such as COOLDOWN_ACTIVE")
SIDE = Field("side", query.choice("long", "short"), "long or short")
STATUS = Field("status", query.choice(*(s.value for s in OrderStatus)), "an order's status")
KIND = Field("kind", query.choice(*Intent.KINDS), "entry, stop, backstop, target or exit")
OPEN = Field("status", query.choice("open", "closed", "all"), "open (default), closed or all", default="open")
WINDOW = Field("window", query.window, "such as 30m, 1h or 7d", default=timedelta(hours=1))


def timeframe(default: str | None = None) -> Field:
    from quantum.config import TIMEFRAMES

    return Field("timeframe", query.choice(*TIMEFRAMES), "such as 1m or 1h", default=default)

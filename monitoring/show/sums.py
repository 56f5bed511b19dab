"""Sums of money that are exact on every database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import connections
from django.db.models import QuerySet, Sum

CHUNK = 2000  # rows held at a time


def totals(rows: QuerySet[Any], *names: str) -> dict[str, Decimal | None]:
    """The sum of each of these columns; None over no rows; one query.

    PostgreSQL adds decimals as such. SQLite would add in floating point, so there the rows are added here.
    """
    if connections[rows.db].vendor != "sqlite":
        return rows.aggregate(**{name: Sum(name) for name in names})
    sums: list[Decimal] | None = None
    for values in rows.order_by().values_list(*names).iterator(chunk_size=CHUNK):
        sums = [a + b for a, b in zip(sums, values, strict=True)] if sums else list(values)
    return dict(zip(names, sums, strict=True)) if sums else dict.fromkeys(names)

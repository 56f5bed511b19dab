"""A table read in pages by its key: each page is one short query, and no transaction stays open between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import F, Func, Max, Min, Q, QuerySet

from monitoring.show.api.query import between

PAGE = 1000
Row = tuple[Any, ...]


class Unindexed(Func):
    """A column as it is. SQLite must not take its index: it would sort all that is left for every page."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


def pages(
    model: type[models.Model],
    paths: Sequence[str],
    same: Mapping[str, Any],
    also: Q,
    time: str,
    asked: Mapping[str, Any],
) -> Iterator[list[Row]]:
    """The rows as the driver gives them (JSON as text), oldest first; what is written meanwhile is not among them."""
    first, last = bounds(between(model._default_manager.all(), asked, time))
    if first is None:
        return
    aside = {f"same_{i}": Unindexed(F(path)) for i, path in enumerate(same)}
    rows = between(model._default_manager.filter(also).alias(**aside), asked, time)
    rows = rows.filter(**dict(zip(aside, same.values(), strict=True)), pk__lte=last)
    after = first - 1
    while after < last:
        found = raw(rows.filter(pk__gt=after).order_by("pk").values_list("pk", *paths)[:PAGE])
        if not found:
            return
        after = found[-1][0]
        yield [row[1:] for row in found]


def bounds(rows: QuerySet) -> tuple[int | None, int]:
    """The first and the last key; asked apart, for each alone is one look at an index."""
    first = rows.aggregate(key=Min("pk"))["key"]
    return first, rows.aggregate(key=Max("pk"))["key"] or 0


def raw(rows: QuerySet) -> list[Row]:
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()

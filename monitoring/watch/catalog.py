"""The models' schema, and the database's own: each read from its catalogue in four queries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import AutoField, Field, Model, UniqueConstraint

from monitoring.watch.schema import Column, Schema, Table, kind

NAMED_RULE = re.compile(r'CONSTRAINT "([^"]+)"')
SQLITE = {
    "columns": 'SELECT m.name, p.name, p.type, p."notnull" = 0 FROM sqlite_master m'
    " JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
    "rules": "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL",
    "indexes": 'SELECT m.name, l.name, l."unique", l.partial, i.name, 1 FROM sqlite_master m'
    " JOIN pragma_index_list(m.name) l LEFT JOIN pragma_index_info(l.name) i WHERE m.type = 'table'"
    " ORDER BY l.name, i.seqno",
    "references": 'SELECT m.name, f."from", f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f'
    " WHERE m.type = 'table'",
}
MINE = "n.nspname = ANY(current_schemas(false))"
POSTGRES = {
    "columns": "SELECT t.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull"
    " FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
    f" WHERE {MINE} AND t.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped",
    "rules": "SELECT t.relname, c.conname, c.convalidated FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
    f" JOIN pg_namespace n ON n.oid = t.relnamespace WHERE {MINE}",
    "indexes": "SELECT t.relname, i.relname, x.indisunique, x.indpred IS NOT NULL, a.attname,"
    " x.indisvalid AND x.indisready FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
    " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
    " CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(num, place)"
    " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.num"
    f" WHERE {MINE} ORDER BY i.relname, k.place",
    "references": "SELECT t.relname, a.attname, o.relname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
    " JOIN pg_class o ON o.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]"
    f" WHERE {MINE} AND c.contype = 'f' AND c.convalidated",
}


# -- what is expected -------------------------------------------------------------------------------------------------


def expected() -> Schema:
    """The tables of every model."""
    asked = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return {model._meta.db_table: of_model(model) for model in asked}


def of_model(model: type[Model]) -> Table:
    meta = model._meta
    fields: list[Any] = list(meta.local_concrete_fields)
    column = {one.name: str(one.column) for one in fields}
    whole = [one for one in meta.constraints if isinstance(one, UniqueConstraint) and whole_rows(one)]
    unique = {frozenset((str(one.column),)) for one in fields if one.unique and not is_rowid(one)}
    unique |= {frozenset(column[name] for name in names) for names in meta.unique_together}
    unique |= {frozenset(column[name] for name in one.fields) for one in whole}
    return Table(
        columns={str(one.column): Column(kind(one.db_type(connection) or ""), bool(one.null)) for one in fields},
        rules=frozenset(kept_name(one.name) for one in meta.constraints),
        names=frozenset(kept_name(one.name) for one in meta.indexes),
        unique=frozenset(unique),
        references=frozenset(
            (str(one.column), one.related_model._meta.db_table)
            for one in fields
            if one.remote_field and getattr(one, "db_constraint", False)
        ),
        indexed=frozenset((str(one.column),) for one in fields if one.db_index and not one.unique),
    )


def is_rowid(one: Field) -> bool:
    """SQLite's own key of a row: unique without an index."""
    return connection.vendor == "sqlite" and one.primary_key and isinstance(one, AutoField)


def kept_name(name: str) -> str:
    """As much of a name as the database keeps."""
    return name[: connection.ops.max_name_length() or None]


def whole_rows(rule: UniqueConstraint) -> bool:
    """It holds for every row and names plain columns."""
    return bool(rule.fields) and rule.condition is None and not rule.expressions


# -- what is there ----------------------------------------------------------------------------------------------------


def there() -> Schema:
    sql = SQLITE if connection.vendor == "sqlite" else POSTGRES
    with connection.cursor() as cursor:
        read = {name: asked(cursor, query) for name, query in sql.items()}
    columns: defaultdict[str, dict[str, Column]] = defaultdict(dict)
    for table, name, declared, null in read["columns"]:
        columns[table][name] = Column(kind(declared), bool(null))
    rules, doubtful = rules_of(read["rules"])
    names, unique, indexed, broken = indexes_of(read["indexes"])
    references: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for table, column, other in read["references"]:
        references[table].add((column, other))
    return {
        table: Table(
            columns=shape, rules=frozenset(rules[table]), names=frozenset(names[table]),
            unique=frozenset(unique[table]), references=frozenset(references[table]),
            indexed=frozenset(indexed[table]), doubtful=frozenset(doubtful[table] | broken[table]),
        )
        for table, shape in columns.items()
    }  # fmt: skip


def asked(cursor: Any, sql: str) -> list[tuple]:
    cursor.execute(sql)
    return list(cursor.fetchall())


def rules_of(rows: Iterable[tuple]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Constraints by name, and those that rows from before may break."""
    rules: defaultdict[str, set[str]] = defaultdict(set)
    doubtful: defaultdict[str, set[str]] = defaultdict(set)
    for table, *said in rows:
        if connection.vendor == "sqlite":
            rules[table] |= set(NAMED_RULE.findall(said[0]))
            continue
        rules[table].add(said[0])
        if not said[1]:
            doubtful[table].add(said[0])
    return rules, doubtful


def indexes_of(rows: Iterable[tuple]) -> tuple[dict, dict, dict, dict]:
    """Their names, the columns that whole rows are unique by, the columns in order, and those that are broken."""
    seen: defaultdict[tuple[str, str], list[tuple]] = defaultdict(list)
    for table, name, *said in rows:
        seen[table, name].append(tuple(said))
    names, unique, indexed, broken = (defaultdict(set) for _ in range(4))
    for (table, name), lines in seen.items():
        names[table].add(name)
        columns = tuple(column for *_, column, _ in lines)
        is_unique, partial, _, sound = lines[0]
        if not sound:
            broken[table].add(name)
        elif not partial and None not in columns:
            indexed[table].add(columns)
            if is_unique:
                unique[table].add(frozenset(columns))
    return names, unique, indexed, broken

"""What a database must hold to be the one that the models describe, and what is missing or strange in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NAMED = 8  # missing things that are named
SAME = {"varchar": "character varying", "char": "character", "timestamptz": "timestamp with time zone"}


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is the database's own word for the type, normalised; `null` whether it may be empty."""

    kind: str
    null: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table's shape. `names` are those of its constraints and indexes; `indexed` the columns in their order."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    rules: frozenset[str] = frozenset()  # constraints by name: checks, and what must be unique
    names: frozenset[str] = frozenset()  # indexes by name
    unique: frozenset[frozenset[str]] = frozenset()
    references: frozenset[tuple[str, str]] = frozenset()  # column, the table that it points to
    indexed: frozenset[tuple[str, ...]] = frozenset()
    doubtful: frozenset[str] = frozenset()  # there, but the database does not vouch for it: invalid, not validated


WIDER = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint")}  # holds all that is asked, and more
Schema = Mapping[str, Table]
Told = tuple[bool, str, dict[str, object]]


def kind(declared: str) -> str:
    """A type as both sides spell it: numeric(30,12), character varying(40)."""
    word = re.sub(r"\s*,\s*", ",", " ".join(declared.lower().split()))
    base, bracket, rest = word.partition("(")
    return SAME.get(base, base) + bracket + rest


def told(missing: Iterable[str], code: str, name: str, *, well: str, n: int) -> Told:
    found = sorted(missing)
    return (False, code, {name: found[:NAMED], "n": len(found)}) if found else (True, well, {"n": n})


def tables(wanted: Schema, found: Schema) -> Told:
    return told(set(wanted) - set(found), "table-missing", "tables", well="tables-there", n=len(wanted))


def columns(wanted: Schema, found: Schema) -> Told:
    """Of the tables that are there: columns that are missing, else those that nobody asked for."""
    both = sorted(set(wanted) & set(found))
    asked = {f"{table}.{name}" for table in both for name in wanted[table].columns}
    there = {f"{table}.{name}" for table in both for name in found[table].columns}
    if missing := asked - there:
        return told(missing, "column-missing", "columns", well="", n=0)
    return told(there - asked, "column-strange", "columns", well="columns-there", n=len(asked))


def types(wanted: Schema, found: Schema) -> Told:
    """Columns of another type than the model's, or that are empty where they may not be, or the other way round."""
    wrong, n = [], 0
    for table in sorted(set(wanted) & set(found)):
        for name, column in wanted[table].columns.items():
            there, n = found[table].columns.get(name), n + 1
            if there is None or there == column:
                continue
            if there.kind != column.kind and (column.kind, there.kind) not in WIDER:
                wrong.append(f"{table}.{name} ({there.kind}, not {column.kind})")
            elif there.null != column.null:
                wrong.append(f"{table}.{name} ({'may' if there.null else 'must not'} be null)")
    return told(wrong, "type-wrong", "columns", well="types-right", n=n)


def constraints(wanted: Schema, found: Schema) -> Told:
    """Rules that the database must keep by itself: checks, what is unique, what must exist elsewhere."""
    missing, n = [], 0
    for table in sorted(set(wanted) & set(found)):
        asked, there = wanted[table], found[table]
        n += len(asked.rules) + len(asked.unique) + len(asked.references)
        missing += [f"{table}.{name}" for name in asked.rules - there.rules - there.names]
        missing += [f"{table}.{name} (not trusted)" for name in asked.rules & there.doubtful]
        missing += [f"{table} unique {', '.join(sorted(one))}" for one in asked.unique - there.unique]
        missing += [f"{table}.{column} to {other}" for column, other in asked.references - there.references]
    return told(missing, "constraint-missing", "constraints", well="constraints-there", n=n)


def indexes(wanted: Schema, found: Schema) -> Told:
    """Indexes by name, and columns that must be quick to find: any index that begins with them serves."""
    missing, n = [], 0
    for table in sorted(set(wanted) & set(found)):
        asked, there = wanted[table], found[table]
        n += len(asked.names) + len(asked.indexed)
        missing += [f"{table}.{name}" for name in asked.names - there.names]
        missing += [f"{table}.{name} (broken)" for name in asked.names & there.doubtful]
        missing += [f"{table} ({', '.join(one)})" for one in asked.indexed if not served(one, there.indexed)]
    return told(missing, "index-missing", "indexes", well="indexes-there", n=n)


def served(columns: tuple[str, ...], there: Iterable[tuple[str, ...]]) -> bool:
    return any(one[: len(columns)] == columns for one in there)

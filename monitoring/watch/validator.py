"""The Database Validator: is this database the one that the program expects, and does it keep what it is given?

1. Tables and columns of every model, against what the database has.
2. Migrations: all applied, none of a newer program.
3. On the app's own connection: write a row, read it back, roll back, see that nothing is left; the time it took.
4. How commits are made durable.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from monitoring.models import DatabaseFinding
from monitoring.watch.probes.facts import Check, Finding

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)
OURS = ("trading", "monitoring")
NAMED = 8  # missing things that are named
Told = tuple[bool, str, dict[str, Any]]

COLUMNS = {
    "sqlite": "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = ANY(current_schemas(false))",
}


class TakenBack(Exception):
    """Ends the trial transaction: nothing of it stays."""


# -- what is expected, and what is there ------------------------------------------------------------------------------


def expected() -> dict[str, set[str]]:
    """Columns of every table that the models ask for."""
    asked = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return {model._meta.db_table: {str(field.column) for field in model._meta.local_concrete_fields} for model in asked}


def there() -> dict[str, set[str]]:
    """Columns of every table that the database has; one query."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS[connection.vendor])
        for table, column in cursor.fetchall():
            found.setdefault(table, set()).add(column)
    return found


def tables(wanted: dict[str, set[str]], found: dict[str, set[str]]) -> Told:
    missing = sorted(set(wanted) - set(found))
    if missing:
        return False, "table-missing", {"tables": missing[:NAMED], "n": len(missing)}
    return True, "tables-there", {"n": len(wanted)}


def columns(wanted: dict[str, set[str]], found: dict[str, set[str]]) -> Told:
    """Of the tables that are there: columns that are missing, else those that nobody asked for."""
    both = sorted(set(wanted) & set(found))
    missing = [f"{table}.{name}" for table in both for name in sorted(wanted[table] - found[table])]
    if missing:
        return False, "column-missing", {"columns": missing[:NAMED], "n": len(missing)}
    strange = [f"{table}.{name}" for table in both for name in sorted(found[table] - wanted[table])]
    if strange:
        return False, "column-strange", {"columns": strange[:NAMED], "n": len(strange)}
    return True, "columns-there", {"n": sum(len(wanted[table]) for table in both)}


def migrations() -> Told:
    loader = MigrationLoader(connection)
    applied, known = set(loader.applied_migrations), set(loader.graph.nodes)
    missing = sorted(".".join(key) for key in known - applied)
    if missing:
        return False, "migration-missing", {"migrations": missing[:NAMED], "n": len(missing)}
    newer = sorted(".".join(key) for key in applied - set(loader.disk_migrations) if key[0] in OURS)
    if newer:
        return False, "migration-newer", {"migrations": newer[:NAMED], "n": len(newer)}
    return True, "migrations-there", {"n": len(known)}


def durability() -> Told:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            journal, level = asked(cursor, "PRAGMA journal_mode"), asked(cursor, "PRAGMA synchronous")
            synchronous = {"0": "OFF", "1": "NORMAL", "2": "FULL", "3": "EXTRA"}.get(str(level), str(level))
            safe = str(journal).lower() == "wal" and synchronous in ("FULL", "EXTRA")
            return safe, "durable" if safe else "not-durable", {"journal": journal, "synchronous": synchronous}
        if asked(cursor, "SELECT pg_is_in_recovery()"):
            return False, "server-standby", {}
        commit = asked(cursor, "SHOW synchronous_commit")
        standbys = asked(cursor, "SELECT count(*) FROM pg_stat_replication")
    if commit == "off":
        return False, "not-durable", {"journal": "WAL", "synchronous": commit}
    return True, "server", {"synchronous": commit, "standby": standbys}


def asked(cursor: Any, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]


# -- write, read, roll back -------------------------------------------------------------------------------------------


def round_trip(now: datetime) -> tuple[list[tuple[str, Told]], float | None]:
    """The trial's three checks, and its milliseconds; a step that was not reached is not told."""
    told: list[tuple[str, Told]] = []
    began, row, wrote = time.perf_counter(), None, False
    mark = {"trial": now.isoformat()}
    try:
        with transaction.atomic():
            row = DatabaseFinding.objects.create(at=now, passed=False, vendor="trial", checks=[mark])
            wrote = True
            told.append(("write", (True, "written", {})))
            back = DatabaseFinding.objects.get(pk=row.pk)
            same = back.checks == [mark] and back.at == now
            told.append(("read", (same, "read" if same else "read-failed", {} if same else {"error": "it differs"})))
            raise TakenBack
    except TakenBack:
        left = DatabaseFinding.objects.filter(pk=row.pk).count() if row else 0
        told.append(("roll_back", (not left, "rollback-failed" if left else "rolled-back", {"n": left})))
    except DatabaseError as error:
        name = ("read", "read-failed") if wrote else ("write", "write-failed")
        return [*told, (name[0], (False, name[1], {"error": line(error)}))], None
    return told, round((time.perf_counter() - began) * 1000, 2)


def line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


# -- the finding ------------------------------------------------------------------------------------------------------


def validate(now: datetime) -> Finding:
    """Every check, on the connection that the app itself uses. Raises only where there is no connection at all."""
    wanted = expected()
    found = there()
    told = [("tables", tables(wanted, found)), ("columns", columns(wanted, found))]
    told.append(("migrations", guarded(migrations, "migration-missing")))
    trial, took = round_trip(now)
    told += [*trial, ("durability", guarded(durability, "not-durable"))]
    return Finding(now, took, tuple(Check(name, passed, code, params) for name, (passed, code, params) in told))


def guarded(check: Callable[[], Told], code: str) -> Told:
    """A check that the database refuses has failed; it must not take the others with it."""
    try:
        with transaction.atomic():
            return check()
    except DatabaseError as error:
        return False, code, {"migrations": line(error), "journal": line(error), "synchronous": "?"}


def passed(checks: Iterable[Check]) -> bool:
    return all(check.passed for check in checks)


def store(finding: Finding) -> DatabaseFinding:
    """Keep the finding; those of more than a week ago go."""
    with transaction.atomic():
        DatabaseFinding.objects.filter(at__lt=finding.at - KEPT).delete()
        return DatabaseFinding.objects.create(
            at=finding.at,
            passed=passed(finding.checks),
            vendor=connection.vendor,
            latency_ms=finding.latency_ms,
            checks=[
                {"check": one.name, "passed": one.passed, "code": one.code, "params": dict(one.params)}
                for one in finding.checks
            ],
        )

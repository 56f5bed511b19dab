"""The Database Validator: is this database the one that the program expects, and does it keep what it is given?

1. Tables, columns with their types, constraints and indexes of every model, against what the database has.
2. Migrations: all applied, none of a newer program.
3. On the app's own connection: write a row, read it back, roll back, see that nothing is left; the time it took.
4. How commits are made durable, whether references are kept, whether what is stored can be read without damage.
5. Whose database it is: stamped for this mode and venue, and the very file that the settings name.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from monitoring.models import DatabaseFinding
from monitoring.watch import catalog, schema
from monitoring.watch.probes.facts import Check, Finding
from trading.models import Installation

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)
OURS = ("trading", "monitoring")
NAMED = 8  # missing things that are named
PATIENCE = 2.0  # seconds that reading everything may take at a look
COMMIT = 1_000_000  # bytes of a busy commit
HEAVY = 50_000  # bytes of the trial row: more than any page has left
STEPS = 20_000  # of SQLite's machine between two looks at the clock
SHAPE = (schema.tables, schema.columns, schema.types, schema.constraints, schema.indexes)
Told = tuple[bool, str, dict[str, Any]]


class TakenBack(Exception):
    """Ends the trial transaction: nothing of it stays."""


# -- what it should be ------------------------------------------------------------------------------------------------


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


def references() -> Told:
    """The database itself refuses a row that points to nothing."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            kept = asked(cursor, "PRAGMA foreign_keys") == 1
        else:
            kept = asked(cursor, "SHOW session_replication_role") == "origin"
    return kept, "references-kept" if kept else "references-loose", {}


def integrity() -> Told:
    """SQLite: every page makes sense, as far as that can be read in time. PostgreSQL: no page failed its checksum."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return pages(cursor, connection.connection)
        sql = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
        bad, sums = asked(cursor, sql), asked(cursor, "SHOW data_checksums")
    if bad:
        return False, "checksums-bad", {"n": bad}
    return True, "checksums-good" if sums == "on" else "checksums-off", {}


def pages(cursor: Any, raw: Any) -> Told:
    until = time.monotonic() + PATIENCE
    raw.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
    try:
        said = str(asked(cursor, "PRAGMA quick_check(1)"))
    except DatabaseError as error:
        if "interrupt" not in str(error):
            raise
        return True, "pages-partly", {"limit_s": PATIENCE}
    finally:
        raw.set_progress_handler(None, 0)
    return (
        said == "ok",
        "pages-sound" if said == "ok" else "pages-broken",
        {} if said == "ok" else {"error": said[:200]},
    )


def identity() -> Told:
    """No other mode's or venue's by its stamp; on SQLite the open file is the one that the settings name."""
    config = settings.QUANTUM
    stamp = Installation.objects.first()
    if stamp and (stamp.mode, stamp.venue) != (config.mode, config.venue):
        return False, "database-of-another", {"mode": stamp.mode, "venue": stamp.venue}
    if connection.vendor == "sqlite" and moved(Path(str(connection.settings_dict["NAME"]))):
        return False, "database-moved", {"path": str(connection.settings_dict["NAME"])}
    if stamp is None:
        return True, "database-unstamped", {}
    return True, "database-ours", {"mode": stamp.mode, "venue": stamp.venue}


def moved(path: Path, ours: Path = Path("/proc/self/fd")) -> bool:
    """The file is gone, or another one lies in its place than this process has open (seen where the system tells)."""
    if not path.exists():
        return True
    there = path.stat()
    if not ours.is_dir():
        return False
    held = (one for one in ours.iterdir() if one.exists())
    return not any((now.st_dev, now.st_ino) == (there.st_dev, there.st_ino) for now in (one.stat() for one in held))


def asked(cursor: Any, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]


# -- write, read, roll back -------------------------------------------------------------------------------------------


def round_trip(now: datetime) -> tuple[list[tuple[str, Told]], float | None]:
    """The trial's three checks, and its milliseconds; a step that was not reached is not told."""
    told: list[tuple[str, Told]] = []
    began, row, wrote = time.perf_counter(), None, False
    mark = {"trial": now.isoformat(), "weight": "." * HEAVY}
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


def room() -> Told:
    """A commit finds room: what is rolled back never reaches the disk, so a file beside the database must."""
    if connection.vendor != "sqlite":
        return True, "room-of-server", {}
    try:
        return True, "room", {"size_mb": beside(Path(str(connection.settings_dict["NAME"])).parent)}
    except OSError as error:
        return False, "write-failed", {"error": line(error)}


def beside(folder: Path) -> float:
    """Write as much as a busy commit does, wait for the disk, take it away. MB that found room."""
    with tempfile.TemporaryFile(dir=folder, prefix="trial-") as file:
        file.write(bytes(COMMIT))
        file.flush()
        os.fsync(file.fileno())
    return COMMIT / 1_000_000


def line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


# -- the finding ------------------------------------------------------------------------------------------------------


def validate(now: datetime) -> Finding:
    """Every check, on the connection that the app itself uses. Raises only where there is no connection at all."""
    wanted, found = catalog.expected(), catalog.there()
    told = [(check.__name__, check(wanted, found)) for check in SHAPE]
    told.append(("migrations", guarded(migrations, "migration-missing")))
    trial, took = round_trip(now)
    told += [*trial, ("room", room()), ("durability", guarded(durability, "not-durable"))]
    told += [(check.__name__, guarded(check, "check-refused")) for check in (references, integrity, identity)]
    return Finding(now, took, tuple(Check(name, passed, code, params) for name, (passed, code, params) in told))


def guarded(check: Callable[[], Told], code: str) -> Told:
    """A check that the database refuses has failed; it must not take the others with it."""
    try:
        with transaction.atomic():
            return check()
    except DatabaseError as error:
        return (
            False,
            code,
            {"migrations": line(error), "journal": line(error), "synchronous": "?", "error": line(error)},
        )


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

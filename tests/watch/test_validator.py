"""The validator names what is missing, and proves that a row can be written, read and taken back."""

import re
import resource
import sqlite3
from dataclasses import replace

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from monitoring.models import DatabaseFinding
from monitoring.watch import catalog, schema, validator
from monitoring.watch.keeping import DatabaseValidator
from monitoring.watch.probes.words import say
from tests.builders import NOW
from trading.models import Installation
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db


def checks():
    return {check.name: check for check in validator.validate(NOW).checks}


def told(check):
    return say(check.code, check.params)


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def made(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        return cursor.fetchone()[0]


def rebuilt(table, old, new):
    """SQLite changes a column or a rule by making the table anew."""
    sql = made(table)
    assert old in sql
    execute(f"DROP TABLE {table}")
    execute(sql.replace(old, new).replace("%", "%%"))


def test_our_own_database_passes():
    finding = validator.validate(NOW)
    assert [check.name for check in finding.checks if not check.passed] == []
    assert [check.name for check in finding.checks] == [
        "tables", "columns", "types", "constraints", "indexes", "migrations", "write", "read", "roll_back",
        "room", "durability", "references", "integrity", "identity",
    ]  # fmt: skip
    assert finding.latency_ms and finding.latency_ms > 0


def test_the_trial_leaves_nothing_behind():
    validator.validate(NOW)
    assert DatabaseFinding.objects.count() == 0


def test_a_missing_table_is_named():
    execute("DROP TABLE trading_fundingpayment")
    check = checks()["tables"]
    assert not check.passed and told(check) == "Tables are missing: trading_fundingpayment."


def test_a_missing_column_is_named():
    execute("ALTER TABLE trading_modulestate DROP COLUMN idle_reason")
    check = checks()["columns"]
    assert not check.passed and told(check) == "Columns are missing: trading_modulestate.idle_reason."


def test_a_column_that_nobody_asked_for_is_named():
    execute("ALTER TABLE trading_modulestate ADD COLUMN spare integer")
    check = checks()["columns"]
    assert not check.passed and "trading_modulestate.spare" in told(check)


def test_a_column_of_another_type_is_named():
    if connection.vendor == "sqlite":
        rebuilt("monitoring_healthscore", '"coverage" smallint unsigned', '"coverage" text')
    else:
        execute("ALTER TABLE monitoring_healthscore DROP CONSTRAINT a_score_lies_within_0_and_100")
        execute("ALTER TABLE monitoring_healthscore DROP CONSTRAINT monitoring_healthscore_coverage_check")
        execute("ALTER TABLE monitoring_healthscore ALTER COLUMN coverage TYPE text")
    check = checks()["types"]
    assert not check.passed and "monitoring_healthscore.coverage (text, not smallint" in told(check)


def test_a_column_that_may_be_empty_although_it_must_not_is_named():
    if connection.vendor == "sqlite":
        rebuilt("monitoring_healthscore", '"status" varchar(10) NOT NULL', '"status" varchar(10) NULL')
    else:
        execute("ALTER TABLE monitoring_healthscore ALTER COLUMN status DROP NOT NULL")
    check = checks()["types"]
    assert told(check) == (
        "Columns of another type than the program expects: monitoring_healthscore.status (may be null)."
    )


def test_a_dropped_rule_is_named():
    if connection.vendor == "sqlite":
        rule = re.search(
            r', CONSTRAINT "a_score_lies_within_0_and_100" CHECK .*(?=\)$)', made("monitoring_healthscore")
        )
        rebuilt("monitoring_healthscore", rule[0], "")
    else:
        execute("ALTER TABLE monitoring_healthscore DROP CONSTRAINT a_score_lies_within_0_and_100")
    check = checks()["constraints"]
    assert not check.passed
    assert "monitoring_healthscore.a_score_lies_within_0_and_100" in told(check)


def test_a_dropped_rule_of_uniqueness_is_named():
    execute("DROP INDEX one_open_position_per_symbol")
    check = checks()["constraints"]
    assert not check.passed and "trading_position.one_open_position_per_symbol" in told(check)


def test_a_reference_that_nobody_keeps_is_named():
    wanted, found = catalog.expected(), dict(catalog.there())
    assert ("cycle_id", "trading_cycle") in found["trading_signal"].references
    found["trading_signal"] = replace(found["trading_signal"], references=frozenset())
    passed, code, params = schema.constraints(wanted, found)
    assert (passed, code) == (False, "constraint-missing")
    assert "trading_signal.cycle_id to trading_cycle" in params["constraints"]


def test_a_rule_that_old_rows_may_break_is_named():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows no rule that is not validated")
    execute("ALTER TABLE monitoring_healthscore DROP CONSTRAINT a_score_lies_within_0_and_100")
    execute(
        "ALTER TABLE monitoring_healthscore ADD CONSTRAINT a_score_lies_within_0_and_100 CHECK (overall >= 0) NOT VALID"
    )
    assert "a_score_lies_within_0_and_100 (not trusted)" in told(checks()["constraints"])


def test_a_dropped_index_is_named():
    execute("DROP INDEX decision_by_code")
    check = checks()["indexes"]
    assert not check.passed and told(check) == "Indexes are missing: trading_decision.decision_by_code."


def test_a_migration_that_was_not_applied_is_named():
    MigrationRecorder(connection).record_unapplied("monitoring", "0002_health")
    check = checks()["migrations"]
    assert not check.passed and told(check) == "Migrations are not applied: monitoring.0002_health."


def test_a_migration_of_a_newer_program_is_named():
    MigrationRecorder(connection).record_applied("trading", "0999_of_tomorrow")
    check = checks()["migrations"]
    assert not check.passed and "trading.0999_of_tomorrow" in told(check)


def test_a_database_that_refuses_to_write_is_found_out():
    if connection.vendor == "sqlite":
        execute(
            "CREATE TRIGGER shut BEFORE INSERT ON monitoring_databasefinding BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    else:
        execute("ALTER TABLE monitoring_databasefinding ADD CONSTRAINT full_disk CHECK (vendor <> 'trial')")
    finding = validator.validate(NOW)
    write = next(check for check in finding.checks if check.name == "write")
    assert not write.passed and "full" in told(write)
    assert finding.latency_ms is None
    assert "read" not in {check.name for check in finding.checks}


def test_a_database_that_changes_what_it_is_given_is_found_out():
    if connection.vendor != "sqlite":
        execute(
            "CREATE FUNCTION twist() RETURNS trigger AS $$ BEGIN NEW.checks = '[]'::jsonb; RETURN NEW; END $$"
            " LANGUAGE plpgsql"
        )
        execute("CREATE TRIGGER t BEFORE INSERT ON monitoring_databasefinding FOR EACH ROW EXECUTE FUNCTION twist()")
    else:
        execute(
            "CREATE TRIGGER twist AFTER INSERT ON monitoring_databasefinding BEGIN"
            " UPDATE monitoring_databasefinding SET checks = '[]' WHERE id = NEW.id; END"
        )
    read = checks()["read"]
    assert not read.passed and told(read) == "What was written could not be read back: it differs"


def test_commits_that_a_power_cut_may_lose_are_told(monkeypatch):
    if connection.vendor != "sqlite":
        execute("SET LOCAL synchronous_commit = off")
    else:
        monkeypatch.setattr(validator, "asked", lambda cursor, sql: "delete" if "journal" in sql else 1)
    check = checks()["durability"]
    assert not check.passed and "may lose commits" in told(check)


@pytest.fixture
def limited():
    """A connection that gets its freedom back."""
    yield
    if connection.vendor == "sqlite":
        execute("PRAGMA query_only = OFF")
        execute("PRAGMA max_page_count = 1073741823")


def test_a_read_only_database_is_found_out(limited):
    execute("PRAGMA query_only = ON" if connection.vendor == "sqlite" else "SET LOCAL transaction_read_only = on")
    write = checks()["write"]
    assert not write.passed
    assert ("readonly" if connection.vendor == "sqlite" else "read-only") in told(write)


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_found_out(limited):
    """SQLite may not grow by a page; PostgreSQL answers as it does on a full disk."""
    if connection.vendor == "sqlite":
        fill("monitoring_databasefinding")
    else:
        execute(
            "CREATE FUNCTION full_up() RETURNS trigger AS $$ BEGIN"
            " RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql"
        )
        execute("CREATE TRIGGER f BEFORE INSERT ON monitoring_databasefinding FOR EACH ROW EXECUTE FUNCTION full_up()")
    try:
        write = checks()["write"]
    finally:
        if connection.vendor == "postgresql":
            execute("DROP FUNCTION full_up() CASCADE")
    assert not write.passed and ("full" in told(write) or "No space left" in told(write))


def fill(table: str) -> None:
    """Rows until not one more fits into the pages that there are."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    with pytest.raises(DatabaseError, match="full"):
        for _ in range(5000):
            DatabaseFinding.objects.create(at=NOW, passed=True, vendor="filler", checks=["x" * 3000])


def test_what_a_disk_refuses_beside_the_database_is_found_out(tmp_path):
    """The system itself refuses the file, as it does where no room is left."""
    assert validator.beside(tmp_path) == 1.0
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, allowed[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            validator.beside(tmp_path)
        if connection.vendor == "sqlite":
            assert validator.room()[:2] == (False, "write-failed")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert list(tmp_path.iterdir()) == []


def test_foreign_keys_that_are_off_are_told(monkeypatch):
    if connection.vendor == "sqlite":
        monkeypatch.setattr(validator, "asked", lambda cursor, sql: 0)  # a transaction can't switch them off
    else:
        execute("SET LOCAL session_replication_role = replica")
    passed, code, _ = validator.references()
    assert (passed, code) == (False, "references-loose")


def test_a_damaged_database_is_told(tmp_path):
    """Bytes in the midst of a file are overwritten."""
    path = tmp_path / "broken.sqlite3"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE a (x TEXT)")
        raw.execute("CREATE INDEX b ON a (x)")
        raw.executemany("INSERT INTO a VALUES (?)", [(str(n) * 50,) for n in range(2000)])
    raw.close()
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096)
    raw = sqlite3.connect(path)
    passed, code, params = validator.pages(raw.cursor(), raw)
    assert (passed, code) == (False, "pages-broken") and params["error"]
    raw.close()


def test_reading_everything_is_given_up_in_time(monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL counts its own checksums")
    monkeypatch.setattr(validator, "PATIENCE", -1.0)
    monkeypatch.setattr(validator, "STEPS", 1)
    check = checks()["integrity"]
    assert (check.passed, check.code) == (True, "pages-partly")


def test_another_modes_database_is_told(settings):
    Installation.objects.create(mode="live", venue="https://elsewhere", created_at=NOW)
    check = checks()["identity"]
    assert not check.passed and "and not ours" in told(check)
    Installation.objects.update(mode=settings.QUANTUM.mode, venue=settings.QUANTUM.venue)
    assert checks()["identity"].code == "database-ours"


def test_a_file_that_was_replaced_under_the_open_one_is_told(tmp_path):
    path = tmp_path / "a.sqlite3"
    assert validator.moved(path)
    path.write_bytes(b"first")
    with path.open("rb"):
        assert not validator.moved(path)
        path.rename(tmp_path / "b.sqlite3")
        path.write_bytes(b"second")
        assert validator.moved(path)


def test_the_module_stores_its_finding_and_reports_what_failed():
    module = MODULES["database_validator"]
    assert isinstance(module, DatabaseValidator) and module.title == "Database Validator"
    assert module.every.total_seconds() == 300
    report = module.tick(NOW)
    assert (report.examined, report.actions, report.idle_reason) == (14, 0, "")
    stored = DatabaseFinding.objects.get()
    assert stored.passed and stored.vendor == connection.vendor
    execute("ALTER TABLE trading_modulestate ADD COLUMN spare integer")
    report = module.tick(NOW)
    assert report.actions == 1 and not DatabaseFinding.objects.latest("id").passed


def test_findings_of_more_than_a_week_ago_go():
    DatabaseFinding.objects.create(at=NOW - validator.KEPT * 2, passed=True, vendor="x")
    validator.store(validator.validate(NOW))
    assert DatabaseFinding.objects.count() == 1

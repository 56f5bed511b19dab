"""The validator names what is missing, and proves that a row can be written, read and taken back."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from monitoring.models import DatabaseFinding
from monitoring.watch import validator
from monitoring.watch.keeping import DatabaseValidator
from monitoring.watch.probes.words import say
from tests.builders import NOW
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db


def checks():
    return {check.name: check for check in validator.validate(NOW).checks}


def told(check):
    return say(check.code, check.params)


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_our_own_database_passes():
    finding = validator.validate(NOW)
    assert [check.name for check in finding.checks if not check.passed] == []
    assert [check.name for check in finding.checks] == [
        "tables", "columns", "migrations", "write", "read", "roll_back", "durability",
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


def test_the_module_stores_its_finding_and_reports_what_failed():
    module = MODULES["database_validator"]
    assert isinstance(module, DatabaseValidator) and module.title == "Database Validator"
    assert module.every.total_seconds() == 300
    report = module.tick(NOW)
    assert (report.examined, report.actions, report.idle_reason) == (7, 0, "")
    stored = DatabaseFinding.objects.get()
    assert stored.passed and stored.vendor == connection.vendor
    execute("ALTER TABLE trading_modulestate ADD COLUMN spare integer")
    report = module.tick(NOW)
    assert report.actions == 1 and not DatabaseFinding.objects.latest("id").passed


def test_findings_of_more_than_a_week_ago_go():
    DatabaseFinding.objects.create(at=NOW - validator.KEPT * 2, passed=True, vendor="x")
    validator.store(validator.validate(NOW))
    assert DatabaseFinding.objects.count() == 1

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django_celery_beat.models import PeriodicTask

from monitoring.control.installation import WrongDatabase
from monitoring.models import AuditEntry
from quantum import preparation
from trading import modules, schedule
from trading.models import Installation, SwitchChange
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db


def test_the_database_is_stamped_for_its_mode_and_market_alone():
    lines: list[str] = []
    preparation.database(settings.QUANTUM, lines.append)
    assert Installation.objects.get().mode == "practice"
    assert lines[-1].startswith("database is ready")
    Installation.objects.update(mode="testnet")
    with pytest.raises(WrongDatabase, match="belongs to QT_MODE=testnet"):
        preparation.database(settings.QUANTUM, lines.append)


def test_a_database_of_a_newer_version_is_refused():
    MigrationRecorder(connection).record_applied("trading", "0999_of_tomorrow")
    with pytest.raises(preparation.Refused, match=r"newer version \(trading.0999_of_tomorrow\)"):
        preparation.database(settings.QUANTUM, lambda line: None)


def test_every_module_gets_a_schedule_once_and_edits_stay():
    assert set(modules.REQUIRED) <= set(MODULES)
    assert sorted(schedule.sync(MODULES)) == sorted(MODULES)
    task = PeriodicTask.objects.get(name="tick: executor")
    assert (task.task, task.args, task.queue) == ("trading.tick", '["executor"]', "practice-trade")
    task.enabled, task.queue = False, "practice-work"
    task.save()
    assert schedule.sync(MODULES) == []
    task.refresh_from_db()
    assert (task.enabled, task.queue) == (False, "practice-work")


def test_a_schedule_without_a_module_is_switched_off():
    schedule.sync(MODULES)
    schedule.sync({name: module for name, module in MODULES.items() if name != "executor"})
    assert not PeriodicTask.objects.get(name="tick: executor").enabled
    assert PeriodicTask.objects.filter(enabled=True, name__startswith="tick: ").count() == len(MODULES) - 1


def test_a_lost_process_stops_entries_and_never_loosens_a_stop():
    preparation.stop_entries("worker", "worker ended (exit 1) for the 5th time within 60 s and is given up")
    change = SwitchChange.objects.get()
    assert (change.state, change.by) == ("reducing", "supervisor")
    assert AuditEntry.objects.get().action == "switch"
    SwitchChange.objects.create(state="halted", at=change.at, by="x", reason="x")
    preparation.stop_entries("worker", "again")
    assert SwitchChange.objects.latest().state == "halted"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "web,wroker"], "but not wroker"),
        (["--port", "0"], "within 1 and 65535"),
        (["--port", "70000"], "was 70000"),
    ],
)
def test_the_command_refuses_nonsense(arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command("run", *arguments)

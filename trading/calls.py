"""Who calls which module how often: counted per minute, kept for a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection

from trading.models import ModuleCall

if TYPE_CHECKING:
    from trading.runtime import Report

KEPT = timedelta(hours=24)
COLUMNS = ("ticks", "idle", "errors", "examined", "actions")
UPSERT = """
INSERT INTO {table} (name, caller, minute, ticks, idle, errors, examined, actions, slowest_ms)
VALUES (%s, %s, %s, 1, %s, %s, %s, %s, %s)
ON CONFLICT (name, caller, minute) DO UPDATE SET
{sums},
slowest_ms = CASE WHEN excluded.slowest_ms > {table}.slowest_ms THEN excluded.slowest_ms ELSE {table}.slowest_ms END
"""


def count(name: str, caller: str, now: datetime, report: Report, error: str, took_ms: int) -> None:
    """One statement a tick: its minute's row is made, or counted on."""
    table = ModuleCall._meta.db_table
    sums = ",\n".join(f"{column} = {table}.{column} + excluded.{column}" for column in COLUMNS)
    idle = not error and (bool(report.idle_reason) or not report.examined)
    field = ModuleCall._meta.get_field("minute")
    minute = field.get_db_prep_value(minute_of(now), connection)
    values = [name, caller[:40], minute, int(idle), int(bool(error)), report.examined, report.actions, took_ms]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT.format(table=table, sums=sums), values)


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def forget(now: datetime) -> int:
    """Counts older than a day; how many rows went."""
    return ModuleCall.objects.filter(minute__lt=now - KEPT).delete()[0]

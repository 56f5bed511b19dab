"""Whose database this is: stamped once with mode and venue; another mode or market refuses it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from monitoring.control import audit
from trading.models import Installation


class WrongDatabase(RuntimeError):
    """This database belongs to another mode or market."""


def check(mode: str, venue: str) -> None:
    """Raise where the database is stamped for something else; also before its first migration."""
    if Installation._meta.db_table not in connection.introspection.table_names():
        return
    stamped = Installation.objects.order_by("id").values_list("mode", "venue").first()
    if stamped and stamped != (mode, venue):
        raise WrongDatabase(
            f"This database belongs to QT_MODE={stamped[0]} on {stamped[1]}, but the settings say QT_MODE={mode} on "
            f"{venue}. Give {mode} a database of its own (DATABASE_URL, or another folder with QT_VAR)."
        )


def stamp(mode: str, venue: str, now: datetime) -> None:
    """Mark an unmarked database as ours; refuse a marked one that is not."""
    with transaction.atomic():
        audit.lock()
        check(mode, venue)
        if not Installation.objects.exists():
            Installation.objects.create(mode=mode, venue=venue, created_at=now)

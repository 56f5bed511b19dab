"""Asking for a drill: permission, audit row, queued row, and a process of its own that carries it out.

It must outlive what it kills, so it is no task of a worker: it ends by itself when the house does.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from monitoring.control import audit, practice
from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.actions.common import tidy
from monitoring.control.drills import house, runner
from monitoring.control.drills.subjects import profile
from monitoring.control.permissions import person
from monitoring.models import DrillRun
from monitoring.watch.drills.catalogue import CATALOGUE
from trading import events
from trading.gates import rows as gate_rows
from trading.models import SwitchChange

KEPT, KEEP_DAYS = 20_000, 180  # newest runs, and days
GOING = (DrillRun.QUEUED, DrillRun.RUNNING)


def request(name: str, who: Any, now: datetime, reason: str = "") -> DrillRun:
    """Ask for one drill: its queued row. Refused outside practice mode, while halted, and while one is running."""
    actor, reason = person(who), tidy(reason)
    actor.must("drill.start")
    if name not in CATALOGUE:
        raise BadRequest("name", _("There is no drill %(name)s.") % {"name": name[:60]})
    practice.must_practise()
    if (state := gate_rows.switch_state()) != SwitchChange.ACTIVE:
        raise Stale(_("The switch is on %(state)s: nothing is broken on purpose now.") % {"state": state})
    if house.supervisor(Path(settings.VAR)) is None:
        raise Unreachable(_("No house runs in this folder, so there is nothing to drill."))
    runner.recover(now)
    with transaction.atomic():
        audit.lock()
        if (going := DrillRun.objects.filter(outcome__in=GOING).first()) is not None:
            raise Stale(_("The drill %(name)s is going on: one at a time.") % {"name": going.name})
        row = queued(name, actor.name, now)
        audit.append(who=actor.name, action="drill.start", target=name, after={"run": row.pk}, reason=reason, now=now)
        events.changed("drills")
    prune(now)
    return row


def queued(name: str, by: str, now: datetime) -> DrillRun:
    return DrillRun.objects.create(
        name=name,
        requested_at=now,
        by=by[:80],
        build=settings.BUILD,
        seed=settings.QUANTUM.market[:120],
        profile=profile(),
        mode=settings.QUANTUM.mode,
    )


def launch(row: DrillRun) -> None:
    """Start the process that carries it out; where it can't be started the drill has failed."""
    folder = Path(settings.VAR) / "log"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "drill", "--run", str(row.pk)]
    try:
        with (folder / "drill.log").open("ab") as output:
            subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        runner.ended(row, DrillRun.FAILED, "BROKE", {"error": str(error)[:200]}, row.requested_at)
        raise Unreachable(_("The drill's process could not be started: %(why)s.") % {"why": error}) from error


def start(name: str, who: Any, now: datetime, reason: str = "") -> DrillRun:
    """Ask for a drill and have it carried out; its progress is in its row."""
    row = request(name, who, now, reason)
    launch(row)
    return row


def prune(now: datetime) -> int:
    """Forget runs that are older than half a year, or beyond the newest ones that are kept."""
    beyond = DrillRun.objects.order_by("-id").values_list("pk", flat=True)[KEPT : KEPT + 1]
    old = Q(requested_at__lt=now - timedelta(days=KEEP_DAYS)) | Q(pk__lte=max(beyond, default=0))
    return DrillRun.objects.filter(old).exclude(outcome__in=GOING).delete()[0]

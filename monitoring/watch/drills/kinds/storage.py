"""Database and broker: locked, cut off, hung, emptied."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    CutBroker,
    CutDatabase,
    Drill,
    EmptyQueues,
    Freeze,
    LockDatabase,
    Need,
    Part,
    Sign,
    Until,
    Within,
)

TICKS = (Sign("tick", ("position_monitor",)), Sign("tick", ("exchange",)))
ON = _("Nothing is lost or done twice: what waits is done, schedules and the stream ring again.")

DRILLS = (
    Drill(
        name="database-locked",
        part=Part.STORAGE,
        rows="D09, D10",
        title=_("The database takes no writes for 8 s"),
        broken=_("Somebody else holds the database's writers for 8 s."),
        expected=_("Writers wait instead of failing; every module ticks again, and the laws hold."),
        breaks=(LockDatabase(8),),
        detects=(Sign("beat.late"), Sign("tick.slow"), Sign("incident.opened", ("DATABASE_*",))),
        acts=(),
        verifies=TICKS,
        within=Within(30, 30, 30),
        fast=True,
    ),
    Drill(
        name="database-cut",
        part=Part.STORAGE,
        rows="D09",
        title=_("Every connection to the database is cut"),
        broken=_("PostgreSQL ends every connection of the house."),
        expected=_("Each process connects again by itself, and every module ticks again."),
        breaks=(CutDatabase(),),
        detects=TICKS,
        acts=TICKS,
        verifies=(*TICKS, Sign("page.up")),
        within=Within(25, 30, 30),
        needs=(Need.POSTGRES,),
    ),
    Drill(
        name="broker-cut",
        part=Part.STORAGE,
        rows="D13",
        title=_("Every connection to the broker is cut"),
        broken=_("The broker ends every connection of the house."),
        expected=_("Each process connects again by itself: a task that ran proves it."),
        breaks=(CutBroker(),),
        detects=TICKS,
        acts=TICKS,
        verifies=TICKS,
        within=Within(25, 30, 30),
    ),
    Drill(
        name="queues-emptied",
        part=Part.STORAGE,
        rows="D13, D06, 21.14",
        title=_("What waits in the queues is lost"),
        broken=_("The house's queues are emptied."),
        expected=ON,
        breaks=(EmptyQueues(),),
        detects=TICKS,
        acts=TICKS,
        verifies=TICKS,
        within=Within(25, 30, 30),
        fast=True,
    ),
    Drill(
        name="broker-hung",
        part=Part.STORAGE,
        rows="D13, 21.69",
        title=_("The broker hangs"),
        broken=_("The broker is stopped without a word: connections stay open, and nothing answers."),
        expected=_("The stream trades on by itself; when the broker answers, tasks run again within 10 s."),
        breaks=(Freeze("valkey"),),
        detects=(Sign("incident.opened", ("BROKER_SILENT",)), Sign("readyz.no")),
        acts=(),
        verifies=TICKS,
        within=Within(60, 60, 30),
        needs=(Need.EMBEDDED,),
        until=Until.DETECTED,
    ),
)

"""Processes: killed, killed again, stopped without a word."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.kinds.stops import PROTECTED
from monitoring.watch.drills.spec import (
    CALMLY,
    Cancel,
    Drill,
    Freeze,
    Hold,
    Kill,
    Need,
    Part,
    Sign,
    Stranger,
    Until,
    Within,
)

RESTARTED = _("The supervisor starts it again within seconds, and it works again; nothing is lost or done twice.")
FOUND = Within(15, 45, 90)  # three beats are missed, one look; an end of 5 s; a start on a busy machine
UNSTUCK = _("Its silence becomes an incident, it is started again, and it works again.")


def killed(process: str, name: str, title: Promise, works: Sign, again: int = 0, verify: float = 90) -> Drill:
    return Drill(
        name=name, part=Part.PROCESSES, rows="D01, D02, 21.68", title=title,
        broken=_("The process is killed (SIGKILL)."), expected=RESTARTED,
        breaks=(Kill(process, again),),
        detects=(Sign("process.started", (process,)),),
        acts=(Sign("process.started", (process,)),),
        verifies=(Sign("process.started", (process,)), works),
        within=Within(3 + 8 * again, 5 + 15 * again, verify + 20 * again), fast=process == "stream" and not again,
    )  # fmt: skip


def frozen(process: str, name: str, title: Promise, works: tuple[Sign, ...], within: Within) -> Drill:
    return Drill(
        name=name, part=Part.PROCESSES, rows="D03, D18, 21.61", title=title,
        broken=_("The process is stopped without a word (SIGSTOP): it lives, and does nothing."), expected=UNSTUCK,
        breaks=(Freeze(process),),
        detects=(Sign("incident.opened", (f"PROCESS_*:{process}",)), Sign("process.started", (process,))),
        acts=(Sign("process.started", (process,)),),
        verifies=works, within=within, until=Until.ACTED, restarts=1,
    )  # fmt: skip


DRILLS = (
    killed("worker", "worker-killed", _("The trading worker is killed"), Sign("tick", ("position_monitor",))),
    killed("trainer", "trainer-killed", _("The trainer is killed"), Sign("tick", ("exchange",))),
    killed("stream", "stream-killed", _("The stream is killed"), Sign("work", ("stream",))),
    killed("beat", "beat-killed", _("The scheduler is killed"), Sign("tick", ("position_monitor",))),
    killed("web", "page-killed", _("The page is killed"), Sign("page.up"), verify=20),
    killed("stream", "stream-killed-twice", _("The stream is killed three times"), Sign("work", ("stream",)), again=2),
    frozen(
        "worker", "worker-frozen", _("The trading worker hangs"), (Sign("tick", ("position_monitor",)),), FOUND,
    ),
    frozen("stream", "stream-frozen", _("The stream hangs"), (Sign("work", ("stream",)),), FOUND),
    frozen("trainer", "trainer-frozen", _("The trainer hangs"), (Sign("tick", ("exchange",)),), FOUND),
    frozen("beat", "beat-frozen", _("The scheduler hangs"), (Sign("tick", ("exchange",)),), FOUND),
    Drill(
        name="code-differs",
        part=Part.PROCESSES,
        rows="D15",
        title=_("A second machine runs other code"),
        broken=_("A worker of another machine beats into the same database, and runs other code than the page."),
        expected=_("It is named with both codes as an incident, and that ends when the stranger has left."),
        breaks=(Stranger(),),
        detects=(Sign("incident.opened", ("CODE_DIFFERS:worker@drill-elsewhere",)),),
        acts=(),
        verifies=(Sign("incident.closed", ("CODE_DIFFERS:worker@drill-elsewhere",)),),
        within=CALMLY,
        until=Until.DETECTED,
    ),
    Drill(
        name="worker-killed-while-naked",
        part=Part.PROCESSES,
        rows="D01, A19",
        title=_("The worker is killed while a stop is missing"),
        broken=_("The working stop is cancelled at the exchange, and the worker is killed at that moment."),
        expected=_("The first thing that the new worker does is to look: the stop is placed again, one and not two."),
        breaks=(Hold(), Kill("worker"), Cancel(("stop",))),
        detects=(Sign("process.started", ("worker",)), Sign("order", ("stop:canceled",))),
        acts=(Sign("venue.stop", ("{symbol}",)),),
        verifies=(*PROTECTED, Sign("process.started", ("worker",))),
        within=Within(5, 20, 30),
        needs=(Need.POSITION,),
    ),
)  # fmt: skip

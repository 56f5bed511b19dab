"""The modules' page: what runs, which process runs it, when it is to run again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from monitoring.show import controls, machinery
from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene, table


def said(scene: Scene) -> dict[str, Any]:
    found = scene.once(machinery.runs)
    sentence, tone = machinery.summary(found, scene.once(table).odd)
    working = [run.pulse.state.last_work for run in found if run.pulse.state and run.pulse.state.last_work]
    return {
        "sentence": sentence,
        "tone": tone,
        "tally": machinery.tally(found),
        "worked_at": max(working, default=None),
    }


def runs(scene: Scene) -> dict[str, Any]:
    found = scene.once(machinery.runs)
    rows = [(run, controls.offer(by_hand(run, scene.now), scene.audience)) for run in found]
    return {"runs": rows, "about": _("%(n)s, worst first") % {"n": len(found)}}


def by_hand(run: machinery.Run, now: datetime) -> controls.Control:
    state = run.pulse.state
    return controls.tick(run.pulse.name, run.pulse.title, state.last_work if state else None, run.every, now)


def processes(scene: Scene) -> dict[str, Any]:
    return {"processes": scene.once(machinery.processes)}


def ticked_at(scene: Scene) -> datetime | None:
    ticks = [run.pulse.state.last_tick for run in scene.once(machinery.runs) if run.pulse.state]
    return max((at for at in ticks if at), default=None)


register(
    Panel("modules_said", said, ticked_at, lambda: SECOND * 30, timed=True, follows=("modules",), seldom=3),
    Panel("runs", runs, ticked_at, lambda: SECOND * 30, timed=True, follows=("modules",), seldom=3),
    Panel("processes", processes, ticked_at, lambda: SECOND * 30, timed=True, follows=("modules",), seldom=3),
)

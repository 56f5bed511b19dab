"""Models and modules: files gone, schedules switched off, claims of the dead, bells rung too often."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    Claim,
    Drill,
    HideModels,
    Need,
    Part,
    Ring,
    Sign,
    Unschedule,
    Until,
    Within,
)

MINUTE = 75  # until the next bar of a minute is judged


def hung(module: str, name: str, title: Promise, within: Within) -> Drill:
    """The module is claimed by a dead one."""
    return Drill(
        name=name, part=Part.MODULES, rows="D03, D18, 21.60", title=title,
        broken=_("A worker claimed the module and died without giving it back: nobody else may tick it."),
        expected=_("Its silence becomes an incident, the claim is freed, and the module ticks again."),
        breaks=(Claim(module),),
        detects=(Sign("incident.opened", (f"MODULE_SILENT:{module}", f"MODULE_HUNG:{module}", f"MODULE_*:{module}")),),
        acts=(Sign("remedy", (f"restart_module:{module}", "restart_process:*")),),
        verifies=(Sign("tick", (module,)), Sign("incident.closed", (f"MODULE_*:{module}",))),
        within=within, restarts=1,
    )  # fmt: skip


def rung(module: str, name: str, title: Promise) -> Drill:
    return Drill(
        name=name, part=Part.MODULES, rows="D04, D06, 21.28", title=title,
        broken=_("The same bell is rung 50 times at once."),
        expected=_("A few ticks answer all of them, nothing is done twice, and the laws hold."),
        breaks=(Ring(module, 50),),
        detects=(Sign("bells.few", (module,)),), acts=(Sign("tick", (module,)),),
        verifies=(Sign("bells.few", (module,)), Sign("tick", (module,))),
        within=Within(45, 45, 30), fast=True,
    )  # fmt: skip


DRILLS = (
    hung("trailing", "trailing-hung", _("The trailing stop manager hangs"), Within(75, 90, 120)),
    hung("position_monitor", "keeper-hung", _("The position monitor hangs"), Within(75, 90, 120)),
    Drill(
        name="keeper-unscheduled",
        part=Part.MODULES,
        rows="D18, 21.36",
        title=_("The position monitor's schedule is off"),
        broken=_("Somebody switches the position monitor's schedule off."),
        expected=_("It is expected all the same: its silence is an incident, and it is ticked by the healer."),
        breaks=(Unschedule("position_monitor"),),
        detects=(Sign("incident.opened", ("MODULE_*:position_monitor",)),),
        acts=(Sign("remedy", ("restart_module:position_monitor", "restart_process:worker")),),
        verifies=(Sign("tick", ("position_monitor",)), Sign("incident.closed", ("MODULE_*:position_monitor",))),
        within=Within(75, 90, 60),
        until=Until.ACTED,
        restarts=1,
    ),
    rung("position_monitor", "bell-rung-often", _("The position monitor's bell is rung 50 times")),
    rung("executor", "executor-rung-often", _("The executor's bell is rung 50 times")),
    Drill(
        name="models-gone",
        part=Part.MODELS,
        rows="C01, 21.46",
        title=_("The models' files are gone"),
        broken=_("The files of all champions are gone."),
        expected=_("No model, no signal, no rule in its place: the bar is not judged, and says why."),
        breaks=(HideModels(),),
        detects=(Sign("absent", ("NO_MODEL", "MODELS_TRAINING", "MODEL_OUTPUT_INVALID")),),
        acts=(),
        verifies=(Sign("judged"),),
        within=Within(MINUTE, MINUTE, MINUTE * 2),
        needs=(Need.MODELS,),
        until=Until.DETECTED,
    ),
    Drill(
        name="models-cut-short",
        part=Part.MODELS,
        rows="C01",
        title=_("The models' files are cut short"),
        broken=_("The files of all champions have lost their second half."),
        expected=_("What does not have its digest is not loaded; the bar is not judged and says why."),
        breaks=(HideModels(cut=True),),
        detects=(Sign("absent", ("NO_MODEL", "MODELS_TRAINING", "MODEL_OUTPUT_INVALID")),),
        acts=(),
        verifies=(Sign("judged"),),
        within=Within(MINUTE, MINUTE, MINUTE * 2),
        needs=(Need.MODELS,),
        until=Until.DETECTED,
    ),
)  # fmt: skip

"""Run a module by hand, refresh the universe, train anew: rung for on the module's own queue, read from its beat."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import BadRequest, Unreachable, tidy
from monitoring.control.permissions import person
from trading import events
from trading.models import ModuleState, TrainingRun

PATIENCE = 4.0  # seconds that an answer waits for the tick
LOOK = 0.1
UNIVERSE, RETRAINING = "universe", "retraining"


@dataclass(frozen=True, slots=True)
class Asked:
    """A tick that was asked for; `ticked` says what came of it."""

    module: str
    title: str
    called_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticked:
    """The module's first beat since it was asked for; None in `at` while there is none."""

    module: str
    title: str
    at: datetime | None
    examined: int = 0
    actions: int = 0
    idle_reason: str = ""
    error: str = ""
    took_ms: int = 0

    @property
    def done(self) -> bool:
        return self.at is not None


def tick_module(name: str, who: Any, now: datetime, reason: str = "") -> Asked:
    """Ring for one tick of a module. It is claimed like any other tick: two at once are one."""
    actor = person(who)
    actor.must("module.tick")
    return ring(name, actor.name, "module.tick", tidy(reason), now)


def refresh_universe(who: Any, now: datetime, reason: str = "") -> Asked:
    """Ask for a new snapshot of what may be traded."""
    actor = person(who)
    actor.must("universe.refresh")
    return ring(UNIVERSE, actor.name, "universe.refresh", tidy(reason), now)


def ring(name: str, by: str, action: str, reason: str, now: datetime) -> Asked:
    """The bell, then its audit row; where nobody hears it nothing was asked for, and nothing is noted.

    No transaction is open while the queue is silent: the database's only writer would wait with it.
    """
    modules = registry()
    if name not in modules:
        told = {"name": name, "modules": ", ".join(sorted(modules))}
        raise BadRequest("name", _("There is no module %(name)s. Modules: %(modules)s.") % told)
    module, caller = modules[name], by[:40]
    if not events.ring("trading.tick", name, caller, queue=module.queue):
        raise Unreachable(_("The queue does not answer, so nothing was asked for. Try again."))
    audit.append(who=by, action=action, target=name, after={"called_by": caller}, reason=reason, now=now)
    return Asked(name, module.title, caller, now)


def registry() -> dict[str, Any]:
    """Every module by name."""
    import trading.modules  # noqa: F401 - fills the registry
    from trading.runtime import MODULES

    return MODULES


def ticked(asked: Asked, patience: float | None = None, rest: Callable[[float], None] = time.sleep) -> Ticked:
    """What the module beat since it was asked, after waiting up to `patience` seconds for it."""
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        row = ModuleState.objects.filter(name=asked.module, last_tick__gte=asked.at, claimed_until=None).first()
        if row is not None:
            failed = row.last_error_at is not None and row.last_error_at >= asked.at
            return Ticked(
                asked.module,
                asked.title,
                row.last_tick,
                row.examined,
                row.actions,
                row.idle_reason,
                row.last_error if failed else "",
                row.took_ms,
            )
        if time.monotonic() >= end:
            return Ticked(asked.module, asked.title, None)
        rest(LOOK)


def retrain(who: Any, now: datetime, reason: str = "") -> TrainingRun:
    """Ask for a training; where one is running already, it is that one."""
    from trading.forecast import store

    actor, reason = person(who), tidy(reason)
    actor.must("model.retrain")
    with transaction.atomic():
        audit.lock()
        run = store.request_retraining(actor.name, reason, now)
        if run.started_at == now:
            audit.append(
                who=actor.name, action="model.retrain", target=f"training {run.pk}", after={"run": run.pk},
                reason=reason, now=now,
            )  # fmt: skip
        events.changed("models")
    return run

"""What runs: modules, registered once, claimed, ticked, and remembered by what they did.

`run(name, now)` is the one way a module ticks, whoever calls: it claims the module, ticks it, stores the beat and
announces. It holds the only broad `except` of the runtime, and fails closed: the error becomes the module's last_error.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from django.conf import settings
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from trading import events
from trading.models import ModuleState

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)  # a killed worker's claim ends by then; two at once do no harm, only double work
ENDING = threading.Event()  # this process was asked to end: long work stops at its next step and hands itself back
CALLER: ContextVar[str] = ContextVar("caller", default="beat")  # who made the tick at hand


@dataclass(frozen=True, slots=True)
class Report:
    """What one tick did: items examined, actions taken, or idle and why."""

    examined: int = 0
    actions: int = 0
    idle_reason: str = ""
    lag_ms: int = 0
    panels: tuple[str, ...] = ()

    @classmethod
    def idle(cls, why: str, examined: int = 0) -> Report:
        return cls(examined=examined, idle_reason=why)


class Module(Protocol):
    name: str  # executor, position_monitor ...
    title: str  # Event Driven Executor
    every: timedelta
    queue: str  # trade, work, train

    def tick(self, now: datetime) -> Report: ...


MODULES: dict[str, Module] = {}
M = TypeVar("M")


def register(module: type[M]) -> type[M]:
    """Class decorator: one instance of the module, by its name."""
    one = module()
    if one.name in MODULES:  # type: ignore[attr-defined]
        raise ValueError(f"module {one.name} is registered twice")  # type: ignore[attr-defined]
    MODULES[one.name] = one  # type: ignore[attr-defined,assignment]
    return module


def claim(name: str, now: datetime, lease: timedelta) -> int | None:
    """Take the module for `lease`; its fencing token, or None where somebody else is at it."""
    ModuleState.objects.get_or_create(name=name)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    taken = ModuleState.objects.filter(free, name=name).update(claimed_until=now + lease, fence=F("fence") + 1)
    return ModuleState.objects.values_list("fence", flat=True).get(name=name) if taken else None


def run(
    name: str, now: datetime | None = None, called_by: str = "beat", clock: Callable[[], datetime] = timezone.now
) -> Report | None:
    """Claim, tick, remember, announce. None where the module is already being ticked elsewhere."""
    module = MODULES[name]
    now = now or clock()
    fence = claim(name, now, lease=max(module.every * 2, LEASE))
    if fence is None:
        return None
    began = time.perf_counter()
    error = ""
    CALLER.set(called_by)
    try:
        report = module.tick(now)
    except Exception as failure:
        log.exception("%s failed", module.title)
        report, error = Report(), f"{type(failure).__name__}: {failure}"[:500]
    beat(name, fence, now, report, error, called_by, took_ms=int((time.perf_counter() - began) * 1000))
    return report


def beat(name: str, fence: int | None, now: datetime, report: Report, error: str, called_by: str, took_ms: int) -> None:
    """Store what was done. With a fence: only if that claim is still ours, and the module is free again.

    Without one it was done elsewhere, which says nothing of an error that the module's own last tick ended in: that
    one stands until its own next tick.
    """
    fields: dict = {"last_tick": now, "took_ms": took_ms}
    rows = ModuleState.objects.filter(name=name)
    if fence is not None:
        rows, fields["claimed_until"] = rows.filter(fence=fence), None
    else:
        failed = When(last_error_at__gte=F("last_tick"), then=F("last_tick"))
        fields["last_tick"] = Case(failed, default=Value(now))
    if error:
        fields |= {"last_error": error, "last_error_at": now, "called_by": called_by}
    else:
        fields |= {"idle_reason": report.idle_reason[:300], "config_hash": settings.QUANTUM.fingerprint}
    if report.examined and not error:  # a tick that found nothing to do leaves standing what the last work did
        fields |= {
            "examined": report.examined,
            "actions": report.actions,
            "total_actions": F("total_actions") + report.actions,
            "lag_ms": max(0, report.lag_ms),
            "called_by": called_by,
        }
        if not report.idle_reason:
            fields["last_work"] = now
    elif not error:
        fields["called_by"] = Case(When(called_by="", then=Value(called_by)), default=F("called_by"))
    rows.update(**fields)
    events.changed("modules", *report.panels)


def record(name: str, now: datetime, report: Report, called_by: str) -> None:
    """A beat for work that was done outside a tick: the stream stores candles, the executor asks the risk guard."""
    ModuleState.objects.get_or_create(name=name)
    beat(name, None, now, report, "", called_by, took_ms=0)

"""What runs: modules, registered once, claimed, ticked, and remembered by what they did.

`run(name, now)` is the one way a module ticks, whoever calls: it claims the module, ticks it, stores the beat, counts
the call and announces. It holds the only broad `except` of a tick, and fails closed: the error becomes the module's
last_error. A module that can't be loaded or made is noted in BROKEN, and takes no other with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from trading import calls, events
from trading.models import ModuleState

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)  # a killed worker's claim ends by then; two at once do no harm, only double work
ENDING = threading.Event()  # this process was asked to end: long work stops at its next step and hands itself back
LONGEST_LAG = 2**31 - 1  # ms, what the column holds: a clock that was put back by months stops nobody
RINGERS = frozenset({"beat", "stream", "trainer", "drill"})
CALLER: ContextVar[str] = ContextVar("caller", default="beat")  # who made the tick at hand


@dataclass(frozen=True, slots=True)
class Report:
    """What one tick did: items examined, actions taken, or idle and why; items that could not be done, and why."""

    examined: int = 0
    actions: int = 0
    idle_reason: str = ""
    lag_ms: int = 0
    panels: tuple[str, ...] = ()
    failed: int = 0
    trouble: str = ""

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
BROKEN: dict[str, str] = {}  # modules that this process could not load or make, and why
M = TypeVar("M")


def register(module: type[M]) -> type[M]:
    """Class decorator: one instance of the module, by its name. One that can't be made is broken, and says why."""
    name: str = module.name  # type: ignore[attr-defined]
    if name in MODULES:
        raise ValueError(f"module {name} is registered twice")
    try:
        MODULES[name] = module()  # type: ignore[assignment]
    except Exception as error:
        log.exception("module %s can't be made", name)
        BROKEN[name] = said(error)
    return module


def load(files: Mapping[str, Iterable[str]]) -> None:
    """Import the files that register modules; the modules of one that can't be imported are broken, the others live."""
    for path, names in files.items():
        try:
            import_module(path)
        except Exception as error:
            log.exception("%s can't be imported", path)
            BROKEN.update({name: said(error) for name in names if name not in MODULES})


def said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def machine(caller: str) -> bool:
    """Not a person: a module, or one of the processes that ring by themselves."""
    return caller in MODULES or caller in RINGERS


def began_since(name: str, at: datetime) -> bool:
    """The module's newest finished tick began after `at`: it has seen whatever was true then."""
    return ModuleState.objects.filter(name=name, last_tick__gte=at).exists()


def claim(name: str, now: datetime, lease: timedelta) -> int | None:
    """Take the module for `lease`; its fencing token, or None where somebody else is at it.

    Taken over from who never came back, it is at it since then: a module that hangs again and again is no new one.
    """
    ModuleState.objects.get_or_create(name=name)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    since = Case(When(claimed_at=None, then=Value(now)), default=F("claimed_at"))
    mine = {"claimed_until": now + lease, "claimed_at": since, "fence": F("fence") + 1}
    taken = ModuleState.objects.filter(free, name=name).update(**mine)
    return ModuleState.objects.values_list("fence", flat=True).get(name=name) if taken else None


def run(
    name: str, now: datetime | None = None, called_by: str = "beat", clock: Callable[[], datetime] = timezone.now
) -> Report | None:
    """Claim, tick, remember, announce. None where it is being ticked elsewhere, or could not be loaded here."""
    now = now or clock()
    if name in BROKEN:
        note_broken(name, BROKEN[name], now)
        return None
    module = MODULES[name]
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
        rows, fields["claimed_until"], fields["claimed_at"] = rows.filter(fence=fence), None, None
    else:
        failed = When(last_error_at__gte=F("last_tick"), then=F("last_tick"))
        fields["last_tick"] = Case(failed, default=Value(now))
    if error:
        fields |= {"last_error": error, "last_error_at": now, "called_by": called_by}
    else:
        fields |= {"idle_reason": report.idle_reason[:300], "failed": report.failed, "trouble": report.trouble[:300]}
        fields |= identity()
    if report.examined and not error:  # a tick that found nothing to do leaves standing what the last work did
        fields |= {
            "examined": report.examined,
            "actions": report.actions,
            "total_actions": F("total_actions") + report.actions,
            "lag_ms": min(max(0, report.lag_ms), LONGEST_LAG),
            "called_by": called_by,
        }
        if not report.idle_reason:
            fields["last_work"] = now
    elif not error:
        fields["called_by"] = Case(When(called_by="", then=Value(called_by)), default=F("called_by"))
    rows.update(**fields)
    calls.count(name, called_by, now, report, error, took_ms)
    events.changed("modules", *report.panels)


def record(name: str, now: datetime, report: Report, called_by: str) -> None:
    """A beat for work that was done outside a tick: the stream stores candles, the executor asks the risk guard."""
    ModuleState.objects.get_or_create(name=name)
    beat(name, None, now, report, "", called_by, took_ms=0)


def identity() -> dict[str, Any]:
    """Which code and settings this process runs."""
    return {"build": settings.BUILD, "code": settings.CODE, "config_hash": settings.QUANTUM.fingerprint}


def note_broken(name: str, why: str, now: datetime) -> None:
    """It was called and can't answer: nothing of it ran, so nothing but the error is stored."""
    ModuleState.objects.update_or_create(name=name, defaults={"last_error": why, "last_error_at": now})
    log.error("%s was called, and could not be loaded: %s", name, why)

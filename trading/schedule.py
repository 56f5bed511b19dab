"""The registry's beat schedules: absent ones are made, existing ones belong to whoever edits them in the admin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from trading.runtime import BROKEN, Module

PREFIX = "tick: "


def sync(modules: Mapping[str, Module]) -> list[str]:
    """Make the schedule of every module that has none; the names of those made.

    A schedule whose module is gone is switched off, not removed: its history stays readable. One whose module can't be
    loaded stays: it is missed, not gone.
    """
    with transaction.atomic():
        made = [module.name for module in modules.values() if plan(module)]
        gone = PeriodicTask.objects.filter(name__startswith=PREFIX, enabled=True)
        for task in gone.exclude(name__in=[PREFIX + name for name in {*modules, *BROKEN}]):
            task.enabled = False
            task.save()  # not update(): beat is told by the row's own signal
    return made


def plan(module: Module) -> bool:
    """One module's schedule. A tick that waited longer than an interval is worth nothing: the next one is due."""
    every, period = interval(module.every)
    schedule, _ = IntervalSchedule.objects.get_or_create(every=every, period=period)
    _, made = PeriodicTask.objects.get_or_create(
        name=PREFIX + module.name,
        defaults={
            "task": "trading.tick",
            "interval": schedule,
            "args": json.dumps([module.name]),
            "queue": f"{settings.QUANTUM.mode}-{module.queue}",
            "expire_seconds": max(2, int(module.every.total_seconds())),
            "description": module.title,
        },
    )
    return made


@dataclass(frozen=True, slots=True)
class Plan:
    """A module's line in beat's table as the admin has it by now."""

    every: timedelta  # zero where it has no interval
    enabled: bool
    queue: str  # trade, work, train
    changed_at: datetime | None
    title: str = ""
    id: int | None = None


def plans() -> dict[str, Plan]:
    """Every module's line by its name; one query."""
    tasks = PeriodicTask.objects.filter(name__startswith=PREFIX).select_related("interval")
    return {
        task.name.removeprefix(PREFIX): Plan(
            task.interval.schedule.run_every if task.interval else timedelta(0),
            task.enabled,
            (task.queue or "").rpartition("-")[2],
            task.date_changed,
            task.description,
            task.pk,
        )
        for task in tasks
    }


def intervals() -> dict[str, tuple[timedelta, bool]]:
    """How often each module is called as the admin has it by now, and whether at all; one query."""
    return {name: (plan.every, plan.enabled) for name, plan in plans().items()}


def interval(every: timedelta) -> tuple[int, str]:
    """Whole seconds where it is so, else microseconds."""
    if every.microseconds:
        return every // timedelta(microseconds=1), IntervalSchedule.MICROSECONDS
    return every // timedelta(seconds=1), IntervalSchedule.SECONDS

"""The registry's beat schedules: absent ones are made, existing ones belong to whoever edits them in the admin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from trading.runtime import Module

PREFIX = "tick: "


def sync(modules: Mapping[str, Module]) -> list[str]:
    """Make the schedule of every module that has none; the names of those made.

    A schedule whose module is gone is switched off, not removed: its history stays readable.
    """
    with transaction.atomic():
        made = [module.name for module in modules.values() if plan(module)]
        gone = PeriodicTask.objects.filter(name__startswith=PREFIX, enabled=True)
        for task in gone.exclude(name__in=[PREFIX + name for name in modules]):
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


def intervals() -> dict[str, tuple[timedelta, bool]]:
    """How often each module is called as the admin has it by now, and whether at all; one query."""
    tasks = PeriodicTask.objects.filter(name__startswith=PREFIX).select_related("interval")
    every = {task: task.interval.schedule.run_every if task.interval else timedelta(0) for task in tasks}
    return {task.name.removeprefix(PREFIX): (span, task.enabled) for task, span in every.items()}


def interval(every: timedelta) -> tuple[int, str]:
    """Whole seconds where it is so, else microseconds."""
    if every.microseconds:
        return every // timedelta(microseconds=1), IntervalSchedule.MICROSECONDS
    return every // timedelta(seconds=1), IntervalSchedule.SECONDS

"""Beat's schedules: how often each module runs is edited here; which modules there are is the registry's."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from unfold.admin import ModelAdmin

from monitoring.admin.acting import Acting, Edited, each
from monitoring.control import actions
from trading.admin import history_of

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class Schedules(Acting, Edited, ModelAdmin):
    """How often a module runs, and whether beat rings for it at all. Beat reads it again within seconds."""

    permit = "schedules.edit"
    permits = {"tick": "module.tick"}
    list_display = ("name", "description", "enabled", "interval", "queue", "last_run_at", "total_run_count")
    list_filter = ("enabled", "queue")
    list_select_related = ("interval",)
    search_fields = ("name", "description", "task")
    ordering = ("name",)
    fields = ("name", "description", "enabled", "interval", "expire_seconds", "queue", "args", "last_run_at")
    readonly_fields = ("name", "description", "queue", "args", "last_run_at")
    actions = ["tick"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def facts(self, row: PeriodicTask) -> dict[str, Any]:
        return {"enabled": row.enabled, "interval": str(row.interval)}

    @admin.action(description=gettext_lazy("Run these modules now"), permissions=["tick"])
    def tick(self, request: HttpRequest, rows: QuerySet[PeriodicTask]) -> None:
        def act(row: PeriodicTask, reason: str) -> str:
            asked = actions.tick_module(module_of(row), request.user, timezone.now(), reason)
            return _("%(title)s was rung for.") % {"title": asked.title}

        each(request, rows, act)


def module_of(row: PeriodicTask) -> str:
    """The module that the schedule rings for."""
    named = json.loads(row.args or "[]")
    if row.task != "trading.tick" or not named:
        raise actions.BadRequest("name", _("%(name)s runs no module.") % {"name": row.name})
    return str(named[0])


@admin.register(IntervalSchedule)
class Intervals(Edited, ModelAdmin):
    """The intervals to choose from. One that a schedule uses changes with it."""

    permit = "schedules.edit"
    list_display = ("id", "every", "period")
    list_filter = ("period",)
    search_fields = ("every",)


for other in (CrontabSchedule, SolarSchedule, ClockedSchedule, PeriodicTasks):
    admin.site.register(other, history_of(other))

"""Where each process's heart beats: beside Celery's tasks, in beat's turns, in the web's event loop."""

from __future__ import annotations

import asyncio
from typing import Any

from celery import signals
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from trading.heart import EVERY, Heart

LONGEST_NAME = 100
own: dict[str, Heart] = {}  # this process's one heart, once it has begun


def begin(name: str) -> Heart:
    return own.setdefault("heart", Heart(name))


# -- workers ----------------------------------------------------------------------------------------------------------


def beat_beside_tasks(hostname: str) -> None:
    """A worker's heart: `worker@machine` is the process *worker*."""
    begin(hostname.partition("@")[0]).keep_beating()


@signals.task_prerun.connect
def at_hand(task_id: str = "", task: Any = None, args: Any = (), **_: Any) -> None:
    if heart := own.get("heart"):
        first = f" {args[0]}" if args else ""
        heart.begin(task_id, f"{task.name}{first}"[:LONGEST_NAME])


@signals.task_postrun.connect
def done(task_id: str = "", **_: Any) -> None:
    if heart := own.get("heart"):
        heart.end(task_id)


# -- beat -------------------------------------------------------------------------------------------------------------


class Entry(ModelEntry):
    """A schedule that was run has not been changed by it: `date_changed` tells since when calls are due as they are."""

    def save(self) -> None:
        ran = {"last_run_at": self.model.last_run_at, "total_run_count": self.model.total_run_count}
        type(self.model)._default_manager.filter(pk=self.model.pk).update(**ran)


class BeatingScheduler(DatabaseScheduler):
    """Beats from its own turns: a scheduler that stands still is silent."""

    Entry = Entry

    def tick(self, *args: Any, **options: Any) -> Any:
        rest = super().tick(*args, **options)
        heart = begin("beat")
        if heart.due:
            heart.try_to_beat()
        return rest

    def apply_async(self, *args: Any, **options: Any) -> Any:
        sent = super().apply_async(*args, **options)
        begin("beat").worked()
        return sent


# -- the web ----------------------------------------------------------------------------------------------------------


async def beat_in_the_loop(heart: Heart) -> None:
    """For ever: each beat proves that the event loop turns and that the database takes what it writes."""
    from asgiref.sync import sync_to_async

    while True:
        await sync_to_async(heart.try_to_beat, thread_sensitive=False)()
        await asyncio.sleep(EVERY.total_seconds())

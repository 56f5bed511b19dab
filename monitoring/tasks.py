"""Celery's edge of the control room: parse, call one function, done; and self-healing's own thread beside the tasks."""

from datetime import datetime

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.utils import timezone

from monitoring.watch import ringing
from monitoring.watch.watchman import Watchman

watching: list[Watchman] = []


@shared_task(name="monitoring.preflight")
def preflight(run_id: int) -> None:
    """One round of checks at a venue."""
    from monitoring.control import venue

    venue.carry_out(run_id, timezone.now)


@shared_task(name="monitoring.answer")
def answer(queue: str, sent: str) -> None:
    """Prove that what is enqueued on this queue is run."""
    ringing.answered(queue, datetime.fromisoformat(sent), timezone.now())


@worker_ready.connect
def watch(sender: object, **_: object) -> None:
    """Start the thread once the worker's modules are registered."""
    name = str(getattr(sender, "hostname", "")).partition("@")[0] or "worker"
    watching.append(Watchman(name))
    watching[-1].start()


@worker_shutting_down.connect
def end_watching(**_: object) -> None:
    for one in watching:
        one.over.set()

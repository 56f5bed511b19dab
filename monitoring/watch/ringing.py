"""Do tasks run? On each queue one is enqueued now and then, and leaves a row when it has run: no ping of the broker."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from monitoring.watch.probes.facts import QUEUES
from trading.runtime import Report, record


def row(queue: str) -> str:
    """Under this name the task leaves its beat."""
    return f"bell_{queue}"


def ring(now: datetime) -> int:
    """Enqueue one task on each queue; how many the broker took. One that nobody runs in time is forgotten."""
    from monitoring.tasks import answer

    rung = 0
    for queue in QUEUES:
        try:
            answer.apply_async(
                (queue, now.isoformat()), queue=f"{settings.QUANTUM.mode}-{queue}", expires=60, retry=False
            )
        except answer.OperationalError:
            return rung
        rung += 1
    return rung


def answered(queue: str, sent: datetime, now: datetime) -> None:
    """The task ran: leave a beat that says when, and how long after it was enqueued."""
    lag = max(0, int((now - sent).total_seconds() * 1000))
    record(row(queue), now, Report(examined=1, actions=1, lag_ms=lag), "scorekeeper")

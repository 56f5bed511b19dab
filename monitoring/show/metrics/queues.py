"""What waits in the broker: how many tasks, and since when. Nothing where it does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import redis
from django.conf import settings

from monitoring.show.metrics.text import Sample, gauge

QUEUES = ("trade", "work", "train")
SECOND = 1.0  # that the broker has to answer
Waiting = dict[str, tuple[int, bytes | None]]  # by queue: how many, and the oldest message


def families(now: datetime) -> Iterable[str]:
    return told(look(), now)


def told(found: Waiting | None, now: datetime) -> Iterable[str]:
    lengths: list[Sample] = [({"queue": name}, n) for name, (n, _) in (found or {}).items()]
    oldest: list[Sample] = [({"queue": name}, age(message, now)) for name, (_, message) in (found or {}).items()]
    yield gauge("broker_up", "1 while the broker answers.", found is not None)
    yield gauge("queue_length", "Tasks that wait in a queue.", lengths)
    yield gauge("queue_oldest_seconds", "Since the oldest waiting task was put there.", oldest)


def look() -> Waiting | None:
    """One round trip; the queues are lists, with the newest message first."""
    names = [f"{settings.QUANTUM.mode}-{name}" for name in QUEUES]
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    try:
        with redis.Redis.from_url(settings.LAYER_URL, socket_timeout=SECOND, socket_connect_timeout=SECOND) as broker:
            asked = broker.pipeline(transaction=False)
            for name in names:
                asked.llen(f"{prefix}{name}").lindex(f"{prefix}{name}", -1)
            said = asked.execute()
    except (redis.RedisError, OSError):
        return None
    return dict(zip(names, zip(said[::2], said[1::2], strict=True), strict=True))


def age(message: bytes | None, now: datetime) -> float | None:
    """Seconds since the message was sent; None where nothing waits, or the message does not tell."""
    try:
        told: Any = json.loads(message or b"")["headers"]["enqueued_at"]
        return max(0.0, now.timestamp() - float(told))
    except (ValueError, KeyError, TypeError):
        return None

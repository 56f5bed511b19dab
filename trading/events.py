"""Bells for workers, nudges for pages.

A bell puts a task on a queue; a lost one is found by beat's schedules. A nudge says, after commit, *which* panel
changed, never the data; a lost one costs one refresh, never truth.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)
GROUP = "live"
PATIENCE, PAUSE = 0.5, 10.0  # seconds: what one nudge may cost a trade, and how long then none is tried


class Hung:
    """Until when (monotonic) this process leaves nudges out."""

    until = 0.0


hung = Hung()


def changed(*panels: str) -> None:
    """Nudge the watchers of these panels once the transaction at hand is committed."""
    transaction.on_commit(lambda: publish({"type": "changed", "panels": sorted(set(panels))}))


def publish(message: dict) -> None:
    """Send to every web process; what is lost here is fetched with the next nudge or refresh."""
    layer = get_channel_layer()
    if layer is None:
        return
    if time.monotonic() < hung.until:
        return

    async def send() -> None:
        await asyncio.wait_for(layer.group_send(GROUP, message), PATIENCE)

    try:
        async_to_sync(send)()
    except TimeoutError:
        hung.until = time.monotonic() + PAUSE
        log.warning("nudges are left out for %.0f s: the channel layer does not answer", PAUSE)
    except Exception as error:  # noqa: BLE001 - whatever ails the bell, it must never stop a trade
        log.warning("nudge lost: %s", error)


def ring(task: str, *args: object, queue: str = "trade", **options: Any) -> bool:
    """Put a task on one of our queues; False where the broker does not answer (beat's schedule will do it later)."""
    from celery import current_app
    from kombu.exceptions import OperationalError

    from trading import tasks  # noqa: F401 - it notes when a bell was rung, in whatever process

    try:
        current_app.send_task(task, args=args, queue=f"{settings.QUANTUM.mode}-{queue}", retry=False, **options)
    except OperationalError:
        return False
    return True

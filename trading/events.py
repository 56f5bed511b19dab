"""Nudges: after commit, say *which* panel changed, never the data. A lost nudge costs one refresh, never truth."""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)
GROUP = "live"


def changed(*panels: str) -> None:
    """Nudge the watchers of these panels once the transaction at hand is committed."""
    transaction.on_commit(lambda: publish({"type": "changed", "panels": sorted(set(panels))}))


def publish(message: dict) -> None:
    """Send to every web process; what is lost here is fetched with the next nudge or refresh."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, message)
    except Exception as error:  # noqa: BLE001 - whatever ails the bell, it must never stop a trade
        log.warning("nudge lost: %s", error)

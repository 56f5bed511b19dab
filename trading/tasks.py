"""Celery's edge: parse, call one function, done. A task carries an id; whatever must not be lost is a row."""

import logging

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.utils import timezone

from trading import runtime

log = logging.getLogger(__name__)


@shared_task(name="trading.tick")
def tick(name: str, called_by: str = "beat") -> None:
    runtime.run(name, called_by=called_by)


@shared_task(name="trading.enter")
def enter(intent_id: int) -> None:
    """Send one committed entry, await its fill, protect it."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    keeper.enter(intent_id, venue(), timezone.now)


@shared_task(name="trading.mind")
def mind(position_id: int, why: str) -> None:
    """Look after one position now: the stream saw that something must change."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    keeper.mind(position_id, venue(), timezone.now, why)


@shared_task(name="trading.sync")
def sync(symbol: str) -> None:
    """Read one symbol's orders, fills and position from the venue: its user-data stream spoke."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    keeper.sync(symbol, venue(), timezone.now)


@shared_task(name="trading.train")
def train(run_id: int) -> None:
    from trading.forecast import store

    store.train(run_id)


@worker_ready.connect
def look_first(sender: object, **_: object) -> None:
    """A trade worker's first act, before any task: what happened at the venue while nobody looked."""
    from trading.exchange.errors import VenueError
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    if f"{settings.QUANTUM.mode}-trade" not in sender.app.amqp.queues.consume_from:  # type: ignore[attr-defined]
        return
    try:
        keeper.sweep(venue(), timezone.now)
    except VenueError as error:
        log.warning("the venue does not answer yet: %s", error)

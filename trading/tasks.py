"""Celery's edge: parse, call one function, done. A task carries an id; whatever must not be lost is a row."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

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

    with venue_may_be_silent(f"position {position_id}"):
        keeper.mind(position_id, venue(), timezone.now, why)


@shared_task(name="trading.sync")
def sync(symbol: str) -> None:
    """Read one symbol's orders, fills and position from the venue: its user-data stream spoke."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    with venue_may_be_silent(symbol):
        keeper.sync(symbol, venue(), timezone.now)


@shared_task(name="trading.train")
def train(run_id: int) -> None:
    from trading.forecast import store

    store.train(run_id)


@worker_ready.connect
def look_first(sender: object, **_: object) -> None:
    """A trade worker's first act, before any task: what happened at the venue while nobody looked."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    if f"{settings.QUANTUM.mode}-trade" not in sender.app.amqp.queues.consume_from:  # type: ignore[attr-defined]
        return
    with venue_may_be_silent("the first look"):
        keeper.sweep(venue(), timezone.now)


@contextmanager
def venue_may_be_silent(what: str) -> Iterator[None]:
    """A bell that finds the venue silent is over; the next sweep looks again."""
    from trading.exchange.errors import VenueError

    try:
        yield
    except VenueError as error:
        log.warning("%s waits for the next sweep: %s", what, error)

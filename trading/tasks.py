"""Celery's edge: parse, call one function, done. A task carries an id; whatever must not be lost is a row."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from celery import Task, shared_task
from celery.signals import before_task_publish, worker_ready
from django.conf import settings
from django.db import connection
from django.utils import timezone

from trading import runtime

log = logging.getLogger(__name__)


@before_task_publish.connect
def note_when(sender: str = "", headers: dict | None = None, **_: object) -> None:
    """A tick's message says when its bell was rung."""
    if sender == "trading.tick" and headers is not None:
        headers["rung"] = timezone.now().isoformat()


@shared_task(name="trading.tick", bind=True)
def tick(self: Task, name: str, called_by: str = "beat") -> None:
    """A bell that waited while its module ticked has nothing to tell any more; a person's call is always answered."""
    rung = self.request.get("rung") or (self.request.headers or {}).get("rung")
    if rung and runtime.machine(called_by) and runtime.began_since(name, datetime.fromisoformat(rung)):
        return
    runtime.run(name, called_by=called_by)


@shared_task(name="trading.enter")
def enter(intent_id: int) -> None:
    """Send one committed entry, await its fill, protect it."""
    from trading.exchange.gateway import venue
    from trading.positions import entering

    with left_to_the_sweep(f"intent {intent_id}"):
        entering.enter(intent_id, venue(), timezone.now)


@shared_task(name="trading.mind")
def mind(position_id: int, why: str) -> None:
    """Look after one position now: the stream saw that something must change."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    with left_to_the_sweep(f"position {position_id}"):
        keeper.mind(position_id, venue(), timezone.now, why)


@shared_task(name="trading.close")
def close(request_id: int) -> None:
    """Close the position that a person asked to close."""
    from trading.exchange.gateway import venue
    from trading.positions import closing

    with left_to_the_sweep(f"close request {request_id}"):
        closing.carry_out(request_id, venue(), timezone.now)


@shared_task(name="trading.trim")
def trim(request_id: int) -> None:
    """Close the part of a position that a person asked to close."""
    from trading.exchange.gateway import venue
    from trading.positions import trimmer

    with left_to_the_sweep(f"trim request {request_id}"):
        trimmer.trim(request_id, venue(), timezone.now)


@shared_task(name="trading.sync")
def sync(symbol: str) -> None:
    """Read one symbol's orders, fills and position from the venue: its user-data stream spoke."""
    from trading.exchange.gateway import venue
    from trading.positions import keeper

    with left_to_the_sweep(symbol):
        keeper.sync(symbol, venue(), timezone.now)


@shared_task(name="trading.train")
def train(run_id: int) -> None:
    from trading.forecast import store

    store.train(run_id)


@worker_ready.connect
def look_first(sender: object, **_: object) -> None:
    """A trade worker's first act, before any task: what happened at the venue meanwhile. Models warm up beside it."""
    from trading.exchange.gateway import venue
    from trading.orders import preflight
    from trading.positions import keeper

    if f"{settings.QUANTUM.mode}-trade" not in sender.app.amqp.queues.consume_from:  # type: ignore[attr-defined]
        return
    with left_to_the_sweep("the first look"):
        keeper.sweep(venue(), timezone.now)
        preflight.clean_up(venue(), timezone.now, settings.QUANTUM.mode)
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()  # it takes seconds: stops do not wait for it


def warm_up() -> None:
    """Load what forecasts need, so that the first bar need not wait for it; what fails here is told by its module."""
    from trading.forecast import learners, store

    try:
        learners.warm()
        store.champions(settings.QUANTUM.data_source, settings.QUANTUM.timeframe)
    except Exception:
        log.exception("the models could not be warmed up")
    finally:
        connection.close()


@contextmanager
def left_to_the_sweep(what: str) -> Iterator[None]:
    """A bell that finds the venue silent, or somebody else at it, is over; the next sweep looks again."""
    from trading.positions import onebyone

    try:
        yield
    except onebyone.OVER as error:
        log.warning("%s waits for the next sweep: %s", what, error)

"""Celery's edge: parse, call one function, done. A task carries an id; whatever must not be lost is a row."""

from celery import shared_task
from django.utils import timezone

from trading import runtime


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

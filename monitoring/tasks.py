"""Celery's edge of the control room: parse, call one function, done."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="monitoring.preflight")
def preflight(run_id: int) -> None:
    """One round of checks at a venue."""
    from monitoring.control import venue

    venue.carry_out(run_id, timezone.now)

"""Beat's own turns, and what they leave in the schedules."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from quantum.hearts import BeatingScheduler

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def test_a_run_is_noted_and_is_no_change_of_the_schedule():
    every = IntervalSchedule.objects.create(every=10, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(name="tick: universe", task="trading.tick", interval=every)
    PeriodicTask.objects.update(date_changed=LONG_AGO)
    entry = BeatingScheduler.Entry(PeriodicTask.objects.get(pk=task.pk), app=current_app)
    entry.model.last_run_at, entry.model.total_run_count = LONG_AGO + timedelta(hours=1), 7
    entry.save()
    task.refresh_from_db()
    assert (task.last_run_at, task.total_run_count) == (LONG_AGO + timedelta(hours=1), 7)
    assert task.date_changed == LONG_AGO
    task.save()  # a person's change
    task.refresh_from_db()
    assert task.date_changed > LONG_AGO

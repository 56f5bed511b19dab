"""A task that ran is the proof that tasks run: it leaves the row that the probe asks for."""

from datetime import timedelta

import pytest

from monitoring.tasks import answer
from monitoring.watch import ringing
from monitoring.watch.probes import answers
from monitoring.watch.probes.rows import read
from tests.builders import NOW
from trading.models import ModuleState

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_a_task_that_ran_leaves_when_and_how_late():
    ringing.answered("trade", NOW, NOW + SECOND * 2)
    ringing.answered("work", NOW, NOW + SECOND)
    said = answers(read(NOW + SECOND * 3))["self_healing.rings"]
    assert (said.state, said.code) == ("ok", "bells-ring")
    assert (said.params["queue"], said.params["value_ms"]) == ("trade", 2000)


def test_one_queue_that_nobody_serves_is_named():
    ringing.answered("trade", NOW, NOW)
    ringing.answered("work", NOW, NOW + SECOND * 50)
    said = answers(read(NOW + SECOND * 61))["self_healing.rings"]
    assert (said.state, said.code, said.params["queue"]) == ("fail", "bell-silent", "trade")


def test_each_queue_is_rung_and_what_is_enqueued_is_run(settings, monkeypatch):
    queues = []

    def at_once(args, queue, **_options):
        queues.append(queue)
        answer.run(*args)

    monkeypatch.setattr(answer, "apply_async", at_once)
    assert ringing.ring(NOW) == 2
    assert queues == [f"{settings.QUANTUM.mode}-trade", f"{settings.QUANTUM.mode}-work"]
    assert set(ModuleState.objects.values_list("name", flat=True)) == {"bell_trade", "bell_work"}


def test_a_broker_that_is_down_is_no_error_of_the_keeper(monkeypatch):
    def down(*_args, **_options):
        raise answer.OperationalError("connection refused")

    monkeypatch.setattr(answer, "apply_async", down)
    assert ringing.ring(NOW) == 0
    assert not ModuleState.objects.exists()

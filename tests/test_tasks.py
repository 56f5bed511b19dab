"""Celery's edge: a bell that was overtaken is silent, a person's call never is."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from trading import runtime, tasks
from trading.models import ModuleState

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran(monkeypatch):
    calls = []
    monkeypatch.setattr(runtime, "run", lambda name, called_by: calls.append((name, called_by)))
    return calls


def ring(caller, rung):
    """The task as a worker calls it, with its message's headers."""
    headers = {"rung": rung.isoformat()} if rung else {}
    tasks.tick.apply(("executor", caller), headers=headers, throw=True)


def test_a_message_says_when_its_bell_was_rung():
    headers = {}
    tasks.note_when(sender="trading.tick", headers=headers)
    assert headers["rung"] <= timezone.now().isoformat()
    tasks.note_when(sender="trading.enter", headers=(other := {}))
    assert other == {}


@pytest.mark.parametrize("caller", ["beat", "stream", "drill"])
def test_a_bell_that_waited_while_its_module_ticked_does_nothing(ran, caller):
    now = timezone.now()
    ModuleState.objects.create(name="executor", last_tick=now)
    ring(caller, now - timedelta(seconds=1))
    assert ran == []


def test_a_bell_rung_after_the_tick_began_is_heard(ran):
    now = timezone.now()
    ModuleState.objects.create(name="executor", last_tick=now - timedelta(seconds=1))
    ring("stream", now)
    assert ran == [("executor", "stream")]


def test_a_person_is_always_answered(ran):
    now = timezone.now()
    ModuleState.objects.create(name="executor", last_tick=now)
    ring("mira", now - timedelta(seconds=1))
    assert ran == [("executor", "mira")]


def test_a_message_without_a_time_is_heard(ran):
    ModuleState.objects.create(name="executor", last_tick=timezone.now())
    ring("stream", None)
    assert ran == [("executor", "stream")]


def test_a_new_worker_looks_at_the_venue_first_and_its_tasks_do_not_wait_for_the_models(monkeypatch):
    order, may_end, ended = [], threading.Event(), threading.Event()
    monkeypatch.setattr("trading.exchange.gateway.venue", lambda: None)
    monkeypatch.setattr("trading.positions.keeper.sweep", lambda *about: order.append("sweep"))
    monkeypatch.setattr("trading.orders.preflight.clean_up", lambda *about: order.append("clean up"))
    monkeypatch.setattr("trading.forecast.learners.warm", lambda: may_end.wait(10))
    monkeypatch.setattr("trading.forecast.store.champions", lambda *about: (order.append("models"), ended.set()))
    worker = SimpleNamespace(
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"practice-trade"})))
    )
    tasks.look_first(worker)
    assert order == ["sweep", "clean up"]
    may_end.set()
    assert ended.wait(10) and order == ["sweep", "clean up", "models"]

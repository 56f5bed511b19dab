"""Hearts as they are stored: whose process is there, and who missed beats that others had."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch import pulses, witness
from trading.models import ProcessState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HERE = socket.gethostname()[:100]


def beat(name: str, seconds: float, pid: int = os.getpid(), host: str = HERE) -> None:
    at = NOW - timedelta(seconds=seconds)
    ProcessState.objects.create(name=name, host=host, pid=pid, started_at=at - timedelta(hours=1), beat_at=at)


@pytest.fixture
def ended() -> int:
    """The number of a process that was and is no more."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


@pytest.mark.django_db
def test_who_is_there_and_has_missed_beats_that_others_had_calls_for_a_look():
    beat("web", 1)
    beat("worker", 8)
    assert not pulses.missed()
    beat("trainer", 11)
    assert pulses.missed()


@pytest.mark.django_db
def test_the_dead_and_those_elsewhere_call_for_none(ended):
    beat("web", 1)
    beat("worker", 60, pid=ended)
    beat("trainer", 60, host="elsewhere")
    assert not pulses.missed()
    here = witness.processes(NOW)
    assert pulses.living(here) == {"web"}
    assert set(pulses.hearts(here)) == {"web", "worker", "trainer"}


@pytest.mark.django_db
def test_of_several_that_were_the_newest_counts(ended):
    beat("worker", 60)
    beat("worker", 2, pid=ended)
    beat("web", 1)
    assert not pulses.missed() and pulses.living(witness.processes(NOW)) == {"web"}


@pytest.mark.django_db
def test_without_a_heart_nothing_is_missed():
    assert not pulses.missed()

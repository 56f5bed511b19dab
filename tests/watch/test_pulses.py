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


def beat(name: str, seconds: float, pid: int = os.getpid(), host: str = HERE, late: float = 0) -> None:
    at = NOW - timedelta(seconds=seconds)
    ProcessState.objects.create(
        name=name, host=host, pid=pid, started_at=at - timedelta(hours=1), beat_at=at, lag_ms=int(late * 1000)
    )


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


@pytest.mark.django_db
def test_a_beat_that_is_late_itself_shows_of_nobody_that_it_missed_some():
    beat("web", 0, late=3599)
    beat("worker", 3604)
    beat("beat", 3603)
    assert pulses.woken() and not pulses.missed()
    assert pulses.late(witness.processes(NOW))["web"] == timedelta(seconds=3599)


@pytest.mark.django_db
def test_one_that_comes_back_wakes_nobody_else():
    beat("web", 0, late=60)
    beat("beat", 1)
    beat("worker", 11)
    assert pulses.missed() and not pulses.woken()

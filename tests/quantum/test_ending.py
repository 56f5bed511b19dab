"""A worker that was asked to end does so in time, whatever its threads are at; one that wasn't goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from quantum import ending
from quantum.config import BASE
from trading.runtime import ENDING

SCRIPT = """
import time, django
django.setup()
from celery.worker import state
from quantum import ending
ending.TASK, ending.CELERY = {task}, {celery}
held = {active}
state.active_requests.update(held)
ending.asked()
time.sleep(20)
"""


@pytest.mark.parametrize(
    ("task", "celery", "active"),
    [(0.2, 20, "[type('Request', (), {})]"), (20, 0.2, "[]")],
    ids=["with a task that hangs", "while it imports"],
)
def test_it_ends_though_something_is_busy(tmp_path, task, celery, active):
    script = SCRIPT.format(task=task, celery=celery, active=active)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BASE,
        env={"DJANGO_SETTINGS_MODULE": "quantum.settings", "QT_ENV_FILE": "/dev/null", "QT_VAR": str(tmp_path)},
        timeout=15,
    )
    assert done.returncode == 0


def test_a_worker_that_nobody_asked_to_end_leaves_its_process_alone():
    assert not ENDING.is_set()
    ending.over()

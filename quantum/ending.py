"""How a Celery worker ends: a task at hand may finish, long training hands itself back, nothing else is waited for.

Celery itself would first finish importing libraries, and the interpreter would take its time to tear them down: with
busy cores that is longer than a supervisor waits. Whatever is cut here is what a kill would cut: the rows know.
"""

from __future__ import annotations

import os
import threading
import time

from celery import signals
from celery.worker import state

TASK = 4.0  # seconds for the tasks at hand; the supervisor kills after 4.5
CELERY = 1.5  # seconds for Celery's own farewell to the broker, once no task is left


@signals.worker_shutting_down.connect
def asked(**_: object) -> None:
    """TERM has come."""
    from trading.runtime import ENDING

    ENDING.set()
    threading.Thread(target=leave, args=(time.monotonic(),), daemon=True).start()


def leave(began: float) -> None:
    idle_since = began
    while (now := time.monotonic()) - began < TASK and now - idle_since < CELERY:
        if state.active_requests:
            idle_since = now
        time.sleep(0.05)
    os._exit(0)


@signals.worker_shutdown.connect
def over(**_: object) -> None:
    """Celery has said goodbye; an embedded worker of a test was never asked to end, and leaves its process alone."""
    from trading.runtime import ENDING

    if ENDING.is_set():
        os._exit(0)

"""A worker of another machine that runs other code and beats into our database, as after half a deployment."""

from __future__ import annotations

import os
import threading

from django.db import DatabaseError, connection
from django.utils import timezone

from trading import runtime
from trading.heart import EVERY
from trading.models import ProcessState

NAME, HOST, CODE = "worker", "drill-elsewhere", "0ther-code"
over = threading.Event()


def arrive() -> None:
    """It beats from a thread of this process until it leaves."""
    over.clear()
    beat()
    threading.Thread(target=live, name="stranger", daemon=True).start()


def live() -> None:
    try:
        while not over.wait(EVERY.total_seconds()):
            beat()
    except DatabaseError:  # then it is silent, and so it has left
        return
    finally:
        connection.close()


def beat() -> None:
    now = timezone.now()
    told = runtime.identity() | {"code": CODE, "beat_at": now}
    ProcessState.objects.update_or_create(
        name=NAME, host=HOST, pid=os.getpid(), defaults=told, create_defaults=told | {"started_at": now}
    )


def leave() -> None:
    """Whoever is asked to: its heartbeats are forgotten."""
    over.set()
    ProcessState.objects.filter(name=NAME, host=HOST).delete()

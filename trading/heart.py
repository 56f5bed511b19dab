"""A process's own heartbeat: who it is, which code and settings it runs, what it finished and has at hand.

Who beats does so from the loop whose life it proves: the web process from its event loop, beat from its scheduler's
turns, the stream from its event loop, a worker from a thread beside its tasks, which names what is at hand.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from trading import runtime
from trading.models import ProcessState

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=3)
FORGOTTEN = timedelta(hours=24)
TOLD = ("build", "code", "config_hash", "started_at", "beat_at", "work_at", "works", "doing", "doing_since", "lag_ms",
        "broken")  # fmt: skip


class Heart:
    """One for each process. `begin` and `end` may be called from any thread."""

    def __init__(self, name: str, clock: Callable[[], datetime] = timezone.now) -> None:
        self.name, self.clock = name, clock
        self.host, self.pid = socket.gethostname()[:100], os.getpid()
        self.started_at = clock()
        self.beat_at: datetime | None = None
        self.work_at: datetime | None = None
        self.works = 0
        self.at_hand: dict[Hashable, tuple[str, datetime]] = {}
        self.lock = threading.Lock()

    def begin(self, key: Hashable, what: str) -> None:
        with self.lock:
            self.at_hand[key] = what[:120], self.clock()

    def end(self, key: Hashable) -> None:
        with self.lock:
            self.at_hand.pop(key, None)
        self.worked()

    def worked(self) -> None:
        """Something useful was finished."""
        with self.lock:
            self.works, self.work_at = self.works + 1, self.clock()

    @property
    def due(self) -> bool:
        return self.beat_at is None or self.clock() - self.beat_at >= EVERY

    def beat(self) -> ProcessState:
        """Store the heartbeat; one statement, and one more at the first."""
        now = max(self.clock(), self.started_at)
        first, late = self.beat_at is None, now - (self.beat_at or now) - EVERY
        self.beat_at = now
        with self.lock:
            what, since = min(self.at_hand.values(), key=lambda pair: pair[1], default=("", None))
            row = ProcessState(
                name=self.name, host=self.host, pid=self.pid, started_at=self.started_at, beat_at=now,
                work_at=self.work_at, works=self.works, doing=what, doing_since=since,
                lag_ms=max(0, int(late.total_seconds() * 1000)), broken=dict(runtime.BROKEN), **runtime.identity(),
            )  # fmt: skip
        ProcessState.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["name", "host", "pid"], update_fields=list(TOLD)
        )
        if first:
            ProcessState.objects.filter(beat_at__lt=now - FORGOTTEN).delete()
        return row

    def try_to_beat(self) -> None:
        """A database that does not take it must not end the process; the silence tells."""
        close_old_connections()
        try:
            self.beat()
        except DatabaseError as error:
            log.warning("the heartbeat of %s was not stored: %s", self.name, error)
        close_old_connections()

    def keep_beating(self, ending: threading.Event | None = None) -> None:
        """From a daemon thread of its own, at once and then every few seconds."""
        ending = ending or threading.Event()

        def live() -> None:
            self.try_to_beat()
            while not ending.wait(EVERY.total_seconds()):
                self.try_to_beat()

        threading.Thread(target=live, name="heart", daemon=True).start()

"""Self-healing's own thread, in every worker process: a queue that hangs, or a broker that is gone, can't stop it.

Usually beat's schedule ticks self-healing on its queue. Where that has not happened for two intervals, or where a
process has missed its beats, this thread does it; the module's claim sees to it that several such threads, and a queue
that comes back, never do it twice at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from monitoring.watch import pulses
from monitoring.watch.hands import BY
from trading import runtime
from trading.models import ModuleState

log = logging.getLogger(__name__)


class Watchman:
    """Looks twice an interval whether self-healing was ticked, and ticks it where it was not or is wanted at once."""

    def __init__(self, where: str, clock: Callable[[], datetime] = timezone.now) -> None:
        self.where, self.clock = where, clock
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="self-healing", daemon=True)

    def start(self) -> None:
        """From now on this process watches: what is silent from here on is silent to it."""
        module = runtime.MODULES[BY]
        if getattr(module, "born", None) is None:
            module.born = self.clock()  # type: ignore[attr-defined]
        self.thread.start()

    def stop(self, seconds: float = 5) -> None:
        self.over.set()
        self.thread.join(seconds)

    def watch(self) -> None:
        pause = runtime.MODULES[BY].every.total_seconds() / 2
        while not self.over.wait(pause):
            try:
                self.look()
            except DatabaseError as error:
                log.warning("self-healing can't reach the database: %s", error)
            except Exception:
                log.exception("self-healing could not be ticked from here")
            finally:
                close_old_connections()

    def look(self) -> bool:
        """Tick self-healing where nobody has for two intervals, or a process hangs; whether it was ticked here.

        A round that comes much too late tells self-healing that this process has not watched meanwhile.
        """
        now, module = self.clock(), runtime.MODULES[BY]
        module.watch(now)  # type: ignore[attr-defined]
        module.awake_at = now  # type: ignore[attr-defined]
        try:
            last = ModuleState.objects.filter(name=BY).values_list("last_tick", flat=True).first()
            silence = now - last if last is not None else None
            if (
                silence is not None
                and silence < module.every * 2
                and (silence < module.every / 2 or not pulses.missed())
            ):
                return False
            return runtime.run(BY, now, called_by=f"{self.where} itself") is not None
        finally:
            module.awake_at = self.clock()  # type: ignore[attr-defined]

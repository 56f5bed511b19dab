"""The remedies: one method each, that does it and says in words what it did, or raises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from monitoring.watch import restarts
from trading import events, runtime
from trading.models import ModuleState

BY = "self_healing"
LONGEST_CLAIM = timedelta(seconds=60)  # a module that holds its claim for longer, and than it usually takes, is stuck


class Hands:
    """The remedies, one method each: what it did in words, or an exception. Tests give their own."""

    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self.clock = clock

    def restart_module(self, name: str) -> str:
        """Free a claim that nobody can still be working on, and have the module ticked by its own queue."""
        module = runtime.MODULES[name]
        freed = free_claim(name, module.every, self.clock())
        told = self.ticked(name)
        return f"its claim was freed; {told}" if freed and told.startswith("asked") else told

    def ticked(self, name: str) -> str:
        """Ask the module's own queue for a tick; where none answers, tick it here."""
        queue = runtime.MODULES[name].queue
        if events.ring("trading.tick", name, BY, queue=queue, expires=60):
            return f"asked on the queue {queue}"
        done = runtime.run(name, self.clock(), called_by=BY)
        return "the queue does not answer; " + ("run here" if done is not None else "somebody else is at it")

    def run_module(self, name: str) -> str:
        """Have a module that ended in an error ticked once more, now."""
        return self.ticked(name)

    def restart_process(self, name: str) -> str:
        restarts.ask(Path(settings.VAR) / "restarts", name, "self-healing: nothing was heard of it")
        return "the supervisor was asked to start it again"

    def backfill_candles(self, _: str = "") -> str:
        """Fetch what is missing by REST, in order, and start the executor if anything came."""
        from trading.exchange.gateway import venue
        from trading.feed.modules import fill_in

        done = fill_in(venue(), settings.QUANTUM.timeframe, self.clock())
        return f"{done.actions} candles fetched for {done.examined} symbols" + (
            f"; {done.idle_reason}" if done.idle_reason else ""
        )

    def refresh_universe(self, _: str = "") -> str:
        from trading.feed import universe

        made = universe.refresh(self.clock(), BY)
        return f"{len(made.symbols)} symbols listed; {self.backfill_candles()}"

    def protect_position(self, position_id: str) -> str:
        if events.ring("trading.mind", int(position_id), BY):
            return "its keeper was called"
        runtime.run("position_monitor", self.clock(), called_by=BY)
        return "the queue does not answer; the position monitor was run here"

    def close(self, request_id: int, waited: bool) -> None:
        """Have a position closed: by the trading side, or here where that did not begin."""
        if not waited and events.ring("trading.close", request_id):
            return
        from trading.exchange.gateway import venue
        from trading.positions import closing

        closing.carry_out(request_id, venue(), self.clock)

    def cancel_entries(self) -> None:
        """Have entry orders that still rest cancelled: the position monitor does, while the emergency stands."""
        self.ticked("position_monitor")


def free_claim(name: str, every: timedelta, now: datetime) -> bool:
    """End a claim that has lasted far longer than the module takes. Its fencing token keeps a late writer out."""
    state = ModuleState.objects.filter(name=name, claimed_until__isnull=False).first()
    if state is None or state.claimed_until is None:
        return False
    began = state.claimed_at or state.claimed_until - max(every * 2, runtime.LEASE)
    if now - began <= max(LONGEST_CLAIM, timedelta(milliseconds=4 * state.took_ms)):
        return False
    mine = ModuleState.objects.filter(pk=state.pk, fence=state.fence, claimed_until=state.claimed_until)
    return bool(mine.update(claimed_until=None, claimed_at=None, fence=F("fence") + 1))

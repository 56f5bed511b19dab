"""What runs: every module by its line of the truth table, every process by its own heartbeat."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from monitoring.show.metrics.text import Sample, counter, gauge, since
from monitoring.show.scene import Pulse
from monitoring.watch.evidence import Calls
from monitoring.watch.liveness import DOWN, LATE, NEVER, UP
from monitoring.watch.witness import Table
from trading.models import ModuleState

LIVES = (NEVER, UP, LATE, DOWN)


def families(pulses: list[Pulse], seen: Table, now: datetime) -> Iterable[str]:
    """No query of its own."""
    yield from words(pulses)
    yield from beats(pulses, now)
    yield from calls(pulses)
    yield from hearts(seen, now)


def words(pulses: list[Pulse]) -> Iterable[str]:
    def each(value: Callable[[Pulse], float]) -> list[Sample]:
        return [({"module": one.name}, value(one)) for one in pulses]

    lives: list[Sample] = [
        ({"module": one.name, "state": state}, one.alive == state) for one in pulses for state in LIVES
    ]
    working: list[Sample] = [({"module": one.name, "status": one.word}, 1) for one in pulses]
    yield gauge("module_up", "1 while a module beats in time.", each(lambda one: one.alive == UP))
    yield gauge("module_liveness", "1 for the state that a module's silence makes of it.", lives)
    yield gauge("module_status", "What a module is, by its line of the truth table.", working)
    yield gauge("module_alarm", "1 while what a module is is an alarm.", each(lambda one: one.truth.alarm))
    yield gauge("module_failing", "1 while a module's newest tick ended in an error.", each(lambda one: one.failing))


def beats(pulses: list[Pulse], now: datetime) -> Iterable[str]:
    known = [(one.name, one.state) for one in pulses if one.state and one.state.last_tick]

    def each(value: Callable[[ModuleState], float | None]) -> list[Sample]:
        return [({"module": name}, value(state)) for name, state in known]

    yield gauge("module_silence_seconds", "Since a module's last tick.", each(lambda s: since(s.last_tick, now)))
    yield gauge("module_idle_seconds", "Since a module's last useful work.", each(lambda s: since(s.last_work, now)))
    yield gauge("module_took_seconds", "How long a module's last tick took.", each(lambda s: s.took_ms / 1000))
    yield gauge("module_lag_seconds", "How late a module's last work was.", each(lambda s: s.lag_ms / 1000))
    yield gauge("module_examined", "What a module's last work looked at.", each(lambda s: s.examined))
    yield gauge("module_failed", "Items of a module's last tick that could not be done.", each(lambda s: s.failed))
    yield counter("module_actions_total", "What a module did.", each(lambda s: s.total_actions))


def calls(pulses: list[Pulse]) -> Iterable[str]:
    """Built, and called? Counted over the last hour at most, since those who call and are called began."""

    def each(value: Callable[[Calls], float]) -> list[Sample]:
        return [({"module": one.name}, value(one.truth.seen.calls)) for one in pulses]

    yield gauge(
        "module_calls_window_seconds", "How far back calls are counted.", each(lambda c: c.window.total_seconds())
    )
    yield gauge("module_calls", "A module's own ticks in the window.", each(lambda c: c.own))
    yield gauge("module_calls_expected", "Ticks that were due in the window.", each(lambda c: c.expected))
    yield gauge("module_calls_idle", "Ticks in the window that had nothing to do.", each(lambda c: c.idle))
    yield gauge("module_calls_failed", "Ticks in the window that ended in an error.", each(lambda c: c.errors))
    yield gauge("module_calls_examined", "What was looked at in the window.", each(lambda c: c.examined))
    yield gauge("module_calls_actions", "What was done in the window.", each(lambda c: c.actions))
    slowest = each(lambda c: c.slowest.total_seconds())
    yield gauge("module_calls_slowest_seconds", "The slowest tick in the window.", slowest)


def hearts(seen: Table, now: datetime) -> Iterable[str]:
    """The processes' own heartbeats."""

    def each(value: Callable[..., float | None]) -> list[Sample]:
        return [({"process": one.name, "host": one.host}, value(one)) for one in seen.processes]

    yield gauge("process_up", "1 while a process beats in time.", each(lambda p: p.alive(now) == UP))
    yield gauge("process_silence_seconds", "Since a process's last heartbeat.", each(lambda p: since(p.beat_at, now)))
    yield gauge("process_lag_seconds", "How late a process's last heartbeat was.", each(lambda p: p.lag_ms / 1000))
    yield gauge("process_start_time_seconds", "When a process began, in seconds since 1970.",
                each(lambda p: p.started_at.timestamp()))  # fmt: skip
    yield counter("process_works_total", "What a process finished since it began.", each(lambda p: p.works))
    busy = each(lambda p: since(p.doing_since, now))
    yield gauge("process_busy_seconds", "How long the oldest thing at hand has lasted.", busy)
    odd: list[Sample] = [({"process": one.process.name, "what": one.what}, 1) for one in seen.odd]
    yield gauge("process_differs", "1 where a process runs other code or settings than the web process.", odd)

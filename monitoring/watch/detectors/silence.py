"""Who is silent: modules by their ticks, processes by their hearts; and who may not be judged by that yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitoring.watch.detectors.facts import Facts, Ran
from monitoring.watch.detectors.findings import Ailment
from monitoring.watch.liveness import DOWN, liveness

PATIENCE = timedelta(seconds=45)  # with modules, however often they are due
HUNG = timedelta(seconds=9)  # a process that lives has missed three beats, and others have not
STREAM_BEATS = timedelta(seconds=5)


def silent(ran: Ran, facts: Facts) -> bool:
    """Down, and not merely behind a queue of entries that are being filled."""
    last = max(ran.last_tick or facts.born, facts.born)
    return facts.now - last > patience(ran.program, facts) and liveness(last, ran.every, facts.now) == DOWN


def patience(program: str, facts: Facts) -> timedelta:
    """A process that has just begun has the time to come to its modules; one that always begins anew has not."""
    began = facts.started.get(program)
    return PATIENCE * 3 if began is not None and facts.now - began < PATIENCE else PATIENCE


def allowed(silence: timedelta, facts: Facts) -> timedelta:
    """Of the stream: one that has just begun loads history and dials first; ended meanwhile, it would begin anew."""
    began = facts.started.get("stream")
    return max(silence, PATIENCE * 2) if began is not None and facts.now - began < PATIENCE else silence


def dead_programs(facts: Facts) -> dict[str, list[Ran]]:
    """Programs whose own heart is silent, or of which nothing ticks any more and two modules are missed.

    Then it is the process, not its modules. Modules that are due rarely are not waited for: restarting the frequent
    ones one by one would be in vain. Where nobody calls them, that is told of the one who should.
    """
    by_program: dict[str, list[Ran]] = {}
    for ran in facts.modules:
        by_program.setdefault(ran.program, []).append(ran)
    called = not uncalled(facts)
    return {
        name: all_ for name, all_ in by_program.items() if mute(name, facts) or (called and gone(name, all_, facts))
    }


def uncalled(facts: Facts) -> bool:
    """Nobody calls the modules: beat is silent, or its calls reach nobody; a restart of who is called helps nothing."""
    return brokerless(facts) or mute("beat", facts)


def brokerless(facts: Facts) -> bool:
    """The broker does not answer, or did not at the last look: who waited for it has not come back yet."""
    return facts.broker_ms is None or Ailment.BROKER_SILENT in facts.since


def gone(program: str, modules: Sequence[Ran], facts: Facts) -> bool:
    limit = patience(program, facts)
    quiet = all(facts.silence(ran.last_tick) > limit for ran in modules if not ran.elsewhere)
    return quiet and sum(silent(ran, facts) for ran in modules) > 1


def mute(name: str, facts: Facts) -> bool:
    """Its own heart is silent: it lives and others have beaten since, or it is missed for long.

    One that never beat is not judged by it, nor is beat while it waits for the broker. That the others have beaten
    in time shows that a beat could be stored; nobody is judged by those that have just woken.
    """
    if name not in facts.hearts or (name == "beat" and brokerless(facts)) or woken(facts.hearts, facts.late):
        return False
    silence = facts.silence(facts.hearts[name])
    behind = min(silence, in_time(facts.hearts, facts.late) - facts.hearts[name])
    return silence > PATIENCE or (name in facts.living and behind > HUNG)


def in_time(hearts: Mapping[str, datetime], late: Mapping[str, timedelta]) -> datetime:
    """Until when somebody's heart has beaten when it was due.

    The first beat after a machine slept, or after its clock was set forward, is late by all of that.
    """
    return max(at - late.get(name, timedelta(0)) for name, at in hearts.items())


def woken(hearts: Mapping[str, datetime], late: Mapping[str, timedelta]) -> bool:
    """Who has beaten lately had not for long, and nobody else had: they all slept, or their clock was set."""
    return bool(hearts) and max(hearts.values()) - in_time(hearts, late) > HUNG

"""Processes, modules and trainings that are silent, fail, work on nothing, or are not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    SEVERITIES,
    Action,
    Ailment,
    Finding,
    Remedy,
    trades,
)
from monitoring.watch.detectors.silence import STREAM_BEATS, allowed, dead_programs, mute, silent, uncalled
from monitoring.watch.liveness import GRACE
from monitoring.watch.wiring import DIFFERS, IDLE

STARTING = timedelta(seconds=120)  # who has ended is started again by the supervisor; asking too would end the newborn
PASSING = timedelta(seconds=30)  # a module that fails for less is noted, not more
UNKNOWN_AFTER = timedelta(seconds=60)  # two calm intervals: what is not known for longer counts as failing


def processes(facts: Facts) -> Iterator[Finding]:
    dead = dead_programs(facts)
    for name in ("beat", "web"):
        if mute(name, facts):
            yield process_silent(name, facts.silence(facts.hearts[name]), len(facts.modules), facts)
    for name, modules in dead.items():
        heard = facts.hearts.get(name) if mute(name, facts) else None
        silence = facts.silence(heard) if heard else min(facts.silence(ran.last_tick) for ran in modules)
        yield process_silent(name, silence, len(modules), facts)
    if mute("stream", facts) or facts.silence(facts.stream_beat) > allowed(STREAM_BEATS * 3 + GRACE, facts):
        yield process_silent("stream", facts.silence(facts.stream_beat), 1, facts)


def process_silent(name: str, silence: timedelta, modules: int, facts: Facts) -> Finding:
    """It is ended, to be started again; unless it has ended already, and its supervisor is at it.

    Nothing is traded by the page's process: without it people see nothing, and no position has to go for that.
    """
    again = Remedy(Action.RESTART_PROCESS, name)
    starting = name in facts.hearts and name not in facts.living and silence <= STARTING
    params: dict[str, str | float] = {"process": name, "seconds": silence.total_seconds(), "modules": modules}
    subsystem = {"stream": "data_feed", "worker": "executor", "beat": "trainer"}.get(name, name)
    remedies = () if starting and facts.living else (again, again, again)
    severity, trading = (HIGH, False) if name == "web" else (CRITICAL, True)
    return Finding(Ailment.PROCESS_SILENT, name, subsystem, severity, params, trading, remedies)


def silent_modules(facts: Facts) -> Iterator[Finding]:
    dead = dead_programs(facts)
    for ran in () if uncalled(facts) else facts.modules:
        if ran.program in dead or not silent(ran, facts):
            continue
        params: dict[str, str | float] = {
            "module": ran.title,
            "seconds": facts.silence(ran.last_tick).total_seconds(),
            "every": ran.every.total_seconds(),
        }
        again = Remedy(Action.RESTART_MODULE, ran.name)
        remedies = (again, again, Remedy(Action.RESTART_PROCESS, ran.program))
        yield Finding(Ailment.MODULE_SILENT, ran.name, ran.name, ran.severity, params, trades(ran.severity), remedies)


def failing_modules(facts: Facts) -> Iterator[Finding]:
    """An error that passes is noted; one that stays weighs as much as the module."""
    for ran in facts.modules:
        if not ran.failing or silent(ran, facts):
            continue
        lasted = facts.now - facts.since.get(f"{Ailment.MODULE_FAILING}:{ran.name}", facts.now)
        severity = ran.severity if lasted >= max(PASSING, ran.every * 2) else LOW
        params: dict[str, str | float] = {"module": ran.title, "error": ran.last_error[:200]}
        again = Remedy(Action.RUN_MODULE, ran.name)
        yield Finding(
            Ailment.MODULE_FAILING, ran.name, ran.name, severity, params, trades(severity), (again, again, again)
        )


def wired(facts: Facts) -> Iterator[Finding]:
    """What is built and not loaded, called and idle for no reason, or runs other code than the rest (Knight)."""
    weights = {ran.name: ran.severity for ran in facts.modules}
    for one in facts.wired:
        code = Ailment(one.code)
        lasted = facts.now - facts.since.get(f"{code}:{one.subject}", facts.now)
        if code == DIFFERS:
            severity = CRITICAL if facts.real else MEDIUM
        elif one.vital:
            severity = CRITICAL
        else:
            severity = weights.get(one.subject, HIGH)
            severity = min(severity, MEDIUM, key=SEVERITIES.index) if one.half else severity
        if not one.at_once and lasted < PASSING:
            severity = LOW
        again = Remedy(Action.RUN_MODULE, one.subject)
        remedies = (again, again, again) if code == IDLE else ()
        params = {**one.params, "reason": one.reason}
        subsystem = str(one.params.get("process", one.subject))
        yield Finding(code, one.subject, subsystem, severity, params, trades(severity), remedies)


def stuck_training(facts: Facts) -> Iterator[Finding]:
    if facts.training_beat is None or facts.silence(facts.training_beat) <= facts.training_silence:
        return
    params = {"seconds": facts.silence(facts.training_beat).total_seconds(),
              "limit": facts.training_silence.total_seconds()}  # fmt: skip
    again = Remedy(Action.RESTART_MODULE, "models")
    yield Finding(Ailment.TRAINING_STUCK, "", "models", MEDIUM, params, False, (again, again, again))


def unknown_parts(facts: Facts) -> Iterator[Finding]:
    """What trading needs and nobody tells of: switched off, or without anything to tell. Unknown is not healthy."""
    watched = {ran.name for ran in facts.modules}
    for ran in facts.critical:
        silence = facts.silence(ran.last_tick)
        if ran.name not in watched and silence > max(UNKNOWN_AFTER, ran.every * 2):
            yield part_unknown(ran.name, ran.title, silence)
    if not facts.closes and "data_feed" in watched | {ran.name for ran in facts.critical}:
        silence = facts.silence(None)
        if silence > UNKNOWN_AFTER:
            yield part_unknown("candles", "Data Feed", silence)


def part_unknown(subject: str, title: str, silence: timedelta) -> Finding:
    params: dict[str, str | float] = {
        "module": title,
        "seconds": silence.total_seconds(),
        "limit": UNKNOWN_AFTER.total_seconds(),
    }
    subsystem = {"candles": "data_feed"}.get(subject, subject)
    return Finding(Ailment.PART_UNKNOWN, subject, subsystem, CRITICAL, params, True)

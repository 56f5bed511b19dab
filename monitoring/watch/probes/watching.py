"""Monitoring: self-healing and logging. Pure."""

from __future__ import annotations

from datetime import timedelta

from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, punctual, steady
from monitoring.watch.probes.facts import QUEUES, Facts
from monitoring.watch.room import Room

EARLY = timedelta(seconds=10)  # a process writes before its first heartbeat

# -- Self-Healing -----------------------------------------------------------------------------------------------------


def calm(facts: Facts) -> Answer:
    """Nothing critical is open."""
    bad = [one for one in facts.troubles if one.severity == "critical"]
    if bad:
        oldest = min(bad, key=lambda one: one.first_seen)
        return fail("critical-open", n=len(bad), key=oldest.key, age_s=age(oldest.first_seen, facts.now),
                    ids=[one.id for one in bad[:5]], href="/incidents/")  # fmt: skip
    return ok("none-critical", n=len(facts.troubles))


def helps(facts: Facts) -> Answer:
    """No fault has outlasted its remedies."""
    pulse = facts.pulses.get("self_healing")
    if pulse is None or pulse.last_tick is None:
        return unknown("no-tick-yet")
    lost = [one for one in facts.troubles if one.escalated or one.attempts >= facts.limits.attempts]
    if lost:
        worst = max(lost, key=lambda one: one.attempts)
        told = {"key": worst.key, "n": worst.attempts, "of": len(lost), "ids": [one.id for one in lost[:5]]}
        return fail("helpless" if worst.attempts else "without-remedy", **told, href="/incidents/")
    return ok("remedies-help", n=len(facts.troubles))


def rings(facts: Facts) -> Answer:
    """What is enqueued is run, on every queue: a task went through the broker, and its row is there."""
    if not facts.bells:
        return unknown("no-bell")
    silent = {queue: age(bell.at, facts.now) for queue, bell in facts.bells.items()}
    queue = max(silent, key=lambda one: silent[one])
    limit = facts.limits.bell_age.total_seconds()
    never = next((one for one in QUEUES if one not in facts.bells), "")
    just_begun = any(facts.now - began < facts.limits.bell_age for began in facts.running.values())
    if (never or silent[queue] > limit) and just_begun:
        return unknown("no-bell")  # nobody has rung since a process began
    if never:
        return fail("bell-never", queue=never, limit_s=limit)
    if silent[queue] > limit:
        return fail("bell-silent", queue=queue, age_s=silent[queue], limit_s=limit)
    slow, worst = max((bell.took_ms, queue) for queue, bell in facts.bells.items())
    params = {"queue": worst, "value_ms": slow, "limit_ms": facts.limits.bell_ms, "n": len(facts.bells)}
    return fail("bell-slow", **params) if slow > facts.limits.bell_ms else ok("bells-ring", **params)


def slots(facts: Facts) -> Answer:
    """Beat kept the hour's appointments: modules were called as often as their schedules say."""
    kept, due = facts.slots
    if not due:
        return unknown("no-slots")
    params = {"n": kept, "of": due}
    return fail("slots-lost", **params) if kept < due * facts.limits.slots else ok("slots-kept", **params)


# -- Logging ----------------------------------------------------------------------------------------------------------


def written(facts: Facts) -> Answer:
    """Every process has a log file that can be written to."""
    if facts.machine is None or not facts.machine.logs:
        return unknown("no-logs")
    shut = [log.name for log in facts.machine.logs if not log.writable]
    return fail("logs-shut", names=shut) if shut else ok("logs-open", n=len(facts.machine.logs))


def recent(facts: Facts) -> Answer:
    """Each process that lives has written to its log since it began."""
    if facts.machine is None or not facts.machine.logs or not facts.running:
        return unknown("no-logs")
    written = {log.name: log.at for log in facts.machine.logs if log.at}
    mute = sorted(name for name, began in facts.running.items() if name not in written or written[name] < began - EARLY)
    return fail("logs-mute", names=mute) if mute else ok("logs-recent", n=len(facts.running))


def memory(facts: Facts) -> Answer:
    """There is memory left for a training and a burst."""
    seen = facts.machine
    if seen is None or not seen.memory_total:
        return unknown("no-memory")
    params = {"free_mb": mb(seen.memory_free), "limit_mb": mb(int(seen.memory_total * facts.limits.memory_share))}
    short = seen.memory_free < seen.memory_total * facts.limits.memory_share
    return fail("memory-short", **params) if short else ok("memory-room", **params)


def bounded(facts: Facts) -> Answer:
    if facts.machine is None or not facts.machine.logs:
        return unknown("no-logs")
    largest = max(facts.machine.logs, key=lambda log: log.size)
    params = {"name": largest.name, "size_mb": mb(largest.size), "limit_mb": mb(facts.limits.log_bytes)}
    return fail("log-large", **params) if largest.size > facts.limits.log_bytes else ok("logs-small", **params)


def room(facts: Facts) -> Answer:
    """There is disk left to write on."""
    disk = facts.machine
    if disk is None or not disk.total:
        return unknown("no-machine")
    seen = Room(disk.free, disk.total)
    params = {"free_mb": mb(seen.free), "limit_mb": mb(seen.limit)}
    return fail("disk-short", **params) if seen.short else ok("disk-room", **params)


def quiet(facts: Facts) -> Answer:
    """The logs are not full of errors; of an hour that was not wholly read, only too many can be told."""
    if facts.machine is None or not facts.machine.logs:
        return unknown("no-logs")
    n, worst = sum(log.errors for log in facts.machine.logs), max(facts.machine.logs, key=lambda log: log.errors)
    params = {"n": n, "name": worst.name, "limit": facts.limits.log_errors}
    if n > facts.limits.log_errors:
        return fail("errors-many", **params)
    unread = [log.name for log in facts.machine.logs if not log.whole]
    return unknown("errors-unread", n=n, names=unread) if unread else ok("errors-few", **params)


def mb(size: int) -> float:
    return round(size / 1_000_000, 1)


PROBES = (
    alive("self_healing", 2),
    punctual("self_healing", 1),
    steady("self_healing", 1),
    Probe("self_healing.calm", 2, calm),
    Probe("self_healing.helps", 2, helps),
    Probe("self_healing.rings", 1, rings),
    Probe("self_healing.slots", 1, slots),
    Probe("logging.written", 2, written),
    Probe("logging.recent", 1, recent),
    Probe("logging.bounded", 1, bounded),
    Probe("logging.memory", 1, memory),
    Probe("logging.room", 3, room),
    Probe("logging.quiet", 2, quiet),
)

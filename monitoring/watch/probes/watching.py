"""Monitoring: self-healing and logging. Pure."""

from __future__ import annotations

from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, punctual, steady
from monitoring.watch.probes.facts import Facts

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
        return fail("helpless", key=worst.key, n=worst.attempts, of=len(lost), ids=[one.id for one in lost[:5]],
                    href="/incidents/")  # fmt: skip
    return ok("remedies-help", n=len(facts.troubles))


# -- Logging ----------------------------------------------------------------------------------------------------------


def written(facts: Facts) -> Answer:
    """Every process has a log file that can be written to."""
    if facts.machine is None or not facts.machine.logs:
        return unknown("no-logs")
    shut = [log.name for log in facts.machine.logs if not log.writable]
    return fail("logs-shut", names=shut) if shut else ok("logs-open", n=len(facts.machine.logs))


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
    params = {"free_mb": mb(disk.free), "limit_mb": mb(facts.limits.free_bytes)}
    return fail("disk-short", **params) if disk.free < facts.limits.free_bytes else ok("disk-room", **params)


def quiet(facts: Facts) -> Answer:
    """The logs are not full of errors."""
    if facts.machine is None or not facts.machine.logs:
        return unknown("no-logs")
    n, worst = sum(log.errors for log in facts.machine.logs), max(facts.machine.logs, key=lambda log: log.errors)
    params = {"n": n, "name": worst.name, "limit": facts.limits.log_errors}
    return fail("errors-many", **params) if n > facts.limits.log_errors else ok("errors-few", **params)


def mb(size: int) -> float:
    return round(size / 1_000_000, 1)


PROBES = (
    alive("self_healing", 3),
    punctual("self_healing", 1),
    steady("self_healing", 1),
    Probe("self_healing.calm", 2, calm),
    Probe("self_healing.helps", 3, helps),
    Probe("logging.written", 3, written),
    Probe("logging.bounded", 2, bounded),
    Probe("logging.room", 3, room),
    Probe("logging.quiet", 2, quiet),
)

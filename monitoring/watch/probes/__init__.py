"""Probes: one question each, answered OK, FAIL or UNKNOWN from facts that are read once.

`rows.read(now)` reads the facts, `answers(facts)` asks every probe. Score, doctor and pages read the same answers.
"""

from __future__ import annotations

from monitoring.watch.probes import core, ground, learned, watching
from monitoring.watch.probes.answers import Answer, Probe, State, put
from monitoring.watch.probes.facts import Facts

PROBES: tuple[Probe, ...] = (*core.PROBES, *learned.PROBES, *ground.PROBES, *watching.PROBES)


def answers(facts: Facts) -> dict[str, Answer]:
    """Every probe's answer, by key."""
    return {probe.key: put(probe, facts) for probe in PROBES}


__all__ = ["PROBES", "Answer", "Facts", "Probe", "State", "answers"]

"""The doctor: every probe's answer now, the causes behind them, in order; what changed since the last report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction

from monitoring.models import HealthScore
from monitoring.watch import history, scorecard, spoken, validator
from monitoring.watch.diagnosis import rows as causes
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.problem import Problem as Cause
from monitoring.watch.diagnosis.problem import Severity
from monitoring.watch.history import Turn
from monitoring.watch.probes import Facts, State, answers
from monitoring.watch.probes.facts import Finding
from monitoring.watch.probes.rows import read
from monitoring.watch.probes.words import fix, question
from monitoring.watch.scorecard import Component, Point, Scorecard

WELL, ILL, UNSURE = 0, 1, 2  # exit codes


ORDER = tuple(Severity)


class Unreadable(RuntimeError):
    """The database answers, but not what the probes need; `finding` names what is wrong with it."""

    def __init__(self, finding: Finding, error: Exception) -> None:
        self.finding = finding
        super().__init__(" ".join(str(error).split())[:300])


@dataclass(frozen=True, slots=True)
class Problem:
    """One probe that did not say yes: how bad that is, and what it says."""

    severity: Severity
    component: Component
    point: Point

    @property
    def costs(self) -> int:
        return self.component.part.weight * self.point.of


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One look at everything."""

    at: datetime
    facts: Facts
    card: Scorecard
    problems: tuple[Problem, ...]
    since_report: Turn | None = None
    causes: tuple[Cause, ...] = ()  # what is the matter, worst first
    headline: str = ""  # why there were no signals, or no orders

    @property
    def exit_code(self) -> int:
        """0 where every probe says ok, 1 where one fails, 2 where none fails and one is not known."""
        states = {problem.point.state for problem in self.problems}
        return ILL if State.FAIL in states else UNSURE if states else WELL


def diagnose(now: datetime) -> Diagnosis:
    """Read, validate the database here and now, ask every probe and detector, compare with the last report."""
    found = validator.validate(now)
    try:
        with transaction.atomic():
            facts = replace(read(now), finding=found)
            ails = causes.diagnose(now, facts)
    except DatabaseError as error:
        raise Unreadable(found, error) from error
    card = scorecard.score(answers(facts), now)
    last = HealthScore.objects.filter(reported=True).order_by("-at", "-id").first()
    return Diagnosis(now, facts, card, problems(card), history.turn(last, card) if last else None, ails.problems,
                     words.headline(ails))  # fmt: skip


def problems(card: Scorecard) -> tuple[Problem, ...]:
    """What is wrong or not known, worst first."""
    capping = {(cap.part, cap.probe) for cap in card.caps if cap.code != scorecard.DARK}
    found = [
        Problem(severity(one, mark, (one.part.key, mark.probe) in capping), one, mark)
        for one in card.components
        for mark in one.gone
    ]
    return tuple(sorted(found, key=lambda problem: (ORDER.index(problem.severity), -problem.costs)))


def severity(one: Component, mark: Point, caps: bool) -> Severity:
    """Critical holds the whole score; high ails what trading hangs on; low is not known and nothing hangs on it."""
    if caps:
        return Severity.CRITICAL
    if mark.state is State.FAIL:
        return Severity.HIGH if one.part.critical else Severity.MEDIUM
    return Severity.HIGH if one.part.critical else Severity.LOW


def steps(seen: Diagnosis, most: int = 7) -> list[str]:
    """What to do, in order, each thing once: about the causes first, then about what else the probes said."""
    roots = [step for cause in seen.causes if not cause.because for step in words.steps(cause)]
    fixes = [fix(problem.point.probe) for problem in seen.problems]
    return list(dict.fromkeys(step for step in [*roots, *fixes] if step))[:most]


# -- as JSON ----------------------------------------------------------------------------------------------------------


def as_json(seen: Diagnosis) -> dict[str, Any]:
    card = seen.card
    return {
        "at": seen.at,
        "exit_code": seen.exit_code,
        "overall": card.overall,
        "status": card.status,
        "coverage": card.coverage,
        "caps": [{"code": cap.code, "component": cap.part, "why": spoken.cap(cap, card)} for cap in card.caps],
        "headline": seen.headline,
        "problems": words.told(seen.causes),
        "probes": [probe(one, mark) for one in card.components for mark in one.points],
        **house(),
    }


def probe(one: Component, mark: Point) -> dict[str, Any]:
    return {
        "probe": mark.probe,
        "component": one.part.name,
        "question": question(mark.probe),
        "state": mark.state.value,
        "code": mark.code,
        "sentence": spoken.why(mark),
        "evidence": dict(mark.params),
        "points": mark.earned,
        "of": mark.of,
        "as_of": mark.as_of,
        "fix": None if mark.state is State.OK else fix(mark.probe),
    }


def house() -> Mapping[str, str]:
    """Which installation this is."""
    config = settings.QUANTUM
    return {
        "mode": config.mode,
        "market": config.market,
        "version": settings.VERSION,
        "build": settings.BUILD,
        "config_hash": config.fingerprint,
    }

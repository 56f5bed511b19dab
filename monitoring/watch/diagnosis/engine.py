"""Facts -> problems in the order in which they matter, and what stands still on purpose. Pure.

The order:

1. What endangers money that is open comes first: by severity, then by how much of it.
2. Then what keeps signals from becoming orders: by the share of them that it explains, then by severity.
3. Then everything else, by severity.

A problem that follows from another one (`because`, see `follows.py`) stands behind it: the root takes over the danger,
the share and the severity of what follows from it. Of two equals the more particular cause comes first, in the order of
`Cause`. What is meant (a switch that somebody moved, a policy that pauses) is told beside the problems, and is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from monitoring.watch.diagnosis.causes import exchange, exits, models, operations, signals
from monitoring.watch.diagnosis.facts import Facts
from monitoring.watch.diagnosis.follows import ends_at, root_for
from monitoring.watch.diagnosis.problem import Cause, Diagnosis, Meant, Problem, Severity
from trading.codes import MEANINGS, Code

Detector = Callable[[Facts], Iterator[Problem]]
DETECTORS: Mapping[Cause, Detector] = {
    **exits.DETECTORS,
    **exchange.DETECTORS,
    **models.DETECTORS,
    **operations.DETECTORS,
    **signals.DETECTORS,
}
WORST = {severity: rank for rank, severity in enumerate(Severity)}
GENERAL = (Cause.SIGNALS_REJECTED, Cause.ORDERS_FAIL, Cause.FEW_VOTERS)  # they say what, others why


def diagnosed(facts: Facts) -> Diagnosis:
    """Ask every detector, find the roots, rank."""
    found = [problem for detector in DETECTORS.values() for problem in detector(facts)]
    return Diagnosis(
        at=facts.now,
        window_s=facts.seen.window.total_seconds(),
        signals=facts.signals,
        traded=facts.traded,
        problems=ranked(found),
        meant=tuple(meant(facts)),
    )


# -- what follows from what -------------------------------------------------------------------------------------------


def ranked(found: Iterable[Problem]) -> tuple[Problem, ...]:
    rooted = related(list(found))
    return tuple(sorted(rooted, key=order))


def order(problem: Problem) -> tuple:
    """The rule in the module's docstring, as a key."""
    bad, many = WORST[problem.severity], -round(problem.share, 3)
    tier, weight = (
        (0, (bad, -problem.stake)) if problem.danger else (1, (many, bad)) if problem.share else (2, (bad, 0))
    )
    particular = (problem.cause in GENERAL, list(Cause).index(problem.cause), problem.subject)
    return (tier, bool(problem.because), *weight, *particular)


def related(found: list[Problem]) -> list[Problem]:
    """Each problem with the root that it follows from; each root with the worst of what follows from it."""
    root_of = {problem.key: root for problem in found if (root := root_for(problem, found))}
    ends = {problem.key: ends_at(problem.key, root_of) for problem in found}
    result = []
    for problem in found:
        mine = [one for one in found if ends[one.key] == problem.key != one.key]
        worst = min((problem, *mine), key=lambda one: WORST[one.severity])
        result.append(
            replace(
                problem,
                severity=worst.severity,
                danger=problem.danger or any(one.danger for one in mine),
                stake=max([problem.stake, *(one.stake for one in mine)]),
                share=max([problem.share, *(one.share for one in mine)]),
                because=root_of.get(problem.key, ""),
            )
        )
    return result


# -- what is meant ----------------------------------------------------------------------------------------------------


def meant(facts: Facts) -> Iterator[Meant]:
    """What keeps entries away on purpose, or because there is nothing to gain."""
    switch, seen = facts.seen.switch, facts.seen
    if switch.state != "active":
        params = {"by": switch.by, "reason": switch.reason}
        yield Meant(switch.state.upper(), params, 1.0, since=switch.at)
    if seen.training.running and not seen.champions:
        yield Meant(Code.MODELS_TRAINING, {"stage": seen.training.stage}, 1.0)
    for tally in sorted(seen.decided, key=lambda one: -one.n):
        if tally.meant and tally.code != Code.KILL_SWITCH:
            setting = MEANINGS[Code(tally.code)].setting
            yield Meant(tally.code, {"n": tally.n, "of": facts.signals}, tally.n / facts.signals, setting, tally.first)
    if seen.cycles.evaluated and not facts.signals:
        best = max((bar.highest for bar in facts.bars if bar.highest is not None), default=None)
        yield Meant("FLAT", {"n": seen.cycles.evaluated, "best": best}, 1.0)

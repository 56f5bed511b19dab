"""When a challenger is due: one trigger with its reason, or the reason why none is. A pure function of facts.

Intervals are counted in bars, because a bar is what a model learns from: 1,000 of them are 17 hours of one-minute
candles and six weeks of one-hour ones.
"""

from __future__ import annotations

from dataclasses import dataclass

NEW_SAMPLES = 500  # labelled signals since the last training
OLD_BARS = 1000  # a champion's age
REST_BARS = 100  # between two trainings; doubled by each refusal in a row, at most OLD_BARS


@dataclass(frozen=True, slots=True)
class Facts:
    """Ages are bars. `advice` is what the supervisor found since the last training; `broken` kinds may not vote."""

    samples: int
    age: float
    since_last: float
    refused: int
    broken: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """`trigger` is empty where nothing is due."""

    trigger: str
    reason: str


def due(facts: Facts) -> Due:
    """The strongest trigger that holds, once the rest since the last training is over."""
    trigger, reason = strongest(facts)
    wait = min(REST_BARS * 2 ** min(facts.refused, 10), OLD_BARS)
    if trigger and facts.since_last < wait:
        again = f"{facts.since_last:.0f} of {wait} bars since the last training"
        return Due("", f"{reason}; {again}" + (f", {facts.refused} refused in a row" if facts.refused else ""))
    return Due(trigger, reason)


def strongest(facts: Facts) -> tuple[str, str]:
    if facts.broken:
        return "broken", f"{', '.join(facts.broken)} may not vote"
    if facts.advice:
        return "advice", f"the Model Supervisor found {facts.advice}"
    if facts.samples >= NEW_SAMPLES:
        return "samples", f"{facts.samples} new labelled signals"
    if facts.age >= OLD_BARS:
        return "age", f"the champions are {facts.age:.0f} bars old"
    samples = f"{facts.samples} of {NEW_SAMPLES} new labelled signals"
    return "", f"{samples}; champions {facts.age:.0f} of {OLD_BARS} bars old; nothing found against them"

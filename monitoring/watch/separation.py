"""Does the score tell faulty minutes from healthy ones? The area under the curve, over the drills that were run.

1. A drill's faulty stretch begins 15 s after something was broken (by then it must show) and ends when it was mended.
2. Healthy are the scores of the ten minutes before each drill, where no other drill was at work.
3. The figure is the chance that a healthy score lies above a faulty one, ties counted half: 0.5 says nothing, 1 all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SHOWN = timedelta(seconds=15)
BEFORE = timedelta(minutes=10)
SETTLED = timedelta(minutes=2)  # after a drill the house comes to rest
ENOUGH = 5  # scores on each side, before anything is said
GOOD = 0.9  # from here on the score tells them apart
DRILLS = 200  # newest ones


@dataclass(frozen=True, slots=True)
class Spell:
    """One drill: when something was broken, and until when."""

    broken: datetime
    mended: datetime


@dataclass(frozen=True, slots=True)
class Separation:
    """`auc` is None where too little was drilled: not known."""

    auc: float | None
    drills: int
    healthy: int
    faulty: int


def auc(healthy: Sequence[float], faulty: Sequence[float]) -> float:
    """The chance that a healthy score is above a faulty one, ties half (Mann and Whitney's U over n times m)."""
    if not healthy or not faulty:
        raise ValueError(f"needs both sides, had {len(healthy)} healthy and {len(faulty)} faulty scores")
    wins = sum((one > other) + (one == other) / 2 for one in healthy for other in faulty)
    return wins / (len(healthy) * len(faulty))


def separate(spells: Sequence[Spell], scores: Iterable[tuple[datetime, int]]) -> Separation:
    """Each stored score is faulty, healthy, or neither (just broken, just mended, far from any drill)."""
    faulty, healthy = [], []
    for at, score in scores:
        if any(spell.broken + SHOWN <= at <= spell.mended for spell in spells):
            faulty.append(score)
        elif any(spell.broken - BEFORE <= at < spell.broken for spell in spells) and not any(
            spell.broken <= at <= spell.mended + SETTLED for spell in spells
        ):
            healthy.append(score)
    enough = min(len(healthy), len(faulty)) >= ENOUGH
    return Separation(auc(healthy, faulty) if enough else None, len(spells), len(healthy), len(faulty))


def measured() -> Separation:
    """Over the newest drills of this house and the scores that were kept around them; two queries."""
    from monitoring.models import DrillRun, HealthScore

    rows = DrillRun.objects.filter(broken_at__isnull=False).exclude(outcome=DrillRun.RUNNING).order_by("-id")
    stretches = rows.values_list("broken_at", "mended_at", "ended_at")[:DRILLS]
    spells = [Spell(began, over) for began, m, e in stretches if began and (over := m or e)]
    if not spells:
        return Separation(None, 0, 0, 0)
    first = min(one.broken for one in spells) - BEFORE
    return separate(spells, HealthScore.objects.filter(at__gte=first).values_list("at", "overall"))

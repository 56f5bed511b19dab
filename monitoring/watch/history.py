"""The scores that were: stored on change and at least every minute, thinned with age, compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from monitoring.models import AuditEntry, HealthScore
from monitoring.watch import scorecard
from monitoring.watch.probes import answers
from monitoring.watch.probes.rows import NOTHING, Known, read
from monitoring.watch.scorecard import Change, Scorecard
from trading import events

AT_LEAST = timedelta(seconds=60)
TIERS = (  # from this age on, one row per that span
    (timedelta(days=1), timedelta(minutes=15)),
    (timedelta(days=30), timedelta(days=1)),
)
FORGOTTEN = timedelta(days=730)
AUDITED = 200  # newest acts that are looked through for who did it
TOUCHES = {  # what a person's act may change, by the first word of its name
    "switch": ("executor",),
    "limits": ("executor", "risk_guard", "portfolio_balancer", "model_supervisor", "data_feed"),
    "position": ("position_monitor", "trailing", "portfolio_balancer", "risk_guard", "exchange"),
    "cooldown": ("executor",),
    "universe": ("universe", "data_feed"),
    "model": ("models", "model_supervisor", "retraining_orchestrator"),
    "trim": ("portfolio_balancer",),
    "incident": ("self_healing",),
}


def measure(now: datetime, known: Known = NOTHING) -> Scorecard:
    """The score of this moment, from one look at the rows; those that are known already are not read again."""
    return scorecard.score(answers(read(now, known)), now)


def store(card: Scorecard, *, reported: bool = False) -> HealthScore:
    with transaction.atomic():
        row = HealthScore.objects.create(
            at=card.at,
            overall=card.overall,
            coverage=card.coverage,
            status=card.status,
            evidence=scorecard.kept(card),
            reported=reported,
        )
        events.changed("scorecard")
    return row


def keep(card: Scorecard) -> bool:
    """Store the score where it differs from the newest one, or where that is a minute old. Whether it differs."""
    last = HealthScore.objects.order_by("-at", "-id").first()
    changed = last is None or standing(card) != standing(recomputed(last))
    if changed or (last and card.at - last.at >= AT_LEAST):
        store(card)
    return changed


def standing(card: Scorecard) -> tuple:
    """What makes two scores the same, whatever the ages in their sentences."""
    parts = tuple((one.part.key, one.score, one.dark) for one in card.components)
    return card.overall, card.coverage, card.status, parts, card.caps


def recomputed(row: HealthScore) -> Scorecard:
    """The score once more, from the evidence that was stored with it."""
    return scorecard.again(row.evidence, row.at)


# -- thinning ---------------------------------------------------------------------------------------------------------


def thin(now: datetime) -> int:
    """Older scores become fewer: the last of each span stays, and every one that a report was written from."""
    rows = HealthScore.objects.filter(reported=False)
    gone = rows.filter(at__lt=now - FORGOTTEN).delete()[0]
    edges = [*(now - age for age, _ in TIERS[1:]), now - FORGOTTEN]
    for (age, span), edge in zip(TIERS, edges, strict=True):
        old = rows.filter(at__lt=now - age, at__gte=edge).order_by("at", "id").values_list("id", "at")
        surplus = superfluous(old, span)
        gone += HealthScore.objects.filter(id__in=surplus).delete()[0] if surplus else 0
    return gone


def superfluous(rows: Iterable[tuple[int, datetime]], span: timedelta) -> list[int]:
    """All but the last row of each span."""
    last: dict[int, int] = {}
    surplus = []
    for pk, at in rows:
        slot = int(at.timestamp() // span.total_seconds())
        if slot in last:
            surplus.append(last[slot])
        last[slot] = pk
    return surplus[:5000]


# -- comparing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """What changed since `before`, and who had a hand in it, by component."""

    before: Scorecard
    now: Scorecard
    changes: tuple[Change, ...]
    by: dict[str, str]


def since(at: datetime, card: Scorecard) -> Turn | None:
    """From the score that stood at `at` (or the first one after it) to `card`; None where none was kept."""
    row = HealthScore.objects.filter(at__lte=at).order_by("-at", "-id").first()
    row = row or HealthScore.objects.filter(at__lt=card.at).order_by("at", "id").first()
    return turn(row, card) if row else None


def turn(row: HealthScore, card: Scorecard) -> Turn:
    before = recomputed(row)
    found = scorecard.changes(before, card)
    return Turn(before, card, found, hands(row.at, card.at, [change.component for change in found]) if found else {})


def hands(start: datetime, end: datetime, components: Iterable[str]) -> dict[str, str]:
    """Whose act since `start` touches each component: the newest one's; one query."""
    acts = AuditEntry.objects.filter(at__gt=start, at__lte=end).order_by("-seq")
    known = list(acts.values_list("who", "action", "target")[:AUDITED])
    return {key: who for key in components if (who := hand(key, known))}


def hand(component: str, acts: Iterable[tuple[str, str, str]]) -> str | None:
    for who, action, target in acts:
        if target == component or component in TOUCHES.get(action.split(".")[0], ()):
            return who
    return None

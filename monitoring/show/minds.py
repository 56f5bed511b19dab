"""The models: who votes, who waits, who was sent away; what each promised, what came, and how it votes now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy

from monitoring.show.scene import Scene
from trading.forecast.retraining import OLD_BARS
from trading.models import ModelFinding, ModelVersion, Signal, TrainingRun

NEWEST_SIGNALS = 400  # whose votes are counted
JOBS, FORMER = 12, 24
TOPICS = ("bias", "calibration", "hit_rate", "votes", "drift")
SHAPES = {"ok": "ok", "suspect": "warn", "bad": "fail", "unknown": "unknown"}
STATUSES = {
    "champion": gettext_lazy("champion, votes"),
    "challenger": gettext_lazy("challenger, waits"),
    "retired": gettext_lazy("retired"),
    "quarantined": gettext_lazy("quarantined, may not vote"),
}
RANK = {"quarantined": 0, "champion": 1, "challenger": 2, "retired": 3}


@dataclass(frozen=True, slots=True)
class Skill:
    """Figures beside what chance gets; None where they were not measured."""

    auc: float | None
    log_loss: float | None
    base_log_loss: float | None
    brier: float | None
    base_brier: float | None
    rate: float | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Ballot:
    """How a kind of model voted on the newest signals: shares of 1."""

    votes: int
    of: int
    longs: int
    with_side: int

    @property
    def share(self) -> float:
        return self.votes / self.of if self.of else 0.0

    @property
    def long_share(self) -> float | None:
        return self.longs / self.votes if self.votes else None

    @property
    def agreed(self) -> float | None:
        return self.with_side / self.votes if self.votes else None


@dataclass(frozen=True, slots=True)
class Mind:
    """One model version."""

    row: ModelVersion
    seen: Skill
    unseen: Skill
    base_rate: float | None
    expires_at: datetime
    ballot: Ballot | None

    @property
    def shape(self) -> str:
        if self.row.status == ModelVersion.QUARANTINED or self.row.alarm:
            return "fail"
        return "ok" if self.row.status == ModelVersion.CHAMPION else "unknown"

    @property
    def status(self) -> str:
        return str(STATUSES[self.row.status])


def mine(scene: Scene) -> Any:
    config = settings.QUANTUM
    return ModelVersion.objects.filter(data_source=config.data_source, timeframe=config.timeframe)


def standing(scene: Scene) -> list[Mind]:
    """Champions, challengers, and the quarantined of their version; two queries."""
    rows = list(mine(scene).exclude(status=ModelVersion.RETIRED).order_by("kind", "-trained_at"))
    voting = {row.version for row in rows if row.status == ModelVersion.CHAMPION}
    kept = [row for row in rows if row.status != ModelVersion.QUARANTINED or row.version in voting or not voting]
    ballots = scene.once(polled)
    made = [mind(row, ballots.get((row.kind, row.version))) for row in kept]
    return sorted(made, key=lambda one: (RANK[one.row.status], one.row.kind))


def former(scene: Scene) -> list[Mind]:
    """The newest of those that vote no more; one query."""
    gone = mine(scene).filter(status__in=[ModelVersion.RETIRED, ModelVersion.QUARANTINED])
    shown = {one.row.pk for one in scene.once(standing)}
    rows = gone.order_by("-trained_at", "kind")[: FORMER + len(shown)]
    return [mind(row, None) for row in rows if row.pk not in shown][:FORMER]


def mind(row: ModelVersion, ballot: Ballot | None) -> Mind:
    base = row.metrics.get("base_rate")
    return Mind(
        row=row,
        seen=skill(row.metrics.get("in_sample") or {}),
        unseen=skill(row.metrics.get("out_of_sample") or {}),
        base_rate=base,
        expires_at=row.trained_at + OLD_BARS * settings.QUANTUM.bar,
        ballot=ballot,
    )


def skill(told: Mapping[str, Any]) -> Skill:
    names = ("auc", "log_loss", "base_log_loss", "brier", "base_brier", "rate", "n")
    return Skill(**{name: told.get(name) for name in names})


def polled(scene: Scene) -> dict[tuple[str, str], Ballot]:
    """The votes of the newest signals by kind and version; one query."""
    newest = Signal.objects.order_by("-id").values_list("side", "votes")[:NEWEST_SIGNALS]
    return counted(list(newest))


def counted(signals: Sequence[tuple[str, Iterable[Mapping[str, Any]]]]) -> dict[tuple[str, str], Ballot]:
    """A version is measured on the signals that its set voted on, not on those of the sets before it."""
    tallies: dict[tuple[str, str], list[int]] = {}
    asked: Counter[str] = Counter()
    for side, votes in signals:
        asked.update({vote["version"] for vote in votes})
        for vote in votes:
            tally = tallies.setdefault((vote["kind"], vote["version"]), [0, 0, 0])
            tally[0] += 1
            tally[1] += vote["side"] == "long"
            tally[2] += vote["side"] == side
    return {key: Ballot(votes, asked[key[1]], longs, agreed) for key, (votes, longs, agreed) in tallies.items()}


def findings(scene: Scene) -> list[ModelFinding]:
    """The supervisor's newest look: the ensemble first; two queries."""
    at = ModelFinding.objects.order_by("-at").values_list("at", flat=True).first()
    if at is None:
        return []
    rows = ModelFinding.objects.filter(at=at)
    return sorted(rows, key=lambda row: (row.kind != ModelFinding.ENSEMBLE, row.kind))


def jobs(scene: Scene) -> list[TrainingRun]:
    return list(TrainingRun.objects.order_by("-started_at")[:JOBS])


@dataclass(frozen=True, slots=True)
class Curve:
    """Promised and observed rates of one model's unseen cases."""

    kind: str
    promised: tuple[float, ...]
    observed: tuple[float, ...]
    n: tuple[int, ...]


def curves(minds: Sequence[Mind]) -> list[Curve]:
    """Those that vote, and only bins with anything in them."""
    found = []
    for one in minds:
        bins = [b for b in one.row.calibration if b.get("mean") is not None and b.get("rate") is not None]
        if one.row.status == ModelVersion.CHAMPION and bins:
            found.append(
                Curve(
                    one.row.kind,
                    tuple(b["mean"] for b in bins),
                    tuple(b["rate"] for b in bins),
                    tuple(b["n"] for b in bins),
                )
            )
    return found


def lasted(run: TrainingRun) -> timedelta | None:
    return run.finished_at - run.started_at if run.finished_at else None

"""Queries of this stage: who is champion, and which training runs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count

from trading import events
from trading.forecast.manifest import Binding
from trading.models import Candle, ModelVersion, TrainingRun

SILENT = timedelta(seconds=60)  # a run that has said nothing for so long is dead
RESTED = timedelta(seconds=15)  # a run that has said nothing for so long may be taken over by who was given it again
PANELS = ("models", "verdict", "ribbon")


QUEUED = TrainingRun._meta.get_field("stage").default


class Superseded(RuntimeError):
    """Somebody else has taken over this run, or buried it."""


class Ended(RuntimeError):
    """The process that trains was asked to end: the run goes back to the queue."""


# -- models -----------------------------------------------------------------------------------------------------------


def standing(binding: Binding, statuses: Sequence[str] = (ModelVersion.CHAMPION,)) -> list[ModelVersion]:
    return list(
        ModelVersion.objects.filter(
            status__in=statuses,
            venue_family=binding.venue_family,
            data_source=binding.data_source,
            timeframe=binding.timeframe,
        ).order_by("pk")
    )


def quarantine(row: ModelVersion, why: str) -> None:
    """No vote for this model until a new one is trained; the alarm stays with its row."""
    taken = ModelVersion.objects.filter(pk=row.pk, status=ModelVersion.CHAMPION).update(
        status=ModelVersion.QUARANTINED, alarm=why[:300]
    )
    if taken:
        events.changed("models", "verdict")


def count_faults(
    binding: Binding, mute: Mapping[tuple[str, str], str], spoke: Container[tuple[str, str]], most: int
) -> None:
    """One more batch for those that were mute, none for those that spoke again; `most` of them quarantine."""
    with transaction.atomic():
        champions = standing(binding)
        left = len(champions)
        for row in champions:
            name = (row.kind, row.version)
            if name in mute:
                row.faults = min(row.faults + 1, 1000)
                row.alarm = f"no usable answer in {row.faults} batches: {mute[name]}"[:300]
            elif name in spoke and row.faults:
                row.faults, row.alarm = 0, ""
            if row.faults >= most and left > 1:
                row.status, left = ModelVersion.QUARANTINED, left - 1
        ModelVersion.objects.bulk_update(champions, ["faults", "alarm", "status"])
        events.changed("models", "verdict")


def promote(fresh: Sequence[ModelVersion], binding: Binding) -> None:
    """The new ones become champions, the old ones retire; all or nothing."""
    with transaction.atomic():
        retire(binding)
        ModelVersion.objects.bulk_create(fresh)
        events.changed(*PANELS)


def retire(binding: Binding) -> None:
    """Whoever votes in this market has had its time."""
    of = {"venue_family": binding.venue_family, "data_source": binding.data_source, "timeframe": binding.timeframe}
    ModelVersion.objects.filter(status=ModelVersion.CHAMPION, **of).update(status=ModelVersion.RETIRED)


def shelve(fresh: Sequence[ModelVersion]) -> None:
    """Challengers that were not promoted: kept, with the run that says why."""
    ModelVersion.objects.bulk_create(fresh)
    events.changed(*PANELS)


def reinstate(old: Sequence[ModelVersion], binding: Binding) -> None:
    """Back on the stage: retired ones become champions again, those of the moment retire."""
    with transaction.atomic():
        retire(binding)
        pks = [row.pk for row in old]
        ModelVersion.objects.filter(pk__in=pks).update(status=ModelVersion.CHAMPION, faults=0, alarm="")
        events.changed(*PANELS)


def left_the_stage(binding: Binding) -> list[ModelVersion]:
    """Those whose files are still there, newest first; quarantined, retired, refused."""
    gone = (ModelVersion.RETIRED, ModelVersion.CHALLENGER, ModelVersion.QUARANTINED)
    return [row for row in reversed(standing(binding, gone)) if row.pruned_at is None]


def pruned(old: Sequence[ModelVersion], now: datetime) -> None:
    pks = [row.pk for row in old]
    ModelVersion.objects.filter(pk__in=pks).update(pruned_at=now)
    ModelVersion.objects.filter(pk__in=pks, status=ModelVersion.CHALLENGER).update(status=ModelVersion.RETIRED)


# -- training ---------------------------------------------------------------------------------------------------------


def running() -> TrainingRun | None:
    return TrainingRun.objects.filter(outcome="running").first()


def request(now: datetime, by: str, trigger: str = "first", reason: str = "") -> tuple[TrainingRun, bool]:
    """The one run there is, and whether it is new."""
    bury(now)
    if run := running():
        return run, False
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                started_at=now, beat_at=now, requested_by=by[:80], trigger=trigger, reason=reason[:300]
            )
    except IntegrityError:  # somebody else was first
        return TrainingRun.objects.filter(outcome="running").latest(), False
    events.changed(*PANELS)
    return run, True


def bury(now: datetime) -> int:
    """Fail whoever has fallen silent: its worker was killed, or its task was lost."""
    dead = TrainingRun.objects.filter(outcome="running", beat_at__lt=now - SILENT)
    count = dead.update(outcome="failed", finished_at=now, error=f"silent for more than {SILENT.seconds} s")
    if count:
        events.changed(*PANELS)
    return count


def claim(run_id: int, now: datetime) -> int | None:
    """Take a queued run, or one whose worker has rested too long; its fencing token, or None."""
    run = TrainingRun.objects.filter(pk=run_id, outcome="running").first()
    if run is None or not (run.stage == QUEUED or rested(run, now)):
        return None
    mine = TrainingRun.objects.filter(pk=run_id, outcome="running", fence=run.fence)
    return run.fence + 1 if mine.update(fence=run.fence + 1, beat_at=now, stage="loading candles") else None


def rested(run: TrainingRun, now: datetime) -> bool:
    """Nobody seems to be at it."""
    return run.beat_at <= now - RESTED


def hand_back(run_id: int, fence: int, now: datetime) -> bool:
    """Back to the queue, for whoever comes next; False where it is not ours any more."""
    mine = TrainingRun.objects.filter(pk=run_id, fence=fence, outcome="running")
    handed = bool(mine.update(stage=QUEUED, progress=0, eta_seconds=None, beat_at=now))
    if handed:
        events.changed(*PANELS)
    return handed


def say(run_id: int, fence: int, **fields: object) -> None:
    """Write to the run while it is ours."""
    if not TrainingRun.objects.filter(pk=run_id, fence=fence, outcome="running").update(**fields):
        raise Superseded(f"training {run_id} was taken over")
    events.changed(*PANELS)


def fail(run_id: int, fence: int, now: datetime, why: str) -> None:
    mine = TrainingRun.objects.filter(pk=run_id, fence=fence, outcome="running")
    if mine.update(outcome="failed", finished_at=now, eta_seconds=None, error=why[:500]):
        events.changed(*PANELS)


def failures() -> tuple[int, datetime | None]:
    """Trainings that failed since the last one that didn't, and when the newest of them ended."""
    last = TrainingRun.objects.filter(outcome="done").order_by("-pk").first()
    failed = TrainingRun.objects.filter(outcome="failed", pk__gt=last.pk if last else 0)
    newest = failed.order_by("-pk").first()
    return failed.count(), newest.finished_at if newest else None


def refused_in_a_row() -> int:
    """Challengers that were refused since the last one that was promoted."""
    last = TrainingRun.objects.filter(verdict="promoted").order_by("-pk").first()
    return TrainingRun.objects.filter(verdict="refused", pk__gt=last.pk if last else 0).count()


def candles(symbols: Sequence[str], timeframe: str) -> dict[str, int]:
    """How many are stored, of each symbol that has any."""
    rows = Candle.objects.filter(timeframe=timeframe, symbol__in=symbols).order_by().values("symbol")
    return dict(rows.annotate(n=Count("pk")).values_list("symbol", "n"))

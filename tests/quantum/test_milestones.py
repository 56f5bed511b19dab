from datetime import UTC, datetime, timedelta

import pytest

from quantum.milestones import Milestones
from trading.models import Cycle, TrainingRun

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def cycle(at: datetime, evaluated: int) -> None:
    Cycle.objects.create(
        timeframe="1m", bar=at, at=at, symbols=20, evaluated=evaluated, flat=evaluated, mode="practice"
    )


def test_a_training_is_told_stage_by_stage_once():
    milestones = Milestones(NOW)
    run = TrainingRun.objects.create(started_at=NOW, beat_at=NOW, stage="features", eta_seconds=21.4)
    assert milestones.news() == ["models: features, about 21 s left"]
    assert milestones.news() == []
    run.outcome = "done"
    run.save()
    assert milestones.news() == ["models: trained"]


def test_the_first_judged_bar_is_the_last_news():
    milestones = Milestones(NOW)
    cycle(NOW - timedelta(minutes=1), 20)  # of an earlier start
    cycle(NOW + timedelta(minutes=1), 0)  # nothing could be judged
    assert milestones.news() == []
    cycle(NOW + timedelta(minutes=2), 18)
    assert milestones.news() == ["first bar judged: 18 of 20 symbols, 0 signals"]
    TrainingRun.objects.create(started_at=NOW, beat_at=NOW, stage="features")
    assert milestones.news() == []

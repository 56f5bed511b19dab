"""AI Models asks for a training where nobody can answer, and otherwise counts the answers."""

from datetime import timedelta

import pytest

from tests.champions import START
from tests.forecast.test_store import NOW, own_folder, stored_history  # noqa: F401
from trading.forecast import rows, store
from trading.forecast.modules import AIModels, rest
from trading.models import Cycle, ModelVersion, ModuleState, TrainingRun, UniverseSnapshot
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db


def tick(now=NOW):
    return MODULES["models"].tick(now)


def test_it_runs_every_half_minute_on_the_work_queue():
    assert isinstance(MODULES["models"], AIModels)
    assert (AIModels.title, AIModels.every, AIModels.queue) == ("AI Models", timedelta(seconds=30), "work")


def test_without_a_universe_it_is_idle_and_says_so():
    assert tick().idle_reason == "no universe yet"


def test_with_too_little_history_it_says_how_much_is_there():
    stored_history(bars=300)
    assert tick().idle_reason == "too little history to learn from: 128 labelled candles, 400 are needed"


def test_while_history_is_loading_it_waits_for_all_of_it():
    stored_history()
    ModuleState.objects.create(name="data_feed", idle_reason="loading history: 3 of 20 symbols")
    assert tick().idle_reason == "waiting: loading history: 3 of 20 symbols"
    assert not TrainingRun.objects.exists()


def test_with_enough_history_and_no_champions_it_asks_for_a_training():
    stored_history()
    assert tick().actions == 1
    assert TrainingRun.objects.get().requested_by == "models"


def test_while_a_training_runs_it_tells_how_far_it_is():
    run, _ = rows.request(NOW, "test")
    rows.say(run.pk, run.fence, stage="training xgboost", progress=0.5, eta_seconds=7.2)
    assert tick().idle_reason == "training: training xgboost, 50% done, about 7 s left"


def test_a_run_that_nobody_seems_to_be_at_is_rung_for_again(monkeypatch):
    rung: list[tuple] = []
    monkeypatch.setattr(store, "ring", lambda *task, queue: rung.append((queue, *task)))
    run, _ = rows.request(NOW, "test")
    rows.claim(run.pk, NOW)
    tick(NOW + timedelta(seconds=10))
    assert rung == []
    tick(NOW + rows.RESTED)
    assert rung == [("train", "trading.train", run.pk)]


def test_champions_without_a_new_bar_are_idle_and_tell_their_age(champions):
    assert tick(START + timedelta(minutes=12)).idle_reason == "4 champions, trained 12 min ago"


def test_a_quarantined_model_is_named_in_the_reason(champions):
    ModelVersion.objects.filter(kind="xgboost").update(status=ModelVersion.QUARANTINED, alarm="it has changed")
    reason = tick(START + timedelta(minutes=1)).idle_reason
    assert reason == "3 champions, trained 1 min ago; xgboost is quarantined: it has changed"


def test_votes_since_the_last_tick_are_its_work(champions):
    ModuleState.objects.create(name="models", last_tick=NOW - timedelta(seconds=30))
    for minutes, evaluated in ((5, 20), (0, 19)):
        at = NOW - timedelta(minutes=minutes, seconds=5)
        Cycle.objects.create(timeframe="1m", bar=at, at=at, evaluated=evaluated, flat=evaluated - 3, signals=3)
    report = tick()
    assert (report.examined, report.actions, report.idle_reason) == (4 * 19, 3, "")


def test_when_all_champions_are_broken_it_asks_for_new_ones(champions):
    stored_history()
    ModelVersion.objects.update(status=ModelVersion.QUARANTINED)
    assert tick().actions == 1


def test_after_a_failed_training_it_rests_longer_each_time():
    stored_history()
    TrainingRun.objects.create(started_at=NOW, beat_at=NOW, finished_at=NOW, outcome="failed", error="no luck")
    assert tick().idle_reason == "the last 1 trainings failed; the next may start at 12:00:30"
    assert tick(NOW + timedelta(seconds=31)).actions == 1
    assert [rest(n) for n in (1, 2, 3)] == [timedelta(seconds=s) for s in (30, 60, 120)]
    assert rest(50) == timedelta(minutes=30)


def test_a_dead_training_is_buried_by_the_next_tick():
    stored_history()
    rows.request(NOW, "test")
    tick(NOW + timedelta(minutes=2))
    assert TrainingRun.objects.filter(outcome="failed").count() == 1
    assert UniverseSnapshot.objects.exists()

"""A challenger is trained, judged on what neither side was fitted on, and takes over only where it is better."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests import builders as make
from tests.champions import bars_of, market, publish, spec, train_small
from tests.forecast.test_store import NOW, kinds, own_folder  # noqa: F401
from trading import schedule
from trading.feed import rows as feed_rows
from trading.feed.candles import Book
from trading.forecast import store
from trading.forecast.learners import LEARNERS, SMALL, ModelBroken
from trading.forecast.modules import RetrainingOrchestrator
from trading.models import ModelFinding, ModelVersion, SignalOutcome, TrainingRun, UniverseSnapshot
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def stored(book: Book) -> None:
    """The book as this system's own history; its symbols as the universe."""
    frame = "1h" if book.step == timedelta(hours=1) else "1m"
    feed_rows.store(bars_of(book), frame, book.last + book.step)
    rows_ = [{"symbol": s, "rank": i, "status": "in"} for i, s in enumerate(book.symbols)]
    UniverseSnapshot.objects.create(at=NOW, source="test", symbols=rows_)


def retrain(now: datetime, requester: str = "test") -> TrainingRun:
    run = store.request_retraining(requester, "because", now)
    store.train(run.pk, lambda: now, SMALL, nudge=lambda: None)
    run.refresh_from_db()
    return run


def statuses(version: str) -> set[str]:
    return set(ModelVersion.objects.filter(version=version).values_list("status", flat=True))


# -- on constructed markets -------------------------------------------------------------------------------------------


def trending(bars: int, start: datetime) -> Book:
    """A market with strong trends: there is something to learn that a champion of noise doesn't know."""
    return market(4, bars, seed=11, drift=0.35, start=start)


def test_a_better_challenger_takes_over_and_the_old_ones_stay_for_a_way_back(settings):
    noise = market(4, 900, seed=5, drift=0.0, start=NOW - 3000 * MINUTE)
    old = publish(train_small(noise), NOW - 2100 * MINUTE)
    stored(trending(2500, NOW - 2500 * MINUTE))
    run = retrain(NOW)
    assert (run.outcome, run.verdict, run.code) == ("done", "promoted", "BETTER")
    assert run.numbers["low"] > 0
    assert run.numbers["challenger"]["log_loss"] < run.numbers["champion"]["log_loss"]
    assert run.numbers["against"] == [old[0].version]
    assert (statuses(run.version), statuses(old[0].version)) == ({"champion"}, {"retired"})
    assert kinds() == set(LEARNERS)
    assert all(row.run_id == run.pk for row in ModelVersion.objects.filter(version=run.version))

    store.rollback(old[0].version)
    assert (statuses(run.version), statuses(old[0].version)) == ({"retired"}, {"champion"})
    assert kinds() == set(LEARNERS)


def test_a_challenger_that_is_not_better_is_kept_with_the_reason_and_nobody_is_woken():
    stored(trending(2500, NOW - 2500 * MINUTE))
    first = retrain(NOW)
    assert (first.code, first.verdict) == ("FIRST", "promoted")
    woken: list[str] = []
    run = store.request_retraining("anna", "curious", NOW + MINUTE)
    store.train(run.pk, lambda: NOW + MINUTE, SMALL, nudge=lambda: woken.append("executor"))
    run.refresh_from_db()
    assert (run.outcome, run.verdict, run.code) == ("done", "refused", "NOT_BETTER")
    assert (run.requested_by, run.trigger, run.reason) == ("anna", "manual", "curious")
    assert run.numbers["gain"] == 0, "the same history gives the same models"
    assert (statuses(run.version), statuses(first.version)) == ({"challenger"}, {"champion"})
    assert woken == []


def test_the_window_is_what_neither_was_fitted_on():
    stored(trending(2500, NOW - 2500 * MINUTE))
    first, second = retrain(NOW), retrain(NOW + MINUTE)
    fitted = ModelVersion.objects.filter(version__in=[first.version, second.version]).values_list("fitted_until")
    assert datetime.fromisoformat(second.numbers["since"]) >= max(at for (at,) in fitted)


def test_what_the_champions_have_seen_is_no_contest():
    stored(trending(2500, NOW - 2500 * MINUTE))
    first = retrain(NOW)
    ModelVersion.objects.update(fitted_until=NOW - 60 * MINUTE)
    run = retrain(NOW + MINUTE)
    assert (run.code, run.verdict, run.numbers["wanted"]) == ("TOO_LITTLE", "refused", 8)
    assert statuses(first.version) == {"champion"}


def test_where_a_champion_is_stopped_an_equal_challenger_restores_the_four():
    stored(trending(2500, NOW - 2500 * MINUTE))
    first = retrain(NOW)
    ModelVersion.objects.filter(kind="xgboost").update(status=ModelVersion.QUARANTINED, alarm="it leans")
    run = retrain(NOW + MINUTE)
    assert (run.code, run.verdict) in [("RESTORES", "promoted"), ("BETTER", "promoted")]
    assert run.numbers["voters"] == ["lightgbm", "extratrees", "logistic"]
    assert statuses(run.version) == {"champion"}
    assert statuses(first.version) == {"retired", "quarantined"}


# -- on recorded data -------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(market_data: Path) -> Book:
    """Four coins, hour by hour, of 2023 and 2024."""
    from trading.practice.recorded import Recorded

    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
    played = Recorded(market_data / "perp_1h_2023_2025", names)
    first = 2000
    values = np.stack([played._bars[played.symbols.index(name), first : first + 4400] for name in names])
    times = (played.first_ms // 1000) + 3600 * (first + np.arange(4400, dtype=np.int64))
    return Book(tuple(f"{n[:-4]}/USDT:USDT" for n in names), times, values, timedelta(hours=1))


@pytest.mark.data
def test_a_challenger_trained_judged_and_promoted_or_refused_on_recorded_data(recorded, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_TIMEFRAME": "1h"})
    early = replace(recorded, times=recorded.times[:2200], values=recorded.values[:, :2200])
    stored(early)
    first = retrain(early.last + early.step)
    assert (first.code, first.verdict) == ("FIRST", "promoted")

    feed_rows.store(bars_of(recorded.window(recorded.last, 2200)), "1h", recorded.last + recorded.step)
    later = recorded.last + recorded.step
    run = retrain(later)
    assert run.outcome == "done"
    assert run.verdict == ("promoted" if run.numbers["low"] > 0 else "refused")
    assert run.code in ("BETTER", "NOT_BETTER", "WORSE")
    assert run.numbers["stretches"] >= 8
    assert datetime.fromisoformat(run.numbers["since"]) > early.last, "after all that the champion has ever seen"
    voting = ModelVersion.objects.filter(status="champion")
    assert {row.version for row in voting} == {run.version if run.verdict == "promoted" else first.version}
    assert {row.kind for row in voting} == set(LEARNERS)


# -- files ------------------------------------------------------------------------------------------------------------


def files() -> set[str]:
    return {path.parent.name[:15] for path in store.root().rglob("*.manifest")}


def test_of_those_that_left_the_stage_the_last_three_keep_their_files(champions, trained):
    later = [publish(trained, NOW + timedelta(hours=hour))[0].version for hour in range(1, 6)]
    versions = [champions[0].version, *later]
    assert len(store.prune(store.current(), NOW)) == 2 * len(LEARNERS)
    assert files() == set(versions[2:])
    assert kinds() == set(LEARNERS)
    gone = ModelVersion.objects.filter(version=versions[0])
    assert {row.pruned_at for row in gone} == {NOW}
    assert store.prune(store.current(), NOW) == []
    with pytest.raises(ModelBroken, match="no files"):
        store.rollback(versions[0])
    assert kinds() == set(LEARNERS)


def test_refused_ones_do_not_push_out_the_way_back(champions, trained):
    back = publish(trained, NOW)[0].version
    for hour in range(1, 6):
        store.publish(trained, spec(), store.current(), NOW + timedelta(hours=hour), promoted=False)
    store.prune(store.current(), NOW)
    assert statuses(champions[0].version) == {"retired"}
    assert statuses(back) == {"champion"}
    store.rollback(champions[0].version)
    assert statuses(champions[0].version) == {"champion"}
    assert ModelVersion.objects.filter(status="challenger").count() == 3 * len(LEARNERS)


def test_a_broken_file_is_no_way_back(champions, trained):
    publish(trained, NOW)
    (store.root() / champions[0].path).write_bytes(b"broken")
    with pytest.raises(ModelBroken, match="has changed"):
        store.rollback(champions[0].version)
    assert statuses(champions[0].version) == {"retired"}


def test_nothing_outside_of_the_models_folder_is_removed(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("x")
    store.root().mkdir()
    store.remove("../kept.txt")
    assert kept.exists()


# -- answers that are none --------------------------------------------------------------------------------------------


def batch(champions, *mute: str):
    from trading.forecast.belief import Excluded, Forecast, Poll

    version = champions[0].version
    store.champions("synthetic", "1m")
    polls = tuple(Poll(row.kind, version, 1, 1, ()) for row in champions if row.kind not in mute)
    store.heed(Forecast(NOW, (), (), polls=polls, excluded=tuple(Excluded(k, version, "nan") for k in mute)))


def model(kind: str) -> ModelVersion:
    return ModelVersion.objects.get(kind=kind)


def test_three_batches_without_a_usable_answer_quarantine_a_model(champions):
    for _ in range(2):
        batch(champions, "xgboost")
    assert (model("xgboost").status, model("xgboost").faults) == ("champion", 2)
    batch(champions, "xgboost")
    assert model("xgboost").status == "quarantined"
    assert model("xgboost").alarm == "no usable answer in 3 batches: nan"
    assert kinds() == set(LEARNERS) - {"xgboost"}


def test_an_answer_in_between_forgives(champions):
    for mute in (("xgboost",), ("xgboost",), (), ("xgboost",)):
        batch(champions, *mute)
    assert (model("xgboost").status, model("xgboost").faults) == ("champion", 1)
    batch(champions)
    assert (model("xgboost").faults, model("xgboost").alarm) == (0, "")


def test_the_last_that_stands_is_not_stopped_and_new_ones_are_asked_for(champions):
    for _ in range(5):
        batch(champions, *LEARNERS)
    assert ModelVersion.objects.filter(status="champion").count() == 1
    stored(trending(900, NOW - 900 * MINUTE))
    assert MODULES["models"].tick(NOW).actions == 1, "nobody who stands can answer: a training is asked for"


def test_sound_batches_cost_nothing(champions, django_assert_num_queries):
    batch(champions)
    with django_assert_num_queries(1):  # the one that looks who is champion
        batch(champions)


# -- the Retraining Orchestrator --------------------------------------------------------------------------------------


@pytest.fixture
def learning(settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_CONTINUOUS_LEARNING": True})


def tick(now: datetime = NOW):
    return MODULES["retraining_orchestrator"].tick(now)


def standing_for(minutes: int) -> ModelVersion:
    """Champions that were trained so long ago."""
    ModelVersion.objects.update(trained_at=NOW - minutes * MINUTE)
    return ModelVersion.objects.first()


def outcomes(n: int) -> None:
    rows_ = [make.signal() for _ in range(n)]
    fields = {"ended": "stop", "hit": False, "gross_r": -1, "net_r": -1.1, "target_r": 2.5, "horizon": 48}
    SignalOutcome.objects.bulk_create(
        SignalOutcome(signal=row, matures_at=NOW, at=NOW, mode="practice", **fields) for row in rows_
    )


def test_it_is_off_unless_the_setting_says_so(champions):
    assert tick().idle_reason == "continuous learning is off (QT_CONTINUOUS_LEARNING)"


def test_without_a_champion_it_leaves_the_first_training_to_ai_models(learning):
    assert tick().idle_reason == "no champion yet: AI Models asks for the first training"


def test_with_nothing_due_it_says_how_far_it_is(champions, learning):
    standing_for(300)
    outcomes(3)
    assert tick().idle_reason == (
        "3 of 500 new labelled signals; champions 300 of 1000 bars old; nothing found against them"
    )


def test_while_a_training_runs_it_waits(champions, learning):
    store.request_retraining("anna", "because", NOW)
    assert tick().idle_reason.startswith("training: queued")


def test_with_too_little_history_it_says_so(champions, learning):
    standing_for(2000)
    assert tick().idle_reason == "no universe yet"


@pytest.mark.parametrize("trigger", ["age", "samples", "advice", "broken"])
def test_each_trigger_asks_for_one_challenger(champions, learning, trigger, monkeypatch):
    stored(market(4, 500, start=NOW - 500 * MINUTE))
    standing_for(2000 if trigger == "age" else 300)
    if trigger == "samples":
        monkeypatch.setattr("trading.forecast.retraining.NEW_SAMPLES", 5)
        outcomes(5)
    if trigger == "advice":
        row = {"kind": "ensemble", "version": "v", "verdict": "bad", "level": "advise", "mode": "practice"}
        ModelFinding.objects.create(at=NOW, advice="retrain", reason="SHIFTED", **row)
    if trigger == "broken":
        ModelVersion.objects.filter(kind="logistic").update(status=ModelVersion.QUARANTINED)
    assert tick().actions == 1
    run = TrainingRun.objects.get()
    assert (run.trigger, run.requested_by, run.outcome) == (trigger, "retraining_orchestrator", "running")
    assert run.reason
    assert tick().idle_reason.startswith("training: queued")


def test_after_a_refusal_it_rests(champions, learning):
    standing_for(3000)
    row = {"started_at": NOW - 150 * MINUTE, "beat_at": NOW, "outcome": "done", "verdict": "refused"}
    TrainingRun.objects.create(**row)
    assert tick().idle_reason == (
        "the champions are 3000 bars old; 150 of 200 bars since the last training, 1 refused in a row"
    )


def test_beat_calls_it_and_the_training_goes_to_its_own_queue(champions, learning, monkeypatch):
    from django_celery_beat.models import PeriodicTask

    assert isinstance(MODULES["retraining_orchestrator"], RetrainingOrchestrator)
    schedule.sync(MODULES)
    task = PeriodicTask.objects.get(name="tick: retraining_orchestrator")
    assert (task.interval.every, task.queue) == (300, "practice-work")


def test_the_training_it_asks_for_is_rung_on_the_train_queue(
    champions, learning, monkeypatch, django_capture_on_commit_callbacks
):
    rung: list[tuple] = []
    monkeypatch.setattr(store, "ring", lambda *task, queue: rung.append((queue, *task)))
    stored(market(4, 500, start=NOW - 500 * MINUTE))
    standing_for(2000)
    with django_capture_on_commit_callbacks(execute=True):
        tick()
    assert rung == [("train", "trading.train", TrainingRun.objects.get().pk)]

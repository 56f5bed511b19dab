"""The models' shell: what isn't proven doesn't vote, what is broken is alarmed, and a training survives its worker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from tests.champions import START, bars_of, market, publish, spec
from trading.feed import rows as feed_rows
from trading.forecast import rows, store
from trading.forecast.ensemble import predict
from trading.forecast.learners import LEARNERS, SMALL
from trading.models import ModelVersion, TrainingRun, UniverseSnapshot
from trading.runtime import ENDING

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 22, 12, tzinfo=UTC)
HERE = ("synthetic", "1m")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path
    store._warm.clear()
    return tmp_path


def file_of(row: ModelVersion, suffix: str = "") -> Path:
    path = store.root() / row.path
    return path.with_suffix(suffix) if suffix else path


def kinds() -> set[str]:
    ensemble = store.champions(*HERE)
    return {member.kind for member in ensemble.members} if ensemble else set()


# -- who may vote -----------------------------------------------------------------------------------------------------


def test_four_champions_are_loaded_verified_and_ready(champions, trained):
    ensemble = store.champions(*HERE)
    assert [m.kind for m in ensemble.members] == list(LEARNERS)
    assert ensemble.blend == trained.blend
    assert [m.platt for m in ensemble.members] == [one.platt for one in trained.models]
    assert ensemble.spec == spec()
    assert ensemble.excluded == ()


def test_they_stay_warm_until_a_row_or_a_file_changes(champions, trained, django_assert_num_queries):
    first = store.champions(*HERE)
    with django_assert_num_queries(1):
        assert store.champions(*HERE) is first
    publish(trained, START + timedelta(hours=1))
    assert store.champions(*HERE) is not first


def test_without_any_model_nobody_votes():
    assert store.champions(*HERE) is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "missing", "other", "link"])
@pytest.mark.parametrize("kind", ["lightgbm", "extratrees"])
def test_a_damaged_file_is_alarmed_and_excluded_and_the_others_go_on(champions, kind, damage, tmp_path):
    assert kinds() == set(LEARNERS)  # also while they are warm
    path = file_of(next(row for row in champions if row.kind == kind))
    content = path.read_bytes()
    path.unlink()
    if damage == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        changed = {"flip": bytes([content[0] ^ 1]) + content[1:], "truncate": content[:-9], "empty": b""}
        path.write_bytes(changed.get(damage, file_of(champions[1]).read_bytes()))
    ensemble = store.champions(*HERE)
    assert {m.kind for m in ensemble.members} == set(LEARNERS) - {kind}
    assert [no.kind for no in ensemble.excluded] == [kind]
    row = ModelVersion.objects.get(kind=kind)
    assert row.status == ModelVersion.QUARANTINED
    assert row.alarm


def test_the_alarm_outlives_the_process_that_raised_it(champions):
    file_of(champions[0]).write_bytes(b"")
    assert len(kinds()) == 3
    store._warm.clear()
    ensemble = store.champions(*HERE)
    assert [no.kind for no in ensemble.excluded] == [champions[0].kind]
    book = market(3, 300)
    forecast = predict(ensemble, book, book.last + book.step)
    assert f"{champions[0].kind} {champions[0].version} does not vote" in forecast.alarms[0]
    assert all(len(belief.votes) == 3 and len(belief.excluded) == 1 for belief in forecast.beliefs)


def test_a_changed_manifest_excludes_its_model_alone(champions):
    paper = file_of(champions[2], ".manifest")
    paper.write_bytes(paper.read_bytes().replace(b'"slope"', b'"slopf"'))
    assert kinds() == set(LEARNERS) - {champions[2].kind}


def test_when_all_four_are_broken_nobody_votes(champions):
    for row in champions:
        file_of(row).write_bytes(b"broken")
    assert store.champions(*HERE) is None
    assert ModelVersion.objects.filter(status=ModelVersion.QUARANTINED).count() == 4


@pytest.mark.parametrize("where", [("binanceusdm", "1m"), ("recorded:perp", "1m"), ("synthetic", "1h")])
def test_a_model_votes_on_the_market_it_learned_from_and_nowhere_else(champions, where):
    assert store.champions(*where) is None


def test_a_row_that_claims_another_market_is_found_out_by_its_manifest(champions):
    ModelVersion.objects.update(data_source="binanceusdm")
    assert store.champions("binanceusdm", "1m") is None
    assert "may not vote" in ModelVersion.objects.first().alarm


def test_models_that_learned_another_question_do_not_answer_this_one(champions, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_STOP_ATR": 2.0})
    assert store.champions(*HERE) is None
    assert ModelVersion.objects.filter(status=ModelVersion.CHAMPION).count() == 4  # not broken, only not asked


def test_other_features_are_another_model(champions, monkeypatch):
    monkeypatch.setattr("trading.forecast.features.HASH", "0" * 64)
    assert store.champions(*HERE) is None
    assert "other features" in ModelVersion.objects.first().alarm


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "synthetic/../../x"])
def test_no_path_leads_out_of_the_models_folder(champions, path):
    ModelVersion.objects.filter(pk=champions[0].pk).update(path=path)
    assert kinds() == set(LEARNERS) - {champions[0].kind}


def test_a_data_sources_name_can_not_climb():
    assert store.plain("recorded:../../etc") == "recorded-------etc"


def test_new_champions_retire_the_old_ones(champions, trained):
    publish(trained, START + timedelta(hours=1))
    assert set(ModelVersion.objects.filter(pk__in=[r.pk for r in champions]).values_list("status", flat=True)) == {
        ModelVersion.RETIRED
    }
    assert ModelVersion.objects.filter(status=ModelVersion.CHAMPION).count() == 4


def test_rows_carry_what_people_want_to_know(champions):
    row = champions[0]
    assert row.metrics["base_rate"] > 0
    assert row.metrics["out_of_sample"]["n"] < row.metrics["in_sample"]["n"]
    assert row.metrics["out_of_sample"]["base_log_loss"]
    assert row.calibration[0].keys() == {"from", "to", "n", "mean", "rate"}
    assert row.settings["label"]["horizon"] == 48


# -- training ---------------------------------------------------------------------------------------------------------


def stored_history(bars: int = 700) -> None:
    book = market(4, bars, start=NOW - timedelta(minutes=bars))
    feed_rows.store(bars_of(book), "1m", NOW)
    UniverseSnapshot.objects.create(
        at=NOW, source="test", symbols=[{"symbol": s, "rank": i, "status": "in"} for i, s in enumerate(book.symbols)]
    )


def test_a_training_makes_champions_and_wakes_the_executor(django_capture_on_commit_callbacks):
    stored_history()
    woken: list[str] = []
    run = store.request_training(NOW, "test")
    with django_capture_on_commit_callbacks(execute=True):
        store.train(run.pk, lambda: NOW, SMALL, nudge=lambda: woken.append("executor"))
    run.refresh_from_db()
    assert (run.outcome, run.progress, run.stage, run.error) == ("done", 1.0, "done", "")
    assert run.rows > 1000
    assert kinds() == set(LEARNERS)
    assert woken == ["executor"]


def test_what_was_just_trained_judges_the_last_stored_bar():
    stored_history()
    store.train(store.request_training(NOW, "test").pk, lambda: NOW, SMALL)
    book = feed_rows.load_book(feed_rows.universe(), "1m")
    forecast = predict(store.champions(*HERE), book, NOW)
    assert len(forecast.beliefs) + len(forecast.flat) == 4
    assert all(len(belief.votes) == 4 for belief in forecast.beliefs)


def test_too_little_history_fails_the_run_and_says_why():
    stored_history(bars=230)
    run = store.request_training(NOW, "test")
    store.train(run.pk, lambda: NOW, SMALL)
    run.refresh_from_db()
    assert run.outcome == "failed"
    assert "are needed" in run.error


def test_an_accident_is_told_by_the_run_and_raised():
    stored_history()
    run = store.request_training(NOW, "test")
    store.root().parent.joinpath("models").write_text("a file where a folder must be")
    with pytest.raises(OSError, match="models"):
        store.train(run.pk, lambda: NOW, SMALL)
    run.refresh_from_db()
    assert run.outcome == "failed"
    assert "models" in run.error
    assert not ModelVersion.objects.exists()


def test_one_training_at_a_time():
    first = store.request_training(NOW, "test")
    assert store.request_training(NOW, "somebody else").pk == first.pk
    with pytest.raises(IntegrityError, match="one_training_at_a_time|UNIQUE"), transaction.atomic():
        TrainingRun.objects.create(started_at=NOW, beat_at=NOW)


def test_a_silent_run_is_buried_and_a_new_one_takes_its_place():
    dead = store.request_training(NOW, "test")
    later = NOW + rows.SILENT + timedelta(seconds=1)
    assert store.request_training(later, "test").pk != dead.pk
    dead.refresh_from_db()
    assert (dead.outcome, dead.finished_at) == ("failed", later)
    assert "silent" in dead.error


def test_a_task_delivered_twice_trains_once():
    run = store.request_training(NOW, "test")
    assert rows.claim(run.pk, NOW) == 1
    assert rows.claim(run.pk, NOW + timedelta(seconds=5)) is None


def test_a_killed_workers_run_is_taken_over_and_the_dead_one_may_not_write():
    run = store.request_training(NOW, "test")
    dead = rows.claim(run.pk, NOW)
    heir = rows.claim(run.pk, NOW + rows.RESTED + timedelta(seconds=1))
    assert heir == dead + 1
    rows.say(run.pk, heir, progress=0.5)
    with pytest.raises(rows.Superseded):
        rows.say(run.pk, dead, progress=0.1)
    rows.fail(run.pk, dead, NOW, "too late")
    run.refresh_from_db()
    assert (run.outcome, run.progress) == ("running", 0.5)


def test_a_run_is_handed_back_by_a_process_that_ends_and_taken_at_once(monkeypatch):
    rung: list[tuple] = []
    monkeypatch.setattr(store, "ring", lambda *task, queue: rung.append((queue, *task)))
    stored_history()
    run = store.request_training(NOW, "test")
    ENDING.set()
    try:
        store.train(run.pk, lambda: NOW, SMALL)
    finally:
        ENDING.clear()
    run.refresh_from_db()
    assert (run.outcome, run.stage, run.progress, run.error) == ("running", "queued", 0, "")
    assert rung[-1] == ("train", "trading.train", run.pk)
    assert rows.claim(run.pk, NOW) == run.fence + 1


def test_progress_tells_stage_share_and_seconds_left():
    run = store.request_training(NOW, "test")
    meter = store.Meter(run.pk, rows.claim(run.pk, NOW), lambda: NOW + timedelta(seconds=4))
    meter.began -= 4
    meter.said -= 4
    meter("training xgboost", 0.25)
    run.refresh_from_db()
    assert (run.stage, run.progress, run.beat_at) == ("training xgboost", 0.25, NOW + timedelta(seconds=4))
    assert run.eta_seconds == pytest.approx(12, abs=1)


def test_what_was_learned_wakes_the_executor_and_the_supervisor(monkeypatch):
    rung = []
    monkeypatch.setattr(store, "ring", lambda task, module, by, queue="trade": rung.append((task, module, by, queue)))
    store.wake()
    assert rung == [
        ("trading.tick", "executor", "trainer", "trade"),
        ("trading.tick", "model_supervisor", "trainer", "work"),
    ]

"""The models' page: figures beside chance, votes as they are cast, what was found, trainings and their verdicts."""

import re
from datetime import timedelta

import pytest

from monitoring.show import minds, panels
from monitoring.show.panels.minds import FOUND, TRIGGERS, VERDICTS, topic
from monitoring.show.scene import Scene
from tests.show import factories as make
from tests.show.test_pages import text
from trading.forecast.contest import Why
from trading.forecast.supervision import Found
from trading.models import ModelFinding, ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db


def found(now, kind="ensemble", verdict="ok", **topics):
    few = {"verdict": "unknown", "code": "TOO_FEW", "n": 41, "wanted": 200}
    row = dict.fromkeys(minds.TOPICS, few) | topics
    return ModelFinding.objects.create(
        at=now, kind=kind, version="20261122T1405", verdict=verdict, n=41, level="advise", mode="practice", **row
    )


def test_a_fresh_house_says_what_will_appear_and_when(reader):
    page = text(reader.get("/models/"))
    assert "No model may vote." in page
    assert "No model has been trained on this market yet." in page
    assert "The supervisor looks every 5 min." in page
    assert "The first curves come with the first training" in page


def test_figures_stand_beside_what_chance_would_get(reader, now):
    make.running(now)
    page = text(reader.get("/models/"))
    assert "4 models vote." in page
    assert "seen 0.610; a coin 0.500" in page
    assert "base rate 0.6012" in page


def test_a_model_that_does_not_beat_the_base_rate_is_told_so(reader, now):
    out = {"auc": 0.51, "log_loss": 0.62, "base_log_loss": 0.6012, "n": 100}
    make.champion("xgboost", now, metrics={"out_of_sample": out})
    assert "base rate 0.6012, not beaten" in text(reader.get("/models/"))


def test_votes_are_counted_from_the_newest_signals(now):
    make.no_trades(now)
    ballot = minds.polled(Scene(now))["logistic", "20261122T1405"]
    assert ballot.of == 198
    assert ballot.share == 1.0
    assert ballot.long_share == 0.0  # it always said short
    assert 0 < ballot.agreed < 1
    assert ("nobody", "") not in minds.polled(Scene(now))


def test_a_new_champion_is_not_measured_on_signals_of_those_before_it():
    def vote(kind, version):
        return {"kind": kind, "version": version, "side": "long"}

    old, new = [vote("logistic", "1"), vote("xgboost", "1")], [vote("logistic", "2"), vote("xgboost", "2")]
    told = minds.counted([("long", new), ("long", new[:1]), *[("long", old)] * 18])
    assert (told["logistic", "2"].share, told["xgboost", "2"].share) == (1.0, 0.5)
    assert told["logistic", "1"].of == 18


def test_of_nothing_no_share_is_claimed():
    ballot = minds.Ballot(0, 0, 0, 0)
    assert (ballot.share, ballot.long_share, ballot.agreed) == (0.0, None, None)


def test_a_quarantined_model_is_the_headline_until_its_version_is_gone(reader, now):
    make.running(now)
    ModelVersion.objects.filter(kind="xgboost").update(status="quarantined", alarm="81 % long")
    page = text(reader.get("/models/"))
    assert "1 model may not vote: XGBoost." in page
    assert "quarantined, may not vote81 % long" in page
    ModelVersion.objects.filter(kind="xgboost").update(version="older")
    assert "3 models vote." in text(reader.get("/models/"))


def test_who_voted_before_stands_apart(now):
    make.running(now)
    make.champion("lightgbm", now, version="older", status="retired")
    make.champion("lightgbm", now, version="newer", status="challenger")
    scene = Scene(now)
    assert {one.row.status for one in minds.standing(scene)} == {"champion", "challenger"}
    assert [one.row.version for one in minds.former(scene)] == ["older"]


def test_findings_are_sentences_with_their_numbers(reader, now):
    make.running(now)
    bias = {"verdict": "bad", "code": "ONE_SIDED", "n": 58, "side": "long", "value": 0.81, "low": 0.71, "high": 0.9,
            "limit": 0.65}  # fmt: skip
    found(now)
    found(now, "xgboost", "bad", bias=bias)
    page = text(reader.get("/models/"))
    assert "4 models vote; something was found against XGBoost." in page
    assert "81 % of the bars leaned long (71 % to 90 %); at most 65 %." in page
    assert "41 so far, needs 200." in page


def test_every_code_of_the_supervisor_and_of_a_contest_has_its_words():
    assert set(FOUND) == {code.value for code in Found}
    assert set(VERDICTS) == {code.value for code in Why}
    assert {"first", "manual", "broken", "advice", "samples", "age"} == set(TRIGGERS)


@pytest.mark.parametrize("code", sorted(FOUND))
def test_a_topic_whose_numbers_are_missing_says_so_and_breaks_nothing(code):
    sentence = topic("Direction", {"verdict": "unknown", "code": code})["sentence"]
    assert "no data" in sentence
    assert "%(" not in sentence


def test_trainings_tell_why_they_began_and_what_came_of_them(reader, now):
    row = {"started_at": now - timedelta(minutes=5), "beat_at": now, "stage": "done", "progress": 1.0}
    row |= {"finished_at": now - timedelta(minutes=4), "outcome": "done", "trigger": "samples"}
    numbers = {"n": 4100, "gain": -0.0004, "low": -0.0021, "high": 0.0013}
    TrainingRun.objects.create(**row, verdict="refused", code="NOT_BETTER", numbers=numbers, reason="512 new")
    page = text(reader.get("/models/"))
    assert "enough new samples512 new" in page
    assert "refused: not provably better" in page
    assert "log loss better by \u22120.0004 (\u22120.0021 to +0.0013) over 4,100 cases" in page


def test_a_training_under_way_shows_its_progress_and_counts_down(reader, now):
    make.training(now)
    html = reader.get("/models/").content.decode()
    assert re.search(r'data-panel="training".*?calibrating 3 of 4.*?data-countdown="20', html, re.DOTALL)
    assert 'aria-valuenow="46"' in html


def test_retraining_is_offered_to_those_who_may(reader, client, now):
    make.running(now)
    assert 'action="/control/retrain/"' in reader.get("/models/").content.decode()
    client.force_login(make.user("ida", ["viewer"]))
    assert 'action="/control/' not in client.get("/models/").content.decode()


def test_calibration_is_drawn_for_each_that_votes_and_for_the_whole(reader, now):
    bins = [{"from": 0.25, "to": 0.286, "n": 900, "mean": 0.27, "rate": 0.26}]
    make.champion("xgboost", now, calibration=bins, metrics={"ensemble": {"calibration": bins}, "base_rate": 0.28})
    html = reader.get("/models/").content.decode()
    assert re.findall(r'data-name="(calibration-\w+)"', html) == ["calibration-ensemble", "calibration-xgboost"]


def test_the_page_makes_a_fixed_number_of_queries(reader, now, django_assert_max_num_queries):
    make.no_trades(now)
    found(now)
    with django_assert_max_num_queries(33):
        reader.get("/models/")


def test_the_overview_names_a_model_in_quarantine_only_where_no_other_of_its_kind_votes(now):
    make.champion("xgboost", now, version="2")
    for kind in ("xgboost", "lightgbm"):
        make.champion(kind, now - timedelta(hours=1), version="1", status="quarantined", alarm=f"{kind} is broken")
    html = "".join(panel.html for panel in panels.render(("models",), now))
    assert "lightgbm is broken" in html and "xgboost is broken" not in html and html.count("<li data-key") == 2

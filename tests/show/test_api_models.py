"""The models over HTTP: what was found about them, and trainings asked for and told of."""

import orjson
import pytest
from django.test import Client

from monitoring.control import apikeys
from monitoring.control.permissions import VIEWER
from monitoring.models import AuditEntry
from tests.show import factories as make
from tests.show.test_api import api, get, key  # noqa: F401
from trading.models import ModelFinding, ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db
PATH = "/api/v1/retraining/jobs"


def post(client: Client, **body):
    return client.post(PATH, orjson.dumps(body), "application/json")


@pytest.fixture
def looked(now):
    """One champion and the ensemble, looked at twice."""
    row = make.champion("xgboost", now)
    for at, share in ((now.replace(year=2025), 0.9), (now, 0.55)):
        for kind in ("xgboost", "ensemble"):
            ModelFinding.objects.create(
                at=at,
                kind=kind,
                version=row.version,
                verdict="ok",
                n=412,
                bias={"verdict": "ok", "code": "BALANCED", "value": share},
                drift={"verdict": "ok", "code": "STABLE", "value": 0.04},
                votes={"verdict": "ok", "code": "VOTES", "value": 0.99},
                level="advise",
                mode="practice",
            )
    return row


def test_a_model_carries_what_the_last_look_found(api, looked):  # noqa: F811
    (item,) = get(api, "models")["items"]
    assert (item["bias"]["value"], item["drift"]["value"], item["votes_share"]) == (0.55, 0.04, 0.99)
    assert item["verdict"] == "ok"
    assert item["expires_at"] > item["trained_at"]


def test_a_model_that_nobody_looked_at_says_null(api, now):  # noqa: F811
    make.champion("xgboost", now)
    (item,) = get(api, "models")["items"]
    assert (item["bias"], item["drift"], item["votes_share"], item["verdict"]) == (None, None, None, None)


def test_one_model_comes_with_all_evidence_and_the_training_that_made_it(api, looked, now):  # noqa: F811
    run = make.training(now, outcome="done", verdict="promoted", code="BETTER", numbers={"gain": 0.01})
    ModelVersion.objects.update(run=run)
    told = get(api, f"models/{looked.pk}")
    assert (told["finding"]["bias"]["value"], told["finding"]["n"]) == (0.55, 412)
    assert told["ensemble"]["kind"] == "ensemble"
    assert (told["job"]["verdict"], told["job"]["numbers"]) == ("promoted", {"gain": 0.01})


def test_jobs_are_listed_newest_first_and_filtered(api, now):  # noqa: F811
    make.training(now, outcome="done", verdict="refused", code="NOT_BETTER", trigger="age", reason="old")
    make.training(now)
    jobs = get(api, "retraining/jobs")["items"]
    assert [job["outcome"] for job in jobs] == ["running", "done"]
    (job,) = get(api, "retraining/jobs?verdict=refused")["items"]
    assert (job["code"], job["trigger"], job["reason"]) == ("NOT_BETTER", "age", "old")
    get(api, "retraining/jobs?verdict=maybe", status=400)


def test_asking_for_a_challenger_makes_one_job_and_an_audit_row(api):  # noqa: F811
    answer = post(api, reason="the market has changed")
    assert answer.status_code == 202
    job = answer.json()
    assert (job["new"], job["outcome"], job["trigger"], job["reason"]) == (
        True, "running", "manual", "the market has changed",
    )  # fmt: skip
    again = post(api, reason="me too").json()
    assert (again["new"], again["id"]) == (False, job["id"])
    assert TrainingRun.objects.count() == 1
    assert AuditEntry.objects.filter(action="model.retrain").count() == 1


def test_a_body_that_makes_no_sense_is_refused_by_name(api):  # noqa: F811
    answer = post(api, why="?")
    assert answer.status_code == 400
    assert "why" in answer.json()["error"]["fields"]
    assert not TrainingRun.objects.exists()


def test_a_viewer_may_not_ask(now):
    user = make.user(roles=(VIEWER,), name="viewer")
    client = Client(headers={"Authorization": f"Bearer {apikeys.create(user, now)[1]}"})
    assert post(client).status_code == 403
    assert not TrainingRun.objects.exists()

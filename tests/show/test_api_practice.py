"""Breaking and mending the practice exchange over HTTP: the page's own action, permission and audit row."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from monitoring.control import apikeys
from monitoring.control.permissions import OPERATOR, VIEWER
from monitoring.models import AuditEntry
from quantum.config import Mode
from tests.practice.running import Running
from tests.show import factories as make

pytestmark = pytest.mark.django_db
BREAK, MEND = "/api/v1/controls/practice/break", "/api/v1/controls/practice/mend"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture
def desk(exchange, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": exchange.url})
    for fault in exchange.desk("GET", "faults")[1]["items"]:
        exchange.desk("DELETE", f"faults/{fault['id']}")
    return exchange


def client(role: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {apikeys.create(make.user(role, (role,)), timezone.now())[1]}"})


def post(by: Client, path: str, body: object = None, **headers: str):
    return by.post(path, body if body is not None else {}, content_type="application/json", headers=headers)


def test_it_is_broken_for_a_minute_and_mended_with_the_same_rows_as_on_the_page(desk):
    operator = client(OPERATOR)
    said = post(operator, BREAK, {"target": "mute", "reason": "to see it heal"}).json()
    (fault,) = desk.desk("GET", "faults")[1]["items"]
    assert (said["state"], said["target"], said["fault"], said["kind"]) == (
        "broken",
        "mute",
        fault["id"],
        fault["kind"],
    )
    assert said["seconds_left"] == 60
    assert post(operator, MEND).json() == {"state": "mended", "ended": 1}
    assert desk.desk("GET", "faults")[1]["items"] == []
    told = AuditEntry.objects.order_by("seq").values_list("action", "target", "reason")
    assert list(told) == [("practice.break", "mute", "to see it heal"), ("practice.mend", "", "")]


def test_broken_twice_or_mended_whole_it_answers_409(desk):
    operator = client(OPERATOR)
    assert post(operator, MEND).status_code == 409
    assert [post(operator, BREAK, {"target": "errors"}).status_code for _ in range(2)] == [200, 409]


def test_asked_again_with_its_key_it_is_broken_once(desk):
    operator = client(OPERATOR)
    answers = [post(operator, BREAK, {"target": "mute"}, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200] and answers[0].json() == answers[1].json()
    assert len(desk.desk("GET", "faults")[1]["items"]) == 1


@pytest.mark.parametrize("path", [BREAK, MEND])
def test_a_viewer_breaks_and_mends_nothing(desk, path):
    assert post(client(VIEWER), path, {"target": "mute"} if path == BREAK else None).status_code == 403
    assert desk.desk("GET", "faults")[1]["items"] == [] and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "target"), ({"target": "all"}, "target"), ({"target": 5}, "target"), ({"target": "mute", "x": 1}, "x")],
)
def test_a_bad_wish_names_its_field(desk, body, field):
    answer = post(client(OPERATOR), BREAK, body)
    assert answer.status_code == 400 and list(answer.json()["error"]["fields"]) == [field]


def test_another_exchange_is_never_broken(desk, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_MODE": Mode.TESTNET})
    answer = post(client(OPERATOR), BREAK, {"target": "mute"})
    assert answer.status_code == 409 and "testnet" in answer.json()["error"]["message"]


def test_a_desk_that_does_not_answer_is_said_so(desk, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": "http://127.0.0.1:1"})
    answer = post(client(OPERATOR), BREAK, {"target": "mute"})
    assert 400 <= answer.status_code < 500 and "does not answer" in answer.json()["error"]["message"]

"""Break it on the page: what is offered, what is broken, and what a silent exchange says."""

import json

import pytest

from tests.practice.running import Running
from tests.show import factories as make

pytestmark = pytest.mark.django_db


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


@pytest.fixture
def nowhere(settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": "http://127.0.0.1:9"})


def press(client, action, **body):
    said = client.post(
        f"/control/{action}/", json.dumps(body), content_type="application/json", headers={"Accept": "application/json"}
    )
    return said.status_code, said.json()


def test_pressed_it_is_broken_shown_with_its_seconds_and_can_be_ended(reader, desk):
    page = reader.get("/incidents/").content.decode()
    assert 'id="try"' in page and "Mute the market data for 60 s" in page and "End all of it now" not in page
    assert press(reader, "break", target="mute") == (200, {
        "message": "Broken for 60 s. Watch what is found, tried and proved."
    })  # fmt: skip
    page = reader.get("/incidents/").content.decode()
    assert "The streams are mute" in page and "data-countdown" in page and "End all of it now" in page
    assert press(reader, "break", target="mute")[0] == 409
    assert press(reader, "mend") == (200, {"message": "1 fault was ended."})
    assert "The streams are mute" not in reader.get("/incidents/").content.decode()


def test_without_the_script_the_consequence_is_a_page_of_its_own(reader, desk):
    for what, said in (("mute", "sends no price, no candle"), ("errors", "HTTP 503")):
        page = reader.get(f"/control/break/?target={what}").content.decode()
        assert said in page and "Leave it" in page
    assert reader.get("/control/break/?target=everything").status_code == 404
    assert "behaves again at once" in reader.get("/control/mend/").content.decode()


def test_a_silent_exchange_is_unknown_on_the_page_and_a_conflict_when_pressed(reader, nowhere):
    answer = reader.get("/incidents/")
    assert answer.status_code == 200 and "does not answer at http://127.0.0.1:9" in answer.content.decode()
    status, said = press(reader, "break", target="mute")
    assert (status, said["error"]["code"]) == (409, "unreachable")


def test_what_is_no_thing_to_break_is_refused_by_its_field(reader, desk):
    status, said = press(reader, "break", target="everything")
    assert status == 400 and "target" in said["error"]["fields"]


def test_a_viewer_sees_what_is_broken_and_no_button(client, desk):
    desk.desk("POST", "faults", {"kind": "mute_stream", "seconds": 30})
    client.force_login(make.user("vera", roles=["viewer"]))
    page = client.get("/incidents/").content.decode()
    assert "The streams are mute" in page and 'action="/control/break/"' not in page
    assert press(client, "mend")[0] == 403


def test_in_another_mode_there_is_nothing_to_try(reader, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_MODE": type(settings.QUANTUM.QT_MODE).TESTNET})
    assert 'id="try"' not in reader.get("/incidents/").content.decode()
    assert reader.get("/control/break/?target=mute").status_code == 409

"""Breaking the practice exchange on purpose: at a real one's desk, with its name in the audit log, for a while only."""

import socket
import threading
import time

import pytest

from monitoring.control import practice
from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.permissions import Actor, NotAllowed
from monitoring.models import AuditEntry
from tests.builders import NOW
from tests.practice.running import Running

pytestmark = pytest.mark.django_db

VIEWER, OPERATOR = (Actor(role, frozenset({role})) for role in ("viewer", "operator"))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture
def desk(exchange, settings):
    """The house looks at this exchange, which is whole."""
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": exchange.url})
    for fault in exchange.desk("GET", "faults")[1]["items"]:
        exchange.desk("DELETE", f"faults/{fault['id']}")
    return exchange


def test_a_muted_stream_stands_at_the_desk_and_in_the_audit_log(desk):
    done = practice.break_it(practice.MUTE, OPERATOR, NOW)
    (fault,) = desk.desk("GET", "faults")[1]["items"]
    assert (fault["id"], fault["kind"]) == (done.id, "mute_stream") and 55 < fault["seconds_left"] <= 60
    (row,) = AuditEntry.objects.all()
    assert (row.who, row.action, row.target, row.after["id"]) == ("operator", "practice.break", "mute", done.id)


def test_an_exchange_that_answers_with_errors_does_so_and_its_desk_still_hears(desk):
    practice.break_it(practice.ERRORS, OPERATOR, NOW)
    assert desk.request("GET", "/fapi/v1/time")[0] == 503
    (fault,) = practice.faults()
    assert (fault.kind, fault.hits) == ("http_status", 1) and 50 < fault.seconds_left <= 60


def test_what_is_broken_is_not_broken_twice_and_all_of_it_ends_at_once(desk):
    practice.break_it(practice.MUTE, OPERATOR, NOW)
    with pytest.raises(Stale, match="broken already, for another"):
        practice.break_it(practice.MUTE, OPERATOR, NOW)
    practice.break_it(practice.ERRORS, OPERATOR, NOW)
    assert practice.mend(OPERATOR, NOW) == 2
    assert practice.faults() == [] and desk.request("GET", "/fapi/v1/time")[0] == 200
    assert AuditEntry.objects.latest("seq").before == {"kinds": ["mute_stream", "http_status"]}
    with pytest.raises(Stale, match="Nothing is broken"):
        practice.mend(OPERATOR, NOW)


def test_what_was_ended_is_noted_where_the_desk_falls_silent_on_the_way(desk, monkeypatch):
    practice.break_it(practice.MUTE, OPERATOR, NOW)
    practice.break_it(practice.ERRORS, OPERATOR, NOW)
    asked, ask = [], practice.ask

    def failing(method, path, *args, **more):
        asked.append(method)
        if asked.count("DELETE") == 2:
            raise Unreachable("silent")
        return ask(method, path, *args, **more)

    with monkeypatch.context() as silent, pytest.raises(Unreachable, match="1 of 2 faults were ended"):
        silent.setattr(practice, "ask", failing)
        practice.mend(OPERATOR, NOW, "enough")
    row = AuditEntry.objects.latest("seq")
    assert (row.action, row.reason) == ("practice.mend", "enough")
    assert (row.before, row.after) == ({"kinds": ["mute_stream"]}, {"left": ["http_status"]})
    assert [fault.kind for fault in practice.faults()] == ["http_status"]
    assert practice.mend(OPERATOR, NOW) == 1


def test_a_desk_that_ends_nothing_leaves_no_note(desk, monkeypatch):
    practice.break_it(practice.MUTE, OPERATOR, NOW)
    noted, ask = AuditEntry.objects.count(), practice.ask

    def failing(method, *args, **more):
        if method == "DELETE":
            raise Unreachable("silent")
        return ask(method, *args, **more)

    monkeypatch.setattr(practice, "ask", failing)
    with pytest.raises(Unreachable, match="silent"):
        practice.mend(OPERATOR, NOW)
    assert AuditEntry.objects.count() == noted


def test_who_may_not_changes_nothing(desk):
    with pytest.raises(NotAllowed):
        practice.break_it(practice.MUTE, VIEWER, NOW)
    with pytest.raises(BadRequest, match="one of mute, errors"):
        practice.break_it("everything", OPERATOR, NOW)
    assert practice.faults() == [] and not AuditEntry.objects.exists()


def test_in_another_mode_no_exchange_is_asked(desk, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_MODE": type(settings.QUANTUM.QT_MODE).TESTNET})
    for act in (lambda: practice.break_it(practice.MUTE, OPERATOR, NOW), lambda: practice.mend(OPERATOR, NOW)):
        with pytest.raises(Stale, match="the mode here is testnet"):
            act()
    assert desk.desk("GET", "faults")[1]["items"] == []


def test_an_exchange_that_is_down_is_said_to_be_and_nothing_is_noted(settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_PRACTICE_URL": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable, match="does not answer at http://127.0.0.1:9"):
        practice.break_it(practice.MUTE, OPERATOR, NOW)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
def test_whatever_else_answers_there_is_no_desk(settings, said):
    with socket.create_server(("127.0.0.1", 0)) as place:
        settings.QUANTUM = settings.QUANTUM.model_copy(
            update={"QT_PRACTICE_URL": f"http://127.0.0.1:{place.getsockname()[1]}"}
        )

        def answer():
            caller, _ = place.accept()
            with caller:
                caller.recv(4096)
                caller.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Unreachable):
            practice.faults()


def test_one_that_keeps_silent_is_not_waited_for(settings):
    with socket.create_server(("127.0.0.1", 0)) as place:
        settings.QUANTUM = settings.QUANTUM.model_copy(
            update={"QT_PRACTICE_URL": f"http://127.0.0.1:{place.getsockname()[1]}"}
        )
        began = time.monotonic()
        with pytest.raises(Unreachable):
            practice.faults(patience=0.2)
        assert time.monotonic() - began < 2

"""What each answer of the venue stands for, and that the gateway says so through ccxt."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from trading.exchange import gateway as module
from trading.exchange.connection import Connection
from trading.exchange.errors import (
    Answer,
    Duplicate,
    KeyRefused,
    NotAccepted,
    OutcomeUnknown,
    Refused,
    Silenced,
    Unreachable,
    WouldTrigger,
    classify,
)
from trading.exchange.gateway import connect
from trading.exchange.venue import OrderRequest, OrderType, Permit

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def body(code: int, msg: str = "text of the venue") -> str:
    return json.dumps({"code": code, "msg": msg})


# status, body -> what a write raises, what a read raises
TABLE = [
    (408, body(-1007, "Timeout waiting for response from backend server."), OutcomeUnknown, Unreachable),
    (503, body(-1007), OutcomeUnknown, Unreachable),
    (400, body(-1006, "An unexpected response was received; execution status unknown."), OutcomeUnknown, Unreachable),
    (400, body(-1000), OutcomeUnknown, Unreachable),
    (503, body(-1001), OutcomeUnknown, Unreachable),
    (500, HTML, OutcomeUnknown, Unreachable),
    (502, HTML, OutcomeUnknown, Unreachable),
    (503, HTML, OutcomeUnknown, Unreachable),
    (504, "", OutcomeUnknown, Unreachable),
    (
        503,
        json.dumps({"msg": "Unknown error, please check your request or try again later."}),
        OutcomeUnknown,
        Unreachable,
    ),
    (408, HTML, OutcomeUnknown, Unreachable),
    (200, HTML, OutcomeUnknown, Unreachable),
    (200, '{"orderId": 12', OutcomeUnknown, Unreachable),
    (200, '{"unexpected": true}', OutcomeUnknown, Unreachable),
    (200, "", OutcomeUnknown, Unreachable),
    (503, json.dumps({"msg": "Service Unavailable."}), NotAccepted, NotAccepted),
    (503, body(-1008, "Server is currently overloaded with other requests."), NotAccepted, NotAccepted),
    (429, body(-1003, "Too many requests"), NotAccepted, NotAccepted),
    (429, "", NotAccepted, NotAccepted),
    (418, body(-1003, "Way too many requests; IP banned"), NotAccepted, NotAccepted),
    (400, body(-1015), NotAccepted, NotAccepted),
    (400, body(-1021, "Timestamp for this request is outside of the recvWindow."), NotAccepted, NotAccepted),
    (403, HTML, NotAccepted, NotAccepted),
    (400, body(-2021, "Order would immediately trigger."), WouldTrigger, WouldTrigger),
    (400, body(-4116, "ClientOrderId is duplicated."), Duplicate, Duplicate),
    (401, body(-2015, "Invalid API-key, IP, or permissions for action."), KeyRefused, KeyRefused),
    (400, body(-2014), KeyRefused, KeyRefused),
    (401, "", KeyRefused, KeyRefused),
    (400, body(-2019, "Margin is insufficient."), Refused, Refused),
    (400, body(-2022), Refused, Refused),
    (400, body(-1111), Refused, Refused),
    (400, body(-4003), Refused, Refused),
    (400, body(-4014), Refused, Refused),
    (400, body(-4120), Refused, Refused),
    (400, body(-4131), Refused, Refused),
    (400, body(-4164), Refused, Refused),
    (400, body(-4192), Refused, Refused),
    (400, body(-4509), Refused, Refused),
    (200, body(-2019), Refused, Refused),
    (404, HTML, Refused, Refused),
]


@pytest.mark.parametrize(("status", "text", "write", "read"), TABLE)
def test_an_answer_means_the_same_for_the_table_and_through_ccxt(status, text, write, read):
    assert type(classify(Answer(status, text), write=True, what="x")) is write
    assert type(classify(Answer(status, text), write=False, what="x")) is read
    gateway = connect(CONNECTION, lambda *request: (status, {}, text))
    with pytest.raises(write) as failure:
        place(gateway)
    assert type(failure.value) is (Silenced if status in (418, 429) else write)
    with pytest.raises(read) as failure:
        connect(CONNECTION, lambda *request: (status, {}, text)).marks()
    assert type(failure.value) is (Silenced if status in (418, 429) else read)


@pytest.mark.parametrize("code", [-2019, -2022, -4116, -2021, -1003])
def test_the_venues_code_is_kept(code):
    with pytest.raises(Exception, match=str(code)) as failure:
        place(connect(CONNECTION, lambda *request: (400, {}, body(code))))
    assert failure.value.code == code


def test_no_such_order_is_an_answer():
    gateway = connect(CONNECTION, lambda *request: (400, {}, body(-2013, "Order does not exist.")))
    assert gateway.order("BTC/USDT:USDT", "qt-e-1", conditional=False) is None


def test_every_error_body_that_was_seen_at_the_venue_has_a_meaning(market_data):
    lines = (market_data / "exchange" / "error_bodies_seen.jsonl").read_text().splitlines()
    seen = [entry for entry in map(json.loads, lines) if entry["venue"] == "binance_um"]
    assert seen
    for entry in seen:
        text = entry["body"] if isinstance(entry["body"], str) else json.dumps(entry["body"])
        failure = classify(Answer(entry["http_status"] or 503, text), write=True, what="x")
        if entry["http_status"] == 400:
            assert isinstance(failure, Refused), entry
        else:
            assert isinstance(failure, OutcomeUnknown | NotAccepted), entry


# -- without an answer: real sockets


CONNECTION = Connection("http://127.0.0.1:1", "practice", "practice", "practice")


def place(gateway, reduce_only: bool = False):
    request = OrderRequest("qt-e-1", "BTC/USDT:USDT", "buy", OrderType.MARKET, quantity=1, reduce_only=reduce_only)
    return gateway.place(request, Permit(1, "qt-e-1"))


def serve(answer):
    """A server for one connection on a free port; `answer` gets the socket after the request was read."""
    server = socket.create_server(("127.0.0.1", 0))

    def work():
        with server:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                answer(client)

    threading.Thread(target=work, daemon=True).start()
    return server.getsockname()[1]


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def cut(client):
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{")


def hang(client):
    client.settimeout(2)
    client.recv(1)  # until the other side gives up


@pytest.mark.parametrize("answer", [reset, cut, hang, lambda client: None], ids=["reset", "cut", "hang", "closed"])
@pytest.mark.parametrize("write", [True, False], ids=["write", "read"])
def test_a_lost_answer_is_unknown_for_a_write_and_unreachable_for_a_read(answer, write, monkeypatch):
    monkeypatch.setattr(module, "WRITE_TIMEOUT", 0.2)
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    gateway = connect(Connection(f"http://127.0.0.1:{serve(answer)}", "practice", "practice", "practice"))
    gateway.offset = gateway.offset or timedelta(0)  # else it asks for the time first
    with pytest.raises(OutcomeUnknown if write else Unreachable) as failure:
        place(gateway) if write else gateway.marks()
    assert "signature" not in str(failure.value)


def test_where_nobody_listens_nothing_was_sent():
    gateway = connect(CONNECTION)
    gateway.offset = timedelta(0)
    with pytest.raises(NotAccepted, match="nothing was sent"):
        place(gateway)
    with pytest.raises(Unreachable):
        gateway.marks()


# -- behaviour that follows


class Counting:
    """A venue that gives one answer and counts."""

    def __init__(self, status: int, headers: dict, text: str) -> None:
        self.answer, self.requests = (status, headers, text), []

    def __call__(self, method, url, headers, sent):
        self.requests.append(f"{method} {url.split('?')[0]}")
        return self.answer


def test_a_write_is_sent_once_whatever_comes_back():
    for status, text, *_ in TABLE:
        venue = Counting(status, {}, text)
        with pytest.raises(Exception):  # noqa: B017 - which one is tested above
            place(connect(CONNECTION, venue))
        assert len(venue.requests) == 1


def test_after_429_only_what_reduces_risk_is_sent():
    venue = Counting(429, {"Retry-After": "7"}, body(-1003))
    gateway = connect(CONNECTION, venue)
    for reduce_only, requests in ((False, 1), (False, 1), (True, 2)):
        with pytest.raises(NotAccepted):
            place(gateway, reduce_only)
        assert len(venue.requests) == requests
    with pytest.raises(NotAccepted, match="of silence"):
        gateway.marks()


def test_what_a_position_needs_is_read_within_a_silence_and_no_entry_goes_with_it():
    venue = Counting(429, {"Retry-After": "7"}, body(-1003))
    gateway = connect(CONNECTION, venue)
    with pytest.raises(Silenced) as failure:
        gateway.marks()
    assert (failure.value.seconds, failure.value.banned) == (7, False)
    with gateway.urgently():
        for ask, requests in ((gateway.marks, 2), (lambda: place(gateway), 2), (gateway.one_way, 3)):
            with pytest.raises(Silenced):
                ask()
            assert len(venue.requests) == requests


def test_a_ban_lasts_until_the_moment_that_its_text_names():
    now = datetime.now(UTC)
    until = round((now.timestamp() + 300) * 1000)
    text = json.dumps({"code": -1003, "msg": f"Way too many requests; IP(1.2.3.4) banned until {until}."})
    gateway = connect(CONNECTION, lambda *request: (418, {}, text))
    with pytest.raises(Silenced) as failure:
        gateway.marks()
    assert failure.value.banned and failure.value.seconds == pytest.approx(300, abs=5)
    with gateway.urgently(), pytest.raises(Silenced, match="300 s of silence are left"):
        gateway.one_way()


def test_after_a_ban_nothing_is_sent():
    venue = Counting(418, {}, body(-1003))
    gateway = connect(CONNECTION, venue)
    for _ in range(3):
        with pytest.raises(NotAccepted):
            place(gateway, reduce_only=True)
    assert len(venue.requests) == 1

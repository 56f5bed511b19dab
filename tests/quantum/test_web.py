"""The web process waits for whoever reads slowly, and breaks off what failed halfway."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.quantum.endless import PARTS


def until(true, seconds=10.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():
            return True
        time.sleep(0.05)
    return False


HASTY = "import quantum.web as web; web.PATIENCE = 0.5; web.Web.entrypoint()"
OPENING = (
    b"GET /ws/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PONG = b"\x81\x8f" + bytes(4) + b'{"type":"pong"}'  # a text frame under the mask 0


@pytest.fixture
def port():
    yield from served("-m", "quantum.web")


@pytest.fixture
def hasty():
    """One that breaks off after half a second."""
    yield from served("-c", HASTY)


def served(*program):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
    command = [sys.executable, *program, "-b", "127.0.0.1", "-p", str(number), "-v", "0"]
    web = subprocess.Popen([*command, "tests.quantum.endless:application"], stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: answers(number))
        yield number
    finally:
        web.terminate()
        web.wait(10)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def told(port):
    sent, gone = urllib.request.urlopen(f"http://127.0.0.1:{port}/told", timeout=5).read().decode().split()
    return int(sent), gone == "True"


def test_a_client_that_reads_nothing_is_sent_little_and_gets_all_once_it_reads(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(10)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert until(lambda: told(port)[0] > 0)
        time.sleep(0.5)
        assert told(port)[0] < PARTS / 2
        size = 0
        while part := client.recv(1 << 20):
            size += len(part)
    assert told(port)[0] == PARTS
    assert PARTS * 1_000_000 < size < PARTS * 1_010_000


def test_a_client_that_leaves_ends_the_sending(port):
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert until(lambda: told(port)[0] > 0)
    client.close()
    assert until(lambda: told(port)[1])
    assert told(port)[0] < PARTS


def test_an_answer_that_fails_halfway_is_broken_off(port):
    for _ in range(2):  # again: the first must not have ended the watch over failures
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(5)
            client.sendall(b"GET /fails/halfway HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = read_to_the_end(client)
        assert b"half" in got
        assert not got.endswith(b"0\r\n\r\n")  # the last chunk, which would say that this was all


def read_to_the_end(client):
    got = b""
    try:
        while part := client.recv(1 << 16):
            got += part
    except ConnectionResetError:
        pass
    return got


def test_one_that_fails_before_its_beginning_is_answered(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(5)
        client.sendall(b"GET /fails HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert read_to_the_end(client).startswith(b"HTTP/1.1 500")


def listening(port):
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(10)
    client.sendall(OPENING)
    return client


def test_a_socket_whose_client_reads_nothing_is_sent_little_whatever_it_says_and_gets_all_once_it_reads(port):
    with listening(port) as client:
        assert until(lambda: told(port)[0] > 0)
        for _ in range(200):
            client.sendall(PONG)
        time.sleep(0.5)
        assert told(port)[0] < PARTS / 2
        size = 0
        while size < PARTS * 1_000_010:  # with the ten bytes before each part
            size += len(client.recv(1 << 20))
        assert until(lambda: told(port) == (PARTS, False))
    assert until(lambda: told(port) == (PARTS, True))


def test_a_socket_whose_client_takes_nothing_for_long_is_broken_off(hasty):
    with listening(hasty):
        assert until(lambda: told(hasty)[0] > 0)
        assert until(lambda: told(hasty)[1])
    assert told(hasty)[0] < PARTS / 2

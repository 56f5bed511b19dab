"""What alerts may not reach."""

import socket

import pytest

from monitoring.watch.alerts import guarded
from monitoring.watch.alerts.guarded import Refused, fenced, public
from quantum.channels import parse

INSIDE = ["127.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "100.64.0.1", "64:ff9b::7f00:1",
          "2002:7f00:1::", "2130706433", "0.0.0.0", "10.0.0.5", "192.168.1.1", "172.16.0.1", "fe80::1", "fd00::1",
          "224.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_nothing_inside_is_reached(host):
    with fenced(), pytest.raises(Refused):
        socket.getaddrinfo(host, 443)


def answering(addresses):
    """A name server that answers one thing after another."""
    told = iter(addresses)
    return lambda host, port, *a, **k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(told), port))]


def test_a_name_that_points_inside_is_refused(monkeypatch):
    monkeypatch.setattr(guarded, "lookup", answering(["8.8.8.8", "127.0.0.1"]))
    with fenced():
        assert socket.getaddrinfo("rebound.example.com", 443)
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            socket.getaddrinfo("rebound.example.com", 443)


def test_a_message_goes_to_one_host(monkeypatch):
    monkeypatch.setattr(guarded, "lookup", answering(["8.8.8.8", "8.8.4.4"]))
    with fenced():
        socket.getaddrinfo("hooks.example.com", 443)
        with pytest.raises(Refused, match="another host"):
            socket.getaddrinfo("elsewhere.example.com", 443)


@pytest.mark.parametrize("port", [22, 80, 6379, 5432])
def test_other_ports_are_refused(monkeypatch, port):
    monkeypatch.setattr(guarded, "lookup", answering(["8.8.8.8"]))
    with fenced(), pytest.raises(Refused, match=str(port)):
        socket.getaddrinfo("example.com", port)


def test_a_host_of_our_own_may_be_private():
    with fenced(frozenset({"127.0.0.1"})):
        assert socket.getaddrinfo("127.0.0.1", 2525)


def test_others_are_not_fenced_in():
    with fenced(), pytest.raises(Refused):
        socket.getaddrinfo("127.0.0.1", 443)
    assert socket.getaddrinfo("127.0.0.1", 443)


def test_public_addresses_are_public():
    assert public("8.8.8.8")
    assert public("2606:4700::1111")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "file:///etc/passwd", "gopher://example.com", "json://example.com/hook", "jsons:///x",
     "mailto://user:secret@example.com", "nonsense", "syslog://", "exec://rm", "dbus://"],
)  # fmt: skip
def test_an_address_that_can_not_be_is_named_without_its_secret(url):
    channels, wrong = parse(url)
    assert channels == ()
    assert wrong
    assert "secret" not in wrong[0]


def test_a_channel_is_named_without_its_secret():
    (channel,), wrong = parse("mailtos://bob:hunter2hunter2@smtp.example.com?to=bob@example.com")
    assert not wrong
    assert "hunter2" not in channel.name + repr(channel)
    assert channel.name.startswith("mailtos-")

"""What must not leave in a text does not, in whatever form it comes."""

import base64
import json
from urllib.parse import quote

import pytest

from quantum.redaction import REMOVED, Redaction, address_parts, passwords, scrubbed

CANARY = "cAnary+7/secret value"


@pytest.mark.parametrize(
    "text",
    [
        "GET https://fapi.binance.com/fapi/v2/account?timestamp=1&signature=CANARY99&recvWindow=5000",
        "X-MBX-APIKEY: CANARY99",
        "{'X-MBX-APIKEY': 'CANARY99', 'User-Agent': 'x'}",
        '{"apiKey": "CANARY99"}',
        "apiKey=CANARY99&symbol=BTCUSDT",
        "Authorization: Bearer CANARY99",
        "{'Authorization': 'Basic CANARY99'}",
        "authorization=CANARY99",
        "a bearer CANARY99 was refused",
        "Cookie: theme=dark; sessionid=CANARY99; csrftoken=CANARY99",
        "Set-Cookie: sessionid=CANARY99; HttpOnly",
        "the sessionid=CANARY99 was over",
        "postgres://quantum:CANARY99@db.example.com:5432/quantum refused",
        "redis://:CANARY99@127.0.0.1:6379/0",
        "csrf_token='CANARY99'",
        "http://127.0.0.1:8000/login/#t=CANARY99",
        "http://127.0.0.1:8000/login/#token=CANARY99",
        "listenKey: CANARY99",
        "password = CANARY99",
        "the key qt_CANARY99CANARY99 is unknown",
    ],
)
def test_what_looks_like_a_secret_is_removed(text):
    assert "CANARY99" not in scrubbed(text)
    assert REMOVED in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "198 signals, 0 trades: COOLDOWN_ACTIVE 120 s",
        "http://127.0.0.1:8000/orders/?status=open",
        "3 tokens were used",
        "postgres://127.0.0.1:5432/quantum refused",
    ],
)
def test_what_is_no_secret_stays(text):
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        quote(CANARY, safe=""),
        repr(CANARY),
        json.dumps(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
        CANARY.encode().hex(),
    ],
)
def test_a_known_secret_is_removed_in_every_form(form):
    told = Redaction([CANARY])(f"it was {form}, they said")
    assert form.strip("'\"=") not in told
    assert told.startswith("it was") and REMOVED in told and told.endswith("they said")


def test_a_value_keeps_its_shape_and_loses_its_secrets():
    redact = Redaction([CANARY])
    told = {"n": 3, "ok": True, "none": None, "token": "x", "list": [CANARY, 1.5], "deep": {"url": f"a/{CANARY}"}}
    assert redact.value(told) == {
        "n": 3, "ok": True, "none": None, "token": REMOVED, "list": [REMOVED, 1.5], "deep": {"url": f"a/{REMOVED}"},
    }  # fmt: skip


def test_short_secrets_are_left_alone():
    """A secret of one letter would take the whole text with it."""
    assert Redaction(["a"])("a car") == "a car"


def test_the_keys_within_an_alerts_address_are_secrets_too():
    found = address_parts("tgram://123456789:AAErt56yhgfdsa34567/42  mailtos://me:pa55word@mail.example.com?to=me@x.no")
    assert {"AAErt56yhgfdsa34567", "pa55word"} <= found
    assert "mail.example.com" not in found


def test_a_password_is_found_in_an_address_only():
    assert passwords("postgres://a:b@c/d") == {"b"}
    assert passwords("redis://c:6379/0") == set()
    assert passwords("http://[") == set()

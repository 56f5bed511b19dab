"""Bad input: a 4xx that names the field, on every address, never a 5xx."""

import pytest
from django.test import Client

from monitoring.control import apikeys
from tests.show import factories as make

pytestmark = pytest.mark.django_db

HUGE = "9" * 40
QUERIES = [
    ("signals", "limit=0", "limit"),
    ("signals", "limit=1001", "limit"),
    ("signals", "limit=-1", "limit"),
    ("signals", "limit=ten", "limit"),
    ("signals", "limit=1.5", "limit"),
    ("signals", "limit=", "limit"),
    ("signals", f"limit={HUGE}", "limit"),
    ("signals", "limit=%D9%A1", "limit"),  # an Arabic one
    ("signals", "limit=1&limit=2", "limit"),
    ("decisions", "cursor=abc", "cursor"),
    ("decisions", "cursor=0", "cursor"),
    ("decisions", "cursor=9223372036854775808", "cursor"),
    ("decisions", f"cursor={HUGE}", "cursor"),
    ("decisions", "cursor=1%00", "cursor"),
    ("candles", "symbol=BTCUSDT&cursor=9223372036854775807", "cursor"),
    ("decisions", "since=yesterday", "since"),
    ("decisions", "since=10000-01-01T00:00:00Z", "since"),
    ("decisions", "since=0001-01-01T00:00:00%2B14:00", "since"),
    ("decisions", "since=2026-02-30", "since"),
    ("decisions", "since=2026-01-01T00:00:00Z%00", "since"),
    ("decisions", "since=1e400", "since"),
    ("decisions", "until=9999-12-31T23:59:59-14:00", "until"),
    ("decisions", "since=2026-02-02&until=2026-02-01", "since"),
    ("decisions", "symbol=NOPEUSDT", "symbol"),
    ("decisions", "symbol=BTC%00USDT", "symbol"),
    ("decisions", "symbol=%ED%A0%80", "symbol"),  # a lone surrogate
    ("decisions", "symbol=%E2%80%AEBTCUSDT", "symbol"),  # right-to-left override
    ("decisions", "symbol='%20OR%201=1--", "symbol"),
    ("decisions", "symbol=", "symbol"),
    ("decisions", "symbol=USDT", "symbol"),
    ("decisions", f"symbol={'A' * 5000}", "symbol"),
    ("decisions", "outcome=won", "outcome"),
    ("decisions", "code=cooldown_active", "code"),
    ("decisions", "code=__class__", "code"),
    ("decisions", "order_by=id", "order_by"),
    ("decisions", "signal__symbol=BTC", "signal__symbol"),
    ("decisions", "symbol%5B%5D=BTCUSDT", "symbol[]"),
    ("signals", "side=up", "side"),
    ("orders", "status=lost", "status"),
    ("orders", "kind=gift", "kind"),
    ("positions", "status=ajar", "status"),
    ("models", "status=best", "status"),
    ("funnel", "window=0h", "window"),
    ("funnel", "window=99999d", "window"),
    ("funnel", "window=1y", "window"),
    ("funnel", "window=-1h", "window"),
    ("funnel", "window=%D9%A1h", "window"),
    ("funnel", "window=1h&window=2h", "window"),
    ("candles", "", "symbol"),
    ("candles", "symbol=BTCUSDT&timeframe=2m", "timeframe"),
    ("system", "x=1", "x"),
    ("account", "mode=live", "mode"),
    ("rejection-codes", "limit=1", "limit"),
    ("signals/0", "", "id"),
    ("signals/abc", "", "id"),
    ("signals/1e5", "", "id"),
    (f"signals/{HUGE}", "", "id"),
    ("decisions/9223372036854775807", "", "id"),
    ("decisions/-1", "", "id"),
    ("models/9223372036854775808", "", "id"),
    ("decisions/1%00", "", "id"),
]


@pytest.fixture
def api(now):
    make.universe(now)
    key = apikeys.create(make.user(), now)[1]
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


def refused(answer, field):
    assert 400 <= answer.status_code < 500, answer.content
    error = answer.json()["error"]
    assert error["code"] and error["message"]
    assert field in error["fields"], error


@pytest.mark.parametrize(("path", "query", "field"), QUERIES)
def test_a_senseless_question_names_its_field(api, path, query, field):
    refused(api.get(f"/api/v1/{path}?{query}"), field)


BODIES = [
    (b"", "body"),
    (b"{", "body"),
    (b"[]", "body"),
    (b"null", "body"),
    (b'"halted"', "body"),
    (b"\xff\xfe", "body"),
    (b"{}", "state"),
    (b'{"state": 5}', "state"),
    (b'{"state": null}', "state"),
    (b'{"state": ["halted"]}', "state"),
    (b'{"state": "off"}', "state"),
    (b'{"state": "halted\\u0000"}', "state"),
    (b'{"state": "halted", "extra": 1}', "extra"),
    (b'{"state": "halted", "\\u0000": 1}', "?"),
    (b'{"state": "halted", "reason": "a\\u0000b"}', "reason"),
    (b'{"state": "halted", "reason": "\\ud800"}', "body"),
    (b'{"state": "halted", "reason": 7}', "reason"),
    (b'{"state": "halted", "reason": "' + b"x" * 501 + b'"}', "reason"),
    (b"[" * 5000 + b"]" * 5000, "body"),
    (b'{"state": "halted", "reason": "' + b"x" * 20_000 + b'"}', "body"),
    (b'{"state": 1e400}', "body"),
    (b'{"state": NaN}', "body"),
]


@pytest.mark.parametrize(("body", "field"), BODIES)
def test_a_bad_body_names_its_field_and_moves_nothing(api, body, field):
    from trading.models import SwitchChange

    refused(api.post("/api/v1/controls/switch", body, content_type="application/json"), field)
    assert not SwitchChange.objects.exists()


def test_a_body_beyond_all_bounds_is_refused(api):
    body = b'{"reason": "' + b"x" * 2_000_000 + b'"}'
    answer = api.post("/api/v1/controls/switch", body, content_type="application/json")
    assert answer.status_code in (400, 413)
    assert answer.json()["error"]["fields"]


@pytest.mark.parametrize("key", ["\x00", "x" * 201])
def test_a_bad_idempotency_key_is_named(api, key):
    answer = api.post("/api/v1/controls/switch", b'{"state": "halted"}', content_type="application/json",
                      headers={"Idempotency-Key": key})  # fmt: skip
    refused(answer, "Idempotency-Key")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "/api/v1/controls/switch", 405), ("delete", "/api/v1/signals", 405), ("post", "/api/v1/system", 405),
     ("get", "/api/v1/nowhere", 404), ("get", "/api/", 404), ("post", "/api/v1/nowhere", 404),
     ("put", "/api/v2/x", 404),  ("get", "/api/v1/decisions/%ff%fe", 400)],
)  # fmt: skip
def test_a_wrong_method_or_address_has_the_same_shape(api, method, path, status):
    answer = getattr(api, method)(path)
    assert answer.status_code == status
    assert answer.json()["error"]["fields"]


def test_a_foreign_host_is_refused(api):
    answer = api.get("/api/v1/system", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]

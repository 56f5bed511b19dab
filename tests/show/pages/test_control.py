"""`/control/<action>/`: what it states, what it does, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from monitoring.control import actions
from monitoring.control.permissions import OPERATOR, VIEWER, machine
from monitoring.models import AuditEntry
from monitoring.show.audience import Audience
from monitoring.show.controls import close, offer
from monitoring.show.levers import OFFERS
from monitoring.show.pages.control import ACTS
from tests.show import factories as make
from trading import events
from trading.models import CloseRequest, CooldownClear, Position, TunedSetting

pytestmark = pytest.mark.django_db
BTC = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody is at work behind the queue: don't wait for it, and note what was rung for."""
    rung: list[tuple] = []
    monkeypatch.setattr("monitoring.control.actions.positions.PATIENCE", 0)
    monkeypatch.setattr("monitoring.control.actions.modules.PATIENCE", 0)
    monkeypatch.setattr(events, "ring", lambda *args, **options: rung.append((*args, options)) or True)
    return rung


def post(client, action: str, **body):
    return client.post(
        f"/control/{action}/", json.dumps(body), content_type="application/json", headers={"Accept": "application/json"}
    )


def held(now, **changes) -> Position:
    return make.position(BTC, now, mark_price=Decimal("101"), unrealized=Decimal("2"), **changes)


def test_every_control_has_a_page_and_an_action():
    assert set(OFFERS) == set(ACTS)


def test_a_close_is_stored_rung_for_and_answered_as_pending(reader, now, quick, django_capture_on_commit_callbacks):
    position = held(now)
    with django_capture_on_commit_callbacks(execute=True):
        said = post(
            reader, "close", target=str(position.pk), shown={"side": "long", "quantity": str(position.quantity)}
        )
    assert (said.status_code, said.json()["message"]) == (
        202,
        "BTC/USDT: accepted, pending. The exchange has not confirmed the close yet.",
    )
    request = CloseRequest.objects.get(position=position)
    assert ("trading.close", request.pk, {}) in quick
    assert AuditEntry.objects.get().action == "position.close"


def test_a_close_from_a_page_that_shows_another_quantity_changes_nothing(reader, now):
    position = held(now)
    said = post(reader, "close", target=str(position.pk), shown={"side": "long", "quantity": "77"})
    assert said.status_code == 409
    assert "77 on the page" in said.json()["error"]["message"]
    assert not CloseRequest.objects.exists() and not AuditEntry.objects.exists()


def test_an_old_page_changes_nothing(reader, now):
    position = held(now)
    old = (timezone.now() - timedelta(minutes=10)).isoformat()
    said = post(reader, "close", target=str(position.pk), as_of=old)
    assert (said.status_code, said.json()["error"]["code"]) == (409, "stale")
    assert not CloseRequest.objects.exists()


def test_a_viewer_may_not_close(client, now):
    position = held(now)
    client.force_login(make.user("vera", [VIEWER]))
    said = post(client, "close", target=str(position.pk))
    assert said.status_code == 403
    assert not CloseRequest.objects.exists()


def test_a_control_is_offered_to_those_who_may_press_it():
    control = close(7, BTC, "long", Decimal("0.120"), Decimal("30318.4"), Decimal("12.47"))
    assert offer(control, Audience(roles=frozenset({OPERATOR}))) == control
    assert offer(control, Audience(roles=frozenset({VIEWER}))) is None
    assert "0.12 are closed at market, at about 30,318.4: +12.47 USDT" in control.consequence


def test_without_the_script_a_page_asks_the_same(reader, now):
    position = held(now)
    page = reader.get(f"/control/close/?target={position.pk}")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Close BTC/USDT long?" in text and "at about 101" in text and "Keep it" in text
    shown = {"shown.side": "long", "shown.quantity": "2", "as_of": now.isoformat(), "target": position.pk}
    position.quantity = Decimal(2)
    position.save()
    done = reader.post("/control/close/", shown)
    assert (done.status_code, "Accepted." in done.content.decode()) == (202, True)


def test_a_form_without_its_reason_is_asked_again(reader, now):
    order = make.entry(make.decided(make.signal(make.cycle(now), BTC), "traded"), sent_at=now)
    page = reader.post("/control/cooldown/", {"target": BTC, "shown.order_id": order.pk})
    assert (page.status_code, "needs a reason" in page.content.decode()) == (400, True)
    assert not CooldownClear.objects.exists()


def test_a_cooldown_is_cleared_once(reader, now):
    order = make.entry(make.decided(make.signal(make.cycle(now), BTC), "traded"), sent_at=now)
    said = post(reader, "cooldown", target=BTC, reason="the news are out", shown={"order_id": str(order.pk)})
    assert said.status_code == 200
    assert said.json()["message"].startswith("BTC/USDT may be entered again")
    again = post(reader, "cooldown", target=BTC, reason="the news are out")
    assert again.status_code == 409
    assert CooldownClear.objects.get().order_id == order.pk


def test_a_module_is_run_by_the_person(reader, quick):
    said = post(reader, "tick", target="risk_guard")
    assert (said.status_code, said.json()["message"]) == (202, "Risk Guard was rung for; it has not beaten yet.")
    assert quick == [("trading.tick", "risk_guard", "mira", {"queue": "work"})]


def test_a_limit_is_tightened(reader):
    said = post(reader, "tune", target="QT_MAX_POSITIONS", value="4", shown={"QT_MAX_POSITIONS": "6"})
    assert (said.status_code, said.json()["message"]) == (200, "QT_MAX_POSITIONS went from 6 to 4.")
    assert TunedSetting.objects.get().value == "4"


def test_a_value_out_of_its_range_is_named_with_it(reader):
    said = post(reader, "tune", target="QT_MAX_POSITIONS", value="400")
    assert said.status_code == 400
    assert said.json()["error"]["fields"] == {
        "QT_MAX_POSITIONS": "QT_MAX_POSITIONS must be a whole number from 1 to 100, was '400'."
    }
    page = reader.post("/control/tune/", {"target": "QT_MAX_POSITIONS", "value": "400"})
    assert (page.status_code, "from 1 to 100" in page.content.decode()) == (400, True)


@pytest.mark.parametrize("action", ["universe", "retrain"])
def test_the_plain_pages_of_the_others_say_what_is_known(reader, action):
    assert reader.get(f"/control/{action}/").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("close/?target=99", 404), ("close/?target=x", 404), ("tune/?target=QT_MODE", 404), ("tick/?target=x", 404),
     ("cooldown/?target=BTC", 409), ("cooldown/?target=a%00b", 404), ("nothing/", 404)],
)  # fmt: skip
def test_what_can_not_be_pressed_says_so(reader, address, status):
    assert reader.get(f"/control/{address}").status_code == status


def test_bad_json_is_named_field_by_field(reader):
    said = post(reader, "close", target=5, shown=[1], strange=1)
    assert said.status_code == 400
    assert set(said.json()["error"]["fields"]) == {"target", "shown", "strange"}


def test_without_a_queue_nothing_is_asked_for(reader, monkeypatch):
    monkeypatch.setattr(events, "ring", lambda *args, **options: False)
    said = post(reader, "universe")
    assert (said.status_code, said.json()["error"]["code"]) == (409, "unreachable")
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_silent_queue_keeps_nobody_from_writing(monkeypatch, now):
    """It takes seconds until it counts as silent; on SQLite an open transaction would hold the only writer so long."""
    asked = []
    monkeypatch.setattr(events, "ring", lambda *args, **options: asked.append(connection.in_atomic_block) or True)
    actions.refresh_universe(machine("test"), now)
    actions.tick_module("executor", machine("test"), now)
    assert asked == [False, False] and AuditEntry.objects.count() == 2


def test_the_reason_is_as_long_as_its_row(reader, now):
    position = held(now)
    said = post(reader, "close", target=str(position.pk), reason="x" * (actions.REASON_LENGTH + 1))
    assert "reason" in said.json()["error"]["fields"]

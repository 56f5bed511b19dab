"""The admin: every table is there and opens in few queries, history can't be changed, schedules and people can."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring.control.permissions import ADMIN, OPERATOR, VIEWER, grant
from monitoring.models import ApiKey, AuditEntry
from quantum.sidebar import STAGES
from tests.show import factories as make
from tests.show.everything import fill, row_of, tables
from trading import events
from trading.models import CloseRequest, CooldownClear, ModuleState, Position, Signal

pytestmark = pytest.mark.django_db
BTC = "BTC/USDT:USDT"
EDITED = {"PeriodicTask", "IntervalSchedule", "User"}
TABLES = [pytest.param(model, id=model._meta.label) for model in tables()]


@pytest.fixture
def boss(client, db):
    """A client of somebody with all roles, in the staff."""
    client.force_login(make.user("boss", is_staff=True))
    return client


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr(events, "ring", lambda *args, **options: calls.append(args) or True)
    return calls


def address(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def staff(client, name: str, *roles: str):
    client.force_login(make.user(name, roles, is_staff=True))
    return client


@pytest.mark.parametrize("model", TABLES)
def test_every_table_opens_in_few_queries(boss, now, model):
    row = row_of(model, now)
    for page, args, most in (("changelist", (), 12), ("change", (row.pk,), 16)):
        boss.get(address(model, page, *args))
        with CaptureQueriesContext(connection) as seen:
            answer = boss.get(address(model, page, *args))
        assert answer.status_code == 200
        assert len(seen) <= most, [q["sql"][:100] for q in seen]


def test_more_rows_ask_no_more_questions(boss, now):
    def questions() -> int:
        with CaptureQueriesContext(connection) as seen:
            for model in (Signal, Position, ApiKey, User):
                assert boss.get(address(model, "changelist")).status_code == 200
        return len(seen)

    make.holdings(now)
    row_of(ApiKey, now)
    first = questions()
    for i in range(8):
        made = make.user(f"user{i}", [OPERATOR])
        ApiKey.objects.create(user=made, prefix="qt", digest=str(i), created_at=now)
        make.signal(make.cycle(now, 80 + i), BTC)
    assert questions() == first


@pytest.mark.parametrize("model", [t for t in TABLES if t.values[0].__name__ not in EDITED])
def test_history_can_not_be_changed(boss, now, model):
    row = row_of(model, now)
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert boss.get(address(model, "add")).status_code == 403
    assert boss.post(address(model, "change", row.pk), {"name": "x"}).status_code == 403
    assert boss.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    boss.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_every_table_is_in_the_sidebar_and_searchable(boss, now):
    named = {table for _, tables in STAGES for table in tables}
    assert (
        named == {model._meta.label_lower for model in tables()} == {m._meta.label_lower for m in admin.site._registry}
    )
    assert [m for m, a in admin.site._registry.items() if not a.search_fields] == []
    fill(now)
    for model in tables():
        assert boss.get(address(model, "changelist"), {"q": "x1"}).status_code == 200, model


def test_the_front_page_leads_to_the_pages_and_nowhere_else(boss):
    text = boss.get("/admin/").content.decode()
    assert "<title>" in text and "Quantum" in text
    assert 'href="/"' in text and 'href="/settings/"' in text
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', text) == []


def test_keys_show_no_digest_and_are_for_admins(client, boss, now):
    row = row_of(ApiKey, now)
    assert row.digest not in boss.get(address(ApiKey, "change", row.pk)).content.decode()
    assert staff(client, "olga", OPERATOR).get(address(ApiKey, "changelist")).status_code == 403
    assert client.get(address(User, "changelist")).status_code == 403
    assert client.get(address(AuditEntry, "changelist")).status_code == 403
    assert client.get(address(Signal, "changelist")).status_code == 200


def test_who_is_not_of_the_staff_is_shown_out(client):
    client.force_login(make.user("vera", [VIEWER]))
    assert client.get(address(Signal, "changelist"), follow=True).status_code == 403


# -- what can be pressed -------------------------------------------------------------------------------------------


def press(client, model, action: str, row, reason: str = "") -> list[str]:
    body = {"action": action, "_selected_action": [row.pk], "reason": reason}
    answer = client.post(address(model, "changelist"), body, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_a_position_is_closed_by_the_same_action(boss, now):
    position = make.position(BTC, now)
    assert press(boss, Position, "close", position, "lunch") == ["BTC/USDT: its close is asked for."]
    assert CloseRequest.objects.get().reason == "lunch"
    assert (AuditEntry.objects.get().who, AuditEntry.objects.get().action) == ("boss", "position.close")


def test_a_viewer_of_the_staff_is_offered_no_close(client, now):
    position = make.position(BTC, now)
    press(staff(client, "vera", VIEWER), Position, "close", position)
    assert not CloseRequest.objects.exists()


def test_an_entrys_cooldown_is_cleared_with_a_reason(boss):
    now = timezone.now()
    order = make.entry(make.decided(make.signal(make.cycle(now), BTC), "traded"), sent_at=now)
    from trading.models import Order

    assert "needs a reason" in press(boss, Order, "clear", order)[0]
    assert press(boss, Order, "clear", order, "the news are out") == ["BTC/USDT may be entered again."]
    assert CooldownClear.objects.get().order_id == order.pk


def test_a_module_is_run_from_its_state_and_from_its_schedule(boss, now, rung):
    state = ModuleState.objects.create(name="risk_guard")
    assert press(boss, ModuleState, "tick", state) == ["Risk Guard was rung for."]
    task = row_of(PeriodicTask, now)
    assert press(boss, PeriodicTask, "tick", task) == ["Risk Guard was rung for."]
    assert rung == [("trading.tick", "risk_guard", "boss")] * 2


@pytest.mark.parametrize(
    ("name", "path", "to"),
    [
        ("trading_universesnapshot_refresh", "universe", "/control/universe/"),
        ("trading_modelversion_train", "models", "/control/retrain/"),
        ("trading_tunedsetting_tune", "tuned", "/settings/"),
        ("trading_switchchange_move", "switch", "/"),
    ],
)
def test_other_controls_lead_to_their_own_pages(boss, name, path, to):
    assert boss.get(reverse(f"admin:{name}")).headers["Location"] == to


# -- what is edited ------------------------------------------------------------------------------------------------


def test_a_schedule_is_edited_with_an_audit_row(boss, now):
    task = row_of(PeriodicTask, now)
    slower = IntervalSchedule.objects.create(every=17, period="seconds")
    body = {"enabled": "", "interval": slower.pk, "expire_seconds": 30}
    assert boss.post(address(PeriodicTask, "change", task.pk), body).status_code == 302
    task.refresh_from_db()
    assert (task.interval, task.enabled, task.task) == (slower, False, "trading.tick")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["interval"]) == ("periodictask.change", "every 17 seconds")


def test_a_viewer_edits_no_schedule(client, now):
    task = row_of(PeriodicTask, now)
    client = staff(client, "vera", VIEWER)
    assert client.post(address(PeriodicTask, "change", task.pk), {"expire_seconds": 3}).status_code == 403


def test_an_admin_gives_roles_with_an_audit_row(client, now):
    client = staff(client, "anna", ADMIN)
    olga = make.user("olga", [])
    grant(User.objects.get(username="anna"), [ADMIN])
    operator = Group.objects.get_or_create(name=OPERATOR)[0]
    body = {"username": "olga", "is_active": "on", "groups": [operator.pk]}
    assert client.post(address(User, "change", olga.pk), body).status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.after["roles"]) == ("user.change", "olga", [OPERATOR])
    assert client.post(address(User, "delete", olga.pk), {"post": "yes"}).status_code == 403


def test_a_key_is_revoked(boss, now):
    row = ApiKey.objects.create(
        user=User.objects.get(username="boss"), prefix="qt_1", digest="d", created_at=now - timedelta(days=1)
    )
    assert press(boss, ApiKey, "revoke", row, reason="leaked in a chat") == [f"Key {row.pk} is revoked."]
    assert AuditEntry.objects.get(action="apikey.revoke").reason == "leaked in a chat"
    row.refresh_from_db()
    assert row.revoked_at is not None

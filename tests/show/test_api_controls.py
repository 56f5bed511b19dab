"""Controls, settings, risk and the audit trail over HTTP: the page's own actions, with keys instead of sessions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.control import actions, apikeys, audit
from monitoring.control.permissions import OPERATOR, RISK_OFFICER, VIEWER
from monitoring.models import AuditEntry, RememberedAnswer
from quantum.config import Config, load
from tests.show import factories as make
from trading import events
from trading.models import CloseRequest, CooldownClear, ModuleState, Position, TunedSetting

pytestmark = pytest.mark.django_db
BTC = "BTC/USDT:USDT"


@pytest.fixture
def by():
    """A client with a key of a user with these roles."""

    def client(*roles: str) -> Client:
        one = make.user("-".join(roles).replace(" ", "") or "none", roles)
        return Client(headers={"Authorization": f"Bearer {apikeys.create(one, timezone.now())[1]}"})

    return client


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    rung: list[tuple] = []
    monkeypatch.setattr("monitoring.control.actions.positions.PATIENCE", 0)
    monkeypatch.setattr("monitoring.control.actions.modules.PATIENCE", 0)
    monkeypatch.setattr(events, "ring", lambda *args, **options: rung.append(args) or True)
    return rung


def post(client, path, body=None, **headers):
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)


def patch(client, body, **headers):
    return client.patch("/api/v1/settings", body, content_type="application/json", headers=headers)


def fields(answer) -> dict:
    return answer.json()["error"]["fields"]


# -- close ---------------------------------------------------------------------------------------------------------


def test_a_close_is_accepted_and_told_as_pending(by, now):
    position = make.position(BTC, now)
    answer = post(by(OPERATOR), f"controls/positions/{position.pk}/close", {"reason": "lunch"})
    assert (answer.status_code, answer.json()["state"], answer.json()["stage"]) == (202, "pending", "waiting")
    assert CloseRequest.objects.get().reason == "lunch"


def test_a_close_needs_no_body_and_asked_twice_is_one(by, now):
    position, client = make.position(BTC, now), by(OPERATOR)
    for _ in range(2):
        answer = client.post(f"/api/v1/controls/positions/{position.pk}/close", b"", content_type="application/json")
        assert answer.status_code == 202
    assert CloseRequest.objects.count() == AuditEntry.objects.count() == 1


def test_a_closed_position_answers_with_its_final_fill(by, now):
    position, client = make.position(BTC, now), by(OPERATOR)
    path, key = f"controls/positions/{position.pk}/close", {"Idempotency-Key": "k1"}
    first = post(client, path, {"reason": "x"}, **key)
    trade = make.closed_trade("ETH/USDT:USDT", now)
    Position.objects.filter(pk=position.pk).update(status="closed", quantity=0, closed_at=now, close_reason="manual")
    trade.position_id = position.pk
    trade.save()
    assert post(client, path, {"reason": "x"}, **key).content == first.content  # the same key: the same answer
    late = post(client, path, {"reason": "x"})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "stale")


def test_while_a_close_is_waited_for_its_key_is_taken(by, now, monkeypatch):
    position, client, key = make.position(BTC, now), by(OPERATOR), {"Idempotency-Key": "k1"}
    path, waited, closing = f"controls/positions/{position.pk}/close", [], actions.closing

    def ask_again(asked):
        waited.append(post(client, path, {"reason": "x"}, **key))
        return closing(asked)

    monkeypatch.setattr(actions, "closing", ask_again)
    first = post(client, path, {"reason": "x"}, **key)
    (meanwhile,) = waited
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "in_progress")
    assert post(client, path, {"reason": "x"}, **key).content == first.content and len(waited) == 1
    RememberedAnswer.objects.update(status=None, made_at=now - timedelta(minutes=2))  # its process died meanwhile
    lost = post(client, path, {"reason": "x"}, **key)
    assert (lost.status_code, lost.json()["error"]["code"]) == (409, "outcome_unknown")
    assert CloseRequest.objects.count() == AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    "shown",
    [
        {"shown": {"quantity": "77"}},
        {"shown": {"quantity": "1e99999999"}},  # beyond what a number may be
        {"shown": {"side": "short"}},
        {"as_of": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_close_from_a_stale_page_changes_nothing(by, now, shown):
    position = make.position(BTC, now)
    answer = post(by(OPERATOR), f"controls/positions/{position.pk}/close", shown)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale")
    assert not CloseRequest.objects.exists() and not AuditEntry.objects.exists()


def test_what_is_not_there_can_not_be_closed(by):
    assert post(by(OPERATOR), "controls/positions/12/close").status_code == 404
    assert post(by(RISK_OFFICER), "controls/positions/x/close").status_code == 400


def test_bad_fields_of_a_control_are_named(by, now):
    position = make.position(BTC, now)
    body = {"reason": 5, "shown": "x", "as_of": "yesterday", "strange": 1}
    assert set(fields(post(by(OPERATOR), f"controls/positions/{position.pk}/close", body))) == set(body)


# -- cooldowns -----------------------------------------------------------------------------------------------------


def entered(now):
    return make.entry(make.decided(make.signal(make.cycle(now, 70), BTC), "traded"), sent_at=now)


@pytest.mark.parametrize("spelled", ["BTCUSDT", "BTC%2FUSDT:USDT", "BTC/USDT:USDT"])
def test_a_cooldown_is_cleared_with_a_reason(by, now, spelled):
    make.universe(now)
    order, client = entered(now), by(OPERATOR)
    assert set(fields(post(client, f"controls/cooldowns/{spelled}/clear"))) == {"reason"}
    done = post(client, f"controls/cooldowns/{spelled}/clear", {"reason": "news are out"})
    assert (done.status_code, done.json()["order_id"], done.json()["symbol"]) == (200, order.pk, BTC)
    assert CooldownClear.objects.get().cleared_by == "operator"
    assert AuditEntry.objects.get().target == BTC


def test_an_unknown_symbol_has_no_cooldown(by):
    assert set(fields(post(by(OPERATOR), "controls/cooldowns/FOO/clear", {"reason": "x"}))) == {"symbol"}


# -- modules -------------------------------------------------------------------------------------------------------


def test_a_module_is_rung_for_on_its_own_queue(by, quick):
    answer = post(by(OPERATOR), "controls/modules/risk_guard/tick")
    assert (answer.status_code, answer.json()["state"], answer.json()["called_by"]) == (202, "pending", "operator")
    assert quick == [("trading.tick", "risk_guard", "operator")]


def test_asked_again_with_its_key_a_module_is_rung_for_once_and_where_nobody_heard_it_again(by, quick, monkeypatch):
    client, path, key = by(OPERATOR), "controls/modules/risk_guard/tick", {"Idempotency-Key": "k1"}
    with monkeypatch.context() as silent:
        silent.setattr(events, "ring", lambda *args, **options: False)
        assert post(client, path, **key).json()["error"]["code"] == "unreachable"
    answers = [post(client, path, **key).content for _ in range(2)]
    assert answers[0] == answers[1] and b"pending" in answers[0]
    assert len(quick) == AuditEntry.objects.count() == 1


def test_the_beat_since_then_is_the_result(by, now, monkeypatch):
    def at_once(*args, **options):
        ModuleState.objects.create(name="risk_guard", last_tick=timezone.now(), idle_reason="no signal since 12:00")
        return True

    monkeypatch.setattr(events, "ring", at_once)
    answer = post(by(OPERATOR), "controls/modules/risk_guard/tick")
    assert (answer.status_code, answer.json()["state"]) == (200, "ticked")
    assert answer.json()["idle_reason"] == "no signal since 12:00"


def test_an_unknown_module_is_not_there(by):
    assert post(by(OPERATOR), "controls/modules/nothing/tick").status_code == 404


def test_the_universe_is_refreshed_with_an_audit_row(by, quick):
    assert post(by(OPERATOR), "universe/refresh").status_code == 202
    assert quick == [("trading.tick", "universe", "operator")]
    assert AuditEntry.objects.get().action == "universe.refresh"


# -- settings ------------------------------------------------------------------------------------------------------


def test_every_setting_is_told_and_no_secret(by, settings):
    settings.QUANTUM = load({"QT_API_KEY": "abcdef-key", "QT_API_SECRET": "s3cret-text", "QT_MAX_POSITIONS": "4"})
    answer = by(VIEWER).get("/api/v1/settings/effective")
    items = {item["name"]: item for item in answer.json()["items"]}
    assert set(items) == set(Config.model_fields)
    assert b"abcdef-key" not in answer.content and b"s3cret-text" not in answer.content
    assert (items["QT_API_KEY"]["value"], items["QT_API_KEY"]["is_set"]) == (None, True)
    assert (items["QT_MAX_POSITIONS"]["value"], items["QT_MAX_POSITIONS"]["source"]) == (4, "environment")
    assert (items["QT_MAX_LEVERAGE"]["value"], items["QT_MAX_LEVERAGE"]["source"]) == (3, "default")
    assert items["QT_TIMEFRAME"]["value"] == "1m"


def test_a_tuned_limit_is_the_value_in_force(by):
    risk = by(RISK_OFFICER)
    done = patch(risk, {"QT_MAX_POSITIONS": 8, "reason": "more markets now"})
    assert done.json()["changed"] == [
        {"name": "QT_MAX_POSITIONS", "was": 6, "value": 8, "loosened": True, "changed": True}
    ]
    items = {item["name"]: item for item in risk.get("/api/v1/settings").json()["items"]}
    told = items["QT_MAX_POSITIONS"]
    assert (told["value"], told["default"], told["range"], told["loosens"]) == (8, 6, [1, 100], "up")
    assert (told["source"], told["changed_by"], told["reason"]) == ("database", "riskofficer", "more markets now")
    effective = {i["name"]: i for i in risk.get("/api/v1/settings/effective").json()["items"]}
    assert effective["QT_MAX_POSITIONS"]["source"] == "database"


def test_one_limit_may_be_named_by_name_and_value(by):
    done = patch(by(OPERATOR), {"name": "QT_COOLDOWN_SECONDS", "value": 600})
    assert (done.status_code, TunedSetting.objects.get().value) == (200, "600")
    assert set(fields(patch(by(VIEWER), {"name": "QT_COOLDOWN_SECONDS"}))) == {"value"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"QT_MAX_POSITIONS": 0}, "QT_MAX_POSITIONS"),
        ({"QT_MAX_POSITIONS": 2.5}, "QT_MAX_POSITIONS"),
        ({"QT_MAX_POSITIONS": True}, "QT_MAX_POSITIONS"),
        ({"QT_RISK_PER_TRADE": 0}, "QT_RISK_PER_TRADE"),
        ({"QT_RISK_PER_TRADE": "NaN"}, "QT_RISK_PER_TRADE"),
        ({"QT_RISK_PER_TRADE": "1e999"}, "QT_RISK_PER_TRADE"),
        ({"QT_RISK_PER_TRADE": [1]}, "QT_RISK_PER_TRADE"),
        ({"QT_RISK_PER_TRADE": 0.04, "reason": "x"}, "QT_RISK_PER_TRADE"),  # more than the open risk allows
        ({"QT_BACKSTOP_ATR": 1.6, "reason": "x"}, "QT_BACKSTOP_ATR"),  # not beyond the stop
        ({"QT_MODE": "live"}, "QT_MODE"),
        ({"name": "QT_MODE", "value": "live"}, "QT_MODE"),
        ({"QT_MAX_POSITIONS": 8}, "reason"),
        ({}, "values"),
        ({"QT_MAX_POSITIONS": 5, "shown": 7}, "shown"),
        ({"QT_MAX_POSITIONS": 5, "as_of": "1e99999999"}, "as_of"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_changed(by, body, wrong):
    answer = patch(by(RISK_OFFICER), body)
    assert (answer.status_code, list(fields(answer))) == (400, [wrong])
    assert not TunedSetting.objects.exists() and not AuditEntry.objects.exists()


def test_of_several_limits_all_or_none_are_changed(by):
    answer = patch(by(RISK_OFFICER), {"QT_MAX_POSITIONS": 4, "QT_MAX_LEVERAGE": 99, "reason": "x"})
    assert list(fields(answer)) == ["QT_MAX_LEVERAGE"]
    assert not TunedSetting.objects.exists()


def test_an_operator_may_tighten_and_not_loosen(by):
    operator = by(OPERATOR)
    assert patch(operator, {"QT_MAX_POSITIONS": 4}).status_code == 200
    assert patch(operator, {"QT_MAX_POSITIONS": 5, "reason": "x"}).status_code == 403
    assert TunedSetting.objects.get().value == "4"


def test_a_huge_number_is_not_written_out(by):
    late = patch(by(RISK_OFFICER), {"QT_MAX_POSITIONS": 3, "shown": {"QT_MAX_POSITIONS": "1e999999"}})
    assert late.status_code == 409 and len(late.content) < 400
    assert "was 1e999999 on the page" in late.json()["error"]["message"]
    long = patch(by(OPERATOR), {"QT_MAX_POSITIONS": 3, "shown": {"QT_MAX_POSITIONS": "9" * 200}})
    assert long.status_code == 409 and "9" * 41 not in long.json()["error"]["message"]


def test_who_may_not_tune_learns_nothing_of_the_limits(by):
    body = {"QT_MAX_POSITIONS": 2, "shown": {"QT_MAX_POSITIONS": 77}}
    assert patch(by(VIEWER), body).status_code == 403
    assert patch(by(OPERATOR), body | {"QT_MAX_POSITIONS": 20, "reason": "x"}).status_code == 403
    assert patch(by(RISK_OFFICER), body).status_code == 409


def test_a_stale_page_tunes_nothing(by):
    client = by(RISK_OFFICER)
    patch(client, {"QT_MAX_POSITIONS": 4})
    late = patch(client, {"QT_MAX_POSITIONS": 2, "shown": {"QT_MAX_POSITIONS": 6}})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "stale")
    assert patch(client, {"QT_MAX_POSITIONS": 2, "shown": {"QT_MAX_POSITIONS": 4}}).status_code == 200


def test_null_goes_back_to_the_environments_value(by):
    client = by(RISK_OFFICER)
    patch(client, {"QT_MAX_POSITIONS": 4})
    assert patch(client, {"QT_MAX_POSITIONS": None, "reason": "as it was"}).status_code == 200
    told = {i["name"]: i for i in client.get("/api/v1/settings").json()["items"]}["QT_MAX_POSITIONS"]
    assert (told["value"], told["source"], told["changed_by"]) == (6, "default", "riskofficer")


# -- risk and audit ------------------------------------------------------------------------------------------------


def test_risk_tells_limits_gates_switch_and_cooldowns(by, now):
    make.no_trades(now)
    make.holdings(now)
    order = entered(now)
    make.switch("reducing", now)
    answer = by(VIEWER).get("/api/v1/risk").json()
    limits = {one["name"]: one for one in answer["limits"]}
    assert (limits["positions"]["used"], limits["positions"]["max"]) == (5, 6)  # four held, an entry on its way
    assert limits["correlation"]["last_denial"]["code"] == "CORRELATION"
    assert answer["switch"] == "reducing" and answer["kill_switch"]["by"] == "mira"
    assert answer["evaluations"]["by_code"]["COOLDOWN_ACTIVE"] == 171
    cooling = {one["symbol"]: one for one in answer["cooldowns"]}
    assert cooling[BTC]["order_id"] == order.pk
    assert 110 <= cooling[BTC]["seconds_left"] <= 120


def test_risk_of_an_empty_house_invents_nothing(by):
    answer = by(VIEWER).get("/api/v1/risk").json()
    assert answer["cooldowns"] == [] and answer["switch"] == "active"
    assert {one["name"]: one["used"] for one in answer["limits"]}["daily_loss"] is None


def test_the_audit_trail_is_for_risk_officers_and_admins(by, now):
    audit.append(who="mira", action="switch", now=now, after={"state": "halted"})
    audit.append(who="olga", action="position.close", target="BTC", now=now + timedelta(seconds=1))
    assert by(OPERATOR).get("/api/v1/audit").status_code == 403
    client = by(RISK_OFFICER)
    items = client.get("/api/v1/audit").json()["items"]
    assert [item["who"] for item in items] == ["olga", "mira"]
    assert items[0]["previous"] == items[1]["hash"]
    assert [i["action"] for i in client.get("/api/v1/audit?who=mira").json()["items"]] == ["switch"]


@pytest.mark.parametrize(("path", "most"), [("settings", 1), ("settings/effective", 1), ("audit", 2), ("risk", 30)])
def test_each_asks_few_questions(by, now, path, most):
    make.no_trades(now)
    make.holdings(now)
    client = by(RISK_OFFICER)
    client.get(f"/api/v1/{path}")  # a key's first use is noted
    with CaptureQueriesContext(connection) as seen:
        assert client.get(f"/api/v1/{path}").status_code == 200
    assert len(seen) <= most + 2, [q["sql"][:120] for q in seen]


def test_money_is_a_text(by, now):
    position = make.position(BTC, now)
    client = by(OPERATOR)
    trade = make.closed_trade("ETH/USDT:USDT", now, net="14.28")

    def quickly(*args, **options):
        Position.objects.filter(pk=position.pk).update(
            status="closed", quantity=0, closed_at=now, close_reason="manual"
        )
        type(trade).objects.filter(pk=trade.pk).update(position=position.pk, exit_price=Decimal("107.6"))
        return True

    from monitoring.control.actions import positions

    real = positions.state_of
    positions.state_of, before = (lambda request, row: (quickly(), real(request, row))[1]), real
    try:
        answer = post(client, f"controls/positions/{position.pk}/close")
    finally:
        positions.state_of = before
    assert (answer.status_code, answer.json()["state"]) == (200, "closed")
    assert (answer.json()["exit_price"], answer.json()["net"]) == ("107.6", "14.28")

"""The command line does what the page does: the same actions, the same audit rows, errors in words."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.control.permissions import OPERATOR
from monitoring.models import AuditEntry
from tests.show import factories as make
from trading import events
from trading.models import CloseRequest, CooldownClear, ModuleState, Position, TrainingRun, TunedSetting

pytestmark = pytest.mark.django_db
BTC = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr("monitoring.control.actions.positions.PATIENCE", 0)
    monkeypatch.setattr("monitoring.control.actions.modules.PATIENCE", 0)
    monkeypatch.setattr(events, "ring", lambda *args, **options: calls.append(args) or True)
    return calls


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


@pytest.fixture
def live():
    return timezone.now()


def test_close_by_symbol_or_number_asks_once(live):
    position = make.position(BTC, live)
    assert "accepted, waiting" in run("close", "BTCUSDT", "--reason", "lunch")
    assert "accepted, waiting" in run("close", str(position.pk))
    assert CloseRequest.objects.get().reason == "lunch"
    assert AuditEntry.objects.get().who.startswith("command line (")


def test_close_names_what_is_open(live):
    make.position(BTC, live)
    with pytest.raises(CommandError, match="No position is open on ETH/USDT. Open: BTC/USDT:USDT."):
        run("close", "ETH/USDT")
    Position.objects.update(status="closed", quantity=0, closed_at=live, close_reason="target")
    with pytest.raises(CommandError, match="closed already, by target"):
        run("close", str(Position.objects.get().pk))


def test_cooldown_lists_and_clears(live):
    assert "no symbol is cooling down" in run("cooldown", "list")
    make.universe(live)
    order = make.entry(make.decided(make.signal(make.cycle(live), BTC), "traded"), sent_at=live)
    assert f"started by order {order.pk}" in run("cooldown", "list")
    with pytest.raises(CommandError, match="--reason"):
        run("cooldown", "clear", "BTCUSDT")
    assert "may be entered again" in run("cooldown", "clear", "BTCUSDT", "--reason", "the news are out")
    assert CooldownClear.objects.get().order_id == order.pk
    assert "no symbol is cooling down" in run("cooldown", "list")


def test_tick_lists_modules_and_rings_for_one(rung, monkeypatch):
    assert "position_monitor" in run("tick")
    assert run("tick", "risk_guard") == "Risk Guard: rung for, no beat yet\n"
    assert rung[0][:2] == ("trading.tick", "risk_guard")
    with pytest.raises(CommandError, match="There is no module nothing"):
        run("tick", "nothing")

    def at_once(*args, **options):
        ModuleState.objects.create(name="policy", last_tick=timezone.now(), examined=12, actions=1)
        return True

    monkeypatch.setattr(events, "ring", at_once)
    assert run("tick", "policy") == "Orchestrator Policy: 12 examined, 1 acted on\n"


def test_universe_refresh_rings_for_the_universe(rung):
    assert run("universe", "refresh") == "Universe OS: rung for, no beat yet\n"
    assert AuditEntry.objects.get().action == "universe.refresh"


def test_retrain_asks_once():
    assert "queued" in run("retrain", "--reason", "new market")
    assert "running already" in run("retrain")
    assert TrainingRun.objects.count() == AuditEntry.objects.count() == 1


def test_limits_are_listed_tuned_and_undone():
    assert "QT_MAX_POSITIONS" in run("limits") and "1..100, default 6, default" in run("limits", "QT_MAX_POSITIONS")
    assert run("limits", "QT_MAX_POSITIONS", "4") == "QT_MAX_POSITIONS: 6 -> 4\n"
    with pytest.raises(CommandError, match="Loosening QT_MAX_POSITIONS needs a reason"):
        run("limits", "QT_MAX_POSITIONS", "9")
    with pytest.raises(CommandError, match="whole number from 1 to 100, was 'many'"):
        run("limits", "QT_MAX_POSITIONS", "many")
    assert "4 -> 6" in run("limits", "QT_MAX_POSITIONS", "first", "--reason", "as it was")
    assert TunedSetting.objects.get().value == ""
    with pytest.raises(CommandError, match="can't be tuned"):
        run("limits", "QT_MODE")


def test_as_a_user_their_roles_count(live):
    make.position(BTC, live, quantity=Decimal(1))
    make.user("vera", ["viewer"])
    make.user("olga", [OPERATOR])
    with pytest.raises(CommandError, match="vera may not do position.close"):
        run("close", "BTCUSDT", "--as", "vera")
    run("close", "BTCUSDT", "--as", "olga")
    assert AuditEntry.objects.get().who == "olga"

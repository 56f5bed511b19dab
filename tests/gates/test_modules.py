"""The Orchestrator Policy measures stored candles; the Risk Guard proves that gates were asked."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from quantum.config import load
from tests.builders import decision
from trading.exchange.venue import Bar
from trading.feed import rows as feed_rows
from trading.gates.modules import OrchestratorPolicy, RiskGuard, settled_bar
from trading.models import ModuleState, PolicyVersion, UniverseSnapshot
from trading.runtime import run

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
YES = [{"name": "confidence", "passed": True}, {"name": "margin_free", "passed": True}]
NO = [{"name": "confidence", "passed": False}, {"name": "margin_free", "passed": None}]
SINCE = NOW - timedelta(seconds=20)


@pytest.fixture(autouse=True)
def by_default(settings):
    settings.QUANTUM = load({})


def trending(symbol: str, bars: int, drift: float = 0.002) -> list[Bar]:
    """Closed minutes up to 11:59, rising a little more than they wobble."""
    wobble = np.random.default_rng(3).normal(0, 0.001, bars)
    close = 100 * np.exp(np.cumsum(drift + wobble))
    start = NOW.replace(second=0) - bars * MINUTE
    return [
        Bar(symbol, start + i * MINUTE, c * 0.999, c * 1.004, c * 0.995, c, 10.0) for i, c in enumerate(close.tolist())
    ]


def universe(bars: int) -> None:
    listed = [{"symbol": s, "rank": i, "status": "in", "why": ""} for i, s in enumerate(SYMBOLS)]
    UniverseSnapshot.objects.create(at=NOW, symbols=listed, source="test")
    for symbol in SYMBOLS:
        feed_rows.store(trending(symbol, bars), "1m", NOW)


def test_the_policy_is_measured_from_stored_candles():
    universe(bars=260)
    report = OrchestratorPolicy().tick(NOW)
    row = PolicyVersion.objects.get()
    assert (report.examined, report.actions) == (3, 1)
    assert (row.regime, row.volatility, row.min_confidence) == ("TRENDING", "NORMAL", 0.32)
    assert row.facts["symbols"] == 3 and 0.005 < row.facts["atr_share"] < 0.015
    again = OrchestratorPolicy().tick(NOW + timedelta(seconds=5))
    assert (again.examined, again.actions, PolicyVersion.objects.count()) == (3, 0, 1)


def test_too_few_candles_are_no_policy_and_it_says_so():
    assert OrchestratorPolicy().tick(NOW).idle_reason == "no universe yet"
    universe(bars=50)
    assert OrchestratorPolicy().tick(NOW).idle_reason == "none of 3 symbols has enough candles yet"
    assert OrchestratorPolicy().tick(NOW + 2 * MINUTE).idle_reason == "no candle of 12:01 yet"
    assert not PolicyVersion.objects.exists()


def test_a_bar_is_measured_when_its_late_symbols_are_in():
    minute = NOW.replace(second=0)
    assert settled_bar(minute + timedelta(seconds=10), MINUTE) == minute - MINUTE
    assert settled_bar(minute + timedelta(seconds=9), MINUTE) == minute - 2 * MINUTE


def test_the_guard_reports_what_the_gates_answered_since_it_last_looked():
    ModuleState.objects.create(name="risk_guard", last_tick=SINCE)
    decision(at=SINCE, outcome="rejected", code="LOW_CONFIDENCE", gates=NO)  # counted before
    decision(at=NOW, outcome="rejected", code="LOW_CONFIDENCE", gates=NO)
    decision(at=NOW, outcome="pending", gates=YES)
    report = RiskGuard().tick(NOW)
    assert (report.examined, report.actions, report.idle_reason) == (2, 1, "")


def test_the_guard_that_nobody_asked_is_idle():
    assert RiskGuard().tick(NOW).idle_reason == "no signal since 12:00:00"


@pytest.mark.parametrize("gates", [NO, [], [{"name": "confidence", "passed": None}]])
@pytest.mark.parametrize("outcome", ["pending", "traded"])
def test_an_order_past_an_unasked_gate_is_an_error_of_the_guard(gates, outcome):
    slipped = decision(at=NOW - timedelta(minutes=5), outcome=outcome, gates=gates)
    run("risk_guard", NOW)
    state = ModuleState.objects.get(name="risk_guard")
    assert "without every gate's yes" in state.last_error and str(slipped.pk) in state.last_error


def test_a_tick_of_the_policy_beats():
    universe(bars=260)
    run("policy", NOW)
    state = ModuleState.objects.get(name="policy")
    assert (state.examined, state.actions, state.last_work, state.last_error) == (3, 1, NOW, "")

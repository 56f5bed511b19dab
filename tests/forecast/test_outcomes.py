"""Every signal gets its label once: traded or not, and never before its path has ended."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests import builders as make
from trading.exchange.venue import Bar
from trading.feed import rows as feed_rows
from trading.forecast import outcomes
from trading.forecast.belief import LabelSpec
from trading.models import ModuleState, Signal, SignalOutcome

pytestmark = pytest.mark.django_db
T0 = datetime(2025, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPEC = LabelSpec(horizon=6)
COIN, OTHER = "BTC/USDT:USDT", "ETH/USDT:USDT"


def candles(*bars: tuple[float, float, float], symbol: str = COIN, first: int = 1) -> None:
    """Candles (high, low, close) from `first` minutes after the judged bar's open."""
    rows = [
        Bar(symbol, T0 + (first + i) * MINUTE, close, high, low, close, 1.0)
        for i, (high, low, close) in enumerate(bars)
    ]
    feed_rows.insert(rows, "1m")


def signal(minute: int = 0, **changes) -> Signal:
    bar = T0 + minute * MINUTE
    cycle = make.cycle(bar=bar)
    row = {"cycle": cycle, "symbol": COIN, "price": Decimal(100), "r": 1.0, "cost_r": 0.2, "at": bar + MINUTE}
    return make.signal(**row | changes)


def tell(minutes: int = 60) -> outcomes.Told:
    return outcomes.label(T0 + minutes * MINUTE, SPEC)


FLAT = (100.2, 99.8, 100.0)


def test_a_rejected_signal_is_told_what_it_would_have_done():
    one = signal()
    make.decision(signal=one, outcome="rejected", code="MAX_POSITIONS")
    candles(FLAT, (102.7, 100.0, 102.0))
    assert tell().stored == 1
    row = SignalOutcome.objects.get(signal=one)
    assert (row.ended, row.hit, row.bars, row.gross_r, row.net_r) == ("target", True, 2, 2.5, 2.3)
    assert row.ended_at == T0 + 3 * MINUTE
    assert row.matures_at == T0 + 7 * MINUTE
    assert row.mode == one.mode


def test_a_stop_costs_its_r_and_the_round_trip():
    one = signal(side="short")
    candles((101.2, 99.9, 101.0))
    tell()
    assert (one.outcome.ended, one.outcome.hit, one.outcome.net_r) == ("stop", False, -1.2)


def test_what_neither_reached_expires_with_its_mark():
    one = signal()
    candles(*[FLAT] * 5, (100.6, 100.0, 100.5))
    tell()
    assert (one.outcome.ended, one.outcome.hit, one.outcome.net_r) == ("expired", False, 0.3)


def test_an_open_path_waits_and_is_told_once():
    one = signal()
    candles(FLAT, FLAT)
    assert tell().stored == 0
    assert not SignalOutcome.objects.exists()
    candles((102.7, 100.0, 102.0), first=3)
    assert tell().stored == 1
    was = SignalOutcome.objects.get().at
    assert tell(120).examined == 0
    assert SignalOutcome.objects.get(signal=one).at == was


def test_a_hole_is_not_guessed_and_at_last_given_up():
    one = signal()
    candles(FLAT)
    candles(FLAT, first=3)
    assert tell().stored == 0
    candles(*[FLAT] * 16, symbol=OTHER, first=4)  # the market goes on
    told = tell()
    assert (told.stored, told.unknown) == (1, 1)
    assert (one.outcome.ended, one.outcome.hit, one.outcome.net_r) == ("unknown", None, None)


def test_while_history_loads_nothing_is_given_up():
    signal()
    candles(FLAT)
    candles(*[FLAT] * 16, symbol=OTHER, first=4)
    ModuleState.objects.create(name="data_feed", idle_reason="loading history: 3 of 20 symbols")
    assert tell().stored == 0


def test_candles_before_the_first_stored_one_are_a_hole_and_no_other_candles():
    signal()
    candles((102.7, 100.0, 102.0), first=3)
    assert tell().stored == 0


def test_many_signals_cost_as_many_queries_as_one(django_assert_max_num_queries):
    for minute in range(40):
        signal(minute)
    candles(*[FLAT] * 30, (102.7, 100.0, 102.0), *[FLAT] * 20)
    with django_assert_max_num_queries(8):
        assert tell().stored == 40


def test_after_a_long_silence_it_catches_up_batch_by_batch(monkeypatch):
    monkeypatch.setattr(outcomes, "SPAN", 10)
    for minute in range(40):
        signal(minute)
    candles(*[FLAT] * 50)
    assert tell().stored == 40
    monkeypatch.setattr(outcomes, "BATCHES", 1)
    for minute in (41, 42):
        signal(minute)
    assert tell().more is False


def test_what_one_go_can_not_do_is_left_for_the_next(monkeypatch):
    monkeypatch.setattr(outcomes, "SPAN", 10)
    monkeypatch.setattr(outcomes, "BATCHES", 1)
    for minute in range(40):
        signal(minute)
    candles(*[FLAT] * 50)
    told = tell()
    assert (told.stored, told.more) == (10, True)
    assert sum(tell().stored for _ in range(3)) == 30


def test_another_timeframes_signals_are_left_alone():
    one = signal()
    one.cycle.timeframe = "1h"
    one.cycle.save()
    candles(*[FLAT] * 6)
    assert tell().examined == 0

"""The executor's small decisions: which bar, what to wait for, how a bar's symbols are counted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests import builders as make
from trading import cycle
from trading.codes import Code
from trading.exchange.venue import Bar, OrderStatus
from trading.feed import rows as feed_rows
from trading.feed.candles import build, join
from trading.forecast.belief import Forecast
from trading.gates import store
from trading.models import Candle, Cycle, Decision, Order, Position, UniverseSnapshot

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def bar(symbol: str, minutes: int, close: float = 100.0) -> Bar:
    return Bar(symbol, NOON + minutes * MINUTE, close, close + 1, close - 1, close, 5.0)


@pytest.mark.parametrize(
    ("now", "opened"),
    [("12:05:00", "12:04"), ("12:05:00.001", "12:04"), ("12:04:59.999", "12:03"), ("12:00:00", "11:59")],
)
def test_the_newest_closed_bar(now, opened):
    at = datetime.fromisoformat(f"2026-03-01T{now}+00:00")
    assert f"{cycle.newest_closed(at, MINUTE):%H:%M}" == opened


def test_every_symbol_is_counted_in_exactly_one_place():
    row = Cycle(timeframe="1m", bar=NOON)
    absent = {"C": Code.FEED_STALE, "D": Code.INSUFFICIENT_HISTORY, "E": Code.FEED_STALE}
    cycle.count(row, Forecast(NOON, beliefs=(), flat=("A", "B"), absent=absent), list("ABCDE"))
    assert (row.symbols, row.evaluated, row.flat, row.signals) == (5, 2, 2, 0)
    assert row.not_evaluated == {"FEED_STALE": 2, "INSUFFICIENT_HISTORY": 1}
    assert row.absent["FEED_STALE"] == ["C", "E"]
    assert row.symbols == row.evaluated + sum(row.not_evaluated.values())


def test_books_are_joined_without_filling_gaps():
    older = build(("A", "B"), [bar("A", 0), bar("A", 1), bar("B", 0), bar("B", 1)], MINUTE)
    newer = build(("A", "B"), [bar("A", 3, 103), bar("B", 2), bar("B", 3)], MINUTE)
    book = join(older, newer, keep=3)
    assert len(book.times) == 3
    assert np.isnan(book.column("close")[0, 1])
    assert book.run_lengths().tolist() == [1, 3]


def test_holes_lie_between_a_symbols_first_and_newest_bar():
    bars = [bar("A", 2), bar("A", 3), bar("A", 6), bar("A", 8), bar("B", 0), bar("B", 1), bar("B", 8)]
    book = build(("A", "B", "C"), bars, MINUTE)
    found = [(g.symbol, (g.first - NOON) // MINUTE, (g.last - NOON) // MINUTE, g.missing) for g in book.holes()]
    assert found == [("A", 4, 5, 2), ("A", 7, 7, 1), ("B", 2, 7, 6)]
    assert build((), [], MINUTE).holes() == build(("A",), [], MINUTE).holes() == []


@pytest.mark.django_db
class TestDue:
    def universe(self, *symbols: str) -> None:
        rows = [{"symbol": s, "rank": 1, "status": "in", "why": ""} for s in symbols]
        UniverseSnapshot.objects.create(at=NOON, symbols=rows, source="test")

    def candle(self, symbol: str, minutes: int) -> None:
        one = bar(symbol, minutes)
        Candle.objects.create(
            symbol=symbol, timeframe="1m", open_time=one.open_time, open=one.open, high=one.high, low=one.low,
            close=one.close, volume=one.volume,
        )  # fmt: skip

    def test_without_a_universe_there_is_nothing_to_judge(self):
        assert cycle.due(NOON)[1] == "no universe yet"

    def test_late_symbols_are_waited_for_until_the_deadline(self):
        self.universe("A", "B")
        self.candle("A", -1)
        assert cycle.due(NOON + timedelta(seconds=1))[1] == "waiting for 1 of 2 symbols"
        assert cycle.due(NOON + cycle.BATCH_DEADLINE) == (NOON - MINUTE, "")

    def test_a_complete_batch_is_judged_at_once_and_only_once(self):
        self.universe("A")
        self.candle("A", -1)
        assert cycle.due(NOON) == (NOON - MINUTE, "")
        make.cycle(bar=NOON - MINUTE, symbols=1, evaluated=1, signals=1)
        assert "is judged" in cycle.due(NOON)[1]

    def test_a_bar_that_models_could_not_judge_is_judged_when_they_are_there(self):
        self.universe("A")
        self.candle("A", -1)
        make.cycle(bar=NOON - MINUTE, evaluated=0, signals=0, not_evaluated={Code.MODELS_TRAINING: 1})
        assert cycle.due(NOON) == (NOON - MINUTE, "")


@pytest.mark.django_db
class TestDesk:
    def test_an_entry_on_its_way_takes_a_slot(self):
        make.decision(ticket={"notional": "50", "risk": "1", "margin": "20"})
        make.decision(outcome=Decision.REJECTED, code="COOLDOWN_ACTIVE")
        held = store.holdings()
        assert [(h.symbol, h.notional) for h in held] == [("BTC/USDT:USDT", Decimal(50))]

    def test_a_position_and_its_pending_decision_are_one_holding(self):
        decision = make.decision(ticket={"notional": "50", "risk": "1", "margin": "20"})
        make.position(decision=decision, stop_price=Decimal("98.5"))
        assert [h.risk for h in store.holdings()] == [Decimal("1.5")]

    def test_a_stop_beyond_the_entry_risks_nothing(self):
        held = make.position(stop_price=Decimal(101))
        assert store.risk_left(held) == 0
        assert (
            store.risk_left(Position(side="short", quantity=2, entry_price=Decimal(100), r=1, stop_price=Decimal(103)))
            == 6
        )

    @pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.UNKNOWN, OrderStatus.CANCELED])
    def test_a_submitted_entry_starts_the_cooldown(self, status):
        order = make.order(intent=make.intent(decision=make.decision()), status=status)
        assert cycle.last_entries(["BTC/USDT:USDT"]) == {"BTC/USDT:USDT": (order.sent_at, order.pk)}

    @pytest.mark.parametrize("status", [OrderStatus.REFUSED, OrderStatus.NOT_PLACED])
    def test_what_never_rested_at_the_venue_starts_none(self, status):
        make.order(intent=make.intent(decision=make.decision()), status=status)
        make.intent(decision=make.decision())  # and an intent without an order starts none either
        assert cycle.last_entries(["BTC/USDT:USDT"]) == {}
        assert Order.objects.count() == 1


@pytest.mark.django_db
def test_the_warm_book_is_read_anew_when_history_was_filled_in():
    warm = cycle.Warm()
    feed_rows.insert([bar("A/USDT:USDT", m) for m in (0, 1, 3)], "1m")
    first = warm.until(["A/USDT:USDT"], "1m", NOON + 3 * MINUTE, MINUTE)
    assert first.run_lengths().tolist() == [1]
    feed_rows.insert([bar("A/USDT:USDT", 2)], "1m")
    assert warm.until(["A/USDT:USDT"], "1m", NOON + 3 * MINUTE, MINUTE).run_lengths().tolist() == [4]


def test_plain_values_are_json():
    value = cycle.plain({("A", "B"): Decimal("1.10"), "at": NOON, "code": Code.KILL_SWITCH, "for": MINUTE})
    assert value == {"A|B": "1.10", "at": NOON.isoformat(), "code": "KILL_SWITCH", "for": 60.0}

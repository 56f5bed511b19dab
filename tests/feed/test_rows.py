from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trading.exchange.venue import Bar
from trading.feed import rows, store
from trading.models import Candle, CandleFault, CandleGap, UniverseSnapshot

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
T0 = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NOW = T0 + timedelta(hours=2)
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def bar(symbol: str = BTC, minute: int = 0, close: float = 100.0) -> Bar:
    return Bar(symbol, T0 + minute * MINUTE, 100.0, max(close, 101.0), min(close, 99.0), close, 1.0 + abs(minute))


def test_the_same_batch_twice_is_stored_once():
    batch = [bar(s, m) for s in (BTC, ETH) for m in range(3)]
    assert rows.store(batch, "1m", NOW) == rows.Stored(new=6)
    assert rows.store(batch, "1m", NOW) == rows.Stored(known=6)
    assert Candle.objects.count() == 6
    assert CandleFault.objects.count() == 0


def test_broken_candles_are_quarantined_and_counted_and_the_others_kept():
    batch = [bar(minute=0), replace(bar(minute=1), close=float("nan")), replace(bar(minute=2), high=1.0)]
    for _ in range(2):
        rows.store(batch, "1m", NOW)
    assert [c.open_time for c in Candle.objects.all()] == [T0]
    assert sorted(CandleFault.objects.values_list("kind", "count")) == [("impossible", 2), ("nan", 2)]


def test_a_revised_candle_leaves_the_stored_one_as_it_was():
    rows.store([bar(close=100.0)], "1m", NOW)
    stored = rows.store([bar(close=100.5)], "1m", NOW)
    assert [f.kind for f in stored.faults] == ["revised"]
    assert Candle.objects.get().close == 100.0
    assert CandleFault.objects.get().raw[4] == "100.5"


def test_a_hole_is_kept_as_one_and_the_candles_are_kept():
    rows.store([bar(minute=0)], "1m", NOW)
    stored = rows.store([bar(minute=3), bar(minute=4), bar(minute=6)], "1m", NOW)
    assert stored.new == 3
    assert stored.faults == ()
    found = CandleGap.objects.order_by("first").values_list("first", "last", "missing", "found_at", "filled_at")
    assert list(found) == [
        (T0 + MINUTE, T0 + 2 * MINUTE, 2, NOW, None),
        (T0 + 5 * MINUTE, T0 + 5 * MINUTE, 1, NOW, None),
    ]


def test_late_candles_narrow_a_hole_and_then_close_it():
    rows.store([bar(minute=0), bar(minute=5)], "1m", NOW)
    assert rows.store([bar(minute=2)], "1m", NOW).faults == ()
    assert list(CandleGap.objects.values_list("first", "last", "missing")) == [(T0 + MINUTE, T0 + 4 * MINUTE, 3)]
    rows.store([bar(minute=m) for m in (1, 3, 4)], "1m", NOW + MINUTE)
    assert list(CandleGap.objects.values_list("missing", "filled_at")) == [(0, NOW + MINUTE)]


def test_a_gap_is_asked_for_eagerly_and_then_ever_more_seldom():
    rows.store([bar(minute=0), bar(minute=5)], "1m", NOW)
    at, asked = NOW, []
    for minute in range(200):
        at = NOW + minute * MINUTE
        if gaps := store.gaps_to_fill([BTC], "1m", MINUTE, T0, at):
            asked.append(minute)
            store.note_asked(gaps, "1m", at)
    assert asked[:6] == [0, 1, 2, 3, 4, 5]
    assert len(asked) < 20


def test_a_price_that_is_off_by_a_factor_is_put_aside_and_leaves_a_hole():
    rows.store([bar(minute=m) for m in range(40)], "1m", NOW)
    odd = Bar(BTC, T0 + 40 * MINUTE, 1000.0, 1010.0, 990.0, 1000.0, 1.0)
    stored = rows.store([odd, bar(minute=41)], "1m", NOW)
    assert [(f.kind, f.fields) for f in stored.faults] == [("spike", ("close",))]
    assert (stored.new, stored.known) == (1, 0)
    assert CandleGap.objects.get().first == T0 + 40 * MINUTE
    assert CandleFault.objects.get().wrong == ["close"]


def test_the_queries_of_a_batch_do_not_grow_with_it(django_assert_max_num_queries):
    batch = [bar(f"S{i}/USDT:USDT", m) for i in range(50) for m in range(4)]
    with django_assert_max_num_queries(12):
        rows.store(batch, "1m", NOW)


def test_a_book_holds_one_row_per_symbol_and_nan_where_nothing_is():
    rows.store([bar(BTC, 0), bar(BTC, 1), bar(BTC, 2), bar(ETH, 0), bar(ETH, 2)], "1m", NOW)
    book = rows.load_book([ETH, BTC], "1m")
    assert book.symbols == (ETH, BTC)
    assert book.last == T0 + 2 * MINUTE
    assert np.isnan(book.values[0, 1]).all()
    assert list(book.run_lengths()) == [1, 3]


def test_a_book_ends_where_it_is_told_to_and_is_as_long():
    rows.store([bar(BTC, m) for m in range(10)], "1m", NOW)
    book = rows.load_book([BTC], "1m", until=T0 + 6 * MINUTE, bars=3)
    assert [int(t) for t in book.times] == [int((T0 + m * MINUTE).timestamp()) for m in (4, 5, 6)]


def test_a_book_of_nothing_is_empty():
    assert rows.load_book([BTC], "1m").last is None


def test_age_counts_from_the_end_of_the_newest_candle():
    rows.store([bar(BTC, m) for m in range(3)], "1m", NOW)
    assert rows.ages([BTC, ETH], "1m", T0 + 5 * MINUTE) == {BTC: 2 * MINUTE, ETH: None}


def test_the_universe_is_what_the_newest_snapshot_lets_in():
    UniverseSnapshot.objects.create(at=T0, symbols=[{"symbol": ETH, "status": "in"}], source="x")
    UniverseSnapshot.objects.create(
        at=NOW, symbols=[{"symbol": BTC, "status": "in"}, {"symbol": ETH, "status": "out"}], source="x"
    )
    assert rows.universe() == [BTC]


def test_what_lies_inside_an_open_gap_is_no_second_one():
    rows.store([bar(minute=0), bar(minute=20)], "1m", NOW)
    rows.store([bar(minute=5), bar(minute=10)], "1m", NOW)
    assert [(g.first, g.last) for g in CandleGap.objects.all()] == [(T0 + MINUTE, T0 + 19 * MINUTE)]
    assert rows.store([bar(minute=m) for m in range(1, 5)], "1m", NOW).new == 4
    assert rows.store([bar(minute=m) for m in range(6, 20)], "1m", NOW).new == 13
    assert not CandleGap.objects.filter(filled_at=None).exists()


def test_many_open_gaps_are_closed_in_one_batch():
    rows.store([bar(minute=0), *(bar(minute=m) for m in range(2, 2600, 2))], "1m", NOW + timedelta(days=3))
    assert CandleGap.objects.filter(filled_at=None).count() == 1299
    rows.store([bar(minute=m) for m in range(1, 2598, 2)], "1m", NOW + timedelta(days=3))
    assert not CandleGap.objects.filter(filled_at=None).exists()


def test_filled_gaps_and_old_faults_are_forgotten_and_what_is_missing_is_not():
    old, new = NOW - store.KEEP - MINUTE, NOW - store.KEEP + MINUTE
    gap = {"symbol": "BTC/USDT:USDT", "timeframe": "1m", "last": NOW, "found_at": old}
    for first, filled in ((old, old), (new, new), (old - MINUTE, None)):
        CandleGap.objects.create(**gap, first=first, missing=0 if filled else 3, filled_at=filled)
    for kind, seen in (("nan", old), ("shape", new)):
        CandleFault.objects.create(symbol="BTC/USDT:USDT", timeframe="1m", kind=kind, first_seen=old, last_seen=seen)
    assert store.forget(NOW) == 2
    assert set(CandleGap.objects.values_list("filled_at", flat=True)) == {new, None}
    assert [fault.kind for fault in CandleFault.objects.all()] == ["shape"]


@pytest.mark.parametrize(("quiet", "refused"), [(1, 1), (2, 2), (3, 0), (4, 0)])
def test_where_most_markets_rest_a_candle_without_a_trade_is_the_truth(quiet, refused):
    """A venue that pauses for some minutes: one market still trades a little, the others not at all."""
    names = [f"{letter}/USDT:USDT" for letter in "ABCD"]
    rows.store([bar(name, minute) for name in names for minute in range(5)], "1m", NOW)
    rest = [Bar(name, T0 + 5 * MINUTE, 100.0, 100.0, 100.0, 100.0, 0.0) for name in names[:quiet]]
    stored = rows.store([*rest, *(bar(name, 5) for name in names[quiet:])], "1m", NOW)
    assert [fault.kind for fault in stored.faults] == ["frozen"] * refused
    assert stored.new == 4 - refused

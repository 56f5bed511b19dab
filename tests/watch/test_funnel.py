"""The funnel adds up, whatever the rows."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch.funnel import funnel, median, total
from tests.show import factories as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_198_signals_and_no_trade_are_accounted_for():
    make.no_trades(NOW)
    seen = funnel(HOUR, NOW)
    law = seen.law
    assert (seen.bars, seen.symbols, seen.evaluated, seen.flat) == (58, 696, 696, 498)
    assert (law.signals, law.traded, law.rejected, law.failed, law.pending) == (198, 0, 195, 1, 2)
    assert seen.by_code == {"COOLDOWN_ACTIVE": 171, "LOW_CONFIDENCE": 11, "MIN_NOTIONAL": 7, "CORRELATION": 6}
    assert sum(seen.by_code.values()) == law.rejected
    assert seen.failed_by_code == {"EXCHANGE_REJECT": 1}
    assert (seen.dominant.code, seen.dominant.n, seen.dominant.setting) == (
        "COOLDOWN_ACTIVE",
        171,
        "QT_COOLDOWN_SECONDS",
    )
    assert seen.law_holds


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_num_queries):
    make.no_trades(NOW)
    with django_assert_num_queries(4):
        funnel(HOUR, NOW)


def test_a_signal_without_a_decision_breaks_the_law():
    make.policy(NOW)
    make.signal(make.cycle(NOW, flat=11, signals=1), "BTC/USDT:USDT")
    assert not funnel(HOUR, NOW).law_holds


def test_a_signal_that_its_cycle_did_not_count_breaks_the_law():
    make.policy(NOW)
    make.rejected(make.signal(make.cycle(NOW), "BTC/USDT:USDT"), make.low(0.33))
    assert not funnel(HOUR, NOW).law_holds


def test_what_closed_before_the_window_is_not_in_it():
    make.policy(NOW)
    make.rejected(make.signal(make.cycle(NOW, 60, flat=11, signals=1), "BTC/USDT:USDT"), make.low(0.33))
    make.rejected(make.signal(make.cycle(NOW, 59, flat=11, signals=1), "BTC/USDT:USDT"), make.low(0.33))
    assert (funnel(HOUR, NOW).bars, funnel(HOUR, NOW).signals) == (1, 1)


def test_without_signals_the_dominant_reason_is_why_nothing_was_judged():
    make.cycle(NOW, evaluated=0, flat=0, not_evaluated={"MODELS_TRAINING": 10, "FEED_STALE": 2})
    seen = funnel(HOUR, NOW)
    assert (seen.dominant.code, seen.dominant.n) == ("MODELS_TRAINING", 10)
    assert seen.not_evaluated == {"MODELS_TRAINING": 10, "FEED_STALE": 2}


def test_nothing_at_all_is_an_empty_funnel_whose_law_holds():
    seen = funnel(HOUR, NOW)
    assert (seen.bars, seen.signals, seen.dominant, seen.law_holds, seen.as_of) == (0, 0, None, True, None)


def test_the_median_case_tells_the_reason():
    cases = [{"value": v} for v in (900.0, 100.0, 500.0)]
    assert median(cases) == {"value": 500.0}
    assert median([{"value": "halted"}]) == {"value": "halted"}
    assert median([]) == {}


def test_counts_by_code_are_summed_most_frequent_first():
    assert list(total([{"A": 1, "B": 5}, {"A": 1}])) == ["B", "A"]


def test_symbols_are_counted_beside_signals():
    make.policy(NOW)
    for back in (1, 2):
        of = make.cycle(NOW, back, flat=9, signals=3)
        make.rejected(make.signal(of, "BTC/USDT:USDT"), make.low(0.33))
        make.rejected(make.signal(of, "ETH/USDT:USDT"), make.correlated() if back == 1 else make.low(0.33))
        make.decided(make.signal(of, "SOL/USDT:USDT"), "failed", "TIMEOUT_UNKNOWN")
    seen = funnel(HOUR, NOW)
    assert {r.code: (r.n, r.symbols) for r in seen.reasons} == {"LOW_CONFIDENCE": (3, 2), "CORRELATION": (1, 1)}
    assert (seen.spread.signals, seen.spread.traded, seen.spread.failed) == (3, 0, {"TIMEOUT_UNKNOWN": 1})


def test_symbols_that_were_not_judged_are_counted_once_over_all_bars():
    for back, names in ((1, ["A", "B"]), (2, ["B", "C"]), (3, ["A", "B"])):
        make.cycle(NOW, back, evaluated=0, flat=0, not_evaluated={"FEED_STALE": 2}, absent={"FEED_STALE": names})
    seen = funnel(HOUR, NOW)
    assert (seen.not_evaluated, seen.spread.absent) == ({"FEED_STALE": 6}, {"FEED_STALE": 3})
    assert (seen.dominant.n, seen.dominant.symbols) == (6, 3)

"""A jump of the market is believed, one of the data is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as parquet
import pytest

from trading.exchange.venue import Bar
from trading.feed.spikes import LOOK, Known, spikes
from trading.feed.witness import Witness

MINUTE = timedelta(minutes=1)
T0 = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BEFORE = [(T0 - (LOOK - i) * MINUTE, 100.5, 99.5, 100.0) for i in range(LOOK)]
CRASHES = ("crash_2021-05-19_spot_1m", "crash_2022-05_06_okx_5m", "crash_2025-04_perp_5m", "universe_perp_1h_2026q1")


def bar(close: float, minute: int = 0, **change) -> Bar:
    at = T0 + minute * MINUTE
    return replace(Bar("X", at, close, close * 1.003, close * 0.997, close, 5.0), **change)


def known(mark: float, minute: int = 1) -> Known:
    return Known(BEFORE, Witness(mark, T0 + minute * MINUTE))


def refused(bars, seen=None) -> list[datetime]:
    return [fault.open_time for fault in spikes(bars, seen or Known(BEFORE), MINUTE) if fault.kind == "spike"]


@pytest.mark.parametrize("close", [1000.0, 10.0])
def test_a_price_that_is_off_by_a_factor_of_ten_is_refused(close):
    assert refused([bar(close)], known(mark=100.0)) == [T0]
    assert refused([bar(close)]) == [T0]


def test_what_returns_at_once_was_none():
    assert refused([bar(1000.0), bar(100.2, 1)]) == [T0]


@pytest.mark.parametrize("close", [60.0, 180.0])
def test_a_crash_that_the_mark_bears_out_is_believed(close):
    assert refused([bar(close)], known(mark=close * 1.01)) == []


def test_a_large_jump_that_is_believed_is_noted():
    found = spikes([bar(60.0)], known(mark=60.5), MINUTE)
    assert [(fault.kind, fault.detail) for fault in found] == [
        ("jump", "close moved -40.0% from 100, and it is borne out")
    ]


def test_a_jump_that_stays_is_believed_even_without_a_mark():
    assert refused([bar(30.0), bar(31.0, 1), bar(29.5, 2)]) == []


def test_a_level_that_the_mark_contradicts_is_never_believed_however_long_it_stays():
    wrong = [bar(1000.0 + i, i) for i in range(5)]
    assert len(refused(wrong, known(mark=100.0, minute=5))) == 5


def test_a_thin_wick_is_no_trade():
    assert refused([bar(100.0, high=1000.0)], known(mark=100.0)) == [T0]
    assert refused([bar(100.0, low=10.0)], known(mark=100.0)) == [T0]
    assert refused([bar(100.0, low=30.0)], known(mark=100.0)) == []


def test_the_first_candle_of_a_symbol_is_measured_by_its_mark_alone():
    assert refused([bar(1000.0)], Known(mark=Witness(100.0, T0 + MINUTE))) == [T0]
    assert refused([bar(1000.0)], Known()) == []


@pytest.mark.parametrize("folder", CRASHES)
def test_no_bar_of_a_real_crash_is_refused(folder, market_data):
    """Live, bar by bar with the mark at its end, where it matters: around every move of more than a tenth."""
    for path in sorted((market_data / folder).glob("*USDT-*.parquet")):
        if "mark" in path.name or "funding" in path.name:
            continue
        table = parquet.read_table(path)
        columns = [table.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")]
        stamps = table.column("open_time").to_numpy()
        step = timedelta(milliseconds=int(np.diff(stamps).min()))
        bars = [
            Bar(path.name, datetime.fromtimestamp(int(at) / 1000, UTC), *(float(v) for v in row))
            for at, *row in zip(stamps, *columns, strict=True)
        ]
        assert {fault.kind for fault in spikes(bars, Known(), step)} <= {"jump"}
        moved = np.abs(np.diff(np.log(columns[3]))) > 0.05
        for i in (np.nonzero(moved)[0] + 1).tolist():
            before = [(b.open_time, b.high, b.low, b.close) for b in bars[max(0, i - LOOK) : i]]
            mark = bars[i + 1].open if i + 1 < len(bars) else bars[i].close
            found = spikes([bars[i]], Known(before, Witness(mark, bars[i].open_time + step)), step)
            assert {fault.kind for fault in found} <= {"jump"}

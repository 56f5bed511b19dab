"""Nothing good is refused: an hour of an ordinary market, and the worst hours of three real crashes, bar by bar.

The candles are recorded ones; a mark is the next bar's open, as it would be heard a second after the close. Put aside
is none of them, and no symbol is left out for standing still. `FAULTS=full` (`make faults`) takes every bar.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from trading.codes import Code
from trading.exchange.venue import Bar
from trading.feed import quality, rows
from trading.feed.witness import Witness
from trading.forecast.lacks import lacks
from trading.models import Candle, CandleFault, CandleGap

pytestmark = pytest.mark.django_db
FULL = os.environ.get("FAULTS") == "full"
HOUR, WARM = 60, 240
CRASHES = (
    ("crash_2021-05-19_spot_1m", "1m"), ("crash_2022-05_06_okx_5m", "5m"), ("crash_2025-04_perp_5m", "5m"),
)  # fmt: skip

QUIET = "quiet"


def read(folder: Path) -> dict[str, np.ndarray]:
    """Each symbol's rows [n, 6]: open time in ms, open, high, low, close, volume; those times that all have."""
    found = {}
    for path in sorted(folder.glob("*USDT-*.parquet")):
        if "mark" not in path.name and "funding" not in path.name:
            table = parquet.read_table(path)
            names = ("open_time", "open", "high", "low", "close", "volume")
            found[path.name.split("USDT")[0] + "/USDT:USDT"] = np.stack([table[n].to_numpy() for n in names], axis=1)
    first, last = max(v[0, 0] for v in found.values()), min(v[-1, 0] for v in found.values())
    return {s: v[(v[:, 0] >= first) & (v[:, 0] <= last)] for s, v in found.items()}


def bar(symbol: str, row: np.ndarray) -> Bar:
    return Bar(symbol, datetime.fromtimestamp(row[0] / 1000, UTC), *(float(v) for v in row[1:]))


def worst(data: dict[str, np.ndarray]) -> int:
    """The bar around which all moved most."""
    moves = np.median([np.abs(np.diff(np.log(v[:, 4]))) for v in data.values()], axis=0)
    hours = np.convolve(moves, np.ones(HOUR), mode="valid")
    return int(min(max(hours.argmax(), WARM), len(moves) - HOUR - 1))


def live(data: dict[str, np.ndarray], timeframe: str, start: int, many: int) -> Counter:
    """Store history, then bar after bar; what was refused or left out, by reason.

    Flat and without a trade, while another market still trades, is QUIET: nobody can tell it from a feed that fails.
    """
    step, refused = quality.step_of(timeframe), Counter()
    history = [bar(s, row) for s, v in data.items() for row in v[max(0, start - WARM) : start]]
    rows.store(history, timeframe, max(b.open_time for b in history) + step)
    for i in range(start, start + many):
        batch = [bar(s, v[i]) for s, v in data.items()]
        now = batch[0].open_time + step + timedelta(seconds=1)
        marks = {s: Witness(float(v[min(i + 1, len(v) - 1), 1]), now) for s, v in data.items()}
        stored = rows.store(batch, timeframe, now, marks)
        kinds = Counter(
            QUIET if without_a_trade(fault, batch) else fault.kind
            for fault in stored.faults
            if fault.kind in quality.UNUSABLE
        )
        assert stored.new + kinds[QUIET] == len(data)
        refused += kinds
        book = rows.load_book(sorted(data), timeframe, bars=WARM)
        refused.update(lack.code.value for lack in lacks(book).values() if is_wrong(lack, batch))
    return refused


def without_a_trade(fault, batch) -> bool:
    one = next(bar for bar in batch if bar.symbol == fault.symbol)
    return fault.kind == "frozen" and one.volume == 0 and one.high == one.low


def is_wrong(lack, batch) -> bool:
    """Left out although candles moved; where nothing was traded there is nothing to enter."""
    return lack.code is Code.FEED_FROZEN and lack.traded


def test_an_hour_of_an_ordinary_market_is_taken_whole(market_data):
    data = read(market_data / "perp_1m_2025-05")
    many = 24 * HOUR if FULL else HOUR
    refused = live(data, "1m", WARM + 700, many)
    print(f"\nperp_1m_2025-05: {many} bars of {len(data)} symbols, refused {dict(refused)}")
    assert refused == Counter()
    assert Candle.objects.count() == len(data) * (WARM + many)
    assert (CandleFault.objects.count(), CandleGap.objects.count()) == (0, 0)


@pytest.mark.parametrize(("folder", "timeframe"), CRASHES)
def test_a_crash_is_believed_bar_by_bar(market_data, folder, timeframe):
    data = read(market_data / folder)
    bars = len(next(iter(data.values())))
    start, many = (WARM, bars - WARM - 1) if FULL else (worst(data), HOUR)
    refused = live(data, timeframe, start, many)
    print(f"\n{folder}: {many} bars of {len(data)} symbols, refused {dict(refused)}")
    assert refused.keys() <= {QUIET} and refused[QUIET] <= (5 if FULL else 0)
    assert sum(CandleGap.objects.values_list("missing", flat=True)) <= refused[QUIET]


def test_a_gap_makes_what_lies_over_it_unusable_and_nothing_is_filled_in(market_data):
    data = {s: v[:300] for s, v in list(read(market_data / "perp_1m_2025-05").items())[:2]}
    holed, whole = sorted(data)
    bars = [bar(s, row) for s, v in data.items() for i, row in enumerate(v) if not (s == holed and 200 <= i < 205)]
    rows.store(bars, "1m", bars[-1].open_time + timedelta(minutes=1))
    book = rows.load_book([holed, whole], "1m", bars=300)
    found = lacks(book)
    assert (found[holed].code, found[holed].value, found[holed].limit) == (Code.INSUFFICIENT_HISTORY, 95, 220)
    assert found[holed].since == bar(holed, data[holed][205]).open_time
    assert whole not in found
    assert np.isnan(book.values[0, 200:205]).all()
    assert list(CandleGap.objects.values_list("symbol", "missing")) == [(holed, 5)]

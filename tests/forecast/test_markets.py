"""The models on markets that other people made: the practice exchange's, and the recorded one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.champions import spec
from tests.forecast.test_ensemble import ensemble_of
from trading.feed.candles import Book
from trading.forecast.ensemble import predict
from trading.forecast.learners import LEARNERS, SMALL, Size
from trading.forecast.training import train
from trading.practice.market import synthetic

NOW_MS = 1_763_812_800_000


def practice_history(seed: int, bars: int) -> Book:
    """The synthetic market's newest closed bars at NOW, as its clients would see them."""
    market = synthetic(seed, None, 60_000, NOW_MS)
    lines = []
    for symbol in market.symbols:
        rows = [
            row
            for start in range(NOW_MS - bars * 60_000, NOW_MS, 1500 * 60_000)
            for row in market.klines(symbol, 60_000, start, NOW_MS - 1, 1500, NOW_MS)
        ]
        lines.append([[float(v) for v in (r.open, r.high, r.low, r.close, r.volume)] for r in rows[-bars:]])
    times = NOW_MS // 1000 + 60 * np.arange(-bars, 0)
    return Book(tuple(f"{s[:-4]}/USDT:USDT" for s in market.symbols), times, np.array(lines), timedelta(minutes=1))


def test_the_practice_market_gives_a_good_handful_of_signals_and_they_keep_their_promise():
    book = practice_history(seed=7, bars=2500)
    trained = train(book, spec(), Size(rows=8000, trees=40, forest=20, folds=2))
    said = trained.ensemble["hits"]["0.32"]
    assert abs(said["mean"] - said["rate"]) < 0.1
    forecast = predict(ensemble_of(trained), book, book.last + book.step)
    assert sum(belief.confidence >= 0.32 for belief in forecast.beliefs) >= 4


@pytest.mark.data
def test_on_recorded_candles_everybody_is_judged_and_nothing_wild_is_promised(market_data: Path):
    import pyarrow.parquet as parquet

    files = sorted((market_data / "perp_1h_2023_2025").glob("*USDT-1h.parquet"))
    tables = {f.name.split("-")[0]: parquet.read_table(f).slice(0, 1500) for f in files}
    whole = {s: t for s, t in tables.items() if t["open_time"][0] == tables["BTCUSDT"]["open_time"][0]}
    times = whole["BTCUSDT"]["open_time"].to_numpy() // 1000
    columns = ("open", "high", "low", "close", "volume")
    values = np.stack([np.stack([t[c].to_numpy() for c in columns], axis=1) for t in whole.values()])
    book = Book(tuple(whole), times, values, timedelta(hours=1))

    trained = train(book, spec(), SMALL)
    assert 0.15 < trained.base_rate < 0.35
    assert trained.ensemble["hits"]["0.38"]["n"] < 0.1 * trained.ensemble["n"]
    forecast = predict(ensemble_of(trained), book, datetime.fromtimestamp(int(times[-1]), UTC) + book.step)
    assert len(forecast.beliefs) + len(forecast.flat) == len(book.symbols) > 10
    assert {vote.kind for b in forecast.beliefs for vote in b.votes} <= set(LEARNERS)
    assert 0 < forecast.highest < 0.5

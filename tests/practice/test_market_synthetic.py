"""The synthetic market is decided by its seed alone, and looks like real one-hour bars."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from trading.practice.market import synthetic
from trading.practice.synthetic import BLOCK, HISTORY, MOST, SYMBOLS, Synthetic
from trading.practice.traits import TRAITS

OPS = Path(__file__).resolve().parents[2] / "ops"


def load_tool(name: str):
    spec = importlib.util.spec_from_file_location(name, OPS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fit = load_tool("fit_market")


def atr(bars: np.ndarray) -> np.ndarray:
    """Mean true range over 14 bars as a share of the price: [symbols, bars]."""
    high, low, close = bars[..., 1], bars[..., 2], bars[..., 3]
    true = np.maximum(high[:, 1:], close[:, :-1]) - np.minimum(low[:, 1:], close[:, :-1])
    return np.array([np.convolve(row, np.ones(14) / 14, "valid") for row in true / close[:, 1:]])


# -- determinism ------------------------------------------------------------------------------------------------------
def test_the_same_seed_gives_the_same_bars_in_whatever_order_they_are_asked_for():
    one, two = Synthetic(7), Synthetic(7)
    late, early = one.bars(50_000, 50_010), one.bars(10, 20)
    assert np.array_equal(two.bars(10, 20), early)
    assert np.array_equal(two.bars(49_000, 51_000)[:, 1000:1010], late)


def test_another_seed_gives_another_market():
    assert not np.array_equal(Synthetic(7).bars(0, 10), Synthetic(8).bars(0, 10))


def test_a_symbol_moves_the_same_whoever_else_is_listed():
    alone, among = Synthetic(7, ["SOLUSDT"]), Synthetic(7)
    row = SYMBOLS.index("SOLUSDT")
    assert np.allclose(alone.bars(1000, 1100)[0], among.bars(1000, 1100)[row], rtol=1e-12)


def test_bars_join_without_a_gap_also_where_blocks_meet():
    bars = Synthetic(3).bars(0, 4 * BLOCK)
    assert np.allclose(bars[:, 1:, 0], bars[:, :-1, 3], rtol=1e-12)


def test_every_bar_is_possible():
    o, h, low, c, v = np.moveaxis(Synthetic(11).bars(0, 5000), -1, 0)
    assert (h >= np.maximum(o, c)).all() and (low <= np.minimum(o, c)).all() and (low > 0).all() and (v > 0).all()


# -- likeness ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [7, 8])
def test_the_median_volatility_is_mostly_normal_and_hardly_ever_extreme(seed):
    median = np.median(atr(Synthetic(seed).bars(0, 20 * BLOCK)), axis=0)
    assert ((median >= 0.005) & (median < 0.015)).mean() > 0.7
    assert (median >= 0.03).mean() < 0.02


def test_prices_start_near_the_measured_ones_and_stay_between_a_third_and_triple_for_a_year():
    source, year = Synthetic(7), 365 * 1440
    assert np.allclose(np.log(source.last_close(HISTORY) / [TRAITS[s].price for s in SYMBOLS]), 0, atol=0.5)
    for bar in range(0, year, 50_000):
        away = np.log(source.last_close(bar) / [TRAITS[s].price for s in SYMBOLS])
        assert np.abs(away).max() < np.log(4)


def test_trends_last_about_eighty_bars_and_go_both_ways_half_of_them_together():
    drift = np.concatenate([Synthetic(7)._trends(b) for b in range(40)], axis=1)
    assert set(np.sign(drift).ravel()) == {1.0, -1.0}
    assert np.abs(drift).min() >= 0.15 and np.abs(drift).max() <= 0.20
    assert abs(np.sign(drift).mean()) < 0.1
    turns = (np.diff(drift, axis=1) != 0).sum(axis=1).mean()
    assert 40 < drift.shape[1] / turns < 90
    together = np.corrcoef(np.sign(drift))[np.triu_indices(len(SYMBOLS), 1)].mean()
    assert 0.1 < together < 0.45


def test_trends_can_be_seen_in_the_bars():
    source, blocks = Synthetic(7), range(1, 30)
    drift = np.concatenate([source._trends(b) for b in blocks], axis=1)
    bars = source.bars(BLOCK, 30 * BLOCK)
    moves = np.log(bars[..., 3] / bars[..., 0])
    usual = np.array([TRAITS[s].sigma for s in SYMBOLS])[:, None]
    share = (moves / usual * np.sign(drift)).mean()
    assert 0.12 < share < 0.30


@pytest.mark.data
def test_bars_measure_like_the_real_ones(market_data):
    names = [s for s in SYMBOLS if (market_data / fit.FOLDERS[0] / f"{s}-1h.parquet").is_file()]
    real = [fit.measure(fit.read(market_data / fit.FOLDERS[0] / f"{s}-1h.parquet")) for s in names]
    made = [fit.measure(b) for b in Synthetic(7, names).bars(0, 20 * BLOCK)]
    for what, tolerance in {
        "sigma": 0.25, "atr": 0.25, "waves": 0.2, "tail": 0.25, "span": 0.1, "wick": 0.15, "volume": 0.2,
        "volume_with_span": 0.1, "wave_day": 0.3,
    }.items():  # fmt: skip
        ours, theirs = (float(np.median([m[what] for m in group])) for group in (made, real))
        assert ours == pytest.approx(theirs, rel=tolerance), what


@pytest.mark.data
def test_symbols_move_together_like_the_real_ones(market_data):
    names = [s for s in SYMBOLS if (market_data / fit.FOLDERS[0] / f"{s}-1h.parquet").is_file()]
    closes = [fit.read(market_data / fit.FOLDERS[0] / f"{s}-1h.parquet")[:, 3] for s in names]
    length = min(map(len, closes))
    real = fit.loads(np.array([np.diff(np.log(c[-length:])) for c in closes]))[1]
    made = fit.loads(np.diff(np.log(Synthetic(7, names).bars(0, 20 * BLOCK)[..., 3]), axis=1))[1]
    assert made == pytest.approx(real, abs=0.1)


# -- what may be asked for --------------------------------------------------------------------------------------------
def test_up_to_44_symbols_and_strangers_among_them():
    market = synthetic(7, [*list(TRAITS)[: MOST - 1], "NEWCOINUSDT"], 60_000, 1_763_800_020_000)
    assert len(market.symbols) == 44
    assert market.price("NEWCOINUSDT", 1_763_800_020_000) > 0


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        (["BTC/USDT:USDT"], "BTC/USDT:USDT"),
        (["BTCUSDT", "BTCUSDT"], "twice"),
        ([f"A{i}USDT" for i in range(45)], "room for 44"),
    ],
)
def test_symbols_that_make_no_sense_are_refused(symbols, words):
    with pytest.raises(ValueError, match=words):
        Synthetic(7, symbols)


def test_the_page_can_say_what_is_played():
    market = synthetic(7, None, 60_000, 1_763_800_020_000)
    assert market.describe(1_763_800_020_000) == "Synthetic market, seed 7, trends built in"
    assert market.symbols == SYMBOLS and len(SYMBOLS) == 20
    assert market.status("BTCUSDT", 1_763_800_020_000) == "TRADING" and market.trading(1_763_800_020_000) == SYMBOLS

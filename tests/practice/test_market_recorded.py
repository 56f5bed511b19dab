"""Recorded candles: played as they are, re-stamped, lap after lap; what can't be played is named."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.practice.test_market import live_through
from trading.practice.market import GONE, LISTING, TRADING, Market, recorded
from trading.practice.recorded import DataFault, Recorded

HOUR, MINUTE = 3_600_000, 60_000
FIRST = 1_672_531_200_000  # 2023-01-01
OPEN = 1_763_800_020_000


def bars(n: int, start: int = FIRST, width: int = HOUR, price: float = 100.0, step: float = 0.001) -> dict:
    close = np.round(price * (1 + step) ** np.arange(1, n + 1), 2)
    opened = np.concatenate([[price], close[:-1]])
    return {
        "open_time": start + np.arange(n) * width,
        "open": opened,
        "high": np.round(np.maximum(opened, close) * 1.002, 2),
        "low": np.round(np.minimum(opened, close) * 0.998, 2),
        "close": close,
        "volume": np.arange(1, n + 1, dtype=float),
    }


def write(folder: Path, name: str, columns: dict) -> Path:
    file = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two symbols; the second comes 1500 bars late and leaves 100 bars early. Marks and funding for the first."""
    write(tmp_path, "AAAUSDT-1h", bars(4000))
    write(tmp_path, "BBBUSDT-1h", bars(2400, FIRST + 1500 * HOUR, price=5.0))
    marks = bars(4000) | {"volume": np.zeros(4000)}
    write(tmp_path, "AAAUSDT-1h-mark", marks | {"close": marks["close"] - 0.05})
    write(tmp_path, "BBBUSDT-8h-mark", bars(300, FIRST, 8 * HOUR, 5.0))
    times = FIRST + np.arange(500) * 8 * HOUR + 7
    write(tmp_path, "AAAUSDT-funding", {"funding_time": times, "funding_rate": np.arange(500) * 1e-6})
    return tmp_path


def own(folder: Path) -> Market:
    return recorded(folder, None, 0, None, own_time=True)


# -- what is played ---------------------------------------------------------------------------------------------------
def test_mark_and_funding_files_are_no_symbols(folder):
    assert own(folder).symbols == ("AAAUSDT", "BBBUSDT")


def test_in_its_own_time_the_data_comes_back_as_it_is(folder):
    market, data = own(folder), bars(4000)
    now = FIRST + 2000 * HOUR
    rows = market.klines("AAAUSDT", HOUR, FIRST, None, 5000, now)
    assert market.candle_ms == HOUR and market.history_start_ms == FIRST
    assert [k.open_time for k in rows] == data["open_time"][:2001].tolist()
    for name in ("open", "high", "low", "close", "volume"):
        assert np.allclose([float(getattr(k, name)) for k in rows[:-1]], data[name][:2000], atol=1e-9), name
    assert market.end_ms == FIRST + 4000 * HOUR


def test_history_is_a_quarter_and_at_least_a_thousand_bars(folder, tmp_path):
    assert Recorded(folder).history == 1000
    many = tmp_path / "many"
    many.mkdir()
    write(many, "AAAUSDT-1h", bars(9000, step=0.0))
    assert Recorded(many).history == 2250


def test_short_data_says_so(tmp_path):
    write(tmp_path, "AAAUSDT-1h", bars(400))
    market = own(tmp_path)
    assert "300 of 1000 bars of history" in market.describe(FIRST)


def test_re_stamped_bars_become_candles_that_end_now(folder):
    market = recorded(folder, None, MINUTE, OPEN + 12_345)
    assert market.history_start_ms == OPEN - 1000 * MINUTE
    candle = market.klines("AAAUSDT", MINUTE, OPEN, OPEN, 1, OPEN + MINUTE)[0]
    assert float(candle.close) == bars(4000)["close"][1000]
    assert market.describe(OPEN) == f"Playing {folder.name} from 2023-01-01, lap 1"


def test_a_single_file_is_a_market_too(folder):
    assert recorded(folder / "AAAUSDT-1h.parquet", None, MINUTE, OPEN).symbols == ("AAAUSDT",)


def test_a_market_may_play_some_of_the_symbols(folder):
    assert recorded(folder, ["BBBUSDT"], MINUTE, OPEN).symbols == ("BBBUSDT",)


# -- late, early, holes -----------------------------------------------------------------------------------------------
def test_a_symbol_is_listed_when_its_data_begins_and_gone_when_it_ends(folder):
    market = own(folder)
    before, begin, end = FIRST + 1499 * HOUR, FIRST + 1500 * HOUR, FIRST + 3900 * HOUR
    assert market.status("BBBUSDT", before) == LISTING and market.trading(before) == ("AAAUSDT",)
    assert market.status("BBBUSDT", begin) == TRADING and market.trading(begin) == ("AAAUSDT", "BBBUSDT")
    assert market.status("BBBUSDT", end) == GONE
    assert market.klines("BBBUSDT", HOUR, None, None, 10, before) == []
    assert market.path("BBBUSDT", FIRST, before) == []
    assert len(market.klines("BBBUSDT", HOUR, FIRST, None, 5000, end + 50 * HOUR)) == 2400
    assert market.price("BBBUSDT", end + HOUR) == market.price("BBBUSDT", end - 1)
    assert market.price("BBBUSDT", before) == 5


def test_candles_from_before_the_listing_begin_with_the_first_there_is(folder):
    market = own(folder)
    late = market.symbols[1]
    now = market.history_start_ms + 1600 * HOUR
    candles = market.klines(late, HOUR, market.history_start_ms, None, 10, now)
    assert [k.open_time for k in candles] == [market.history_start_ms + (1500 + n) * HOUR for n in range(10)]


def test_a_hole_in_the_data_stays_a_hole(tmp_path):
    data = bars(1500)
    keep = np.ones(1500, bool)
    keep[1100:1105] = False
    write(tmp_path, "AAAUSDT-1h", {k: v[keep] for k, v in data.items()})
    market = own(tmp_path)
    hole = FIRST + 1100 * HOUR
    opens = [k.open_time for k in market.klines("AAAUSDT", HOUR, hole - 2 * HOUR, None, 4, hole + 20 * HOUR)]
    assert opens == [hole - 2 * HOUR, hole - HOUR, hole + 5 * HOUR, hole + 6 * HOUR], "four that exist, as asked"
    back = [k.open_time for k in market.klines("AAAUSDT", HOUR, None, hole + 5 * HOUR, 3, hole + 20 * HOUR)]
    assert back == [hole - 2 * HOUR, hole - HOUR, hole + 5 * HOUR]
    assert market.price("AAAUSDT", hole + HOUR) == Decimal(str(data["close"][1099]))
    assert market.status("AAAUSDT", hole + HOUR) == TRADING


def test_folded_bars_skip_what_is_missing(folder):
    market = recorded(folder, None, MINUTE, OPEN)
    market.set_speed(7, OPEN)
    begin = OPEN + 500 * MINUTE // 7
    now = begin + 3 * MINUTE
    rows = market.klines("BBBUSDT", MINUTE, OPEN, None, 500, now)
    points = market.path("BBBUSDT", OPEN, now)
    assert points[0][1] == rows[0].open == 5 and rows[0].open_time <= begin < rows[0].open_time + MINUTE
    assert max(p for _, p in points) == max(k.high for k in rows)


def test_a_price_that_nobody_quotes_can_not_be_driven(folder):
    with pytest.raises(ValueError, match="BBBUSDT does not trade now"):
        recorded(folder, None, MINUTE, OPEN).drive("BBBUSDT", [[1, 5]], OPEN)


@pytest.mark.parametrize("seed", range(4))
def test_candles_are_what_the_path_was_also_with_holes_marks_and_laps(tmp_path, seed):
    """The first lap ends, and two symbols come and go, while random things are done."""
    keep = np.ones(1200, bool)
    keep[[1003, 1004, 1010, 1030, 5, 6, 20]] = False
    write(tmp_path, "AAAUSDT-1h", bars(1200))
    write(tmp_path, "AAAUSDT-1h-mark", bars(1200, price=99.0))
    write(tmp_path, "BBBUSDT-1h", {k: v[keep] for k, v in bars(1200, price=7.0).items()})
    write(tmp_path, "CCCUSDT-1h", bars(150, FIRST + 1020 * HOUR, price=0.5))
    live_through(recorded(tmp_path, None, MINUTE, OPEN), lambda: Recorded(tmp_path), seed)


# -- laps -------------------------------------------------------------------------------------------------------------
def test_a_new_lap_begins_without_a_jump_and_is_counted(folder):
    market = recorded(folder, None, MINUTE, OPEN)
    end = OPEN + 3000 * MINUTE
    assert market.describe(end - 1).endswith("lap 1") and market.describe(end).endswith("lap 2")
    assert market.price("AAAUSDT", end) == market.price("AAAUSDT", end - 1)
    rows = market.klines("AAAUSDT", MINUTE, end - 5 * MINUTE, None, 10, end + 5 * MINUTE)
    assert [k.open_time for k in rows] == [end + i * MINUTE for i in range(-5, 5)] + [end + 5 * MINUTE][
        : len(rows) - 10
    ]
    assert all(a.close == b.open for a, b in zip(rows, rows[1:], strict=False))
    assert market.status("BBBUSDT", end) == LISTING
    back = end + 1500 * MINUTE
    assert market.status("BBBUSDT", back) == TRADING
    assert market.price("BBBUSDT", back) == market.price("BBBUSDT", end - 1)
    assert market.price("AAAUSDT", end + 9000 * MINUTE) > 0


# -- marks and funding ------------------------------------------------------------------------------------------------
def test_marks_come_from_the_data_where_it_has_the_played_width(folder):
    market = own(folder)
    now = FIRST + 2000 * HOUR - 1
    assert market.price("AAAUSDT", now) - market.mark("AAAUSDT", now) == Decimal("0.05")
    assert market.mark("BBBUSDT", now) == market.price("BBBUSDT", now)
    assert market.source.unused_marks == ("BBBUSDT-8h-mark.parquet",)
    mark = market.mark_klines("AAAUSDT", HOUR, now - HOUR + 1, None, 1, now + 1)[0]
    assert mark.close == market.mark("AAAUSDT", now) and mark.volume == 0
    quotes = market.quotes("AAAUSDT", now - HOUR, now)
    assert [(q.at, q.price) for q in quotes] == market.path("AAAUSDT", now - HOUR, now)
    assert quotes[-1].mark == market.mark("AAAUSDT", now)


def test_a_driven_mark_follows_the_driven_price(folder):
    market = recorded(folder, None, MINUTE, OPEN)
    market.drive("AAAUSDT", [[1, 250]], OPEN)
    assert market.mark("AAAUSDT", OPEN + 1000) == 250
    assert market.quotes("AAAUSDT", OPEN, OPEN + 1000)[-1] == (OPEN + 1000, Decimal("250"), Decimal("250"))


def test_funding_is_the_recorded_rate_that_is_due_next(folder):
    market = own(folder)
    due = FIRST + 8 * HOUR * 100
    assert market.funding_rate("AAAUSDT", due) == Decimal("0.00010000")
    assert market.funding_rate("AAAUSDT", due + 1000 + HOUR) == Decimal("0.00010100")
    assert market.funding_rate("BBBUSDT", due) == Decimal("0.00010000")


# -- restart ----------------------------------------------------------------------------------------------------------
def test_a_restart_goes_on_with_the_same_data_and_refuses_other(folder, tmp_path):
    market = recorded(folder, None, MINUTE, OPEN)
    again = Market.restore(Recorded(folder), market.state())
    assert again.klines("AAAUSDT", MINUTE, None, None, 50, OPEN) == market.klines(
        "AAAUSDT", MINUTE, None, None, 50, OPEN
    )
    write(folder, "AAAUSDT-1h", bars(4000, price=101.0))
    with pytest.raises(ValueError, match="plays"):
        Market.restore(Recorded(folder), market.state())


# -- what can't be played ---------------------------------------------------------------------------------------------
def broken(change: dict) -> dict:
    return {k: v for k, v in (bars(1200) | change).items() if v is not None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"close": None}, "column 'close' is missing; expected open_time, open"),
        ({"open_time": None, "date": np.arange(1200)}, "column 'open_time' is missing.*found .*date"),
        ({"high": [str(i) for i in range(1200)]}, "column 'high' holds string; expected numbers"),
        ({"open_time": np.arange(1200) * 3600.0}, "column 'open_time' holds double; expected whole milliseconds"),
        ({"open_time": np.arange(1200)[::-1] * HOUR}, "column 'open_time' must increase; row 1"),
        ({"close": np.full(1200, np.nan)}, "column 'close', row 0: nan is no close"),
        ({"low": np.full(1200, -1.0)}, "column 'low', row 0"),
        ({"high": np.full(1200, 1.0)}, "row 0: high and low must enclose"),
        ({"open_time": FIRST + 5 + np.arange(1200) * HOUR}, "column 'open_time', row 0 is off the grid of 3600 s bars"),
    ],
)
def test_broken_data_names_file_and_column(tmp_path, change, words):
    write(tmp_path, "AAAUSDT-1h", broken(change))
    with pytest.raises(DataFault, match=f"AAAUSDT-1h.parquet: {words}"):
        Recorded(tmp_path)


def test_what_is_no_parquet_is_named(tmp_path):
    (tmp_path / "AAAUSDT-1h.parquet").write_text("open,high")
    with pytest.raises(DataFault, match=r"AAAUSDT-1h\.parquet: not a readable Parquet file"):
        Recorded(tmp_path)


def test_a_folder_without_candles_is_named(tmp_path):
    with pytest.raises(DataFault, match="no candle files here; expected files like BTCUSDT-1h"):
        Recorded(tmp_path)
    with pytest.raises(DataFault, match="no such file or folder"):
        Recorded(tmp_path / "nowhere")


def test_bars_of_two_widths_can_not_be_mixed(tmp_path):
    write(tmp_path, "AAAUSDT-1h", bars(1200))
    write(tmp_path, "BBBUSDT-5m", bars(1200, width=300_000))
    with pytest.raises(DataFault, match="different widths.*AAAUSDT-1h.parquet 3600 s"):
        Recorded(tmp_path)


def test_a_symbol_in_two_files_is_refused(tmp_path):
    write(tmp_path, "AAAUSDT-1h", bars(1200))
    write(tmp_path, "AAAUSDT-2h", bars(1200))
    with pytest.raises(DataFault, match=r"AAAUSDT is also in AAAUSDT-1h\.parquet"):
        Recorded(tmp_path)


def test_an_unknown_symbol_lists_what_there_is(folder):
    with pytest.raises(DataFault, match="no candles of ZZZUSDT; there are AAAUSDT, BBBUSDT"):
        Recorded(folder, ["ZZZUSDT"])


def test_funding_with_wrong_columns_is_named(folder):
    write(folder, "BBBUSDT-funding", {"time": [1], "rate": [0.1]})
    with pytest.raises(DataFault, match=r"BBBUSDT-funding\.parquet: column 'funding_time' is missing"):
        Recorded(folder)


# -- the real data ----------------------------------------------------------------------------------------------------
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "symbols", "width", "funded"),
    [
        ("perp_1h_2023_2025", 19, HOUR, 6),
        ("perp_5m_2023-07", 49, 300_000, 49),
        ("universe_perp_1h_2026q1", 200, HOUR, 200),
        ("perp_1m_2025-05", 8, MINUTE, 0),
        ("crash_2025-04_perp_5m", 11, 300_000, 11),
        ("crash_2022-05_06_okx_5m", 6, 300_000, 0),
        ("crash_2021-05-19_spot_1m", 13, MINUTE, 0),
    ],
)
def test_every_recorded_folder_plays(market_data, name, symbols, width, funded):
    market = recorded(market_data / name, None, MINUTE, OPEN)
    assert len(market.symbols) == symbols
    assert market.source.own_bar_ms == width
    assert len(market.source._funding) == funded
    assert market.history_start_ms == OPEN - max(market.source.bars_in_lap // 4, 1000) * MINUTE
    for symbol in market.trading(OPEN)[:3]:
        assert market.klines(symbol, MINUTE, None, None, 5, OPEN)


@pytest.mark.data
def test_five_symbols_of_july_2023_start_late_or_end_early(market_data):
    market = recorded(market_data / "perp_5m_2023-07", None, 0, None, own_time=True)
    begin, end = market.history_start_ms, market.end_ms
    late = {s for s in market.symbols if market.status(s, begin) == LISTING}
    gone = {s for s in market.symbols if market.status(s, end - 1) == GONE}
    assert late == {"BNBUSDT", "MATICUSDT", "SOLUSDT", "XRPUSDT"} and gone == {"XMRUSDT"}


@pytest.mark.data
@pytest.mark.parametrize("name", ["perp_1h_2023_2025", "perp_5m_2023-07", "universe_perp_1h_2026q1", "perp_1m_2025-05"])
def test_recorded_prices_lie_on_the_tick_of_the_table(market_data, name):
    market = recorded(market_data / name, None, 0, None, own_time=True)
    for row, (symbol, tick) in enumerate(zip(market.symbols, market.ticks, strict=True)):
        steps = market.source.bars(0, market.source.bars_in_lap)[row, :, :4] / float(tick)
        steps = steps[np.isfinite(steps)]
        assert np.abs(steps - np.rint(steps)).max() < 1e-3, symbol

"""Features of all symbols at once, on numpy and TA-Lib; the same code in training, replay and life.

Indicators work on log prices, so that mirroring the market (log p -> -log p) flips the sign of every *odd* feature
exactly and leaves every *even* one as it is. A row for SHORT is the row of the mirrored market: no side is favoured.
A bar is usable after `WARMUP` bars without a gap; nothing is ever filled in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import talib

from trading.feed.candles import Book

WARMUP = 220  # bars without a gap that the slowest feature needs
LIMIT = 8.0  # features are cut to +-LIMIT: one wild candle must not own a model

ODD = (
    "return_1",
    "return_4",
    "return_12",
    "return_24",
    "return_48",
    "return_96",
    "ema_20",
    "ema_50",
    "ema_200",
    "slope_24",
    "slope_48",
    "rsi_14",
    "di_14",
    "macd_hist",
    "bollinger",
    "channel_48",
    "close_in_bar",
    "market_return_12",
    "market_return_48",
    "market_ema_50",
)
EVEN = ("adx_14", "efficiency_24", "atr_share", "atr_ratio", "band_width", "volume_z")
NAMES = ODD + EVEN
SIGNS = np.array([-1.0] * len(ODD) + [1.0] * len(EVEN))  # what SHORT multiplies a row with
HASH = hashlib.sha256(json.dumps([WARMUP, LIMIT, *NAMES]).encode()).hexdigest()

RETURNS = (1, 4, 12, 24, 48, 96)


@dataclass(frozen=True, slots=True)
class Indicators:
    """What gates, policy and stops need of the newest bar: float64 [symbols], NaN where history is too short.

    `atr14` and `ema200` are prices, `atr_share` is atr14 / close, `adx` 0..100.
    """

    close: np.ndarray
    atr14: np.ndarray
    ema200: np.ndarray
    adx: np.ndarray
    atr_share: np.ndarray


def features(book: Book, last: int | None = None) -> np.ndarray:
    """float64 [symbols, bars, len(NAMES)] of the newest `last` bars (all by default); NaN where a bar is unusable."""
    bars = len(book.times) if last is None else min(last, len(book.times))
    raw, ready = _lines(book, bars)
    atr = raw["atr"]
    columns: dict[str, np.ndarray] = {f"return_{n}": _over(raw[f"move_{n}"], atr * np.sqrt(n)) for n in RETURNS}
    columns |= {f"ema_{n}": _over(raw[f"gap_{n}"], atr) for n in (20, 50, 200)}
    columns |= {f"slope_{n}": _over(raw[f"slope_{n}"] * np.sqrt(n), atr) for n in (24, 48)}
    columns |= {"macd_hist": _over(raw["hist"], atr), "bollinger": _over(raw["off_mean"], 2 * raw["deviation"])}
    columns |= {
        "rsi_14": (raw["rsi"] - 50) / 25,
        "di_14": raw["di"] / 25,
        "channel_48": _over(raw["off_middle"], raw["range"]),
        "close_in_bar": _over(raw["off_centre"], raw["height"]),
    }
    for name in ("return_12", "return_48", "ema_50"):
        columns[f"market_{name}"] = np.broadcast_to(_median(np.where(ready, columns[name], np.nan)), atr.shape)
    columns |= {
        "adx_14": (raw["adx"] - 25) / 25,
        "efficiency_24": _over(np.abs(raw["move_24"]), raw["path_24"]),
        "atr_share": np.log(np.maximum(atr, 1e-6)) + 5,
        "atr_ratio": np.log(np.maximum(_over(atr, raw["slow_atr"]), 1e-3)),
        "band_width": _over(raw["deviation"], atr),
        "volume_z": _over(raw["off_volume"], raw["volume_deviation"]),
    }
    rows = np.clip(np.stack([columns[name] for name in NAMES], axis=2), -LIMIT, LIMIT)
    rows[~ready] = np.nan
    return rows


def sided(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Side-canonical rows (long, short) of feature rows [..., F]: what "with me" and "against me" look like."""
    return rows, rows * SIGNS


def indicators(book: Book) -> Indicators:
    """The newest bar's indicators, in price."""
    close, atr, ema, adx = (np.full(len(book.symbols), np.nan) for _ in range(4))
    for symbol, start, stop in _runs(book):
        if stop == len(book.times):
            _, high, low, last, _ = book.values[symbol, start:stop].T.copy()
            close[symbol] = last[-1]
            atr[symbol], ema[symbol] = talib.ATR(high, low, last, 14)[-1], talib.EMA(last, 200)[-1]
            adx[symbol] = talib.ADX(high, low, last, 14)[-1]
    return Indicators(close, atr, ema, adx, atr / close)


def atr14(book: Book) -> np.ndarray:
    """ATR14 in price, [symbols, bars]; NaN where a bar is unusable."""
    out = np.full(book.values.shape[:2], np.nan)
    for symbol, start, stop in _runs(book):
        _, high, low, close, _ = book.values[symbol, start:stop].T.copy()
        out[symbol, start + WARMUP - 1 : stop] = talib.ATR(high, low, close, 14)[WARMUP - 1 :]
    return out


def present(book: Book) -> np.ndarray:
    """Where there is a whole candle: bool [symbols, bars]."""
    return np.logical_and.reduce([np.isfinite(book.values[:, :, k]) for k in range(book.values.shape[2])])


def _runs(book: Book) -> Iterator[tuple[int, int, int]]:
    """(symbol, start, stop) of every stretch without a gap that is long enough to use."""
    edges = np.diff(np.pad(present(book), ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for symbol in range(len(book.symbols)):
        starts, stops = np.flatnonzero(edges[symbol] == 1), np.flatnonzero(edges[symbol] == -1)
        for start, stop in zip(starts, stops, strict=True):
            if stop - start >= WARMUP:
                yield symbol, int(start), int(stop)


def _lines(book: Book, bars: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """TA-Lib's lines, each [symbols, bars], of the newest `bars` bars; and where all of them are ready."""
    first = len(book.times) - bars
    lines: dict[str, np.ndarray] = {}
    ready = np.zeros((len(book.symbols), bars), bool)
    for symbol, start, stop in _runs(book):
        begin = max(start + WARMUP - 1, first)
        if begin >= stop:
            continue
        ready[symbol, begin - first : stop - first] = True
        for name, line in _of_run(book.values[symbol, start:stop]).items():
            if name not in lines:
                lines[name] = np.full((len(book.symbols), bars), np.nan)
            lines[name][symbol, begin - first : stop - first] = line[begin - start :]
    return lines or {name: np.full(ready.shape, np.nan) for name in _of_run(np.ones((WARMUP, 5)))}, ready


def _of_run(candles: np.ndarray) -> dict[str, np.ndarray]:
    """Every line of one stretch without a gap [bars, 5]; prices are logs, from the stretch's first close."""
    logs = np.log(candles[:, 1:4].T)
    high, low, close = np.ascontiguousarray(logs - logs[2, 0])
    volume = np.log1p(candles[:, 4])
    mean, deviation = talib.SMA(close, 20), talib.STDDEV(close, 20)
    top, bottom = talib.MAX(high, 48), talib.MIN(low, 48)
    step = np.abs(talib.MOM(close, 1))
    step[0] = 0.0
    out = {f"move_{n}": talib.MOM(close, n) for n in RETURNS}
    out |= {f"gap_{n}": close - talib.EMA(close, n) for n in (20, 50, 200)}
    out |= {f"slope_{n}": talib.LINEARREG_SLOPE(close, n) for n in (24, 48)}
    return out | {
        "atr": talib.ATR(high, low, close, 14),
        "slow_atr": talib.ATR(high, low, close, 100),
        "rsi": talib.RSI(close, 14),
        "di": talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14),
        "adx": talib.ADX(high, low, close, 14),
        "hist": talib.MACD(close, 12, 26, 9)[2],
        "off_mean": close - mean,
        "deviation": deviation,
        "off_middle": close - (top + bottom) / 2,
        "range": (top - bottom) / 2,
        "off_centre": close - (high + low) / 2,
        "height": (high - low) / 2,
        "path_24": talib.SUM(step, 24),
        "off_volume": volume - talib.SMA(volume, 48),
        "volume_deviation": talib.STDDEV(volume, 48),
    }


def _over(value: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """value / unit, and 0 where a market that does not move leaves no unit to measure with."""
    return np.divide(value, unit, out=np.zeros_like(value), where=np.abs(unit) > 1e-10)


def _median(values: np.ndarray) -> np.ndarray:
    """The median over symbols of each bar, without the NaN; NaN where there is nothing."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    order = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    bars = np.arange(values.shape[1])
    return (order[low, bars] + order[high, bars]) / 2

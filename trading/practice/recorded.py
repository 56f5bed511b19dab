"""Recorded candles as an endless market: a folder (or one file) of Parquet, played lap after lap.

`BTCUSDT-1h.parquet` is a symbol; `*-mark.parquet` are mark prices, `*-funding.parquet` and `_funding_all.parquet` are
funding; neither is a symbol. Holes in the data stay holes. Each lap is scaled so that its first price is the last
price of the lap before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
LEAST_HISTORY = 1000
DEFAULT_FUNDING = 0.0001
FUNDING_GRID = 60_000  # funding times are stamped some milliseconds late


class DataFault(ValueError):
    """Recorded data that can't be played; says which file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One file: times (ms) and values [n, 5]."""

    file: Path
    times: np.ndarray
    values: np.ndarray


class Recorded:
    """Bars on one grid of times for all symbols, NaN where a symbol has none."""

    kind = "recorded"

    def __init__(self, path: Path | str, symbols: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        candles, marks = _files(self.path)
        self.symbols = _choose(symbols, candles, self.path)
        series = [_read(candles[s]) for s in self.symbols]
        self.own_bar_ms = _width(series)
        self.first_ms, self.bars_in_lap = _span(series, self.own_bar_ms)
        self._bars = _grid(series, self.first_ms, self.bars_in_lap, self.own_bar_ms)
        self._marks, self.unused_marks = self._load_marks(marks)
        self._funding = _funding(self.path, self.symbols)
        self.history = _history(self.bars_in_lap)
        self._first, self._last, self._newest = _bounds(self._bars)
        row = np.arange(len(self.symbols))
        self._step = self._bars[row, self._last, 3] / self._bars[row, self._first, 0]

    # -- what the market asks -------------------------------------------------------------------------------------
    def identity(self) -> dict:
        """What has to be the same for a restart to continue."""
        digest = hashlib.sha256(np.ascontiguousarray(self._bars[:, :: max(1, self.bars_in_lap // 500)]).tobytes())
        return {
            "kind": self.kind,
            "data": self.path.name,
            "symbols": list(self.symbols),
            "bars": self.bars_in_lap,
            "bar_ms": self.own_bar_ms,
            "digest": digest.hexdigest()[:16],
        }

    def describe(self, bar: int) -> str:
        start = datetime.fromtimestamp(self.first_ms / 1000, UTC).strftime("%Y-%m-%d")
        text = f"Playing {self.path.name} from {start}, lap {bar // self.bars_in_lap + 1}"
        if self.history < LEAST_HISTORY:
            text += f" (short data: {self.history} of {LEAST_HISTORY} bars of history)"
        return text

    def source_ms(self, bar: int) -> int:
        """When a bar opened in the data's own time."""
        return self.first_ms + bar % self.bars_in_lap * self.own_bar_ms

    def bars(self, first: int, stop: int) -> np.ndarray:
        """Open, high, low, close, volume: float64 [symbols, stop - first, 5]."""
        if stop <= self.bars_in_lap:
            return self._bars[:, first:stop]
        return self._laps(self._bars, first, stop)

    def marks(self, first: int, stop: int) -> np.ndarray | None:
        """Mark prices like bars; NaN where the mark is the price. None where no symbol has any."""
        return None if self._marks is None else self._laps(self._marks, first, stop)

    def last_close(self, bar: int) -> np.ndarray:
        """The newest close of each symbol at or before a bar; before its first bar, that bar's open."""
        lap, place = divmod(bar, self.bars_in_lap)
        row, newest = np.arange(len(self.symbols)), self._newest[:, place]
        known = self._bars[row, np.maximum(newest, 0), 3] * self._step**lap
        before = self._bars[row, self._first, 0] * self._step**lap  # which is the last close of the lap before
        return np.where(newest >= 0, known, before)

    def edges(self, bar: int) -> np.ndarray:
        """-1 where a symbol's data is yet to begin (in this lap), 1 where it is over, else 0: int [symbols]."""
        place = bar % self.bars_in_lap
        return np.where(place < self._first, -1, np.where(place > self._last, 1, 0))

    def funding(self, row: int, bar: int) -> float:
        """The recorded rate that is due at or next after a bar; 0.01 % where none was recorded."""
        known = self._funding.get(self.symbols[row])
        if known is None:
            return DEFAULT_FUNDING
        i = min(int(np.searchsorted(known[0], self.source_ms(bar))), len(known[0]) - 1)
        return float(known[1][i])

    def _laps(self, data: np.ndarray, first: int, stop: int) -> np.ndarray:
        laps, places = np.divmod(np.arange(first, stop), self.bars_in_lap)
        out = data[:, places].copy()
        out[..., :4] *= (self._step[:, None] ** laps)[..., None]
        return out

    def _load_marks(self, files: dict[str, list[Path]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Marks of the played bar's width. Coarser ones say nothing about a moment inside them; they stay unused."""
        usable, unused = {}, []
        for symbol, candidates in files.items():
            for file in candidates if symbol in self.symbols else []:
                series = _read(file)
                if _width([series]) == self.own_bar_ms:
                    usable[symbol] = series
                else:
                    unused.append(file.name)
        if not usable:
            return None, tuple(unused)
        marks = np.full_like(self._bars, np.nan)
        for symbol, series in usable.items():
            place = (series.times - self.first_ms) // self.own_bar_ms
            inside = (place >= 0) & (place < self.bars_in_lap)
            marks[self.symbols.index(symbol), place[inside]] = series.values[inside]
        return marks, tuple(unused)


# -- files ------------------------------------------------------------------------------------------------------------
def _files(path: Path) -> tuple[dict[str, Path], dict[str, list[Path]]]:
    """Candle files by symbol, and mark files by symbol."""
    if not path.exists():
        raise DataFault(f"{path}: there is no such file or folder of recorded candles")
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    candles: dict[str, Path] = {}
    marks: dict[str, list[Path]] = {}
    for file in files:
        symbol, _, kind = file.stem.partition("-")
        if file.stem.startswith("_") or kind.endswith("funding"):
            continue
        if not re.fullmatch(r"[A-Z0-9]{3,30}", symbol):
            raise DataFault(f"{file}: a candle file is named like BTCUSDT-1h.parquet; {symbol!r} is no symbol")
        if kind.endswith("mark"):
            marks.setdefault(symbol, []).append(file)
        elif symbol in candles:
            raise DataFault(f"{file}: {symbol} is also in {candles[symbol].name}; keep one file for each symbol")
        else:
            candles[symbol] = file
    if not candles:
        raise DataFault(f"{path}: no candle files here; expected files like BTCUSDT-1h.parquet")
    return candles, marks


def _choose(symbols: Sequence[str] | None, candles: dict[str, Path], path: Path) -> tuple[str, ...]:
    if symbols is None:
        return tuple(sorted(candles))
    if missing := [s for s in symbols if s not in candles]:
        raise DataFault(f"{path}: no candles of {', '.join(missing)}; there are {', '.join(sorted(candles))}")
    return tuple(dict.fromkeys(symbols))


def _table(file: Path, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The named columns as arrays, or a fault that names file and column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise DataFault(f"{file}: not a readable Parquet file ({error})") from None
    out = {}
    for name in columns:
        if name not in table.column_names:
            has, wants = ", ".join(table.column_names), ", ".join(columns)
            raise DataFault(f"{file}: column {name!r} is missing; expected {wants}; found {has}")
        kind = table.schema.field(name).type
        if name == "symbol":
            out[name] = np.array(table.column(name).to_pylist())
        elif not (pa.types.is_integer(kind) or (pa.types.is_floating(kind) and not name.endswith("_time"))):
            wants = "whole milliseconds (int64)" if name.endswith("_time") else "numbers"
            raise DataFault(f"{file}: column {name!r} holds {kind}; expected {wants}")
        else:
            out[name] = table.column(name).to_numpy()
    return out


def _read(file: Path) -> Series:
    table = _table(file, COLUMNS)
    times = table["open_time"].astype(np.int64)
    values = np.column_stack([table[c].astype(np.float64) for c in COLUMNS[1:]])
    if len(times) < 2:
        raise DataFault(f"{file}: {len(times)} bars are too few to play")
    if (bad := np.flatnonzero(np.diff(times) <= 0)).size:
        raise DataFault(f"{file}: column 'open_time' must increase; row {bad[0] + 1} does not")
    for column, name in enumerate(COLUMNS[1:]):
        low_enough = values[:, column] >= 0 if name == "volume" else values[:, column] > 0
        if (bad := np.flatnonzero(~(np.isfinite(values[:, column]) & low_enough))).size:
            raise DataFault(f"{file}: column {name!r}, row {bad[0]}: {values[bad[0], column]} is no {name}")
    o, high, low, c = values[:, :4].T
    if (bad := np.flatnonzero((high < np.maximum(o, c)) | (low > np.minimum(o, c)))).size:
        raise DataFault(f"{file}: row {bad[0]}: high and low must enclose open and close")
    return Series(file, times, values)


def _width(series: list[Series]) -> int:
    """The width of a bar in ms; all files must share it."""
    widths = {s.file.name: int(np.diff(s.times).min()) for s in series}
    if len(set(widths.values())) > 1:
        shown = ", ".join(f"{name} {ms // 1000} s" for name, ms in sorted(widths.items())[:5])
        raise DataFault(f"{series[0].file.parent}: bars of different widths can't be played together ({shown})")
    return next(iter(widths.values()))


def _span(series: list[Series], width: int) -> tuple[int, int]:
    first = min(int(s.times[0]) for s in series)
    last = max(int(s.times[-1]) for s in series)
    for s in series:
        if (bad := np.flatnonzero(s.times % width)).size:
            raise DataFault(f"{s.file}: column 'open_time', row {bad[0]} is off the grid of {width // 1000} s bars")
    return first, (last - first) // width + 1


def _grid(series: list[Series], first: int, n: int, width: int) -> np.ndarray:
    bars = np.full((len(series), n, 5), np.nan)
    for row, s in zip(bars, series, strict=True):
        row[(s.times - first) // width] = s.values
    return bars


def _bounds(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last bar of each symbol, and for each place the newest bar there is (-1: none yet)."""
    present = np.isfinite(bars[..., 3])
    n = present.shape[1]
    newest = np.maximum.accumulate(np.where(present, np.arange(n), -1), axis=1)
    return present.argmax(axis=1), n - 1 - present[:, ::-1].argmax(axis=1), newest


def _history(n: int) -> int:
    """A quarter of the data, at least 1000 bars; of short data three quarters, so that something is left to play."""
    return max(n // 4, LEAST_HISTORY) if n > LEAST_HISTORY else max(1, n * 3 // 4)


def _funding(path: Path, symbols: tuple[str, ...]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times and rates by symbol, from the files of a folder."""
    if path.is_file():
        return {}
    out = {}
    for symbol in symbols:
        if (file := path / f"{symbol}-funding.parquet").is_file():
            table = _table(file, ("funding_time", "funding_rate"))
            out[symbol] = _rates(table["funding_time"], table["funding_rate"])
    if (file := path / "_funding_all.parquet").is_file():
        table = _table(file, ("symbol", "funding_time", "funding_rate"))
        for symbol in symbols:
            mine = table["symbol"] == symbol
            if symbol not in out and mine.any():
                out[symbol] = _rates(table["funding_time"][mine], table["funding_rate"][mine])
    return out


def _rates(times: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    grid = (times + FUNDING_GRID // 2) // FUNDING_GRID * FUNDING_GRID
    order = np.argsort(grid, kind="stable")
    return grid[order], rates[order].astype(np.float64)

"""Measure the real one-hour bars that the synthetic market imitates; print the table of trading/practice/traits.py.

    .venv/bin/python ops/fit_market.py ../shared/data

Symbols of perp_1h_2023_2025 are measured there; the others in universe_perp_1h_2026q1. The same `measure` is what
tests/practice/test_market_synthetic.py holds the synthetic bars to.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDERS = ("perp_1h_2023_2025", "universe_perp_1h_2026q1")
DAY = 24


def read(file: Path) -> np.ndarray:
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    return np.column_stack([table.column(c).to_numpy() for c in ("open", "high", "low", "close", "volume")])


def acf(x: np.ndarray, lag: int) -> float:
    x = x - x.mean()
    return float((x[lag:] * x[:-lag]).mean() / x.var())


def measure(values: np.ndarray) -> dict[str, float]:
    """What a market of bars [n, 5] looks like. `sigma` is the median over days of a day's volatility per bar."""
    o, h, low, c, v = values.T
    r = np.diff(np.log(c))
    days = r[: len(r) // DAY * DAY].reshape(-1, DAY).std(axis=1)
    waves = np.log(np.maximum(days, 1e-6))
    around = np.sqrt(np.convolve(r**2, np.ones(2 * DAY) / (2 * DAY), "same")) + 1e-9
    spans, quote = np.log(h / low)[1:], (v * c)[1:]
    traded = quote > 0
    true = (np.maximum(h[1:], c[:-1]) - np.minimum(low[1:], c[:-1])) / c[1:]
    return {
        "price": float(c[-1]),
        "sigma": float(np.median(days)),
        "quote": float(np.median(quote)),
        "atr": float(np.median(np.convolve(true, np.ones(14) / 14, "valid"))),
        "waves": float(waves.std()),
        "wave_day": acf(waves, 1),
        "wave_week": acf(waves, 7),
        "tail": float(((r / around) ** 4).mean() / ((r / around) ** 2).mean() ** 2),
        "span": float(spans.mean() / np.abs(r).mean()),
        "wick": float(np.log(h / np.maximum(o, c)).mean() / np.abs(r).mean()),
        "volume": float(np.log(quote[traded]).std()),
        "volume_with_span": float(np.corrcoef(np.log(quote[traded]), np.log(spans[traded] + 1e-6))[0, 1]),
    }


def loads(returns: np.ndarray) -> tuple[np.ndarray, float]:
    """How much of each row's movement is the market's (first principal component), and the mean pair correlation."""
    unit = (returns - returns.mean(axis=1, keepdims=True)) / returns.std(axis=1, keepdims=True)
    matrix = np.corrcoef(np.clip(unit, -8, 8))
    values, vectors = np.linalg.eigh(matrix)
    n = len(matrix)
    return np.abs(vectors[:, -1]) * np.sqrt(values[-1]), float((matrix.sum() - n) / n / (n - 1))


def main(data: Path, symbols: tuple[str, ...]) -> None:
    table: dict[str, tuple[float, float, float, float]] = {}
    for folder in FOLDERS:
        files = {s: data / folder / f"{s}-1h.parquet" for s in symbols if s not in table}
        bars = {s: read(f) for s, f in files.items() if f.is_file()}
        seen = {s: measure(b) for s, b in bars.items()}
        shared = min(len(b) for b in bars.values())
        shares, pairs = loads(np.array([np.diff(np.log(b[-shared:, 3])) for b in bars.values()]))
        for (s, m), share in zip(seen.items(), shares, strict=True):
            table[s] = (m["price"], m["sigma"], float(share), m["quote"])
        print(f"# {folder}: pair correlation {pairs:.2f}; medians", _medians(seen))
    for s in symbols:
        price, sigma, load, quote = table[s]
        print(f'    "{s}": Trait({price:.6g}, {sigma:.4f}, {load:.2f}, {quote:.0f}),')


def _medians(seen: dict[str, dict[str, float]]) -> dict[str, float]:
    names = [k for k in next(iter(seen.values())) if k not in ("price", "quote")]
    return {k: round(float(np.median([m[k] for m in seen.values()])), 4) for k in names}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from trading.practice.traits import TRAITS

    main(Path(sys.argv[1]), tuple(TRAITS))

"""Champions in a moment: four real models, trained once per test session on few symbols and small trees.

In a test folder's conftest: `from tests.champions import champions, trained` (and `# noqa: F401`). A test that takes
`champions` has four verified champions of the configured market, their files below a folder of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from trading.exchange.venue import Bar
from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.learners import SMALL
from trading.forecast.training import Trained, train
from trading.models import ModelVersion

START = datetime(2025, 11, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def spec() -> LabelSpec:
    """What the configured settings call right."""
    from django.conf import settings

    from trading.forecast.store import spec_from

    return spec_from(settings.QUANTUM)


def market(symbols: int = 6, bars: int = 900, seed: int = 1, drift: float = 0.25, start: datetime = START) -> Book:
    """A market with trends of some 80 bars; `drift` in standard deviations a bar, 0 for none."""
    random = np.random.default_rng(seed)
    lines = np.stack([line(random, bars, drift) for _ in range(symbols)])
    times = int(start.timestamp()) + 60 * np.arange(bars, dtype=np.int64)
    return Book(tuple(f"C{i}/USDT:USDT" for i in range(symbols)), times, lines, MINUTE)


def line(random: np.random.Generator, bars: int, drift: float, points: int = 12, sigma: float = 0.008) -> np.ndarray:
    """One symbol's candles [bars, 5]."""
    trend = np.concatenate([np.full(random.geometric(1 / 80), random.choice([-1, 1]) * drift) for _ in range(bars)])
    steps = (random.normal(size=(bars, points)) / np.sqrt(points) + trend[:bars, None] / points) * sigma
    path = np.exp(np.cumsum(steps.ravel()) + 3).reshape(bars, points)
    first = np.r_[path[0, 0], path[:-1, -1]]
    high, low = np.maximum(first, path.max(axis=1)), np.minimum(first, path.min(axis=1))
    return np.stack([first, high, low, path[:, -1], np.exp(random.normal(size=bars) + 8)], axis=1)


def bars_of(book: Book) -> list[Bar]:
    """The book as loose candles, to be stored."""
    return [
        Bar(symbol, datetime.fromtimestamp(int(at), UTC), *map(float, book.values[i, t]))
        for i, symbol in enumerate(book.symbols)
        for t, at in enumerate(book.times)
    ]


def train_small(book: Book) -> Trained:
    return train(book, spec(), SMALL)


def publish(trained: Trained, now: datetime | None = None) -> list[ModelVersion]:
    """Make them champions of the configured market. Set `settings.VAR` to a folder of the test's own first."""
    from trading.forecast import store

    return store.publish(trained, spec(), store.current(), now or START)


@pytest.fixture(scope="session")
def trained() -> Trained:
    """Four small models that found the trends of `market()`."""
    return train_small(market())


@pytest.fixture
def champions(db, settings, tmp_path: Path, trained: Trained) -> list[ModelVersion]:
    """Four champions of the configured market, their files below `tmp_path`."""
    settings.VAR = tmp_path
    return publish(trained)

"""Learning from a book: purged walk-forward folds, calibration on what no weight saw, figures on what came after.

    bars ->  | first part | fold | fold | fold | fold | purge | out of sample |
              \\_ train __/ purge \\_ scored _/            each fold's models saw only what lies before it

1. Each fold: every kind learns from all bars before it (less the horizon that their labels look ahead) and scores it.
2. The scores of all folds calibrate each model (Platt) and the ensemble (mean logit, agreement, spread).
3. Every kind learns once more from all bars before the out-of-sample part; that model is kept, and measured there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trading.feed.candles import Book
from trading.forecast.belief import LabelSpec
from trading.forecast.calibration import Blend, Platt, figures, hits, reliability
from trading.forecast.features import features, sided
from trading.forecast.labels import UNKNOWN, labels
from trading.forecast.learners import LEARNERS, Learner, Size

OUT_OF_SAMPLE = 0.2  # newest share of the bars, kept for the figures
FIRST_PART = 0.4  # of the bars before it: what the first fold learns from
MIN_PAIRS = 400  # (symbol, bar) pairs below which there is nothing to learn from
THRESHOLDS = (0.286, 0.32, 0.38)

Progress = Callable[[str, float], None]  # what is being done, share done


class TooLittle(ValueError):
    """Not enough labelled history."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """(symbol, bar) pairs, sorted by bar: rows [n, F] as LONG sees them, labels [n, 2] (long, short), bar index [n]."""

    rows: np.ndarray
    labels: np.ndarray
    bars: np.ndarray

    def where(self, mask: np.ndarray) -> Pairs:
        return Pairs(self.rows[mask], self.labels[mask], self.bars[mask])

    def stacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Side-canonical rows [2n, F] and labels [2n]: all as LONG, then all as SHORT."""
        return np.concatenate(sided(self.rows)), self.labels.T.reshape(-1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Fitted:
    """One trained model: its file's content, its calibration, and how it did."""

    kind: str
    suffix: str
    content: bytes
    platt: Platt
    in_sample: dict
    out_of_sample: dict
    reliability: list


@dataclass(frozen=True, slots=True)
class Trained:
    """`after` is what was kept out of sample, and `confidence` [2, n] what the ensemble said of it."""

    models: tuple[Fitted, ...]
    blend: Blend
    base_rate: float
    ensemble: dict  # out-of-sample figures
    reliability: list
    pairs: int
    symbols: int
    bars: int
    after: Pairs
    confidence: np.ndarray
    times: np.ndarray  # open time of each bar number, seconds
    border: int  # bar number: from here on nothing had a part in the models


def pairs(book: Book, spec: LabelSpec, size: Size) -> Pairs:
    """What can be learnt from: a seeded sample of at most `size.rows` pairs."""
    rows, wanted = features(book), labels(book, spec)
    known = np.isfinite(rows).all(axis=2) & (wanted != UNKNOWN).all(axis=2)
    bar, symbol = np.nonzero(known.T)
    if len(bar) > size.rows:
        chosen = np.sort(np.random.default_rng(size.seed).choice(len(bar), size.rows, replace=False))
        bar, symbol = bar[chosen], symbol[chosen]
    return Pairs(rows[symbol, bar], wanted[symbol, bar], bar)


def train(book: Book, spec: LabelSpec, size: Size, progress: Progress = lambda stage, share: None) -> Trained:
    """All four models, calibrated and measured."""
    progress("reading history", 0.0)
    known = pairs(book, spec, size)
    if len(known.bars) < MIN_PAIRS:
        raise TooLittle(f"{len(known.bars)} labelled candles, {MIN_PAIRS} are needed")
    start, stop = int(known.bars[0]), int(known.bars[-1]) + 1
    border = stop - int((stop - start) * OUT_OF_SAMPLE)
    before, after = known.where(known.bars < border - spec.horizon), known.where(known.bars >= border)
    if not len(after.bars) or len(np.unique(before.labels)) < 2:
        raise TooLittle("history is too short to leave a part of it out of sample")
    work = _Work(progress, total=len(LEARNERS) * (size.folds + 1))

    scores, truth, bars = _fold_scores(before, spec, size, work)
    blocks = bars // spec.horizon
    platts = [Platt.fit(score.reshape(-1), truth.reshape(-1), np.tile(blocks, 2)) for score in scores]
    blend = Blend.fit(np.stack([p(s) for p, s in zip(platts, scores, strict=True)]), truth, blocks)

    rate = float(before.labels.mean())
    fitted, votes = [], []
    for learner, platt in zip(LEARNERS.values(), platts, strict=True):
        work.begin(f"training {learner.kind}")
        one, vote = _final(learner, platt, before, after, rate, size)
        fitted.append(one)
        votes.append(vote)
    progress("measuring", 1.0)
    confidence = blend(np.stack(votes))
    return Trained(
        tuple(fitted),
        blend,
        rate,
        _figures(confidence, after, rate),
        reliability(*_better(confidence, after)),
        pairs=len(known.bars),
        symbols=len(book.symbols),
        bars=stop - start,
        after=after,
        confidence=confidence,
        times=book.times,
        border=border,
    )


class _Work:
    """Says which piece begins, and how many of them are done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.begun = progress, total, 0

    def begin(self, stage: str) -> None:
        self.progress(stage, self.begun / self.total)
        self.begun += 1


def folds(bars: np.ndarray, count: int, horizon: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Walk-forward (train, score) masks over sorted bar indices; `horizon` bars before each fold are purged."""
    start, stop = int(bars[0]), int(bars[-1]) + 1
    edges = np.linspace(start + (stop - start) * FIRST_PART, stop, count + 1).astype(int)
    return [(bars < a - horizon, (bars >= a) & (bars < b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _fold_scores(
    before: Pairs, spec: LabelSpec, size: Size, work: _Work
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Scores [2, n] of each kind on all folds, by models that saw only what lies before; labels [2, n], bars [n]."""
    scores: dict[str, list[np.ndarray]] = {kind: [] for kind in LEARNERS}
    truth, bars = [], []
    for number, (seen, fold) in enumerate(folds(before.bars, size.folds, spec.horizon), 1):
        past, here = before.where(seen), before.where(fold)
        if len(np.unique(past.labels)) < 2 or not len(here.bars):
            raise TooLittle("history is too short for its folds")
        truth.append(here.labels.T.astype(np.float64))
        bars.append(here.bars)
        for kind, learner in LEARNERS.items():
            work.begin(f"cross-checking {kind}, fold {number} of {size.folds}")
            model = learner.fit(*past.stacked(), size)
            scores[kind].append(learner.predict(model, here.stacked()[0]).reshape(2, -1))
    joined = [np.concatenate(parts, axis=1) for parts in scores.values()]
    return joined, np.concatenate(truth, axis=1), np.concatenate(bars)


def _final(
    learner: Learner, platt: Platt, before: Pairs, after: Pairs, rate: float, size: Size
) -> tuple[Fitted, np.ndarray]:
    """The model that is kept, with its figures, and its calibrated votes [2, n] on the out-of-sample part."""
    content = learner.dump(learner.fit(*before.stacked(), size))
    model = learner.load(content)  # what is measured is what was written
    seen = platt(learner.predict(model, before.stacked()[0])).reshape(2, -1)
    new = platt(learner.predict(model, after.stacked()[0])).reshape(2, -1)
    fitted = Fitted(
        learner.kind,
        learner.suffix,
        content,
        platt,
        _figures(seen, before, rate),
        _figures(new, after, rate),
        reliability(*_better(new, after)),
    )
    return fitted, new


def _better(votes: np.ndarray, truth: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Probability and label of the side that is preferred: what a vote says, and what came."""
    side = votes.argmax(axis=0)
    n = np.arange(votes.shape[1])
    return votes[side, n], truth.labels[n, side].astype(np.float64)


def _figures(votes: np.ndarray, truth: Pairs, rate: float) -> dict:
    """Over both sides' rows; hits count the preferred side alone."""
    both = figures(votes.reshape(-1), truth.labels.T.reshape(-1).astype(np.float64), rate)
    return {**both, "hits": hits(*_better(votes, truth), THRESHOLDS)}

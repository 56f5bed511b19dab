"""From scores to probabilities: small logistic regressions in numpy, and the figures that say how good they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EDGE = 1e-3  # probabilities are kept this far from 0 and 1 before their logit is taken
PRIOR_SLOPE = 0.8  # least log loss of 0.5, 0.8 and 1 in 16 walk-forward windows of hourly bars, 2020 to 2025
RIDGE = 16.0  # how firmly that is believed: a standard deviation of 1/4
BLEND_RIDGE = 100.0  # the plain mean of calibrated votes is hard to beat
BINS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.286, 0.32, 0.36, 0.4, 0.45, 0.5, 0.6, 1.0)


def logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, EDGE, 1 - EDGE)
    return np.log(p / (1 - p))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def fit_logistic(
    inputs: np.ndarray, labels: np.ndarray, blocks: np.ndarray, prior: tuple[float, ...], ridge: float = RIDGE
) -> np.ndarray:
    """Coefficients (intercept first) of a logistic regression of labels [n] on inputs [n, k], drawn towards `prior`.

    Rows of one block of time share their fate (48 bars of overlap, coins that move together), so n rows say less than
    n rows could. How much less is the design effect: the first coefficient's variance by blocks over its naive one.
    The likelihood is weighted with its inverse before the ridge draws the coefficients to the prior.
    """
    design = np.column_stack([np.ones(len(inputs)), inputs])
    target = np.array([0.0, *prior])
    penalty = np.diag([1e-9] + [ridge] * len(prior))
    free, curve = _newton(design, labels, 1.0, target, 1e-6 * penalty + 1e-9 * np.eye(len(target)))
    effect = _design_effect(design, labels - sigmoid(design @ free), curve, blocks)
    return _newton(design, labels, 1 / effect, target, penalty)[0]


def _newton(
    design: np.ndarray, labels: np.ndarray, weight: float, prior: np.ndarray, penalty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The penalised maximum and its curvature."""
    at = prior.copy()
    for _ in range(30):
        p = sigmoid(design @ at)
        curve = weight * (design * (p * (1 - p))[:, None]).T @ design + penalty
        move = np.linalg.solve(curve, weight * design.T @ (labels - p) - penalty @ (at - prior))
        at = at + move
        if np.abs(move).max() < 1e-8:
            break
    return at, curve


def _design_effect(design: np.ndarray, residuals: np.ndarray, curve: np.ndarray, blocks: np.ndarray) -> float:
    """Variance of the first coefficient by blocks (sandwich) over its naive variance; at least 1."""
    names, place = np.unique(blocks, return_inverse=True)
    sums = np.zeros((len(names), design.shape[1]))
    np.add.at(sums, place, design * residuals[:, None])
    naive = np.linalg.inv(curve)
    robust = naive @ (sums.T @ sums) @ naive
    return max(1.0, float(robust[1, 1] / naive[1, 1]))


@dataclass(frozen=True, slots=True)
class Platt:
    """One model's calibration: sigmoid(slope x logit(score) + offset). A model that ranks backwards gets slope 0."""

    slope: float
    offset: float

    @classmethod
    def fit(cls, scores: np.ndarray, labels: np.ndarray, blocks: np.ndarray) -> Platt:
        """Drawn to a little less than what the model claims; the more the folds can prove, the less it is drawn."""
        offset, slope = fit_logistic(logit(scores)[:, None], labels, blocks, prior=(PRIOR_SLOPE,))
        if slope > 0:
            return cls(float(slope), float(offset))
        return cls(0.0, float(logit(labels.mean())))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return sigmoid(self.slope * logit(scores) + self.offset)


@dataclass(frozen=True, slots=True)
class Blend:
    """The ensemble's calibration: a logistic regression on the models' mean logit, their agreement and their spread."""

    weights: tuple[float, float, float, float]

    @classmethod
    def fit(cls, votes: np.ndarray, labels: np.ndarray, blocks: np.ndarray) -> Blend:
        """votes [models, 2, n] are calibrated probabilities of both sides, labels [2, n]; drawn to their plain mean."""
        inputs = opinions(votes).reshape(-1, 3)
        weights = fit_logistic(inputs, labels.reshape(-1), np.tile(blocks, 2), (1.0, 0.0, 0.0), BLEND_RIDGE)
        return cls(tuple(float(w) for w in weights))  # type: ignore[arg-type]

    def __call__(self, votes: np.ndarray) -> np.ndarray:
        """votes [models, 2, n] -> confidence [2, n]."""
        return sigmoid(self.weights[0] + opinions(votes) @ np.array(self.weights[1:]))


def opinions(votes: np.ndarray) -> np.ndarray:
    """Of votes [models, 2, n]: mean logit, agreement - 1/2 and spread of the logits; [2, n, 3]."""
    logits = logit(votes)
    return np.stack([logits.mean(axis=0), agreement(votes) - 0.5, logits.std(axis=0)], axis=2)


def agreement(votes: np.ndarray) -> np.ndarray:
    """Share of the models that prefer each side, of votes [models, 2, n]; a tie prefers neither. [2, n]"""
    return (votes > votes[:, ::-1]).mean(axis=0)


def figures(p: np.ndarray, labels: np.ndarray, base_rate: float) -> dict[str, float | int | None]:
    """How good probabilities [n] are, beside what always saying `base_rate` would score."""
    if not len(p):
        return {"n": 0}
    q, b = np.clip(p, 1e-6, 1 - 1e-6), min(max(base_rate, 1e-6), 1 - 1e-6)
    return {
        "n": len(p),
        "rate": _round(labels.mean()),
        "log_loss": _round(-np.log(np.abs(1 - labels - q)).mean()),
        "base_log_loss": _round(-np.log(np.abs(1 - labels - b)).mean()),
        "brier": _round(((p - labels) ** 2).mean()),
        "base_brier": _round(((b - labels) ** 2).mean()),
        "auc": auc(p, labels),
    }


def hits(p: np.ndarray, labels: np.ndarray, thresholds: tuple[float, ...]) -> dict[str, dict[str, float | int | None]]:
    """Of what reaches each threshold: how many, what was promised, what came."""
    return {f"{t:g}": _promise(p[p >= t], labels[p >= t]) for t in thresholds}


def reliability(p: np.ndarray, labels: np.ndarray) -> list[dict[str, float | int | None]]:
    """Promised and observed rate per bin of probability; empty bins are left out."""
    place = np.digitize(p, BINS[1:-1])
    return [
        {"from": BINS[i], "to": BINS[i + 1], **_promise(p[place == i], labels[place == i])}
        for i in range(len(BINS) - 1)
        if (place == i).any()
    ]


def in_bins(p: np.ndarray) -> np.ndarray:
    """How many fall into each bin of probability: int [bins]."""
    return np.bincount(np.digitize(p, BINS[1:-1]), minlength=len(BINS) - 1)


def auc(p: np.ndarray, labels: np.ndarray) -> float | None:
    """Chance that a hit is ranked above a miss (ties count half); None where there is only one kind."""
    hit, miss = int(labels.sum()), int(len(labels) - labels.sum())
    if not hit or not miss:
        return None
    values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return _round((ranks[labels.astype(bool)].sum() - hit * (hit + 1) / 2) / (hit * miss))


def _promise(p: np.ndarray, labels: np.ndarray) -> dict[str, float | int | None]:
    return {
        "n": len(p),
        "mean": _round(p.mean()) if len(p) else None,
        "rate": _round(labels.mean()) if len(p) else None,
    }


def _round(value: float) -> float:
    return round(float(value), 6)

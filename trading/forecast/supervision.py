"""What the Model Supervisor makes of numbers: five topics per model and for the ensemble, each with a verdict.

**Bias.** Signals are not independent: those of one bar see one market, and those of neighbouring bars share most of
their path. So a bar votes once, as the sign of (longs - shorts), ties left out; and the share of the fuller side gets
a Wilson interval over the *effective* sample (`evidence.effective`): at most one answer per horizon, fewer where a
direction holds for longer. It is a bias where that interval's lower end passes QT_BIAS_THRESHOLD, unless the market
itself went that way as often.
**Calibration.** Promised minus observed rate of matured signals, interval by stretches; Brier score against always
saying the observed rate.
**Hit rate.** Observed rate against the break-even after costs, and the mean net R, which is what is judged.
**Votes.** In how many judged bars the model voted; how often for each side; how often with the ensemble.
**Drift.** Population stability index of the confidence of everything that was judged, flat too, against the
out-of-sample part of its training.

A topic that stands on too little is unknown, and says how much is there; unknown is never good. Of a model's votes only
those for the signal's own side can be checked against an outcome: its calibration is that of votes that became signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from trading.forecast.calibration import figures, hits, reliability
from trading.forecast.evidence import MIN_STRETCHES, effective, interval, stretches, wilson
from trading.forecast.training import THRESHOLDS

MIN_LABELLED = 200
MIN_JUDGED = 500  # answers that a distribution is made of
SLACK = 0.03  # promised minus observed: below this nobody is harmed
FULL_VOTE = 0.9  # share of the judged bars in which a sound model votes
PSI_SUSPECT, PSI_BAD = 0.1, 0.25  # the usual limits of the index
LEAST_VOTERS = 2  # enforcement leaves at least so many

Topic = dict[str, Any]


class Verdict(StrEnum):
    """Of a topic, and of a finding."""

    OK, SUSPECT, BAD, UNKNOWN = "ok", "suspect", "bad", "unknown"


class Found(StrEnum):
    """What a topic says; its numbers stand beside it."""

    TOO_FEW = "TOO_FEW"
    TOO_SHORT = "TOO_SHORT"  # enough of them, in too few independent stretches of time
    BALANCED = "BALANCED"
    ONE_SIDED = "ONE_SIDED"
    MARKET_ONE_SIDED = "MARKET_ONE_SIDED"
    CALIBRATED = "CALIBRATED"
    OVERCONFIDENT = "OVERCONFIDENT"
    TIMID = "TIMID"
    PAYS = "PAYS"
    LOSES = "LOSES"
    UNPROVEN = "UNPROVEN"
    VOTES = "VOTES"
    MUTE = "MUTE"
    STABLE = "STABLE"
    SHIFTED = "SHIFTED"


class Advice(StrEnum):
    NONE, RETRAIN, QUARANTINE = "", "retrain", "quarantine"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Matured signals as columns [n]: promise, what came (0 or 1), net R, cost in R, bar number."""

    promised: np.ndarray
    came: np.ndarray
    net_r: np.ndarray
    cost_r: np.ndarray
    bars: np.ndarray


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of one model, or of the ensemble.

    `net` and `market` are signs per bar, `bars` their numbers; `market` is 0 where what followed isn't known yet.
    `judged` counts the bars with any vote at all, `voted` its own.
    """

    kind: str
    version: str
    labelled: Labelled
    net: np.ndarray
    market: np.ndarray
    bars: np.ndarray
    judged: int
    voted: int
    longs: int
    shorts: int
    agreed: float | None  # share of its votes on signals that are for the signal's side
    trained_bins: Sequence[int]
    recent_bins: Sequence[int]
    why_mute: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as biased, what a hit pays in R, and how many bars a signal lives."""

    bias: float
    target_r: float
    horizon: int


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    version: str
    n: int
    topics: Mapping[str, Topic]

    @property
    def verdict(self) -> Verdict:
        """The worst of what is known; unknown where nothing is."""
        found = {Verdict(topic["verdict"]) for topic in self.topics.values()}
        return next((v for v in (Verdict.BAD, Verdict.SUSPECT, Verdict.OK) if v in found), Verdict.UNKNOWN)

    def bad(self, *topics: str) -> str:
        """The code of the first of these topics that is bad; empty where none is."""
        return next((self.topics[t]["code"] for t in topics if self.topics[t]["verdict"] == Verdict.BAD), "")


def look(subject: Subject, limits: Limits) -> Finding:
    """One subject, all topics."""
    topics = {
        "bias": bias(subject, limits),
        "calibration": calibration(subject.labelled, limits.horizon),
        "hit_rate": hit_rate(subject.labelled, limits),
        "votes": votes(subject),
        "drift": drift(subject, limits.horizon),
    }
    return Finding(subject.kind, subject.version, len(subject.labelled.came), topics)


def bias(subject: Subject, limits: Limits) -> Topic:
    told = subject.net != 0
    net, market, bars = subject.net[told], subject.market[told], subject.bars[told]
    count = stretches(bars, limits.horizon) if len(bars) else 0
    if count < MIN_STRETCHES:
        return few(Found.TOO_SHORT, count, MIN_STRETCHES, bars=len(bars))
    side = 1 if (net > 0).mean() >= 0.5 else -1
    on_side = (net == side).astype(np.float64)
    share, n = float(on_side.mean()), effective(on_side, bars, limits.horizon)
    low, high = wilson(share, n)
    known = market != 0
    followed = float((market[known] == side).mean()) if known.sum() * 2 >= len(market) else None
    verdict, code = Verdict.OK, Found.BALANCED
    if low > limits.bias:
        verdict, code = excused(followed, limits.bias)
    return {
        "verdict": verdict,
        "code": code,
        "n": len(net),
        "effective_n": round(n, 1),
        "stretches": count,
        "side": "long" if side > 0 else "short",
        "value": round(share, 6),
        "low": low,
        "high": high,
        "limit": limits.bias,
        "market": None if followed is None else round(followed, 6),
    }


def excused(market: float | None, limit: float) -> tuple[Verdict, Found]:
    """One-sided signals in a one-sided market are no bias; without knowing the market it stays a suspicion."""
    if market is None:
        return Verdict.SUSPECT, Found.ONE_SIDED
    return (Verdict.OK, Found.MARKET_ONE_SIDED) if market >= limit else (Verdict.BAD, Found.ONE_SIDED)


def calibration(seen: Labelled, horizon: int) -> Topic:
    if no := too_few(seen, horizon):
        return no
    low, high = interval(seen.promised - seen.came, seen.bars, horizon)
    gap = float(seen.promised.mean() - seen.came.mean())
    verdict, code = Verdict.OK, Found.CALIBRATED
    if low > 0 and gap > SLACK:
        verdict, code = (Verdict.BAD if low > SLACK else Verdict.SUSPECT), Found.OVERCONFIDENT
    elif high < 0 and gap < -SLACK:
        verdict, code = Verdict.SUSPECT, Found.TIMID
    found = figures(seen.promised, seen.came, float(seen.came.mean()))
    return {
        "verdict": verdict,
        "code": code,
        "n": len(seen.came),
        "stretches": stretches(seen.bars, horizon),
        "value": round(gap, 6),
        "low": low,
        "high": high,
        "limit": SLACK,
        "promised": round(float(seen.promised.mean()), 6),
        "came": round(float(seen.came.mean()), 6),
        "brier": found["brier"],
        "base_brier": found["base_brier"],
        "auc": found.get("auc"),
        "bins": reliability(seen.promised, seen.came),
    }


def hit_rate(seen: Labelled, limits: Limits) -> Topic:
    if no := too_few(seen, limits.horizon):
        return no
    low, high = interval(seen.came, seen.bars, limits.horizon)
    r_low, r_high = interval(seen.net_r, seen.bars, limits.horizon)
    verdict, code = Verdict.UNKNOWN, Found.UNPROVEN
    if r_low > 0:
        verdict, code = Verdict.OK, Found.PAYS
    elif r_high < 0:
        verdict, code = Verdict.BAD, Found.LOSES
    return {
        "verdict": verdict,
        "code": code,
        "n": len(seen.came),
        "stretches": stretches(seen.bars, limits.horizon),
        "value": round(float(seen.came.mean()), 6),
        "low": low,
        "high": high,
        "limit": round(float((1 + seen.cost_r.mean()) / (1 + limits.target_r)), 6),
        "mean_r": round(float(seen.net_r.mean()), 6),
        "r_low": r_low,
        "r_high": r_high,
        "hits": hits(seen.promised, seen.came, THRESHOLDS),
    }


def votes(subject: Subject) -> Topic:
    if not subject.judged:
        return few(Found.TOO_FEW, 0, 1)
    share, sides = subject.voted / subject.judged, subject.longs + subject.shorts
    mute = share < FULL_VOTE
    return {
        "verdict": Verdict.OK if not mute else Verdict.BAD if subject.judged >= MIN_STRETCHES else Verdict.SUSPECT,
        "code": Found.MUTE if mute else Found.VOTES,
        "n": subject.judged,
        "value": round(share, 6),
        "limit": FULL_VOTE,
        "long": round(subject.longs / sides, 6) if sides else None,
        "short": round(subject.shorts / sides, 6) if sides else None,
        "agreed": None if subject.agreed is None else round(subject.agreed, 6),
        "why": subject.why_mute,
    }


def drift(subject: Subject, horizon: int) -> Topic:
    recent, trained = sum(subject.recent_bins), sum(subject.trained_bins)
    count = stretches(subject.bars, horizon) if len(subject.bars) else 0
    if recent < MIN_JUDGED or trained < MIN_JUDGED:
        return few(Found.TOO_FEW, min(recent, trained), MIN_JUDGED)
    if count < MIN_STRETCHES:
        return few(Found.TOO_SHORT, count, MIN_STRETCHES)
    value = psi(subject.trained_bins, subject.recent_bins)
    verdict = Verdict.BAD if value >= PSI_BAD else Verdict.SUSPECT if value >= PSI_SUSPECT else Verdict.OK
    return {
        "verdict": verdict,
        "code": Found.STABLE if verdict is Verdict.OK else Found.SHIFTED,
        "n": recent,
        "stretches": count,
        "value": round(value, 6),
        "limit": PSI_BAD,
        "trained": list(subject.trained_bins),
        "recent": list(subject.recent_bins),
    }


def psi(before: Sequence[int], after: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins; half a case stands in for an empty bin."""
    p, q = (np.maximum(np.asarray(counts, np.float64), 0.5) for counts in (before, after))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def too_few(seen: Labelled, horizon: int) -> Topic | None:
    if len(seen.came) < MIN_LABELLED:
        return few(Found.TOO_FEW, len(seen.came), MIN_LABELLED)
    count = stretches(seen.bars, horizon)
    return few(Found.TOO_SHORT, count, MIN_STRETCHES, labelled=len(seen.came)) if count < MIN_STRETCHES else None


def few(code: Found, n: int, wanted: int, **more: int) -> Topic:
    return {"verdict": Verdict.UNKNOWN, "code": code, "n": n, "wanted": wanted, **more}


# -- what follows -----------------------------------------------------------------------------------------------------


def advice(finding: Finding, ensemble: str) -> tuple[Advice, str]:
    """What a finding calls for, and the code of the topic that it follows from.

    A model that leans to one side, or hardly ever gives a usable answer, should not vote; whatever promises too much,
    loses, or judges another market than it learned from should be trained again.
    """
    if finding.kind != ensemble and (code := finding.bad("votes", "bias")):
        return Advice.QUARANTINE, code
    if code := finding.bad("bias", "calibration", "hit_rate", "drift"):
        return Advice.RETRAIN, code
    return Advice.NONE, ""


def to_quarantine(findings: Sequence[Finding], ensemble: str, voters: int) -> list[Finding]:
    """Whom enforcement may stop: the worst first, and never so many that fewer than `LEAST_VOTERS` are left."""
    called = [f for f in findings if advice(f, ensemble)[0] is Advice.QUARANTINE]
    called.sort(key=lambda f: (not f.bad("votes"), -f.topics["bias"].get("value", 0), f.kind))
    return called[: max(0, voters - LEAST_VOTERS)]

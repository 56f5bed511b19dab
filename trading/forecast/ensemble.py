"""Four models, one belief per symbol: one call per model and batch, both sides of all symbols in one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from trading.codes import Code
from trading.exchange.venue import Side
from trading.feed.candles import Book
from trading.forecast.belief import Belief, Excluded, Forecast, LabelSpec, Poll, Vote
from trading.forecast.calibration import Blend, Platt, agreement, in_bins
from trading.forecast.features import Indicators, features, indicators, sided
from trading.forecast.labels import stop_distance
from trading.forecast.lacks import lacks
from trading.forecast.learners import Learner, ModelBroken

SIDES = (Side.LONG, Side.SHORT)  # the order of every axis of length 2
ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Member:
    """A loaded model that may vote."""

    learner: Learner
    version: str
    model: Any
    platt: Platt

    @property
    def kind(self) -> str:
        return self.learner.kind


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The champions of one market. `excluded` are those that could not be loaded; they never vote."""

    members: tuple[Member, ...]
    blend: Blend
    spec: LabelSpec
    excluded: tuple[Excluded, ...] = ()


def predict(ensemble: Ensemble, book: Book, now: datetime, facts: Indicators | None = None) -> Forecast:
    """Beliefs, flat and absent symbols of the book's newest bar.

    `now` must not lie before that bar's close: what isn't over can't be judged. `facts` are the book's indicators, for
    a caller that has them already.
    """
    if book.last is None:
        raise ValueError("a book without bars can't be judged")
    closed = book.last + book.step
    if now < closed:
        raise ValueError(f"the bar of {book.last} closes at {closed}, it is only {now}")
    absent = missing(book)
    here = [i for i, symbol in enumerate(book.symbols) if symbol not in absent]
    if not here:
        return Forecast(book.last, (), (), absent, alarms(ensemble.excluded), excluded=ensemble.excluded)
    rows = np.concatenate(sided(features(book, last=1)[here, 0]))
    votes, voters, excluded = ask(ensemble.members, rows)
    excluded = ensemble.excluded + excluded
    if not voters:
        absent |= {book.symbols[i]: Code.MODEL_OUTPUT_INVALID for i in here}
        return Forecast(book.last, (), (), absent, alarms(excluded), excluded=excluded)
    confidence = np.round(ensemble.blend(votes), 6)
    shared = agreement(votes)
    facts = facts or indicators(book)
    distance = stop_distance(facts.atr14, facts.close, ensemble.spec)
    beliefs, leanings = [], {}
    for n, i in enumerate(here):
        side = int(confidence[1, n] > confidence[0, n])
        if confidence[side, n] < ensemble.spec.break_even or confidence[0, n] == confidence[1, n]:
            leanings[book.symbols[i]] = (SIDES[side], float(confidence[side, n]))
            continue
        price, r = float(facts.close[i]), float(distance[i])
        beliefs.append(
            Belief(
                symbol=book.symbols[i],
                side=SIDES[side],
                confidence=float(confidence[side, n]),
                agreement=round(float(shared[side, n]), 6),
                votes=tuple(vote(m, votes[k, :, n], side) for k, m in enumerate(voters)),
                excluded=excluded,
                price=Decimal(str(price)),
                atr=float(facts.atr14[i]),
                r=r,
                cost_r=ensemble.spec.round_trip * price / r,
                at=closed,
            )
        )
    best = float(confidence.max())
    return Forecast(
        book.last,
        tuple(beliefs),
        tuple(leanings),
        absent,
        alarms(excluded),
        best,
        leanings,
        (
            poll(ENSEMBLE, voters[0].version, confidence),
            *(poll(m.kind, m.version, votes[k]) for k, m in enumerate(voters)),
        ),
        excluded,
    )


def missing(book: Book) -> dict[str, Code]:
    """Who can't be judged at the newest bar, and why."""
    return {symbol: lack.code for symbol, lack in lacks(book).items()}


def ask(members: tuple[Member, ...], rows: np.ndarray) -> tuple[np.ndarray, tuple[Member, ...], tuple[Excluded, ...]]:
    """Calibrated votes [voters, 2, n] on stacked rows [2n, F]; who voted, and whose answer was no probability."""
    votes, voters, excluded = [], [], []
    for member in members:
        try:
            scores = sound(member.learner.predict(member.model, rows), len(rows))
        except ModelBroken as broken:
            excluded.append(Excluded(member.kind, member.version, str(broken)[:200]))
            continue
        votes.append(np.round(member.platt(scores), 6).reshape(2, -1))
        voters.append(member)
    return np.array(votes).reshape(len(votes), 2, len(rows) // 2), tuple(voters), tuple(excluded)


def sound(scores: Any, expected: int) -> np.ndarray:
    """Scores as probabilities; one that is none breaks the model for this batch."""
    scores = np.asarray(scores, np.float64)
    if scores.shape != (expected,):
        raise ModelBroken(f"answered in shape {scores.shape}, expected ({expected},)")
    wrong = scores[~((scores >= 0) & (scores <= 1))]  # NaN is wrong too
    if len(wrong):
        raise ModelBroken(f"{len(wrong)} of {expected} answers are no probability, the first is {wrong[0]}")
    return scores


def vote(member: Member, both: np.ndarray, belief: int) -> Vote:
    """The side that one model prefers; a tie supports nobody, so it counts against the belief."""
    side = 1 - belief if both[0] == both[1] else int(both[1] > both[0])
    name = f"{member.kind} {member.version}"
    return Vote(name, member.kind, member.version, SIDES[side], round(float(both[side]), 6))


def poll(kind: str, version: str, both: np.ndarray) -> Poll:
    """What one voter said of the whole batch, probabilities [2, n] of both sides."""
    long, short = (both[0] > both[1]).sum(), (both[1] > both[0]).sum()
    return Poll(kind, version, int(long), int(short), tuple(in_bins(both.max(axis=0)).tolist()))


def alarms(excluded: tuple[Excluded, ...]) -> tuple[str, ...]:
    return tuple(f"{e.kind} {e.version} does not vote: {e.why}" for e in excluded)

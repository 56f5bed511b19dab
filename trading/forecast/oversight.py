"""The Model Supervisor's shell: rows in, findings out, and what the setting allows it to do about them.

QT_SUPERVISOR_MODE: `observe` stores findings and nothing else; `advise` stores what they call for, which the Retraining
Orchestrator heeds; `enforce` also quarantines the models that should not vote, never so many that fewer than two are
left, and writes the reason on their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Case, Sum, Value, When

from trading import events
from trading.codes import Code
from trading.feed import rows as feed_rows
from trading.forecast import rows
from trading.forecast.belief import LabelSpec
from trading.forecast.calibration import BINS
from trading.forecast.ensemble import ENSEMBLE
from trading.forecast.supervision import (
    Advice,
    Finding,
    Labelled,
    Limits,
    Subject,
    advice,
    look,
    to_quarantine,
)
from trading.models import Cycle, ModelFinding, ModelVersion, Signal, SignalOutcome

WINDOW = 2000  # bars that are looked at
MOST = 10_000  # matured signals, the newest
BENCHMARK = 20  # symbols of the best rank whose mean is the market
KEEP = timedelta(days=30)  # of findings
OBSERVE, ADVISE, ENFORCE = "observe", "advise", "enforce"


@dataclass(frozen=True, slots=True)
class Ballot:
    """Everyone's polls at one bar, by (kind, version)."""

    number: int  # bars since 1970
    polls: dict[tuple[str, str], dict]
    mute: bool  # nobody gave a usable answer


@dataclass(frozen=True, slots=True)
class Matured:
    """A signal whose horizon is over, with what came."""

    number: int
    side: str
    confidence: float
    votes: list[dict]
    hit: bool
    net_r: float
    cost_r: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that one look reads."""

    ballots: Sequence[Ballot]
    net: dict[int, int]  # bar number -> longs - shorts among its signals
    market: dict[int, float]  # bar number -> what the market did over the horizon after it
    matured: Sequence[Matured]


def survey(champions: Sequence[ModelVersion], spec: LabelSpec, now: datetime) -> list[Finding]:
    """Judge the ensemble and each champion on what is stored; nothing is written."""
    seen = gather(spec, now)
    limits = Limits(settings.QUANTUM.QT_BIAS_THRESHOLD, spec.target_r, spec.horizon)
    whole = subject_of_ensemble(champions, seen)
    return [look(one, limits) for one in (whole, *(subject_of(row, seen) for row in champions))]


# -- reading ----------------------------------------------------------------------------------------------------------


def gather(spec: LabelSpec, now: datetime) -> Evidence:
    """Five queries, however many signals."""
    frame, step = settings.QUANTUM.timeframe, settings.QUANTUM.bar
    since = now - WINDOW * step
    return Evidence(
        ballots=ballots(frame, step, since),
        net=directions(frame, step, since),
        market=market_moves(frame, step, spec.horizon),
        matured=matured(frame, step, since, now),
    )


def number(bar: datetime, step: timedelta) -> int:
    return int(bar.timestamp() // step.total_seconds())


def ballots(frame: str, step: timedelta, since: datetime) -> list[Ballot]:
    cycles = Cycle.objects.filter(timeframe=frame, bar__gte=since).order_by("bar")
    return [
        Ballot(
            number(bar, step),
            {(poll["kind"], poll["version"]): poll for poll in polls or ()},
            Code.MODEL_OUTPUT_INVALID in absent,
        )
        for bar, polls, absent in cycles.values_list("bar", "facts__polls", "not_evaluated")
    ]


def directions(frame: str, step: timedelta, since: datetime) -> dict[int, int]:
    sides = Sum(Case(When(side="long", then=Value(1)), default=Value(-1)))
    rows_ = Signal.objects.filter(cycle__timeframe=frame, cycle__bar__gte=since).order_by()
    return {number(bar, step): net for bar, net in rows_.values_list("cycle__bar").annotate(net=sides)}


def market_moves(frame: str, step: timedelta, horizon: int) -> dict[int, float]:
    """The mean log return of the best ranked symbols over the horizon after each bar, where it is over."""
    book = feed_rows.load_book(feed_rows.universe()[:BENCHMARK], frame, bars=WINDOW)
    if len(book.times) <= horizon:
        return {}
    logs = np.log(book.column("close"))
    moves = logs[:, horizon:] - logs[:, :-horizon]
    known = np.isfinite(moves)
    mean = np.where(known, moves, 0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    numbers = book.times[:-horizon] // int(step.total_seconds())
    return dict(zip(numbers.tolist(), mean.tolist(), strict=True))


def matured(frame: str, step: timedelta, since: datetime, now: datetime) -> list[Matured]:
    rows_ = SignalOutcome.objects.filter(
        matures_at__lte=now, hit__isnull=False, signal__cycle__timeframe=frame, signal__cycle__bar__gte=since
    ).order_by("-matures_at", "-pk")
    names = ("signal__side", "signal__confidence", "signal__votes", "hit", "net_r", "signal__cost_r")
    return [Matured(number(bar, step), *rest) for bar, *rest in rows_.values_list("signal__cycle__bar", *names)[:MOST]]


# -- subjects ---------------------------------------------------------------------------------------------------------


def subject_of_ensemble(champions: Sequence[ModelVersion], seen: Evidence) -> Subject:
    version = champions[0].version
    mine = [b for b in seen.ballots if (ENSEMBLE, version) in b.polls]
    first = mine[0].number if mine else 0
    silent = sum(b.mute for b in seen.ballots if b.number >= first)
    known = [m for m in seen.matured if any(vote["version"] == version for vote in m.votes)]
    trained = champions[0].metrics.get("ensemble", {}).get("calibration", [])
    return Subject(
        kind=ENSEMBLE,
        version=version,
        labelled=labelled([(m, m.confidence) for m in known]),
        **signs([(b.number, seen.net.get(b.number, 0)) for b in mine], seen.market),
        judged=len(mine) + silent,
        voted=len(mine),
        longs=sum(b.polls[ENSEMBLE, version]["long"] for b in mine),
        shorts=sum(b.polls[ENSEMBLE, version]["short"] for b in mine),
        agreed=None,
        trained_bins=in_bins(trained),
        recent_bins=added([b.polls[ENSEMBLE, version]["bins"] for b in mine]),
    )


def subject_of(row: ModelVersion, seen: Evidence) -> Subject:
    name = (row.kind, row.version)
    judged = [b for b in seen.ballots if (ENSEMBLE, row.version) in b.polls]
    mine = [(b.number, b.polls[name]) for b in judged if name in b.polls]
    cast = [
        (m, vote["probability"], vote["side"] == m.side)
        for m in seen.matured
        for vote in m.votes
        if (vote["kind"], vote["version"]) == name
    ]
    return Subject(
        kind=row.kind,
        version=row.version,
        labelled=labelled([(m, p) for m, p, agrees in cast if agrees]),
        **signs([(at, poll["long"] - poll["short"]) for at, poll in mine], seen.market),
        judged=len(judged),
        voted=len(mine),
        longs=sum(poll["long"] for _, poll in mine),
        shorts=sum(poll["short"] for _, poll in mine),
        agreed=sum(agrees for *_, agrees in cast) / len(cast) if cast else None,
        trained_bins=in_bins(row.calibration),
        recent_bins=added([poll["bins"] for _, poll in mine]),
        why_mute=row.alarm,
    )


def labelled(known: Sequence[tuple[Matured, float]]) -> Labelled:
    return Labelled(
        promised=np.array([p for _, p in known], np.float64),
        came=np.array([m.hit for m, _ in known], np.float64),
        net_r=np.array([m.net_r for m, _ in known], np.float64),
        cost_r=np.array([m.cost_r for m, _ in known], np.float64),
        bars=np.array([m.number for m, _ in known], np.int64),
    )


def signs(net: Sequence[tuple[int, int]], market: dict[int, float]) -> dict[str, Any]:
    """Direction per bar, the market's beside it, and the bars' numbers."""
    bars = np.array([at for at, _ in net], np.int64)
    return {
        "net": np.sign(np.array([n for _, n in net], np.float64)),
        "market": np.sign(np.array([market.get(at, 0.0) for at, _ in net], np.float64)),
        "bars": bars,
    }


def in_bins(stored: Sequence[dict]) -> list[int]:
    """A stored reliability table as a histogram over all bins."""
    counts = {round(row["from"], 6): row["n"] for row in stored}
    return [counts.get(round(edge, 6), 0) for edge in BINS[:-1]]


def added(histograms: Sequence[Sequence[int]]) -> list[int]:
    return np.sum(histograms, axis=0).tolist() if histograms else [0] * (len(BINS) - 1)


# -- writing ----------------------------------------------------------------------------------------------------------


def write(findings: Sequence[Finding], champions: Sequence[ModelVersion], now: datetime) -> int:
    """Store the findings, do what the mode allows; how many models were quarantined."""
    level = settings.QUANTUM.QT_SUPERVISOR_MODE
    stopped = to_quarantine(findings, ENSEMBLE, voters=len(champions)) if level == ENFORCE else []
    by_name = {(row.kind, row.version): row for row in champions}
    with transaction.atomic():
        for finding in stopped:  # at most two: a training makes four models, and two must stay
            rows.quarantine(by_name[finding.kind, finding.version], why(finding))
        ModelFinding.objects.bulk_create(as_row(one, one in stopped, level, now) for one in findings)
        ModelFinding.objects.filter(at__lt=now - KEEP).delete()
        events.changed("models", "verdict")
    return len(stopped)


def as_row(finding: Finding, stopped: bool, level: str, now: datetime) -> ModelFinding:
    called, code = advice(finding, ENSEMBLE) if level != OBSERVE else (Advice.NONE, "")
    done = "quarantined" if stopped else "kept" if level == ENFORCE and called is Advice.QUARANTINE else ""
    return ModelFinding(
        at=now,
        kind=finding.kind,
        version=finding.version,
        verdict=finding.verdict,
        n=finding.n,
        **finding.topics,
        advice=called,
        reason=code,
        done=done,
        level=level,
        mode=settings.QUANTUM.mode,
    )


def why(finding: Finding) -> str:
    """The alarm on a quarantined model's row: what was found, both numbers."""
    code = advice(finding, ENSEMBLE)[1]
    topic = next(t for t in finding.topics.values() if t["code"] == code)
    side = f" {topic['side']}" if "side" in topic else ""
    of = topic.get("effective_n", topic["n"])
    return f"Model Supervisor: {code},{side} {topic['value']:.0%} of {of:g} (limit {topic['limit']:.0%})"


def still_holds(champions: Sequence[ModelVersion], now: datetime) -> None:
    """Nothing was judged since the last look at these, so what it found is what would be found now."""
    mine = ModelFinding.objects.filter(version__in={row.version for row in champions})
    last = mine.order_by("-at").values_list("at", flat=True).first()
    if last:
        mine.filter(at=last).update(at=now)

"""Models and data: who can't vote, who votes badly, and what there is nothing to judge by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitoring.watch.detectors.feed import LATE_CANDLES
from monitoring.watch.diagnosis.causes.counting import share, since
from monitoring.watch.diagnosis.facts import Facts
from monitoring.watch.diagnosis.problem import Action, Cause, Evidence, Problem, Severity
from trading.codes import Code
from trading.forecast.evidence import wilson

FEATURES = re.compile(r"\bfeatures?\b", re.IGNORECASE)
NEWEST = 20  # signals
OUT, MODEL_SHARE = 0.2, 0.8  # of the newest signals a model missed; of all votes that should have been
VOTERS, FEW = 0.75, 5  # of the models that should vote; signals that must tell
HISTORY = 0.25  # of the symbols of the newest bar
MATURED, LABELLED = 50, 0.5
TRADES = 20
MODELS = Evidence("models", {}, "/models/")


def no_model(facts: Facts) -> Iterator[Problem]:
    """Nobody may vote on what is played now, and nobody trains."""
    able = [one for one in facts.seen.champions if not one.quarantined]
    if able or facts.seen.training.running:
        return
    pulse = facts.seen.pulses.get("models")
    params = {"quarantined": len(facts.seen.champions), "idle": pulse.idle_reason if pulse else ""}
    yield Problem(
        Cause.NO_MODEL, "", Severity.CRITICAL, params, (MODELS,), "", Action("retrain", href="/models/"),
        share=absent_share(facts, Code.NO_MODEL) or 1.0,
    )  # fmt: skip


def absent_share(facts: Facts, code: str) -> float:
    """Of the window's symbols that should have been judged."""
    return facts.seen.cycles.absent.get(code, 0) / facts.seen.cycles.symbols if facts.seen.cycles.symbols else 0.0


def training_failed(facts: Facts) -> Iterator[Problem]:
    run = facts.seen.training
    if run.running or run.outcome != "failed":
        return
    alone = not facts.seen.champions
    params = {"error": run.error[:200], "age_s": facts.ago(run.ended_at) if run.ended_at else None,
              "voting": len(facts.seen.champions)}  # fmt: skip
    yield Problem(
        Cause.TRAINING_FAILED, "", Severity.CRITICAL if alone else Severity.MEDIUM, params, (MODELS,), "",
        Action("retrain", href="/models/"), share=1.0 if alone else 0.0, since=run.ended_at,
    )  # fmt: skip


def mute(facts: Facts) -> dict[str, tuple[str, float]]:
    """Models that don't vote: why, and on what share of the newest signals."""
    newest = facts.believed[:NEWEST]
    found: dict[str, tuple[str, float]] = {}
    for kind, why in newest[0].excluded if newest else ():
        part = sum(kind in dict(one.excluded) for one in newest) / len(newest)
        found[kind] = (why, part)
    found |= {kind: (why, 1.0) for kind, why in facts.alarms.items() if kind not in found}
    return found | {one.kind: (one.quarantined, 1.0) for one in facts.seen.champions if one.quarantined}


def excluded(facts: Facts, cause: Cause, of_features: bool) -> Iterator[Problem]:
    out = mute(facts)
    models, able = facts.seen.limits.models, max(0, facts.seen.limits.models - len(out))
    lost = share(facts, Code.WEAK_CONSENSUS) or absent_share(facts, Code.MODEL_OUTPUT_INVALID)
    for kind, (why, part) in sorted(out.items()):
        if part < OUT or bool(FEATURES.search(why)) is not of_features:
            continue
        params = {"kind": kind, "why": why[:200], "share": part, "voting": able, "of": models,
                  "model_share": able / models, "limit_share": MODEL_SHARE}  # fmt: skip
        yield Problem(
            cause, kind, Severity.HIGH if able < 2 or of_features else Severity.MEDIUM, params, (MODELS,), "",
            Action("retrain", href="/models/"), share=lost,
        )  # fmt: skip


def models_excluded(facts: Facts) -> Iterator[Problem]:
    """A model is kept from voting; nothing votes in its place."""
    yield from excluded(facts, Cause.MODELS_EXCLUDED, of_features=False)


def features_mismatched(facts: Facts) -> Iterator[Problem]:
    """A model was trained on other features than are computed now."""
    yield from excluded(facts, Cause.FEATURES_MISMATCHED, of_features=True)


def overconfident(facts: Facts) -> Iterator[Problem]:
    """What was promised did not come true as often as it was promised."""
    seen = facts.seen.supervision
    if seen is None or seen.calibration.verdict != "bad":
        return
    told = seen.calibration
    params = {"value": told.value, "limit": told.limit, "n": told.n, "age_s": facts.ago(seen.at)}
    yield Problem(
        Cause.OVERCONFIDENT, "", Severity.MEDIUM, params, (MODELS,), "", Action("retrain", href="/models/"),
        since=seen.at,
    )  # fmt: skip


def few_voters(facts: Facts) -> Iterator[Problem]:
    """Signals rest on fewer votes than there are models."""
    newest = facts.believed[:NEWEST]
    models = facts.seen.limits.models
    if len(newest) < FEW:
        return
    voters = sum(one.votes for one in newest) / len(newest)
    if voters >= VOTERS * models:
        return
    params = {"value": round(voters, 2), "of": models, "n": len(newest), "limit": VOTERS * models}
    yield Problem(
        Cause.FEW_VOTERS, "", Severity.MEDIUM, params, (MODELS,), "", Action(href="/models/"),
        share=share(facts, Code.WEAK_CONSENSUS), since=since(facts, Code.WEAK_CONSENSUS),
    )  # fmt: skip


def too_little_history(facts: Facts) -> Iterator[Problem]:
    """Symbols that can't be judged, because they have too few candles without a gap."""
    code = Code.INSUFFICIENT_HISTORY
    n = facts.seen.cycles.newest_absent.get(code, 0)
    of = facts.seen.cycles.newest_evaluated + sum(facts.seen.cycles.newest_absent.values())
    if not of or n < HISTORY * of:
        return
    params = {"n": n, "of": of, "share": n / of, "limit_share": HISTORY}
    part = absent_share(facts, code) if not facts.signals else 0.0
    yield Problem(
        Cause.TOO_LITTLE_HISTORY, "", Severity.HIGH if n == of else Severity.MEDIUM, params,
        (Evidence("universe", {"n": n}, "/universe/"),), "", Action("tick_module", "data_feed", "/universe/"),
        share=part,
    )  # fmt: skip


def nothing_to_learn(facts: Facts) -> Iterator[Problem]:
    """Signals whose horizon is over stay without an outcome: nobody can learn from them."""
    told = facts.learned
    if told.matured < MATURED or told.labelled >= LABELLED * told.matured:
        return
    params = {"n": told.labelled, "of": told.matured, "share": told.labelled / told.matured, "limit_share": LABELLED}
    yield Problem(
        Cause.NOTHING_TO_LEARN, "", Severity.MEDIUM, params, (MODELS,), "",
        Action("tick_module", "retraining_orchestrator", "/models/"),
    )  # fmt: skip


def candles_stale(facts: Facts) -> Iterator[Problem]:
    """Symbols whose newest candle is too old to decide on; exits go on."""
    seen = facts.seen.universe
    if seen is None or not seen.inside:
        return
    limit = facts.seen.limits.data_age + LATE_CANDLES
    late = {symbol: seen.closes.get(symbol) for symbol in seen.inside}
    late = {symbol: at for symbol, at in late.items() if at is None or facts.now - at > limit}
    if not late:
        return
    known = {symbol: at for symbol, at in late.items() if at is not None}
    oldest = min(known, key=lambda symbol: (known[symbol], symbol)) if known else min(late)
    every = len(late) == len(seen.inside)
    age = facts.ago(known[oldest]) if known else None
    params = {"n": len(late), "of": len(seen.inside), "symbol": oldest, "age_s": age,
              "limit_s": facts.seen.limits.data_age.total_seconds()}  # fmt: skip
    part = share(facts, Code.FEED_STALE) if facts.signals else len(late) / len(seen.inside)
    yield Problem(
        Cause.CANDLES_STALE, "", Severity.CRITICAL if every else Severity.HIGH, params,
        (Evidence("universe", {"n": len(late)}, "/universe/"),), "", Action("tick_module", "data_feed", "/universe/"),
        share=1.0 if every else part, since=known.get(oldest),
    )  # fmt: skip


def one_sided(facts: Facts) -> Iterator[Problem]:
    """What was traded leans to one side more than chance and the limit allow."""
    sides = [one.side for one in facts.trades] + [one.side for one in facts.held]
    if len(sides) < TRADES:
        return
    side = max(("long", "short"), key=sides.count)
    part = sides.count(side) / len(sides)
    if part <= facts.rules.bias or wilson(part, len(sides))[0] <= 0.5:
        return
    params = {"side": side, "n": sides.count(side), "of": len(sides), "share": part, "limit_share": facts.rules.bias}
    traded = Evidence("trades", {"n": len(facts.trades)}, "/trades/")
    yield Problem(
        Cause.ONE_SIDED, "", Severity.MEDIUM, params, (traded, MODELS),
        "QT_BIAS_THRESHOLD", Action(href="/models/"),
    )  # fmt: skip


def universe_empty(facts: Facts) -> Iterator[Problem]:
    """The newest snapshot lets no symbol in."""
    seen = facts.seen.universe
    if seen is None or seen.inside:
        return
    yield Problem(
        Cause.UNIVERSE_EMPTY, "", Severity.CRITICAL, {"age_s": facts.ago(seen.at)},
        (Evidence("universe", {"n": 0}, "/universe/"),), "QT_SYMBOLS", Action("refresh_universe", href="/universe/"),
        share=1.0, since=seen.at,
    )  # fmt: skip


DETECTORS = {
    Cause.NO_MODEL: no_model,
    Cause.TRAINING_FAILED: training_failed,
    Cause.MODELS_EXCLUDED: models_excluded,
    Cause.FEATURES_MISMATCHED: features_mismatched,
    Cause.OVERCONFIDENT: overconfident,
    Cause.FEW_VOTERS: few_voters,
    Cause.TOO_LITTLE_HISTORY: too_little_history,
    Cause.NOTHING_TO_LEARN: nothing_to_learn,
    Cause.CANDLES_STALE: candles_stale,
    Cause.ONE_SIDED: one_sided,
    Cause.UNIVERSE_EMPTY: universe_empty,
}

"""AI System: models, supervisor, balancer, retraining. Pure."""

from __future__ import annotations

from datetime import timedelta

from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, lagging, punctual, steady
from monitoring.watch.probes.core import ORDERED, SETTLE
from monitoring.watch.probes.facts import Facts, Topic

# -- AI Models --------------------------------------------------------------------------------------------------------


def voting(facts: Facts) -> Answer:
    """All four models may vote."""
    able = [one for one in facts.champions if not one.quarantined]
    if not facts.champions:
        return unknown("training" if facts.training.running else "no-model", stage=facts.training.stage)
    params = {"n": len(able), "of": facts.limits.models, "kinds": sorted(one.kind for one in able), "href": "/models/"}
    return ok("all-vote", **params) if len(able) >= facts.limits.models else fail("few-vote", **params)


def intact(facts: Facts) -> Answer:
    """No model is kept from voting, and none that votes has raised an alarm."""
    if not facts.champions:
        return unknown("no-model", stage="")
    out = [one for one in facts.champions if one.quarantined]
    if out:
        return fail("quarantined", kind=out[0].kind, why=out[0].quarantined[:120], n=len(out), href="/models/")
    loud = [one for one in facts.champions if one.alarm]
    if loud:
        return fail("alarmed", kind=loud[0].kind, why=loud[0].alarm[:120], n=len(loud), href="/models/")
    return ok("none-quarantined", n=len(facts.champions))


def skilled(facts: Facts) -> Answer:
    """On data that no model saw, the ensemble says more than the base rate does."""
    told = next((one for one in facts.champions if one.log_loss is not None and one.base_log_loss is not None), None)
    if told is None:
        return unknown("skill-unmeasured")
    loss, base = told.log_loss or 0.0, told.base_log_loss or 0.0
    params = {"value": f"{loss:.4f}", "base": f"{base:.4f}", "n": told.cases, "href": "/models/"}
    return ok("skilled", **params) if loss < base else fail("unskilled", **params)


def calibrated(facts: Facts) -> Answer:
    """What was promised came true as often as it was promised."""
    if facts.supervision is None:
        return unknown("not-supervised")
    return told(facts.supervision.calibration, "calibration", facts)


def told(topic: Topic, word: str, facts: Facts) -> Answer:
    """One topic of the supervisor's newest look, as an answer of that moment."""
    seen = facts.supervision
    at = seen.at if seen else None
    params = {"n": topic.n, "value": topic.value, "limit": topic.limit, "side": topic.side, "href": "/models/"}
    if topic.verdict == "unknown":
        return unknown(f"{word}-unmeasured", at, n=topic.n, wanted=topic.wanted)
    return ok(f"{word}-good", at, **params) if topic.verdict == "ok" else fail(f"{word}-bad", at, **params)


# -- Model Supervisor -------------------------------------------------------------------------------------------------


def looks(facts: Facts) -> Answer:
    """It looked at the models lately, and wrote down what it found."""
    pulse = facts.pulses.get("model_supervisor")
    if pulse and (told := lagging(pulse)):
        return fail(told.code, **told.params)
    if facts.supervision is None or pulse is None:
        return unknown("not-supervised")
    limit = pulse.every * 3
    params = {"age_s": age(facts.supervision.at, facts.now), "limit_s": limit.total_seconds(), "href": "/models/"}
    return fail("look-old", **params) if facts.now - facts.supervision.at > limit else ok("look-fresh", **params)


def unbiased(facts: Facts) -> Answer:
    """Independent signals do not lean to one side."""
    if facts.supervision is None:
        return unknown("not-supervised")
    return told(facts.supervision.bias, "bias", facts)


# -- Portfolio Balancer -----------------------------------------------------------------------------------------------


def called(facts: Facts) -> Answer:
    """It looked at the portfolio lately, and since the newest order that was let through."""
    pulse = facts.pulses.get("portfolio_balancer")
    if facts.balance is None or pulse is None:
        return unknown("never-looked")
    if told := lagging(pulse):
        return fail(told.code, **told.params)
    silence, limit = facts.now - facts.balance.at, pulse.every * 3 + SETTLE
    accepted = max((tally.last for tally in facts.decided if tally.outcome in ORDERED), default=None)
    params = {"age_s": age(facts.balance.at, facts.now), "limit_s": limit.total_seconds()}
    if silence > limit:
        return fail("look-old", **params)
    if accepted and facts.balance.at < accepted and facts.now - accepted > pulse.every * 2 + SETTLE:
        return fail("batch-unseen", age_s=age(accepted, facts.now))
    return ok("look-fresh", **params)


def balanced(facts: Facts) -> Answer:
    """Nothing that is open should be smaller."""
    if facts.balance is None:
        return unknown("never-looked")
    if facts.balance.trims:
        symbol, why = facts.balance.trims[0]
        return fail("trims", n=len(facts.balance.trims), symbol=symbol, why=why, href="/positions/")
    return ok("no-trims", n=len(facts.holdings))


# -- Retraining Orchestrator ------------------------------------------------------------------------------------------


def ended_well(facts: Facts) -> Answer:
    """The newest training that ended came to a verdict."""
    run = facts.training
    if not run.outcome:
        return unknown("training" if run.running else "never-trained", stage=run.stage)
    at = age(run.ended_at, facts.now) if run.ended_at else 0.0
    if run.outcome == "failed":
        return fail("training-failed", error=run.error[:200], age_s=at, href="/models/")
    return ok("training-done", age_s=at, href="/models/")


def young(facts: Facts) -> Answer:
    """The models that vote are not too old."""
    if not facts.champions:
        return unknown("no-model", stage="")
    oldest = min(facts.champions, key=lambda one: one.trained_at)
    limit = facts.limits.model_age
    params = {"kind": oldest.kind, "age_s": age(oldest.trained_at, facts.now), "limit_s": limit.total_seconds()}
    return fail("models-old", **params) if facts.now - oldest.trained_at > limit else ok("models-young", **params)


LOOKS = timedelta(minutes=30)  # what the supervisor or the balancer saw counts for so long

PROBES = (
    alive("models", 1),
    steady("models", 1),
    Probe("models.voting", 3, voting),
    Probe("models.intact", 1, intact),
    Probe("models.skilled", 2, skilled),
    Probe("models.calibrated", 2, calibrated, lasts=LOOKS),
    alive("model_supervisor", 2),
    punctual("model_supervisor", 1),
    steady("model_supervisor", 2),
    Probe("model_supervisor.looks", 3, looks),
    Probe("model_supervisor.unbiased", 2, unbiased, lasts=LOOKS),
    alive("portfolio_balancer", 2),
    punctual("portfolio_balancer", 1),
    steady("portfolio_balancer", 2),
    Probe("portfolio_balancer.called", 3, called),
    Probe("portfolio_balancer.balanced", 2, balanced, lasts=LOOKS),
    alive("retraining_orchestrator", 2),
    punctual("retraining_orchestrator", 1),
    steady("retraining_orchestrator", 2),
    Probe("retraining_orchestrator.ended_well", 3, ended_well),
    Probe("retraining_orchestrator.young", 2, young),
)

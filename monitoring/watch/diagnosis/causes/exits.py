"""Exits: what endangers positions that are open. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitoring.watch.diagnosis.causes.counting import position, stake
from monitoring.watch.diagnosis.facts import Facts
from monitoring.watch.diagnosis.problem import Action, Cause, Evidence, Problem, Severity
from monitoring.watch.probes.held import BEHIND, CLOSES, OVERDUE, Held, lag_r, late_close, looks, passed

TURNED, TURNS, TURNED_BARS = timedelta(minutes=30), 3, 10
TOO_NEAR = 1.001  # rounding


def unprotected(facts: Facts) -> Iterator[Problem]:
    """A position without a stop at the venue."""
    limit = facts.seen.limits.naked
    for one in facts.held:
        since = one.unprotected_since or one.opened_at
        if (one.protected and one.unprotected_since is None) or facts.now - since <= limit:
            continue
        params = {"symbol": one.symbol, "age_s": facts.ago(since), "limit_s": limit.total_seconds()}
        yield Problem(
            Cause.UNPROTECTED, one.symbol, Severity.CRITICAL, params, (position(one),), "",
            Action("close_position", str(one.id)), danger=True, stake=stake([one]), since=since,
        )  # fmt: skip


def exits_not_judged(facts: Facts) -> Iterator[Problem]:
    """Open positions that nobody has looked at: no exit would be found for them."""
    limit = looks(facts.rules.monitor)
    late = [one for one in facts.held if facts.now - (one.looked_at or one.opened_at) > limit]
    if not late:
        return
    oldest = min(late, key=lambda one: one.looked_at or one.opened_at)
    since = oldest.looked_at or oldest.opened_at
    params = {"n": len(late), "of": len(facts.held), "symbol": oldest.symbol, "age_s": facts.ago(since),
              "limit_s": limit.total_seconds()}  # fmt: skip
    yield Problem(
        Cause.EXITS_NOT_JUDGED, "", Severity.CRITICAL, params, tuple(map(position, late[:5])), "",
        Action("tick_module", "position_monitor"), danger=True, stake=stake(late), since=since,
    )  # fmt: skip


def risk_value_missing(facts: Facts) -> Iterator[Problem]:
    """A position whose stop distance is no number above zero: nothing that is counted in R can work."""
    for one in facts.held:
        if one.r > 0:
            continue
        params = {"symbol": one.symbol, "value": one.r}
        yield Problem(
            Cause.RISK_VALUE_MISSING, one.symbol, Severity.CRITICAL, params, (position(one),), "",
            Action("close_position", str(one.id)), danger=True, stake=stake([one]), since=one.opened_at,
        )  # fmt: skip


def held_price_stale(facts: Facts) -> Iterator[Problem]:
    """A held symbol without a fresh price: its exits and its stop are judged on an old one."""
    limit = facts.seen.limits.mark_age
    late = [one for one in facts.held if facts.now - (one.mark_at or one.opened_at) > limit]
    if not late:
        return
    oldest = min(late, key=lambda one: one.mark_at or one.opened_at)
    since = oldest.mark_at or oldest.opened_at
    params = {"n": len(late), "of": len(facts.held), "symbol": oldest.symbol, "age_s": facts.ago(since),
              "limit_s": limit.total_seconds()}  # fmt: skip
    yield Problem(
        Cause.HELD_PRICE_STALE, "", Severity.HIGH, params, tuple(map(position, late[:5])), "",
        Action("tick_module", "position_monitor"), danger=True, stake=stake(late), since=since,
    )  # fmt: skip


def trailing_behind(facts: Facts) -> Iterator[Problem]:
    """The best price has passed the activation, and the stop stands where it stood."""
    for one in facts.held:
        lag = lag_r(one, facts.rules.trail_profit, facts.rules.trail_distance)
        if lag < BEHIND or one.status != "open":
            continue
        params = {"symbol": one.symbol, "lag_r": round(lag, 2), "limit_r": BEHIND, "stop": one.stop, "best": one.best}
        yield Problem(
            Cause.TRAILING_BEHIND, one.symbol, Severity.HIGH, params, (position(one),), "",
            Action("tick_module", "trailing"), danger=True, stake=stake([one]),
        )  # fmt: skip


def opposite_signal(facts: Facts) -> Iterator[Problem]:
    """The models changed their mind about what is held, and keep saying so."""
    patience = max(TURNED, facts.seen.bar * TURNED_BARS)
    for one in facts.held:
        n, since = facts.opposed.get(one.symbol, (0, facts.now))
        if n < TURNS or facts.now - since <= patience:
            continue
        params = {"symbol": one.symbol, "side": one.side, "n": n, "age_s": facts.ago(since),
                  "limit_s": patience.total_seconds()}  # fmt: skip
        yield Problem(
            Cause.OPPOSITE_SIGNAL, one.symbol, Severity.MEDIUM, params, (position(one),), "",
            Action("close_position", str(one.id)), danger=True, stake=stake([one]), since=since,
        )  # fmt: skip


def stop_too_near(facts: Facts) -> Iterator[Problem]:
    """Stops nearer than a few times the costs: noise and fees decide, not the model."""
    limit = 1 / facts.rules.min_stop_costs
    near = [one for one in facts.believed if one.cost_r > limit * TOO_NEAR]
    if not near:
        return
    worst = max(near, key=lambda one: one.cost_r)
    params = {"n": len(near), "of": len(facts.believed), "symbol": worst.symbol, "value": round(worst.cost_r, 3),
              "limit": round(limit, 3), "costs": round(1 / worst.cost_r, 2),
              "least": facts.rules.min_stop_costs}  # fmt: skip
    yield Problem(
        Cause.STOP_TOO_NEAR, "", Severity.MEDIUM, params, (Evidence("signals", {"n": len(near)}, "/decisions/"),),
        "QT_MIN_STOP_COSTS", Action(href="/settings/#QT_MIN_STOP_COSTS"), since=min(one.at for one in near),
    )  # fmt: skip


def position_overdue(facts: Facts) -> Iterator[Problem]:
    """A position beyond its time exit."""
    for one in facts.held:
        if facts.now - one.expires_at <= OVERDUE:
            continue
        params = {"symbol": one.symbol, "age_s": facts.ago(one.expires_at), "limit_s": OVERDUE.total_seconds(),
                  "held_s": facts.ago(one.opened_at)}  # fmt: skip
        yield Problem(
            Cause.POSITION_OVERDUE, one.symbol, Severity.HIGH, params, (position(one),), "",
            Action("close_position", str(one.id)), danger=True, stake=stake([one]), since=one.expires_at,
        )  # fmt: skip


def close_fails(facts: Facts) -> Iterator[Problem]:
    """A close that was asked for, or a stop that the market has passed, and the position is still there."""
    held = {one.id: one for one in facts.held}
    for asked in facts.seen.closings:
        one, age = held.get(asked.position), facts.now - asked.requested_at
        if one is not None and late_close(asked, facts.now):
            yield still_open(one, "asked", age, asked.error, facts)
    for one in facts.held:
        if one.breached_at and passed(one, facts.rules.escalate, facts.now):
            yield still_open(one, "passed", facts.now - one.breached_at, "", facts)


def still_open(one: Held, why: str, age: timedelta, error: str, facts: Facts) -> Problem:
    params = {"symbol": one.symbol, "why": why, "age_s": age.total_seconds(), "error": error[:160],
              "limit_s": (CLOSES if why == "asked" else facts.rules.escalate).total_seconds()}  # fmt: skip
    return Problem(
        Cause.CLOSE_FAILS, one.symbol, Severity.CRITICAL, params, (position(one),),
        "QT_STOP_ESCALATE_SECONDS" if why == "passed" else "", Action("tick_module", "position_monitor"), danger=True,
        stake=stake([one]), since=facts.now - age,
    )  # fmt: skip


DETECTORS = {
    Cause.UNPROTECTED: unprotected,
    Cause.EXITS_NOT_JUDGED: exits_not_judged,
    Cause.RISK_VALUE_MISSING: risk_value_missing,
    Cause.HELD_PRICE_STALE: held_price_stale,
    Cause.TRAILING_BEHIND: trailing_behind,
    Cause.OPPOSITE_SIGNAL: opposite_signal,
    Cause.STOP_TOO_NEAR: stop_too_near,
    Cause.POSITION_OVERDUE: position_overdue,
    Cause.CLOSE_FAILS: close_fails,
}

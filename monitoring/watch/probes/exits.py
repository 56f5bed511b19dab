"""Open money: can every position leave, do stops follow, is all that is there as it was decided? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monitoring.watch.probes.answers import Answer, fail, ok
from monitoring.watch.probes.beats import age
from monitoring.watch.probes.facts import Facts
from monitoring.watch.probes.held import BEHIND, OVERDUE, Held, ghost, lag_r, late_close, looks, passed, wrong_side

FEWEST = 5  # entries, before anything is said of most of them


def can_leave(facts: Facts) -> Answer:
    """Every position's way out is open: a stop on the right side, somebody who looks, closes that are carried out."""
    found = list(blocked(facts))
    if not found:
        return ok("exits-open", n=len(facts.held))
    code, one, params = found[0]
    ids = list(dict.fromkeys(held.id for _, held, _ in found))
    return fail(code, symbol=one.symbol, **params, n=len(ids), ids=ids[:5], href="/positions/")


def blocked(facts: Facts) -> Iterator[tuple[str, Held, dict[str, Any]]]:
    """What is in the way, the worst first."""
    now, limits, by_id = facts.now, facts.limits, {one.id: one for one in facts.held}
    for one in facts.held:
        if wrong_side(one):
            yield "stop-wrong-side", one, {"value": one.stop, "entry": one.entry}
    for one in facts.held:
        if not one.r > 0:
            yield "no-stop-distance", one, {"value": f"{one.r:g}"}  # NaN is no JSON
    for asked in facts.closings:
        if asked.position in by_id and late_close(asked, now):
            yield "close-fails", by_id[asked.position], {"age_s": age(asked.requested_at, now), "error": asked.error}
    for one in facts.held:
        if one.breached_at and passed(one, limits.escalate, now):
            yield "stop-passed", one, {"age_s": age(one.breached_at, now), "limit_s": limits.escalate.total_seconds()}
    limit = looks(limits.monitor)
    for one in facts.held:
        if now - (one.looked_at or one.opened_at) > limit:
            old = age(one.looked_at or one.opened_at, now)
            yield "not-looked-at", one, {"age_s": old, "limit_s": limit.total_seconds()}
    for one in facts.held:
        if now - one.expires_at > OVERDUE:
            yield "overdue", one, {"age_s": age(one.expires_at, now), "limit_s": OVERDUE.total_seconds()}


def follows(facts: Facts) -> Answer:
    """Stops of winning positions are where trailing puts them."""
    limits = facts.limits
    lags = {one.symbol: lag_r(one, limits.trail_profit, limits.trail_distance)
            for one in facts.held if one.status == "open"}  # fmt: skip
    worst = max(lags, key=lambda symbol: lags[symbol], default="")
    if worst and lags[worst] >= BEHIND:
        return fail("trails-behind", symbol=worst, value=round(lags[worst], 2), limit=BEHIND, href="/positions/")
    return ok("trails", n=len(lags))


def levered(facts: Facts) -> Answer | None:
    """A no, where a position or all of them together stand with more leverage than is allowed."""
    limit = facts.limits.max_leverage
    params = {"limit": limit, "setting": "QT_MAX_LEVERAGE", "href": "/positions/"}
    over = [one for one in facts.held if one.leverage > limit]
    if over:
        worst = max(over, key=lambda one: one.leverage)
        return fail("leverage-over", n=len(over), symbol=worst.symbol, value=worst.leverage, **params)
    equity = float(facts.account.equity) if facts.account else 0.0
    exposed = sum(one.notional for one in facts.held)
    if equity > 0 and exposed > limit * equity:
        return fail("exposure-over", value=round(exposed / equity, 2), **params)
    return None


def gone(facts: Facts) -> Answer | None:
    """A no, where we keep a position that the venue does not show any more."""
    ghosts = [one for one in facts.held if one.flat_seen_at and ghost(one, facts.now)]
    if not ghosts:
        return None
    oldest = min(ghosts, key=lambda one: one.flat_seen_at or facts.now)
    since = age(oldest.flat_seen_at or facts.now, facts.now)
    return fail("ghost", n=len(ghosts), symbol=oldest.symbol, age_s=since, ids=[one.id for one in ghosts[:5]],
                href="/positions/")  # fmt: skip


def fruitless(facts: Facts) -> Answer | None:
    """A no, where most of the window's entries came to nothing."""
    if facts.entries < FEWEST or facts.fruitless * 2 <= facts.entries:
        return None
    return fail("entries-fruitless", n=facts.fruitless, of=facts.entries, href="/orders/")


def one_mode(facts: Facts) -> Answer:
    """Nothing that another mode wrote stands among ours."""
    if not facts.strange:
        return ok("one-mode")
    what, most = max(facts.strange.items(), key=lambda pair: pair[1])
    return fail("rows-of-another-mode", n=sum(facts.strange.values()), what=what, most=most, href=f"/{what}/")

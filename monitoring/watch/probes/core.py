"""Core Trading: executor, policy, position monitor, trailing, risk guard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from monitoring.watch.probes import exits
from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, lagging, punctual, steady
from monitoring.watch.probes.facts import Facts, Tally

SETTLE = timedelta(seconds=30)  # a closed bar's time to be fetched, judged and stored
ORDERED = ("traded", "pending")

# -- Event Driven Executor --------------------------------------------------------------------------------------------


def judges(facts: Facts) -> Answer:
    """The newest closed bar was judged, and some symbol of it could be."""
    seen = facts.cycles
    if seen.newest_bar is None:
        return unknown("training" if facts.training.running else "no-bar", stage=facts.training.stage)
    silence = facts.now - (seen.newest_bar + facts.bar)
    limit = facts.bar + SETTLE
    if silence > limit:
        return fail("bar-late", age_s=silence.total_seconds(), limit_s=limit.total_seconds())
    if not seen.newest_evaluated:
        code, n = max(seen.newest_absent.items(), key=lambda pair: pair[1], default=("", 0))
        return fail("nothing-evaluated", code=code, n=n)
    return ok("bar-judged", evaluated=seen.newest_evaluated, age_s=silence.total_seconds())


def trades(facts: Facts) -> Answer:
    """Signals become orders, or what keeps them from it is meant: a stop on purpose, full slots, no expected value."""
    if not facts.cycles.bars:
        return unknown("training" if facts.training.running else "no-bar", stage=facts.training.stage)
    signals = total(facts.decided)
    if not signals and not facts.cycles.evaluated:  # nobody was asked: silence that says nothing
        if facts.training.running:
            return unknown("training", stage=facts.training.stage)
        code, n = max(facts.cycles.newest_absent.items(), key=lambda pair: pair[1], default=("", 0))
        return unknown("nothing-evaluated", code=code, n=n)
    if not signals:
        return ok("no-signals", evaluated=facts.cycles.evaluated, window_s=facts.window.total_seconds())
    if traded := sum(tally.n for tally in facts.decided if tally.outcome == "traded"):
        return ok("orders", orders=traded, signals=signals, href="/decisions/?outcome=traded")
    if facts.switch.state != "active":
        return ok("stopped", state=facts.switch.state, by=facts.switch.by, reason=facts.switch.reason, signals=signals)
    if not facts.execution:
        return ok("execution-off", signals=signals)
    unmeant = [tally for tally in facts.decided if not tally.meant and tally.outcome != "pending"]
    meant = [tally for tally in facts.decided if tally.meant]
    if not unmeant and not meant:
        return ok("pending", signals=signals)
    if total(unmeant) <= total(meant):
        top = max(meant, key=lambda tally: tally.n)
        return ok("meant", signals=signals, code=top.code, n=top.n)
    first, limit = min(tally.first for tally in facts.decided), facts.limits.idle
    waiting = facts.now - max(first, facts.last_traded or first)
    if waiting <= limit:
        return ok("young", signals=signals, age_s=waiting.total_seconds(), limit_s=limit.total_seconds())
    top = max(unmeant, key=lambda tally: tally.n)
    idle = facts.now - (facts.last_traded or first)
    return fail(
        "idle", signals=signals, idle_s=idle.total_seconds(), limit_s=limit.total_seconds(), code=top.code, n=top.n,
        href=f"/decisions/?code={top.code}",
    )  # fmt: skip


def total(tallies: Sequence[Tally]) -> int:
    return sum(tally.n for tally in tallies)


def accounts_for_all(facts: Facts) -> Answer:
    """Law 1: every signal has its one decision."""
    if facts.undecided:
        return fail("undecided", n=len(facts.undecided), ids=list(facts.undecided[:5]))
    return ok("all-decided", signals=total(facts.decided))


def answered(facts: Facts) -> Answer:
    """No order's outcome stays unknown for long."""
    late = [(pk, at) for pk, at in facts.adrift if facts.now - at > facts.limits.order_unknown]
    limit = facts.limits.order_unknown.total_seconds()
    if late:
        oldest = age(min(at for _, at in late), facts.now)
        ids = [pk for pk, _ in late[:5]]
        return fail("orders-unknown", n=len(late), age_s=oldest, limit_s=limit, ids=ids, href="/orders/")
    return ok("orders-known", n=len(facts.adrift))


# -- Orchestrator Policy ----------------------------------------------------------------------------------------------


def measured(facts: Facts) -> Answer:
    """The policy was measured on a recent bar."""
    pulse = facts.pulses.get("policy")
    if facts.policy is None or pulse is None or pulse.last_work is None:
        return unknown("policy-never")
    limit = facts.bar * 2 + SETTLE
    version, silence = facts.policy[0], age(pulse.last_work, facts.now)
    if facts.now - pulse.last_work > limit:
        return fail("policy-old", version=version, age_s=silence, limit_s=limit.total_seconds())
    return ok("policy-fresh", version=version, age_s=silence)


def in_force(facts: Facts) -> Answer:
    """There is a policy, and it was there before anything was decided on."""
    if facts.policy is None:
        return unknown("policy-never")
    version, since = facts.policy
    return ok("policy-in-force", version=version, age_s=age(since, facts.now))


# -- Position Monitor -------------------------------------------------------------------------------------------------


def protected(facts: Facts) -> Answer:
    """Law 5: every open position has its stop at the exchange within 5 s."""
    naked = [one for one in facts.holdings if one.protected_since is None]
    limit = facts.limits.naked
    late = [one for one in naked if facts.now - (one.unprotected_since or one.opened_at) > limit]
    if late:
        worst = min(late, key=lambda one: one.unprotected_since or one.opened_at)
        seconds = age(worst.unprotected_since or worst.opened_at, facts.now)
        return fail("naked", n=len(late), symbol=worst.symbol, age_s=seconds, limit_s=limit.total_seconds(),
                    ids=[one.id for one in late[:5]], href="/positions/")  # fmt: skip
    if naked:
        return ok("protecting", n=len(naked), limit_s=limit.total_seconds())
    return ok("protected", n=len(facts.holdings))


def verified(facts: Facts) -> Answer:
    """The exchange itself showed every stop lately."""
    limit = facts.limits.stop_seen
    old = [
        (seen, one)
        for one in facts.holdings
        if facts.now - one.opened_at > limit
        for seen in (min(one.stop_seen_at or one.opened_at, one.backstop_seen_at or one.opened_at),)
        if facts.now - seen > limit
    ]
    if old:
        seen, one = min(old, key=lambda pair: pair[0])
        return fail("stop-unseen", n=len(old), symbol=one.symbol, age_s=age(seen, facts.now),
                    limit_s=limit.total_seconds(), ids=[one.id for _, one in old[:5]], href="/positions/")  # fmt: skip
    return ok("stops-seen", n=len(facts.holdings), limit_s=limit.total_seconds())


def no_gap(facts: Facts) -> Answer:
    """No position that is open, or was within the day, was without a stop for longer than law 5 allows."""
    limit = facts.limits.naked.total_seconds()
    if facts.worst_gap is None:
        return ok("no-positions")
    position, seconds = facts.worst_gap
    params = {"seconds_s": round(seconds, 1), "limit_s": limit, "ids": [position], "href": "/positions/"}
    return fail("gap", **params) if seconds > limit else ok("no-gap", **params)


# -- Trailing Stop Manager --------------------------------------------------------------------------------------------


def sees_all(facts: Facts) -> Answer:
    """Its newest look covered every position that was open then."""
    pulse = facts.pulses.get("trailing")
    if pulse is None or pulse.last_tick is None:
        return unknown("no-tick-yet")
    if told := lagging(pulse):
        return fail(told.code, **told.params)
    open_then = [one for one in facts.holdings if one.opened_at <= pulse.last_tick]
    if not open_then:
        return ok("no-positions")
    if pulse.last_work is None or facts.now - pulse.last_work > pulse.every * 4:
        return fail("works-on-nothing", n=len(open_then), idle=pulse.idle_reason or "–")
    return ok("looked-at", n=pulse.examined, of=len(open_then))


def priced(facts: Facts) -> Answer:
    """Every open position has a fresh mark price."""
    limit = facts.limits.mark_age
    stale = [one for one in facts.holdings if facts.now - (one.mark_at or one.opened_at) > limit]
    if stale:
        worst = min(stale, key=lambda one: one.mark_at or one.opened_at)
        old = age(worst.mark_at or worst.opened_at, facts.now)
        return fail("mark-old", n=len(stale), symbol=worst.symbol, age_s=old, limit_s=limit.total_seconds(),
                    href="/positions/")  # fmt: skip
    return ok("marks-fresh", n=len(facts.holdings))


# -- Risk Guard -------------------------------------------------------------------------------------------------------


def asked(facts: Facts) -> Answer:
    """Its evaluations move with the signals: counted against each other, and newer than the newest decision."""
    pulse = facts.pulses.get("risk_guard")
    if pulse is None or pulse.last_tick is None:
        return unknown("no-tick-yet")
    if told := lagging(pulse):
        return fail(told.code, **told.params)
    newest = max((tally.last for tally in facts.decided), default=None)
    if newest is None:
        return ok("nothing-to-ask", window_s=facts.window.total_seconds())
    patience = pulse.every * 2 + SETTLE
    if facts.now - newest > patience and (pulse.last_work is None or pulse.last_work < newest):
        return fail("not-asked", signals=total(facts.decided), age_s=age(newest, facts.now))
    return ok("asked", signals=total(facts.decided))


def unanimous(facts: Facts) -> Answer:
    """No order left without every gate's yes, and none after entries were stopped."""
    if facts.slipped:
        return fail(
            "slipped", n=len(facts.slipped), ids=list(facts.slipped[:5]), href=f"/decisions/{facts.slipped[0]}/"
        )
    if facts.after_stop:
        return fail("left-after-stop", n=facts.after_stop, by=facts.switch.by, state=facts.switch.state,
                    href="/orders/")  # fmt: skip
    return ok("none-slipped", n=sum(tally.n for tally in facts.decided if tally.outcome != "rejected"))


def within(facts: Facts) -> Answer:
    """No more positions than there are slots, none with more leverage than is allowed."""
    if told := exits.levered(facts):
        return told
    n, limit = len(facts.holdings), facts.limits.max_positions
    say = fail if n > limit else ok
    return say("too-many" if n > limit else "slots", n=n, limit=limit, setting="QT_MAX_POSITIONS")


PROBES = (
    alive("executor", 1),
    steady("executor", 1),
    Probe("executor.judges", 1, judges),
    Probe("executor.trades", 5, trades, caps=True),
    Probe("executor.accounts", 1, accounts_for_all),
    Probe("executor.answered", 1, answered),
    alive("policy", 2),
    punctual("policy", 1),
    steady("policy", 2),
    Probe("policy.measured", 3, measured),
    Probe("policy.in_force", 2, in_force),
    alive("position_monitor", 1),
    punctual("position_monitor", 1),
    steady("position_monitor", 1),
    Probe("position_monitor.protected", 3, protected, caps=True),
    Probe("position_monitor.verified", 1, verified),
    Probe("position_monitor.exits", 2, exits.can_leave),
    Probe("position_monitor.no_gap", 1, no_gap),
    alive("trailing", 1),
    punctual("trailing", 1),
    steady("trailing", 2),
    Probe("trailing.sees_all", 2, sees_all),
    Probe("trailing.priced", 2, priced),
    Probe("trailing.follows", 2, exits.follows),
    alive("risk_guard", 1),
    punctual("risk_guard", 1),
    steady("risk_guard", 2),
    Probe("risk_guard.asked", 3, asked),
    Probe("risk_guard.unanimous", 2, unanimous),
    Probe("risk_guard.within", 1, within),
)

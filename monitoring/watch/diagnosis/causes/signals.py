"""Signals found, no orders: what keeps signals from becoming orders. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from monitoring.watch.diagnosis.causes.counting import (
    count,
    decisions,
    rejected,
    setting_of,
    share,
    since,
    tallies,
    typical,
)
from monitoring.watch.diagnosis.facts import Facts
from monitoring.watch.diagnosis.problem import Action, Cause, Evidence, Problem, Severity
from monitoring.watch.probes.held import ghost
from monitoring.watch.words import market
from trading.codes import MEANINGS, Code

LEAST = 0.05  # of the signals: what explains less is no cause
MOST = 0.5
PASSES = 10  # bars with signals in a row
NAMES = 5
NEAR = 0.005  # of confidence
NEAR_N, NEAR_SHARE = 10, 0.2
OUT_OF_REACH = 0.05  # of confidence above the best of so many judgements
JUDGEMENTS = 200
NOT_TRADING = 0.10  # of the signals
CLOSES = timedelta(hours=1)


def signals_rejected(facts: Facts) -> Iterator[Problem]:
    """Signals and no order for longer than is explained: each code that stopped a part of them."""
    idle = facts.failed("executor.trades")
    if idle is None or idle.code != "idle":
        return
    for code in dict.fromkeys(tally.code for tally in facts.seen.decided):
        n = sum(tally.n for tally in tallies(facts, code) if not tally.meant)
        part = n / facts.signals
        if part < LEAST:
            continue
        case = typical(facts, code)
        params = {"n": n, "of": facts.signals, "idle_s": idle.params["idle_s"], "code": code}
        params |= {"value": case.get("value"), "limit": case.get("limit"), "facts": dict(case.get("facts") or {})}
        yield Problem(
            Cause.SIGNALS_REJECTED, code, Severity.HIGH if part >= MOST else Severity.MEDIUM, params,
            (decisions(facts, code, n),), setting_of(code, case), Action(href=f"/decisions/?code={code}"),
            share=part, since=since(facts, code),
        )  # fmt: skip


def same_rejections(facts: Facts) -> Iterator[Problem]:
    """The same symbols are rejected with the same code at every bar, and nothing is traded."""
    if facts.traded:
        return
    for code in dict.fromkeys(one.code for one in facts.judged if one.outcome == "rejected"):
        if code in Code.__members__ and MEANINGS[Code(code)].meant:
            continue
        passes, symbols, first = streak(facts, code)
        if passes >= PASSES and len(symbols) > 1:
            case, n = typical(facts, code), count(facts, code)
            params = {"passes": passes, "limit_passes": PASSES, "symbols": len(symbols), "code": code,
                      "names": named(symbols), "value": case.get("value"), "limit": case.get("limit"),
                      "facts": dict(case.get("facts") or {})}  # fmt: skip
            yield Problem(
                Cause.SAME_REJECTIONS, code, Severity.MEDIUM, params, (decisions(facts, code, n),),
                setting_of(code, case), Action(href=f"/decisions/?code={code}"), share=share(facts, code), since=first,
            )  # fmt: skip


def named(symbols: Iterable[str]) -> str:
    """Some of them, as people write them."""
    return ", ".join(sorted(market(symbol) for symbol in symbols)[:NAMES])


def streak(facts: Facts, code: str) -> tuple[int, frozenset[str], datetime | None]:
    """How many of the newest bars in a row rejected just the same symbols with this code, and since when."""
    by_bar: dict[datetime, set[str]] = {}
    for one in facts.judged:
        seen = by_bar.setdefault(one.at, set())
        if one.code == code:
            seen.add(one.symbol)
    ordered = sorted(by_bar, reverse=True)
    same = frozenset(by_bar[ordered[0]]) if ordered else frozenset()
    passes, first = 0, None
    for at in ordered:
        if not same or by_bar[at] != same:
            break
        passes, first = passes + 1, at
    return passes, same, first


def minimum_overridden(facts: Facts) -> Iterator[Problem]:
    """A threshold for everything is stricter than what the policy declares, so the policy's minimum binds nobody."""
    declared, binding = facts.policy, facts.rules.confidence_threshold
    if declared is None or binding <= declared.min_confidence:
        return
    mine = [one for one in rejected(facts, Code.LOW_CONFIDENCE) if one.case.get("setting") == "QT_CONFIDENCE_THRESHOLD"]
    low = rejected(facts, Code.LOW_CONFIDENCE)
    part = share(facts, Code.LOW_CONFIDENCE) * len(mine) / len(low) if low else 0.0
    params = {"value": binding, "declared": declared.min_confidence, "regime": declared.regime,
              "version": declared.version, "n": len(mine)}  # fmt: skip
    severity = Severity.MEDIUM if part and not facts.traded else Severity.LOW
    policy = Evidence("policy", {"version": declared.version}, "/policy/")
    yield Problem(
        Cause.MINIMUM_OVERRIDDEN, "", severity, params, (policy,),
        "QT_CONFIDENCE_THRESHOLD", Action(href="/settings/#QT_CONFIDENCE_THRESHOLD"), share=part,
    )  # fmt: skip


def near_threshold(facts: Facts) -> Iterator[Problem]:
    """Many are rejected a hair below the minimum; one that reached it must not be rejected at all."""
    low = rejected(facts, Code.LOW_CONFIDENCE)
    known = [
        one for one in low if isinstance(one.case.get("limit"), float) and isinstance(one.case.get("value"), float)
    ]
    gaps = [(one.case["limit"] - one.case["value"], one) for one in known]
    reached = [one for gap, one in gaps if gap <= 0]
    near = [one for gap, one in gaps if 0 < gap < NEAR]
    found = reached or near
    if not reached and (len(near) < NEAR_N or len(near) < NEAR_SHARE * len(low)):
        return
    case = found[0].case
    part = share(facts, Code.LOW_CONFIDENCE) * len(found) / len(low)
    params = {"n": len(found), "of": len(low), "within": NEAR, "limit": case["limit"], "value": case["value"],
              "reached": len(reached)}  # fmt: skip
    yield Problem(
        Cause.NEAR_THRESHOLD, "", Severity.HIGH if reached else Severity.LOW, params,
        (decisions(facts, Code.LOW_CONFIDENCE, len(low)),), str(case.get("setting") or ""),
        Action(href=f"/decisions/?code={Code.LOW_CONFIDENCE}"), share=part,
    )  # fmt: skip


def threshold_unreachable(facts: Facts) -> Iterator[Problem]:
    """Signals are too weak for a minimum that lies above the best confidence of very many judgements."""
    if not count(facts, Code.LOW_CONFIDENCE):
        return
    known = [bar.highest for bar in facts.bars if bar.highest is not None]
    judgements = sum(bar.evaluated for bar in facts.bars if bar.highest is not None)
    binds = binding(facts)
    if not known or judgements < JUDGEMENTS or binds is None or binds[0] < max(known) + OUT_OF_REACH:
        return
    params = {"value": max(known), "limit": binds[0], "n": judgements, "bars": len(known)}
    yield Problem(
        Cause.THRESHOLD_UNREACHABLE, "", Severity.HIGH, params,
        (decisions(facts, Code.LOW_CONFIDENCE, count(facts, Code.LOW_CONFIDENCE)),), binds[1],
        Action(href=f"/settings/#{binds[1]}"), share=share(facts, Code.LOW_CONFIDENCE),
        since=since(facts, Code.LOW_CONFIDENCE),
    )  # fmt: skip


def binding(facts: Facts) -> tuple[float, str] | None:
    """The strictest minimum now and the setting that it comes from."""
    if facts.policy is None:
        return None
    of_policy = next((name for name in facts.rules.policy_minima if name.endswith(f"_{facts.policy.regime}")), "")
    both = ((facts.policy.min_confidence, of_policy), (facts.rules.confidence_threshold, "QT_CONFIDENCE_THRESHOLD"))
    return max(both, key=lambda one: one[0])


def slots_stuck(facts: Facts) -> Iterator[Problem]:
    """All slots are taken and none has come free for longer than two horizons."""
    limit, patience = facts.rules.max_positions, max(facts.rules.horizon * 2, CLOSES)
    if len(facts.held) < limit or not facts.held:
        return
    freed = max((one.closed_at for one in facts.trades), default=None)
    full = facts.now - max(one.opened_at for one in facts.held)  # since the youngest took the last slot
    if full <= patience or (freed and facts.now - freed <= patience):
        return
    held_for = sorted(facts.ago(one.opened_at) for one in facts.held)
    params = {"n": len(facts.held), "limit": limit, "full_s": full.total_seconds(), "longest_s": held_for[-1],
              "closes": len(facts.trades), "rejected": count(facts, Code.MAX_POSITIONS)}  # fmt: skip
    yield Problem(
        Cause.SLOTS_STUCK, "", Severity.HIGH, params, (Evidence("positions", {"n": len(facts.held)}, "/positions/"),),
        "QT_MAX_POSITIONS", Action(href="/positions/"), share=share(facts, Code.MAX_POSITIONS),
        since=facts.now - full,
    )  # fmt: skip


def ghost_positions(facts: Facts) -> Iterator[Problem]:
    """One side knows a position that the other does not: it takes a slot, or it is nobody's."""
    for symbol in facts.seen.account.foreign if facts.seen.account else ():
        params = {"symbol": symbol, "where": "venue"}
        yield Problem(
            Cause.GHOST_POSITION, symbol, Severity.HIGH, params, (Evidence("positions", {"n": 1}, "/positions/"),),
            "", Action(href="/positions/"), danger=True,
        )  # fmt: skip
    for one in facts.held:
        if one.flat_seen_at and ghost(one, facts.now):
            told = {"symbol": one.symbol, "where": "journal", "age_s": facts.ago(one.flat_seen_at)}
            yield Problem(
                Cause.GHOST_POSITION, one.symbol, Severity.HIGH, told,
                (Evidence("position", {"id": one.id, "symbol": one.symbol}, "/positions/"),),
                "", Action("tick_module", "position_monitor"), danger=True, since=one.flat_seen_at,
            )  # fmt: skip


def bars_not_judged(facts: Facts) -> Iterator[Problem]:
    """Bars close and nobody judges them."""
    late = facts.failed("executor.judges")
    if late is None or late.code != "bar-late" or facts.seen.training.running:
        return
    pulse = facts.seen.pulses.get("executor")
    params = {"age_s": late.params["age_s"], "limit_s": late.params["limit_s"],
              "idle": pulse.idle_reason if pulse else ""}  # fmt: skip
    yield Problem(
        Cause.BARS_NOT_JUDGED, "", Severity.CRITICAL, params, (Evidence("module", {"name": "executor"}, "/modules/"),),
        "", Action("tick_module", "executor"), share=1.0, since=facts.seen.cycles.newest_at,
    )  # fmt: skip


def symbols_not_trading(facts: Facts) -> Iterator[Problem]:
    """Signals on symbols that the venue does not trade."""
    code = Code.SYMBOL_NOT_TRADING
    part = share(facts, code)
    if part < NOT_TRADING:
        return
    names = sorted({one.symbol for one in rejected(facts, code)})
    n = count(facts, code)
    params = {"n": n, "of": facts.signals, "share": part, "limit_share": NOT_TRADING,
              "names": named(names)}  # fmt: skip
    yield Problem(
        Cause.SYMBOLS_NOT_TRADING, "", Severity.MEDIUM, params, (decisions(facts, code, n),), "QT_SYMBOLS",
        Action("refresh_universe"), share=part, since=since(facts, code),
    )  # fmt: skip


def unknown_codes(facts: Facts) -> Iterator[Problem]:
    """A "no" whose code nobody has a meaning for."""
    for tally in facts.seen.decided:
        if tally.outcome in ("rejected", "failed") and tally.code not in Code.__members__:
            params = {"code": tally.code, "n": tally.n, "of": facts.signals}
            yield Problem(
                Cause.UNKNOWN_CODE, tally.code, Severity.HIGH, params, (decisions(facts, tally.code, tally.n),), "",
                Action(href=f"/decisions/?code={tally.code}"), share=tally.n / facts.signals, since=tally.first,
            )  # fmt: skip


def gate_fails(facts: Facts) -> Iterator[Problem]:
    """A gate raised: no order may follow, so its signals are lost."""
    code = Code.GATE_ERROR
    n = count(facts, code)
    if not n:
        return
    told: Mapping = typical(facts, code).get("facts") or {}
    params = {"n": n, "of": facts.signals, "gate": str(told.get("gate", "")), "error": str(told.get("error", ""))}
    yield Problem(
        Cause.GATE_FAILS, "", Severity.HIGH, params, (decisions(facts, code, n),), "",
        Action(href=f"/decisions/?code={code}"), share=share(facts, code), since=since(facts, code),
    )  # fmt: skip


def signals_undecided(facts: Facts) -> Iterator[Problem]:
    """Signals without a decision: the law that nothing vanishes is broken."""
    n = len(facts.seen.undecided)
    if n:
        yield Problem(
            Cause.SIGNALS_UNDECIDED, "", Severity.CRITICAL, {"n": n, "ids": list(facts.seen.undecided[:5])},
            (Evidence("signals", {"n": n}, "/decisions/"),), "", Action("set_switch", "halted"),
            share=min(1.0, n / (facts.signals + n)),
        )  # fmt: skip


def entries_held(facts: Facts) -> Iterator[Problem]:
    """Self-healing lets nothing new in, because of something that it could not heal."""
    for hold in facts.holds:
        code = Code.SELF_HEALING_NO_NEW_TRADES
        params = {"level": hold.level, "key": hold.key, "reason": hold.reason, "age_s": facts.ago(hold.at)}
        incident = Evidence("incident", {"key": hold.key}, "/incidents/")
        yield Problem(
            Cause.ENTRIES_HELD, hold.key, Severity.HIGH, params, (incident,),
            "", Action(href="/incidents/"), share=share(facts, code) if facts.signals else 1.0, since=hold.at,
        )  # fmt: skip


DETECTORS = {
    Cause.SIGNALS_REJECTED: signals_rejected,
    Cause.SAME_REJECTIONS: same_rejections,
    Cause.MINIMUM_OVERRIDDEN: minimum_overridden,
    Cause.NEAR_THRESHOLD: near_threshold,
    Cause.THRESHOLD_UNREACHABLE: threshold_unreachable,
    Cause.SLOTS_STUCK: slots_stuck,
    Cause.GHOST_POSITION: ghost_positions,
    Cause.BARS_NOT_JUDGED: bars_not_judged,
    Cause.SYMBOLS_NOT_TRADING: symbols_not_trading,
    Cause.UNKNOWN_CODE: unknown_codes,
    Cause.GATE_FAILS: gate_fails,
    Cause.SIGNALS_UNDECIDED: signals_undecided,
    Cause.ENTRIES_HELD: entries_held,
}

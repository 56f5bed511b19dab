"""Exchange and orders: what the venue refuses, loses or is never asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from monitoring.watch.diagnosis.causes.counting import count, position, share, since, stake
from monitoring.watch.diagnosis.facts import Facts, Refusals
from monitoring.watch.diagnosis.problem import Action, Cause, Evidence, Problem, Severity
from monitoring.watch.probes.held import wrong_side
from trading.codes import Code
from trading.exchange.errors import KEY

LEAST, OF_SENT = 2, 0.10  # refusals with one code, and their share of what was sent
FAILURES, NEWEST, FEWEST = 0.5, 20, 5  # of the newest entry orders
OVER = ("refused", "not_placed", "expired")
WOULD_TRIGGER = -2021
LIMITED = (-1003, -1015)
KEY_TEXT = re.compile(r"\(-(?:1022|2014|2015)\)|key refused")
LIMIT_TEXT = re.compile(r"\(-(?:1003|1015)\)|HTTP 4(?:18|29)\b")
AT_ONCE = timedelta(seconds=5)
LOST = timedelta(seconds=60)
ACCOUNT_PATIENCE = 4  # times the interval of the module that reads it


def orders(n: int) -> Evidence:
    return Evidence("orders", {"n": n}, "/orders/")


def explained(facts: Facts, part: Refusals) -> float:
    """The share of the signals that failed with this code of the venue."""
    every = sum(one.n for one in facts.refusals)
    return share(facts, Code.EXCHANGE_REJECT, Code.SL_REJECTED_CLOSED) * part.n / every if every else 0.0


def orders_refused(facts: Facts) -> Iterator[Problem]:
    """The venue refuses orders with one and the same code."""
    for one in facts.refusals:
        if one.code in KEY or one.code in LIMITED or one.code == WOULD_TRIGGER:
            continue
        if one.n < LEAST or one.n < OF_SENT * facts.seen.sent:
            continue
        params = {"code": one.code, "n": one.n, "of": facts.seen.sent, "stops": one.stops}
        yield Problem(
            Cause.ORDERS_REFUSED, str(one.code), Severity.HIGH, params, (orders(one.n),), "", remedy(one.code),
            share=explained(facts, one), danger=bool(one.stops and facts.held),
            stake=stake(facts.held) if one.stops else 0.0, since=one.first,
        )  # fmt: skip


def remedy(code: int) -> Action:
    """New rules of the venue help where it says that ours are old; else the orders tell more."""
    return Action("tick_module", "exchange") if code in (-1111, -4164, -1013, -4003, -4014) else Action(href="/orders/")


def orders_fail(facts: Facts) -> Iterator[Problem]:
    """Most of the newest entry orders came to nothing."""
    newest = facts.entries[:NEWEST]
    failed = [one for one in newest if one.status in OVER and facts.ago(one.sent_at) < 86_400]
    if len(newest) < FEWEST or len(failed) <= FAILURES * len(newest):
        return
    params = {"n": len(failed), "of": len(newest), "share": len(failed) / len(newest), "limit_share": FAILURES}
    yield Problem(
        Cause.ORDERS_FAIL, "", Severity.HIGH, params, (orders(len(failed)),), "", Action(href="/orders/"),
        share=share(facts, Code.EXCHANGE_REJECT, Code.EXPIRED), since=min(one.sent_at for one in failed),
    )  # fmt: skip


def errors(facts: Facts, wanted: re.Pattern) -> list[tuple[str, str]]:
    """Modules whose newest run failed with such a text: name, error."""
    failing = [(name, pulse.error) for name, pulse in facts.seen.pulses.items() if pulse.failing]
    return [(name, error) for name, error in failing if wanted.search(error)]


def keys_refused(facts: Facts) -> Iterator[Problem]:
    """The venue does not accept the key: wrong key, wrong address, or no permission."""
    refused = [one for one in facts.refusals if one.code in KEY]
    heard = errors(facts, KEY_TEXT)
    if not refused and not heard:
        return
    n = sum(one.n for one in refused)
    params = {"n": n, "code": refused[0].code if refused else 0, "modules": len(heard), "mode": facts.rules.mode,
              "error": heard[0][1][:160] if heard else ""}  # fmt: skip
    part = share(facts, Code.INFRA_UNAVAILABLE) + sum(explained(facts, one) for one in refused)
    yield Problem(
        Cause.KEYS_REFUSED, "", Severity.CRITICAL, params,
        (orders(n), Evidence("setup", {}, "/setup/")) if n else (Evidence("setup", {}, "/setup/"),), "",
        Action(href="/setup/"), share=min(1.0, part), danger=bool(facts.held), stake=stake(facts.held),
        since=min((one.first for one in refused), default=None),
    )  # fmt: skip


def stops_would_trigger(facts: Facts) -> Iterator[Problem]:
    """Stops that the market had passed before they could be placed: the position is closed at once."""
    found = next((one for one in facts.refusals if one.code == WOULD_TRIGGER), None)
    closed = count(facts, Code.SL_REJECTED_CLOSED)
    n = max(found.n if found else 0, closed)
    if n < LEAST:
        return
    params = {"n": n, "closed": closed, "code": WOULD_TRIGGER}
    first = found.first if found else since(facts, Code.SL_REJECTED_CLOSED)
    yield Problem(
        Cause.STOP_WOULD_TRIGGER, "", Severity.HIGH, params, (orders(n),), "", Action(href="/orders/"),
        share=share(facts, Code.SL_REJECTED_CLOSED), since=first,
    )  # fmt: skip


def closed_at_once(facts: Facts) -> Iterator[Problem]:
    """Trades that were over within seconds: a stop on the wrong side, or one too near."""
    found = [one for one in facts.trades if one.closed_at - one.opened_at < AT_ONCE]
    if len(found) < LEAST:
        return
    lost = sum(one.net for one in found)
    params = {"n": len(found), "of": len(facts.trades), "limit_s": AT_ONCE.total_seconds(), "net": round(lost, 2)}
    yield Problem(
        Cause.CLOSED_AT_ONCE, "", Severity.HIGH, params, (Evidence("trades", {"n": len(found)}, "/trades/"),), "",
        Action(href="/trades/"), since=min(one.opened_at for one in found),
    )  # fmt: skip


def stops_on_wrong_side(facts: Facts) -> Iterator[Problem]:
    """A stop that lies where the position wins."""
    for one in facts.held:
        if not wrong_side(one):
            continue
        params = {"symbol": one.symbol, "side": one.side, "stop": one.stop, "entry": one.entry}
        yield Problem(
            Cause.STOP_ON_WRONG_SIDE, one.symbol, Severity.CRITICAL, params, (position(one),), "",
            Action("close_position", str(one.id)), danger=True, stake=stake([one]), since=one.opened_at,
        )  # fmt: skip


def orders_not_settled(facts: Facts) -> Iterator[Problem]:
    """Orders whose outcome should be known by now."""
    if not facts.unsettled:
        return
    oldest = min(facts.unsettled, key=lambda one: one.sent_at)
    age = facts.ago(oldest.sent_at)
    params = {"n": len(facts.unsettled), "symbol": oldest.symbol, "age_s": age, "limit_s": 10.0,
              "status": oldest.status, "kind": oldest.kind}  # fmt: skip
    yield Problem(
        Cause.ORDERS_NOT_SETTLED, "", Severity.CRITICAL if age > LOST.total_seconds() else Severity.HIGH, params,
        (orders(len(facts.unsettled)),), "", Action("tick_module", "position_monitor"),
        share=share(facts, Code.UNRESOLVED_ORDER, Code.TIMEOUT_UNKNOWN), danger=True, stake=touched(facts),
        since=oldest.sent_at,
    )  # fmt: skip


def touched(facts: Facts) -> float:
    """What is held on the symbols of orders whose outcome is not known."""
    symbols = {one.symbol for one in facts.unsettled}
    return stake(one for one in facts.held if one.symbol in symbols)


def leverage_mismatch(facts: Facts) -> Iterator[Problem]:
    """A position stands with another leverage than was decided, or with more than is allowed."""
    limit = facts.rules.max_leverage
    for one in facts.held:
        decided = one.ticket_leverage
        if one.leverage <= limit and decided in (None, one.leverage):
            continue
        params = {"symbol": one.symbol, "value": one.leverage, "decided": decided, "limit": limit}
        over = one.leverage > limit
        yield Problem(
            Cause.LEVERAGE_MISMATCH, one.symbol, Severity.HIGH if over else Severity.MEDIUM, params, (position(one),),
            "QT_MAX_LEVERAGE" if over else "", Action(href="/positions/"), danger=over, stake=stake([one]),
            since=one.opened_at,
        )  # fmt: skip
    yield from exposure(facts, limit)


def exposure(facts: Facts, limit: int) -> Iterator[Problem]:
    """Everything that is held, against the equity."""
    equity = float(facts.seen.account.equity) if facts.seen.account else 0.0
    held = stake(facts.held)
    if equity > 0 and held > limit * equity:
        params = {"symbol": "", "value": round(held / equity, 2), "decided": None, "limit": limit}
        yield Problem(
            Cause.LEVERAGE_MISMATCH, "", Severity.HIGH, params,
            (Evidence("positions", {"n": len(facts.held)}, "/positions/"),), "QT_MAX_LEVERAGE",
            Action(href="/positions/"), danger=True, stake=held,
        )  # fmt: skip


def rate_limited(facts: Facts) -> Iterator[Problem]:
    """The venue says: too many requests."""
    refused = [one for one in facts.refusals if one.code in LIMITED]
    heard = errors(facts, LIMIT_TEXT)
    if not refused and not heard:
        return
    n = sum(one.n for one in refused)
    params = {"n": n, "modules": len(heard), "error": heard[0][1][:160] if heard else ""}
    part = share(facts, Code.INFRA_UNAVAILABLE) + sum(explained(facts, one) for one in refused)
    shown = orders(n) if n else Evidence("module", {"name": heard[0][0]}, "/modules/")
    yield Problem(
        Cause.RATE_LIMITED, "", Severity.HIGH, params, (shown,), "",
        Action(href="/modules/"), share=min(1.0, part), since=min((one.first for one in refused), default=None),
    )  # fmt: skip


def stops_cancelled(facts: Facts) -> Iterator[Problem]:
    """A stop of an open position was cancelled and none of its kind rests at the venue."""
    resting = {(one.id, kind) for one in facts.seen.holdings
               for kind, at in (("stop", one.stop_seen_at), ("backstop", one.backstop_seen_at)) if at}  # fmt: skip
    by_id = {one.id: one for one in facts.held if one.status == "open"}
    told: set[int] = set()
    for gone in facts.cancelled:
        one = by_id.get(gone.position)
        if one is None or gone.position in told or (gone.position, gone.kind) in resting or facts.ago(gone.at) < 10:
            continue
        told.add(gone.position)
        params = {"symbol": one.symbol, "kind": gone.kind, "age_s": facts.ago(gone.at), "why": gone.why[:120]}
        yield Problem(
            Cause.STOPS_CANCELLED, one.symbol, Severity.CRITICAL, params, (position(one), orders(1)), "",
            Action("tick_module", "position_monitor"), danger=True, stake=stake([one]), since=gone.at,
        )  # fmt: skip


def account_unread(facts: Facts) -> Iterator[Problem]:
    """What the account holds was not read for too long."""
    seen, pulse = facts.seen.account, facts.seen.pulses.get("exchange")
    limit = facts.seen.limits.account_age
    if pulse:
        limit = max(limit, pulse.every * ACCOUNT_PATIENCE)
    part = share(facts, Code.INFRA_UNAVAILABLE)
    if (seen is None and not part) or (seen is not None and facts.now - seen.at <= limit):
        return
    params = {"age_s": facts.ago(seen.at) if seen else None, "limit_s": limit.total_seconds()}
    yield Problem(
        Cause.ACCOUNT_UNREAD, "", Severity.HIGH, params, (Evidence("module", {"name": "exchange"}, "/modules/"),), "",
        Action("tick_module", "exchange"), share=part, since=seen.at if seen else None,
    )  # fmt: skip


DETECTORS = {
    Cause.ORDERS_REFUSED: orders_refused,
    Cause.ORDERS_FAIL: orders_fail,
    Cause.KEYS_REFUSED: keys_refused,
    Cause.STOP_WOULD_TRIGGER: stops_would_trigger,
    Cause.CLOSED_AT_ONCE: closed_at_once,
    Cause.STOP_ON_WRONG_SIDE: stops_on_wrong_side,
    Cause.ORDERS_NOT_SETTLED: orders_not_settled,
    Cause.LEVERAGE_MISMATCH: leverage_mismatch,
    Cause.RATE_LIMITED: rate_limited,
    Cause.STOPS_CANCELLED: stops_cancelled,
    Cause.ACCOUNT_UNREAD: account_unread,
}

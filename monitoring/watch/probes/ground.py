"""Data & Infrastructure: data feed, database, universe, exchange. Pure."""

from __future__ import annotations

from datetime import timedelta

from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, steady
from monitoring.watch.probes.facts import Facts

NO_DATA = ("FEED_STALE", "INSUFFICIENT_HISTORY")
FOUND = timedelta(minutes=16)  # the validator's finding counts for so long: three of its intervals and some
SILENCE = timedelta(seconds=30)  # the venue sends marks every few seconds
SCHEMA = ("tables", "columns", "migrations")
ROUND_TRIP = ("write", "read", "roll_back")

# -- Data Feed --------------------------------------------------------------------------------------------------------


def streams(facts: Facts) -> Answer:
    """The stream brings the candles; REST is only its stand-in."""
    heard = facts.stream.last_work if facts.stream else None
    if heard is None:
        return unknown("no-tick-yet")
    silence = facts.now - heard
    params = {"age_s": round(silence.total_seconds(), 1), "limit_s": SILENCE.total_seconds()}
    return fail("rest-instead", **params) if silence > SILENCE else ok("streaming", **params)


def fresh(facts: Facts) -> Answer:
    """Every symbol's newest candle is young enough to decide on."""
    seen = facts.universe
    if seen is None or not seen.inside:
        return unknown("no-universe")
    limit = facts.limits.data_age
    ages = {symbol: facts.now - seen.closes[symbol] for symbol in seen.inside if symbol in seen.closes}
    if not ages:
        return unknown("no-candle")
    worst = max(ages, key=lambda symbol: ages[symbol])
    stale = [symbol for symbol, old in ages.items() if old > limit]
    params = {"of": len(ages), "symbol": worst, "age_s": round(ages[worst].total_seconds(), 1),
              "limit_s": limit.total_seconds(), "href": "/universe/"}  # fmt: skip
    return fail("candles-old", n=len(stale), **params) if stale else ok("candles-fresh", **params)


def complete(facts: Facts) -> Answer:
    """Hardly a symbol was left unjudged for want of data."""
    seen = facts.cycles
    if not seen.symbols:
        return unknown("no-bar", stage="")
    lost = sum(n for code, n in seen.absent.items() if code in NO_DATA)
    params = {"n": lost, "of": seen.symbols}
    return fail("bars-missing", **params) if lost > seen.symbols * facts.limits.absent else ok("bars-there", **params)


def believable(facts: Facts) -> Answer:
    """No candle of the last hour had to be put aside."""
    if facts.faults:
        kind, n = max(facts.faults.items(), key=lambda pair: pair[1])
        return fail("candles-refused", n=sum(facts.faults.values()), kind=kind, most=n)
    return ok("candles-believed")


# -- Database ---------------------------------------------------------------------------------------------------------


def found(facts: Facts, names: tuple[str, ...]) -> Answer:
    """What the validator's newest finding says about these checks."""
    finding = facts.finding
    if finding is None:
        return unknown("never-validated")
    mine = [check for check in finding.checks if check.name in names]
    bad = next((check for check in mine if not check.passed), None)
    if bad:
        return fail(bad.code, finding.at, **bad.params)
    if len(mine) < len(names):
        return unknown("never-validated", finding.at)
    return ok("database-holds", finding.at, n=len(mine))


def quick(facts: Facts) -> Answer:
    """A write and a read on the app's own connection take no time worth mentioning."""
    finding = facts.finding
    if finding is None or finding.latency_ms is None:
        return unknown("never-validated", finding.at if finding else None)
    params = {"value_ms": round(finding.latency_ms, 1), "limit_ms": facts.limits.round_trip_ms}
    slow = finding.latency_ms > facts.limits.round_trip_ms
    return fail("database-slow", finding.at, **params) if slow else ok("database-quick", finding.at, **params)


# -- Universe OS ------------------------------------------------------------------------------------------------------


def snapshot(facts: Facts) -> Answer:
    """What may be traded was asked for lately."""
    if facts.universe is None:
        return unknown("no-universe")
    limit = facts.limits.universe_age
    params = {"age_s": age(facts.universe.at, facts.now), "limit_s": limit.total_seconds(), "href": "/universe/"}
    old = facts.now - facts.universe.at > limit
    return fail("universe-old", **params) if old else ok("universe-fresh", n=len(facts.universe.inside), **params)


def tradable(facts: Facts) -> Answer:
    if facts.universe is None:
        return unknown("no-universe")
    n = len(facts.universe.inside)
    return ok("tradable", n=n) if n else fail("nothing-tradable", href="/universe/")


def covered(facts: Facts) -> Answer:
    """Every symbol of the universe has candles."""
    if facts.universe is None:
        return unknown("no-universe")
    bare = [symbol for symbol in facts.universe.inside if symbol not in facts.universe.closes]
    if bare:
        return unknown("symbols-unmeasured", n=len(bare), symbols=bare[:5], href="/universe/")
    return ok("all-have-candles", n=len(facts.universe.inside))


# -- Exchange ---------------------------------------------------------------------------------------------------------


def account(facts: Facts) -> Answer:
    """The exchange showed us our account lately: address, keys and clock are right."""
    if facts.account is None:
        return unknown("no-account")
    limit = facts.limits.account_age
    params = {"age_s": age(facts.account.at, facts.now), "limit_s": limit.total_seconds()}
    old = facts.now - facts.account.at > limit
    return fail("account-old", **params) if old else ok("account-fresh", **params)


def prompt(facts: Facts) -> Answer:
    if facts.account is None or facts.account.latency_ms is None:
        return unknown("latency-unmeasured" if facts.account else "no-account")
    at, params = facts.account.at, {"value_ms": facts.account.latency_ms, "limit_ms": facts.limits.answer_ms}
    slow = facts.account.latency_ms > facts.limits.answer_ms
    return fail("exchange-slow", at, **params) if slow else ok("exchange-prompt", at, **params)


def takes_orders(facts: Facts) -> Answer:
    """It takes most of what we send."""
    params = {"n": facts.refused, "of": facts.sent, "href": "/orders/?status=refused"}
    if facts.refused * 2 > facts.sent:
        return fail("orders-refused", **params)
    return ok("orders-taken", **params) if facts.sent else ok("no-orders", window_s=facts.window.total_seconds())


def ours_alone(facts: Facts) -> Answer:
    """What is open there is ours."""
    if facts.account is None:
        return unknown("no-account")
    strange = facts.account.foreign
    if strange:
        return fail("foreign", facts.account.at, n=len(strange), symbol=strange[0])
    return ok("none-foreign", facts.account.at)


SEEN = timedelta(minutes=3)  # the account's last look counts for so long

PROBES = (
    alive("data_feed", 1),
    steady("data_feed", 1),
    Probe("data_feed.streams", 1, streams),
    Probe("data_feed.fresh", 4, fresh),
    Probe("data_feed.complete", 2, complete),
    Probe("data_feed.believable", 1, believable),
    alive("database_validator", 1),
    steady("database_validator", 1),
    Probe("database_validator.schema", 3, lambda facts: found(facts, SCHEMA), lasts=FOUND),
    Probe("database_validator.writes", 3, lambda facts: found(facts, ROUND_TRIP), lasts=FOUND),
    Probe("database_validator.quick", 2, quick, lasts=FOUND),
    alive("universe", 2),
    steady("universe", 1),
    Probe("universe.snapshot", 4, snapshot),
    Probe("universe.tradable", 1, tradable),
    Probe("universe.covered", 2, covered),
    alive("exchange", 2),
    steady("exchange", 1),
    Probe("exchange.account", 3, account),
    Probe("exchange.prompt", 1, prompt, lasts=SEEN),
    Probe("exchange.takes_orders", 2, takes_orders),
    Probe("exchange.ours_alone", 1, ours_alone, lasts=SEEN),
)

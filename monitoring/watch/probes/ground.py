"""Data & Infrastructure: data feed, database, universe, exchange. Pure."""

from __future__ import annotations

from datetime import timedelta

from monitoring.watch.probes import exits
from monitoring.watch.probes.answers import Answer, Probe, fail, ok, unknown
from monitoring.watch.probes.beats import age, alive, steady
from monitoring.watch.probes.facts import Facts

NO_DATA = ("FEED_STALE", "FEED_FROZEN", "INSUFFICIENT_HISTORY")
FOUND = timedelta(minutes=16)  # the validator's finding counts for so long: three of its intervals and some
SILENCE = timedelta(seconds=30)  # from here on REST stands in
MUTE = timedelta(seconds=10)  # the venue sends marks every second, and the stream tells every 5 s that it did
SCHEMA = ("tables", "columns", "types", "constraints", "indexes", "migrations")
KEEPS = ("durability", "references", "integrity", "identity")
ROUND_TRIP = ("write", "read", "roll_back", "room")

# -- Data Feed --------------------------------------------------------------------------------------------------------


def streams(facts: Facts) -> Answer:
    """The stream brings the candles; REST is only its stand-in."""
    heard = facts.stream.last_work if facts.stream else None
    if heard is None:
        return unknown("no-tick-yet")
    silence = facts.now - heard
    params = {"age_s": round(silence.total_seconds(), 1), "limit_s": SILENCE.total_seconds()}
    return fail("rest-instead", **params) if silence > SILENCE else ok("streaming", **params)


def flows(facts: Facts) -> Answer:
    """Messages come as often as prices do, not just now and then."""
    pulse = facts.stream
    if pulse is None or pulse.last_work is None:
        return unknown("no-tick-yet")
    rate = pulse.examined / pulse.every.total_seconds()
    params = {"rate": round(rate, 1), "limit": facts.limits.messages_per_s}
    if rate < facts.limits.messages_per_s or facts.now - pulse.last_work > MUTE:
        return fail("stream-thin", **params | {"age_s": age(pulse.last_work, facts.now)})
    return ok("stream-flows", **params)


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


def whole(facts: Facts) -> Answer:
    """No candle is missing in what the features look at."""
    n, symbols = facts.gaps
    return fail("gaps-open", n=n, symbols=symbols, href="/universe/") if n else ok("no-gaps")


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


def pings(facts: Facts) -> Answer:
    """It answers anybody: the question that needs no key."""
    if facts.ping is None:
        return unknown("no-ping")
    ms, at = facts.ping
    params = {"value_ms": ms, "age_s": age(at, facts.now), "limit_s": facts.limits.ping_age.total_seconds()}
    return fail("ping-old", **params) if facts.now - at > facts.limits.ping_age else ok("pings", at, **params)


def clocks(facts: Facts) -> Answer:
    """Our clock is the exchange's: every age rests on it."""
    if facts.clock is None or facts.now - facts.clock[1] > facts.limits.clock_age:
        return unknown("clock-unmeasured")
    ms, at = facts.clock
    params = {"off_ms": abs(ms), "limit_ms": facts.limits.clock_ms}
    return fail("clock-off", at, **params) if abs(ms) > facts.limits.clock_ms else ok("clock-right", at, **params)


def prompt(facts: Facts) -> Answer:
    if facts.account is None or facts.account.latency_ms is None:
        return unknown("latency-unmeasured" if facts.account else "no-account")
    at, params = facts.account.at, {"value_ms": facts.account.latency_ms, "limit_ms": facts.limits.answer_ms}
    slow = facts.account.latency_ms > facts.limits.answer_ms
    return fail("exchange-slow", at, **params) if slow else ok("exchange-prompt", at, **params)


def takes_orders(facts: Facts) -> Answer:
    """It takes most of what we send, and most entries come to something."""
    params = {"n": facts.refused, "of": facts.sent, "href": "/orders/?status=refused"}
    if facts.refused * 2 > facts.sent:
        return fail("orders-refused", **params)
    if told := exits.fruitless(facts):
        return told
    return ok("orders-taken", **params) if facts.sent else ok("no-orders", window_s=facts.window.total_seconds())


def ours_alone(facts: Facts) -> Answer:
    """What is open there is ours, and what is ours is open there."""
    if facts.account is None:
        return unknown("no-account")
    strange = facts.account.foreign
    if strange:
        return fail("foreign", facts.account.at, n=len(strange), symbol=strange[0])
    return exits.gone(facts) or ok("none-foreign", facts.account.at)


SEEN = timedelta(minutes=3)  # the account's last look counts for so long

PROBES = (
    alive("data_feed", 1),
    steady("data_feed", 1),
    Probe("data_feed.streams", 1, streams),
    Probe("data_feed.flows", 1, flows),
    Probe("data_feed.fresh", 2, fresh),
    Probe("data_feed.complete", 2, complete),
    Probe("data_feed.believable", 1, believable),
    Probe("data_feed.whole", 1, whole),
    alive("database_validator", 1),
    steady("database_validator", 1),
    Probe("database_validator.schema", 2, lambda facts: found(facts, SCHEMA), lasts=FOUND),
    Probe("database_validator.writes", 3, lambda facts: found(facts, ROUND_TRIP), lasts=FOUND),
    Probe("database_validator.keeps", 1, lambda facts: found(facts, KEEPS), lasts=FOUND),
    Probe("database_validator.quick", 1, quick, lasts=FOUND),
    Probe("database_validator.one_mode", 1, exits.one_mode),
    alive("universe", 2),
    steady("universe", 1),
    Probe("universe.snapshot", 4, snapshot),
    Probe("universe.tradable", 1, tradable),
    Probe("universe.covered", 2, covered),
    alive("exchange", 1),
    steady("exchange", 1),
    Probe("exchange.pings", 1, pings),
    Probe("exchange.account", 2, account),
    Probe("exchange.clock", 1, clocks, lasts=SEEN),
    Probe("exchange.prompt", 1, prompt, lasts=SEEN),
    Probe("exchange.takes_orders", 2, takes_orders),
    Probe("exchange.ours_alone", 1, ours_alone, lasts=SEEN),
)

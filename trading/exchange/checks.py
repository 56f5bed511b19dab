"""What is looked at before a venue is traded on, and what each answer means. Pure: facts in, verdicts out.

A result is a code and the numbers behind it; the sentences are written where people read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from trading.exchange import filters as rounding
from trading.exchange.errors import CLOCK, KeyRefused, NotAccepted, Refused, VenueError
from trading.exchange.venue import Account, Filters, Mark, VenueOrder

CHECKS = (
    "address", "clock", "key", "trade", "withdraw", "position_mode", "collateral_mode", "settings", "balance", "rules",
    "stop",
)  # fmt: skip
CHANGES = frozenset({"settings", "stop"})  # these change something at the venue
SIGNED = frozenset(CHECKS) - {"address", "clock"}  # these need a key that is accepted
OPTIONAL = {"testnet": frozenset({"withdraw"})}  # the demo environment holds no money and tells no rights

CLOCK_LIMIT = timedelta(seconds=2)
FAR = Decimal("1.3")  # the probe's trigger, as a multiple of the mark price
BEHIND = Decimal("0.97")  # its limit, as a multiple of the trigger: even triggered, it would wait for a fall
ROOM = Decimal("1.1")  # over the smallest notional
SECRET_CODES = {-2014: "key_malformed", -2015: "key_unknown", -1022: "secret_wrong"}

Fact = str | int | float


class Answer(StrEnum):
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """One check's answer: a code, and the numbers that fill its sentence."""

    check: str
    answer: Answer
    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def ok(check: str, /, **facts: Fact) -> Result:
    return Result(check, Answer.OK, "ok", facts)


def fail(check: str, code: str, /, **facts: Fact) -> Result:
    return Result(check, Answer.FAIL, code, facts)


def unknown(check: str, code: str, /, **facts: Fact) -> Result:
    return Result(check, Answer.UNKNOWN, code, facts)


def trouble(check: str, error: VenueError) -> Result:
    """What an unwelcome answer says about the check that got it. No answer is no "no"."""
    message = str(error)[:200]
    if isinstance(error, KeyRefused):
        return fail(check, SECRET_CODES.get(error.code or 0, "key_unknown"), message=message)
    if isinstance(error, NotAccepted):
        if error.code in CLOCK:
            return fail(check, "clock_refused", message=message)
        return unknown(check, "busy", message=message)
    if isinstance(error, Refused):
        return fail(check, "refused", message=message)
    return unknown(check, "no_answer", message=message)


# -- single verdicts ---------------------------------------------------------------------------------------------------


def clock(offset: timedelta, took: timedelta, limit: timedelta = CLOCK_LIMIT) -> Result:
    """The venue's clock less ours. An answer that took long says less: what it leaves open is no pass."""
    facts: dict[str, Fact] = {"seconds": round(offset.total_seconds(), 2), "limit": limit.total_seconds()}
    doubt = took / 2
    if abs(offset) - doubt > limit:
        return fail("clock", "clock_apart", **facts)
    if abs(offset) + doubt > limit:
        return unknown("clock", "clock_unsure", took=round(took.total_seconds(), 2), **facts)
    return ok("clock", **facts)


def may_trade(allowed: bool) -> Result:
    return ok("trade") if allowed else fail("trade", "may_not_trade")


def may_withdraw(allowed: bool | None) -> Result:
    """A key that can take money out has no place in a trading program."""
    if allowed is None:
        return unknown("withdraw", "not_told")
    return fail("withdraw", "may_withdraw") if allowed else ok("withdraw")


def position_mode(one_way: bool) -> Result:
    return ok("position_mode") if one_way else fail("position_mode", "hedge_mode")


def collateral_mode(multi_assets: bool) -> Result:
    return fail("collateral_mode", "multi_assets") if multi_assets else ok("collateral_mode")


def symbol_settings(symbol: str, was: tuple[str, int], wanted: tuple[str, int], became: tuple[str, int]) -> Result:
    """Margin mode and leverage: what they were, what we set, what the venue shows afterwards."""
    facts: dict[str, Fact] = {
        "symbol": symbol,
        "was_mode": was[0],
        "was_leverage": was[1],
        "mode": became[0],
        "leverage": became[1],
        "wanted_mode": wanted[0],
        "wanted_leverage": wanted[1],
    }
    return ok("settings", **facts) if became == wanted else fail("settings", "not_taken", **facts)


def balance(account: Account, smallest: Decimal | None, leverage: int) -> Result:
    """Free margin, against the margin of the smallest order that the venue takes."""
    facts: dict[str, Fact] = {"available": str(account.available), "equity": str(account.equity)}
    if account.available <= 0:
        return fail("balance", "no_balance", **facts)
    if smallest is None:
        return unknown("balance", "no_rules", **facts)
    needed = smallest / leverage
    facts["needed"] = str(needed.quantize(Decimal("0.01"), ROUND_HALF_EVEN))
    return ok("balance", **facts) if account.available >= needed else fail("balance", "too_little", **facts)


def rules(known: Mapping[str, Filters], wanted: Sequence[str]) -> Result:
    """Filters and leverage brackets of every symbol that is to be traded."""
    trading = {symbol for symbol, rule in known.items() if rule.trading}
    if not trading:
        return fail("rules", "no_symbols")
    strange = [symbol for symbol in wanted if symbol not in trading]
    if strange:
        return fail("rules", "not_listed", symbols=", ".join(strange[:5]), count=len(strange))
    return ok("rules", count=len(wanted) or len(trading), all=len(trading))


def smallest_notional(known: Mapping[str, Filters], wanted: Sequence[str]) -> Decimal | None:
    """The smallest order of the symbols that are to be traded, in USDT."""
    found = [known[s].min_notional for s in (wanted or known) if s in known and known[s].trading]
    return min(found, default=None)


# -- the probe ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Probe:
    """A stop order that can't be reached: smallest quantity, trigger far above the market, limit below its trigger."""

    symbol: str
    quantity: Decimal
    trigger: Decimal
    price: Decimal
    side: str = "buy"


def probe_symbol(
    known: Mapping[str, Filters], marks: Mapping[str, Mark], busy: Collection[str], wanted: Sequence[str]
) -> str | None:
    """Where the probe costs least: a symbol that trades, has a price, and on which nothing of ours or others' is."""
    free = [
        s
        for s in (wanted or known)
        if s in known and known[s].trading and s in marks and s not in busy and s.endswith("/USDT:USDT")
    ]
    return min(free, key=lambda s: (known[s].min_notional, s), default=None)


def probe(rule: Filters, mark: Decimal) -> Probe:
    trigger = rounding.up(mark * FAR, rule.tick)
    price = rounding.down(trigger * BEHIND, rule.tick)
    enough = max(rule.min_quantity, rule.min_notional * ROOM / price)
    return Probe(rule.symbol, rounding.up(enough, rule.step), trigger, price)


def shown_as_sent(wanted: Probe, shown: VenueOrder | None) -> bool:
    """The venue shows the order that we sent, and it rests among the conditional ones."""
    return (
        shown is not None
        and shown.conditional
        and (shown.symbol, shown.quantity, shown.trigger, shown.price)
        == (wanted.symbol, wanted.quantity, wanted.trigger, wanted.price)
    )


# -- all together ------------------------------------------------------------------------------------------------------


def stands_in_the_way(check: str, done: Mapping[str, Result]) -> str:
    """The earlier check without which this one can't be asked; "" where none is."""
    needed = ("address", "key") if check in SIGNED - {"key"} else ("address",) if check != "address" else ()
    return next((name for name in needed if name not in done or done[name].answer is not Answer.OK), "")


def missing(answers: Mapping[str, str], mode: str) -> list[str]:
    """The checks that keep this mode from starting: not OK. What is optional in this mode may be unknown."""
    optional = OPTIONAL.get(mode, frozenset())
    return [
        name
        for name in CHECKS
        if answers.get(name) != Answer.OK and not (name in optional and answers.get(name) == Answer.UNKNOWN)
    ]

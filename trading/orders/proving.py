"""The daily proof of the venue's contract: which orders it takes, when it is due, what its steps amount to. Pure.

The earlier system lost its stops when the venue moved them to other endpoints (-4120). So once a day one stop of the
smallest legal size is placed, read, replaced, cancelled, and one is triggered, where no position can come of it: a
limit order behind the market that waits for a fall (or a rise) of three per cent, and is taken back within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from trading.exchange import checks
from trading.exchange import filters as rounding
from trading.exchange.checks import Fact, Probe
from trading.exchange.errors import KeyRefused, NotAccepted, Refused, VenueError
from trading.exchange.venue import Call, Filters

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
STEPS = ("place", "read", "replace", "cancel", "trigger", "clean")
MODES = ("practice", "testnet", "replay")  # where no real money is; paper's orders go to the practice exchange, too
DAILY = timedelta(hours=24)
AGAIN = timedelta(minutes=30)  # after one that was not OK
LASTS = timedelta(hours=26)  # an OK that is older says nothing about today
DEAD = timedelta(minutes=2)  # a run that gave no sign of life for so long has lost its process
FARTHER = Decimal("1.02")  # the replacement's trigger, as a multiple of the first one's
NEAR = Decimal("0.0002")  # the triggered stop's distance from the mark price
BEHIND = Decimal("0.03")  # its limit's distance from its trigger, on the side that does not fill
NO_MONEY = frozenset({-2019, -2018})  # the account's fault, not the contract's
MACHINES = ("beat", "stream", "self_healing", "worker itself", "trainer itself", "web itself")


@dataclass(frozen=True, slots=True)
class Step:
    """One step's outcome: a code and its numbers. `answer` is the venue's code where it refused something."""

    step: str
    outcome: str
    code: str
    answer: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


def good(step: str, /, **facts: Fact) -> Step:
    return Step(step, OK, "ok", None, facts)


def bad(step: str, code: str, answer: int | None = None, /, **facts: Fact) -> Step:
    return Step(step, FAIL, code, answer, facts)


def unsure(step: str, code: str, answer: int | None = None, /, **facts: Fact) -> Step:
    return Step(step, UNKNOWN, code, answer, facts)


def trouble(step: str, error: VenueError) -> Step:
    """A refusal breaks the contract; silence, overload and an empty account say nothing about it."""
    said = str(error)[:200]
    if isinstance(error, NotAccepted):
        return unsure(step, "busy", error.code, message=said)
    if isinstance(error, Refused | KeyRefused):
        return refusal(step, error.code, said)
    return unsure(step, "no_answer", error.code, message=said)


def refusal(step: str, answer: int | None, said: str) -> Step:
    if answer in NO_MONEY:
        return unsure(step, "no_money", answer, message=said)
    return bad(step, "refused", answer, message=said)


def outcome(steps: Iterable[Step]) -> str:
    """FAIL beats UNKNOWN, and only all of them together are OK."""
    found = {step.outcome for step in steps}
    return FAIL if FAIL in found else UNKNOWN if UNKNOWN in found or not found else OK


def first_trouble(steps: Sequence[Step]) -> str:
    """`place -4120`, or `trigger not_triggered`: the step that failed, or else the first that is not known."""
    for wanted in (FAIL, UNKNOWN):
        for step in steps:
            if step.outcome == wanted and step.code != "not_asked":
                return f"{step.step} {step.answer if step.answer is not None else step.code}"
    return ""


def last_refusal(calls: Sequence[Call]) -> int | None:
    """The code of the newest request that was not simply accepted."""
    return next((call.code for call in reversed(calls) if call.code), None)


def due(last: tuple[datetime, str] | None, now: datetime) -> datetime:
    """When the next one is due, from the start and outcome of the last that is over."""
    if last is None:
        return now
    at, was = last
    return at + (DAILY if was == OK else AGAIN)


def farther(first: Probe, rule: Filters) -> Probe:
    """The replacement: the same stop, its trigger farther away."""
    trigger = rounding.up(first.trigger * FARTHER, rule.tick)
    price = rounding.down(trigger * checks.BEHIND, rule.tick)
    return Probe(first.symbol, first.quantity, trigger, price, first.side)


def near(rule: Filters, mark: Decimal, side: str) -> Probe:
    """A stop that the next moves will trigger: a buy just above the market whose limit lies below it, or the mirror."""
    away = max(mark * NEAR, rule.tick * 2)
    if side == "buy":
        trigger = rounding.up(mark + away, rule.tick)
        price = rounding.down(trigger * (1 - BEHIND), rule.tick)
    else:
        trigger = rounding.down(mark - away, rule.tick)
        price = rounding.up(trigger * (1 + BEHIND), rule.tick)
    lowest = min(price, trigger)
    enough = max(rule.min_quantity, rule.min_notional * checks.ROOM / lowest)
    return Probe(rule.symbol, rounding.up(enough, rule.step), trigger, price, side)

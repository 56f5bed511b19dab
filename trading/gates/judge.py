"""Every signal asked, the passing ones ranked, the slots filled. Every belief ends with exactly one verdict.

1. Each signal is asked by every signal gate.
2. Those that passed are ranked: expected value after costs, then confidence, then symbol.
3. In rank order, while slots are free: the portfolio and size gates, of the order that would be sent. What they reject
   takes no slot, the next one is tried. What they accept changes the desk that the next one sees.

A gate that raises means no order: GATE_ERROR, with the gate's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trading.codes import Code
from trading.forecast.belief import Belief
from trading.gates.desk import Desk, Holding, Rejection
from trading.gates.gates import SIGNAL_GATES, Gate, expected_value, one_position
from trading.gates.sizing import costs_to_enter, draft
from trading.gates.slots import SIZE_GATES, SLOT_GATES, SizeGate, free_slot
from trading.gates.ticket import Ticket

Asked = tuple[tuple[str, bool | None], ...]


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates in the order that names a rejection: signal, slot, size."""

    signal: tuple[Gate, ...] = SIGNAL_GATES
    slot: tuple[Gate, ...] = SLOT_GATES
    size: tuple[SizeGate, ...] = SIZE_GATES

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(gate.__name__ for gate in (*self.signal, *self.slot, *self.size))


GATES = Gates()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one belief. `asked`: each gate by name; True passed, False rejected, None not asked."""

    belief: Belief
    rejections: tuple[Rejection, ...]
    asked: Asked
    ticket: Ticket | None = None
    rank: int | None = None  # among the signals that passed every signal gate

    @property
    def accepted(self) -> bool:
        return self.ticket is not None

    @property
    def code(self) -> Code | None:
        """The first failing gate's, in the order of GATES."""
        return self.rejections[0].code if self.rejections else None


def decide(beliefs: Sequence[Belief], desk: Desk, gates: Gates = GATES) -> list[Verdict]:
    """One verdict per belief, in the beliefs' order. Nothing here remembers anything between two calls."""
    verdicts = [judge(belief, desk, gates) for belief in beliefs]
    passed = [i for i, verdict in enumerate(verdicts) if not verdict.rejections]
    free = max(0, desk.limits.max_positions - len(desk.holdings))
    for rank, i in enumerate(sorted(passed, key=lambda i: merit(beliefs[i], desk)), start=1):
        verdicts[i] = fill(replace(verdicts[i], rank=rank), desk, gates, free)
        if (ticket := verdicts[i].ticket) is not None:
            desk = holding_too(desk, ticket)
    return verdicts


def judge(belief: Belief, desk: Desk, gates: Gates = GATES) -> Verdict:
    """What the signal gates say; slot and size gates are not asked yet."""
    answers = [ask(gate, belief, desk) for gate in gates.signal]
    return Verdict(belief, tuple(no for no in answers if no), named(gates, [no is None for no in answers]))


def merit(belief: Belief, desk: Desk) -> tuple[float, float, str]:
    """Best first: what it earns, how sure it is; the name makes ties come out the same every time."""
    return -expected_value(belief, desk.limits), -belief.confidence, belief.symbol


def fill(verdict: Verdict, desk: Desk, gates: Gates, free: int) -> Verdict:
    """The verdict of a signal that passed and is now at the counter: a ticket, or a rejection."""
    belief = verdict.belief
    if again := ask(one_position, belief, desk):  # a better-ranked signal of this batch has taken the symbol
        return replace(verdict, rejections=(again,), asked=answered(verdict.asked, one_position.__name__, False))
    passed: list[bool | None] = [True] * len(gates.signal)
    noes: list[Rejection] = []
    for gate in gates.slot:
        no = ask(gate, belief, desk)
        passed.append(no is None)
        if no and gate is free_slot:
            facts = {"rank": verdict.rank or 0, "free": free}
            return replace(verdict, rejections=(replace(no, facts=facts),), asked=named(gates, passed))
        noes += [no] if no else []
    ticket = ask(draft, belief, desk)
    if not isinstance(ticket, Ticket):
        return replace(verdict, rejections=(*noes, ticket), asked=named(gates, passed))
    answers = [ask(gate, ticket, desk) for gate in gates.size]
    noes += [no for no in answers if no]
    asked = named(gates, [*passed, *(no is None for no in answers)])
    return replace(verdict, rejections=tuple(noes), asked=asked, ticket=None if noes else ticket)


def ask(gate: Callable[[Any, Desk], Any], subject: Belief | Ticket, desk: Desk) -> Any:
    """The gate's answer. The one broad except of this stage: a gate that raises has said no."""
    try:
        return gate(subject, desk)
    except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
        facts = {"gate": gate.__name__, "error": f"{type(error).__name__}: {error}"[:200]}
        return Rejection(Code.GATE_ERROR, gate.__name__, facts=facts)


def named(gates: Gates, passed: Sequence[bool | None]) -> Asked:
    """Names and answers; the gates behind the last answer were not asked."""
    names = gates.names
    return tuple(zip(names, [*passed, *[None] * (len(names) - len(passed))], strict=True))


def answered(asked: Asked, name: str, passed: bool) -> Asked:
    return tuple((n, passed if n == name else was) for n, was in asked)


def holding_too(desk: Desk, ticket: Ticket) -> Desk:
    """The desk as the next candidate sees it: one holding more, less free margin."""
    held = Holding(ticket.symbol, ticket.side, ticket.notional, ticket.risk, ticket.margin)
    free = desk.available
    if free is not None:
        free -= ticket.margin + costs_to_enter(ticket, desk.limits)
    return replace(desk, holdings=(*desk.holdings, held), available=free)

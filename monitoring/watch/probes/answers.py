"""What a probe says: OK, FAIL or UNKNOWN, a code with its numbers, when that was true and how long it counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitoring.watch.probes.facts import Facts


class State(StrEnum):
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` names the sentence, `params` its numbers, row ids and `href`; both are plain JSON."""

    state: State
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None  # None: measured at this very look
    expires: datetime | None = None


Ask = Callable[[Facts], Answer]


@dataclass(frozen=True, slots=True)
class Probe:
    """One question about one component. `of` is what a yes is worth there; a no to one that `caps` holds the whole."""

    key: str  # component.question
    of: int
    ask: Ask
    lasts: timedelta | None = None  # how long an answer counts after what it rests on was seen
    caps: bool = False

    @property
    def part(self) -> str:
        return self.key.split(".")[0]

    @property
    def question(self) -> str:
        return self.key.split(".")[1]


def ok(code: str, as_of: datetime | None = None, /, **params: Any) -> Answer:
    return Answer(State.OK, code, params, as_of)


def fail(code: str, as_of: datetime | None = None, /, **params: Any) -> Answer:
    return Answer(State.FAIL, code, params, as_of)


def unknown(code: str, as_of: datetime | None = None, /, **params: Any) -> Answer:
    return Answer(State.UNKNOWN, code, params, as_of)


def put(probe: Probe, facts: Facts) -> Answer:
    """The probe's answer, dated; one that rests on what is too old is no answer any more."""
    said = probe.ask(facts)
    as_of = said.as_of or facts.now
    said = replace(said, as_of=as_of, expires=as_of + probe.lasts if probe.lasts else None)
    if said.state is not State.UNKNOWN and said.expires and facts.now > said.expires:
        age, limit = (facts.now - as_of).total_seconds(), (said.expires - as_of).total_seconds()
        return replace(said, state=State.UNKNOWN, code="expired", params={"age_s": age, "limit_s": limit})
    return said

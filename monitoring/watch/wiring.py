"""What the truth table holds against the house, as faults that detectors weigh: not loaded, idle in vain, other code.

What falls silent, hangs or fails has detectors of its own. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitoring.watch.truth import Odd, Status, Truth

NOT_LOADED, IDLE, DIFFERS = "MODULE_NOT_LOADED", "MODULE_IDLE", "CODE_DIFFERS"
YOUNG = timedelta(seconds=90)  # scores are kept when they change, and at least every minute
TOLD_ELSEWHERE = frozenset({"undone-candles", "half-candles"})  # the candles' own age is watched


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that looks as if it ran. `at_once`: it is no passing state, and weighs from the first look on."""

    code: str
    subject: str
    reason: str  # a code of the truth table, with its numbers in `params`
    params: Mapping[str, str | float] = field(default_factory=dict)
    half: bool = False
    vital: bool = False  # entries need it
    at_once: bool = False


def faults(truths: Iterable[Truth], odd: Iterable[Odd], vital: Container[str] = ()) -> tuple[Fault, ...]:
    return (*modules(truths, vital), *strangers(odd))


def modules(truths: Iterable[Truth], vital: Container[str]) -> Iterator[Fault]:
    for one in truths:
        params = {"module": one.seen.one.title} | {name: plain(value) for name, value in one.params.items()}
        if one.status is Status.FAILED:
            yield Fault(NOT_LOADED, one.name, one.code, params, vital=one.name in vital, at_once=True)
        elif one.status is Status.IDLE_TOO_LONG and one.code not in TOLD_ELSEWHERE:
            yield Fault(IDLE, one.name, one.code, params)
        elif one.status is Status.HALF and one.code not in TOLD_ELSEWHERE | {"part-broken"}:
            yield Fault(IDLE, one.name, one.code, params, half=True)


def noted(evidence: Mapping[str, Any], at: datetime | None, now: datetime) -> tuple[Fault, ...]:
    """What the scorekeeper saw wait upstream in vain, where its look is young: evaluations, batches, exits, outcomes.

    Self-healing itself never looks at what trading brings forth. These rest on what was judged and asked, never on
    whether anything was traded.
    """
    if at is None or now - at > YOUNG:
        return ()
    found: dict[str, Fault] = {}
    for part in evidence.get("parts", ()):
        for mark in part["points"]:
            code = str(mark.get("code", ""))
            if code.startswith(("undone-", "half-")) and code not in TOLD_ELSEWHERE:
                params = {"module": part["name"], **mark.get("params", {})}
                found[part["key"]] = Fault(IDLE, part["key"], code, params, half=code.startswith("half-"))
    return tuple(found.values())


def strangers(odd: Iterable[Odd]) -> Iterator[Fault]:
    """One fault for each process, its code before its settings."""
    seen: set[str] = set()
    for one in odd:
        subject = f"{one.process.name}@{one.process.host}"
        if subject in seen:
            continue
        seen.add(subject)
        mine, other = one.values
        params = {"process": one.process.name, "than": one.than.name, "what": one.what, "mine": mine, "other": other}
        yield Fault(DIFFERS, subject, f"{one.what}-differs", params, at_once=True)


def plain(value: object) -> str | float:
    return value if isinstance(value, int | float) else str(value)

"""What was seen during a drill: timestamped facts from rows and from the exchange, as they are stored with the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from monitoring.watch.drills.spec import Drill, Sign

MOST = 60  # facts of one kind and key that are kept: the first ones prove it


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """Something happened at this time: a row's own timestamp, or the exchange's."""

    at: datetime
    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drilled on: a position of ours, or only a symbol. BTC/USDT:USDT."""

    symbol: str = ""
    position: int | None = None
    side: str = ""

    def fill(self, key: str) -> str:
        return key.replace("{symbol}", self.symbol).replace("{id}", str(self.position or ""))


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the judge may know. `laws`: what of the laws did not hold at the newest look; `looked_at` is its time.

    `lawful_at` is the first look since the newest breach at which all of them held; None while one doesn't.
    """

    broken_at: datetime
    looked_at: datetime
    mended_at: datetime | None = None
    subject: Subject = Subject()
    facts: tuple[Fact, ...] = ()
    laws: tuple[str, ...] = ()
    lawful_at: datetime | None = None


def wanted(drill: Drill, subject: Subject) -> tuple[Sign, ...]:
    """Every sign of the drill, with its keys filled in."""
    signs = (*drill.detects, *drill.acts, *drill.verifies)
    return tuple(Sign(sign.kind, tuple(subject.fill(key) for key in sign.keys)) for sign in signs)


def meets(fact: Fact, sign: Sign) -> bool:
    """A * in a key stands for anything."""
    return fact.kind == sign.kind and any(key in ("", fact.key) or fnmatchcase(fact.key, key) for key in sign.keys)


def kept(facts: Iterable[Fact], signs: Iterable[Sign]) -> tuple[Fact, ...]:
    """The facts that a sign asks for, in order of time, the first ones of each."""
    asked, seen, found = tuple(signs), {}, []  # type: tuple[Sign, ...], dict[tuple[str, str], int], list[Fact]
    for fact in sorted(set(facts)):
        name = fact.kind, fact.key
        if any(meets(fact, sign) for sign in asked) and seen.get(name, 0) < MOST:
            seen[name] = seen.get(name, 0) + 1
            found.append(fact)
    return tuple(found)


def as_json(seen: Evidence) -> dict[str, Any]:
    return {
        "broken_at": seen.broken_at.isoformat(),
        "looked_at": seen.looked_at.isoformat(),
        "mended_at": seen.mended_at and seen.mended_at.isoformat(),
        "subject": asdict(seen.subject),
        "facts": [[fact.at.isoformat(), fact.kind, fact.key] for fact in seen.facts],
        "laws": list(seen.laws),
        "lawful_at": seen.lawful_at and seen.lawful_at.isoformat(),
    }


def from_json(row: Mapping[str, Any]) -> Evidence:
    """As it was stored; a run that never broke anything has none, and raises KeyError."""

    def time(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    return Evidence(
        broken_at=datetime.fromisoformat(row["broken_at"]),
        looked_at=datetime.fromisoformat(row["looked_at"]),
        mended_at=time(row["mended_at"]),
        subject=Subject(**row["subject"]),
        facts=tuple(Fact(datetime.fromisoformat(at), kind, key) for at, kind, key in row["facts"]),
        laws=tuple(row["laws"]),
        lawful_at=time(row["lawful_at"]),
    )

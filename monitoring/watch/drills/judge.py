"""Judges a drill by its evidence: found, acted on, over, and the laws kept; each in seconds. Pure.

1. Detected: the first of any sign of detection since it was broken.
2. Acted: the time at which the last of the wanted acts came, since it was broken.
3. Verified: the last of the wanted proofs, newer than the end of the fault, and all laws holding; since the fault was
   over.
What lacks a sign, or had it later than its limit, has failed, and the first thing that was missing is the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitoring.watch.drills.evidence import Evidence, Fact, Subject, meets
from monitoring.watch.drills.spec import Drill, Sign


class Why(StrEnum):
    """Why a drill failed, or could not be run."""

    NOT_DETECTED = "NOT_DETECTED"
    DETECTED_LATE = "DETECTED_LATE"
    NOT_ACTED = "NOT_ACTED"
    ACTED_LATE = "ACTED_LATE"
    NOT_VERIFIED = "NOT_VERIFIED"
    VERIFIED_LATE = "VERIFIED_LATE"
    LAW_BROKEN = "LAW_BROKEN"
    RUNNER_ENDED = "RUNNER_ENDED"
    BROKE = "BROKE"  # the drill itself ran into an error
    # skipped
    NOT_PRACTICE = "NOT_PRACTICE"
    NO_HOUSE = "NO_HOUSE"
    HALTED = "HALTED"
    UNSAFE = "UNSAFE"
    NO_RESTART_LEFT = "NO_RESTART_LEFT"
    BROKEN_ALREADY = "BROKEN_ALREADY"
    NO_DESK = "NO_DESK"
    NO_FAULT_KIND = "NO_FAULT_KIND"
    NO_POSITION = "NO_POSITION"
    NO_ENTRY = "NO_ENTRY"
    NO_SYMBOL = "NO_SYMBOL"
    NO_MODELS = "NO_MODELS"
    NO_PROCESS = "NO_PROCESS"
    OTHER_PROFILE = "OTHER_PROFILE"
    POSITION_GONE = "POSITION_GONE"


SKIPS = frozenset(
    {
        Why.NOT_PRACTICE,
        Why.NO_HOUSE,
        Why.HALTED,
        Why.UNSAFE,
        Why.NO_RESTART_LEFT,
        Why.BROKEN_ALREADY,
        Why.NO_DESK,
        Why.NO_FAULT_KIND,
        Why.NO_POSITION,
        Why.NO_ENTRY,
        Why.NO_SYMBOL,
        Why.NO_MODELS,
        Why.NO_PROCESS,
        Why.OTHER_PROFILE,
        Why.POSITION_GONE,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence shows so far; times are None where they have not come."""

    detected_at: datetime | None = None
    acted_at: datetime | None = None
    verified_at: datetime | None = None
    detected_s: float | None = None
    acted_s: float | None = None
    verified_s: float | None = None
    missing: tuple[str, ...] = ()  # signs that have not come
    laws: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.verified_at is not None


def judge(drill: Drill, seen: Evidence) -> Verdict:
    """What has been shown by now."""
    began, over = seen.broken_at, seen.mended_at
    detected = min(firsts(drill.detects, seen, began), default=None)
    acted = last_of(drill.acts, seen, began)
    if drill.acts == ():
        acted = detected
    proven = last_of(drill.verifies, seen, over) if over else None
    if proven is None and drill.verifies == ():
        proven = over
    verified = max(proven, seen.lawful_at) if proven and seen.lawful_at and detected and acted else None
    if verified and over and acted:
        verified = max(verified, over)
    return Verdict(
        detected,
        acted,
        verified,
        seconds(began, detected),
        seconds(began, acted),
        seconds(over, verified),
        missing=tuple(lacking(drill, seen)),
        laws=seen.laws,
    )


def firsts(signs: Sequence[Sign], seen: Evidence, since: datetime) -> list[datetime]:
    return [at for sign in signs if (at := first(sign, seen.facts, seen.subject, since)) is not None]


def first(sign: Sign, facts: Iterable[Fact], subject: Subject, since: datetime) -> datetime | None:
    """When the sign first came at or after `since`."""
    filled = Sign(sign.kind, tuple(subject.fill(key) for key in sign.keys))
    return min((fact.at for fact in facts if fact.at >= since and meets(fact, filled)), default=None)


def last_of(signs: Sequence[Sign], seen: Evidence, since: datetime) -> datetime | None:
    """When the last of all these signs had come; None while one has not."""
    came = firsts(signs, seen, since)
    return max(came) if signs and len(came) == len(signs) else None


def lacking(drill: Drill, seen: Evidence) -> Iterable[str]:
    began, over = seen.broken_at, seen.mended_at or seen.broken_at
    if not firsts(drill.detects, seen, began):
        yield f"detect {drill.detects[0].kind} {seen.subject.fill(' or '.join(drill.detects[0].keys))}".rstrip()
    for word, signs, since in (("act", drill.acts, began), ("verify", drill.verifies, over)):
        for sign in signs:
            if first(sign, seen.facts, seen.subject, since) is None:
                yield f"{word} {sign.kind} {seen.subject.fill(' or '.join(sign.keys))}".rstrip()


def seconds(since: datetime | None, at: datetime | None) -> float | None:
    return None if since is None or at is None else round(max(0.0, (at - since).total_seconds()), 3)


def fault_of(drill: Drill, verdict: Verdict) -> tuple[Why, Mapping[str, str | float]] | None:
    """Why it failed, with both numbers; None where it passed. To be asked when it is complete or its time is up."""
    steps = (
        (verdict.detected_s, drill.within.detect, Why.NOT_DETECTED, Why.DETECTED_LATE, "detect"),
        (verdict.acted_s, drill.within.act, Why.NOT_ACTED, Why.ACTED_LATE, "act"),
    )
    for took, limit, never, late, word in steps:
        if took is None:
            return never, {"limit": limit, "missing": missing(verdict, word)}
        if took > limit:
            return late, {"value": took, "limit": limit}
    limit = drill.within.verify
    if verdict.verified_s is None:
        if verdict.laws and not missing(verdict, "verify"):
            return Why.LAW_BROKEN, {"law": ", ".join(verdict.laws), "limit": limit}
        return Why.NOT_VERIFIED, {"limit": limit, "missing": missing(verdict, "verify")}
    return (Why.VERIFIED_LATE, {"value": verdict.verified_s, "limit": limit}) if verdict.verified_s > limit else None


def missing(verdict: Verdict, word: str) -> str:
    return ", ".join(one.removeprefix(f"{word} ") for one in verdict.missing if one.startswith(word))

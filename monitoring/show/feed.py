"""The newest decisions as people read them: repeats folded, the reason beside the code. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from monitoring.watch.words import market


@dataclass(frozen=True, slots=True)
class Near:
    """A symbol that was evaluated and is flat: how sure its better side was, and what a signal needs."""

    at: datetime
    title: str
    side: str
    confidence: float
    need: float


@dataclass(frozen=True, slots=True)
class Line:
    """One decision in the feed; `more` decisions of the same bar gave the same answer."""

    id: int
    at: datetime
    symbol: str
    side: str
    confidence: float
    outcome: str
    code: str
    also: tuple[str, ...]  # the other codes
    sentence: str
    bar: int = 0
    more: int = 0

    @property
    def title(self) -> str:
        return market(self.symbol)

    @property
    def chip(self) -> str:
        if self.outcome == "traded":
            return "TRADED"
        return self.code or ("PENDING" if self.outcome == "pending" else self.outcome.upper())

    @property
    def others(self) -> str:
        return ", ".join(self.also)


SHAPES = {"traded": "ok", "failed": "fail", "pending": "unknown"}


def fold(lines: Iterable[Line], limit: int) -> list[Line]:
    """Newest first; within a bar, decisions with the same answer become one line that says how many more."""
    kept: dict[tuple[int, str, str], Line] = {}
    for line in lines:
        key = (line.bar, line.outcome, line.code if line.outcome == "rejected" else str(line.id))
        first = kept.get(key)
        kept[key] = replace(first, more=first.more + 1) if first else line
    return list(kept.values())[:limit]

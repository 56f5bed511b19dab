"""The newest decisions as people read them: repeats folded, the reason beside the code. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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

    @property
    def until(self) -> datetime:
        """The end of a span that holds this batch and no other: one batch has one time."""
        return self.at + timedelta(microseconds=1)


SHAPES = {"traded": "ok", "failed": "fail", "pending": "unknown"}


def answer(line: Line) -> tuple[int, str, str]:
    """Decisions of one bar with the same answer are repeats; trades and failures are never that."""
    return line.bar, line.outcome, line.code if line.outcome == "rejected" else str(line.id)


def fold(lines: Iterable[Line], limit: int) -> list[Line]:
    """Newest first; within a bar, decisions with the same answer become one line that says how many more."""
    return fold_page(lines, limit, cut=False)[0]


def fold_page(lines: Iterable[Line], limit: int, cut: bool = True) -> tuple[list[Line], int | None]:
    """At most `limit` lines, and the id of the last decision in them: the next page begins below it.

    Without `cut`, repeats of what is shown are counted to the end, and the last id means nothing.
    """
    kept: dict[tuple[int, str, str], Line] = {}
    last = None
    for line in lines:
        key = answer(line)
        if first := kept.get(key):
            kept[key] = replace(first, more=first.more + 1)
        elif len(kept) < limit:
            kept[key] = line
        elif cut:
            break
        last = line.id
    return list(kept.values()), last

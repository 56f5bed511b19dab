"""Directives: how much self-healing lets the gates take on, from everything to nothing. The strictest one wins.

To the gates a directive speaks of entries alone: exits, stops and trailing never ask. From NO_NEW_TRADES on none is
let in. While DEFENSIVE_EXIT stands, self-healing asks for the close of positions in danger; while EMERGENCY_SHUTDOWN
does, of all of them, and entry orders that rest are cancelled. An emergency is ended by a person alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Level(StrEnum):
    """In the order of their strictness."""

    ALLOW_ALL = "ALLOW_ALL"
    REDUCED = "REDUCED"
    NO_NEW_TRADES = "NO_NEW_TRADES"
    DEFENSIVE_EXIT = "DEFENSIVE_EXIT"
    EMERGENCY_SHUTDOWN = "EMERGENCY_SHUTDOWN"


ORDER = tuple(Level)
SIZE: Mapping[Level, float] = {Level.ALLOW_ALL: 1.0, Level.REDUCED: 0.5}  # of the risk per trade; none beyond


def strictness(level: Level) -> int:
    return ORDER.index(level)


def strictest(levels: Iterable[Level]) -> Level:
    """ALLOW_ALL where nothing stands."""
    return max(levels, key=strictness, default=Level.ALLOW_ALL)


def holds_entries(level: Level) -> bool:
    return strictness(level) >= strictness(Level.NO_NEW_TRADES)


def size_factor(level: Level) -> float:
    return SIZE.get(level, 0.0)

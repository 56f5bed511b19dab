"""Prices driven by hand: along a path of our own, and from its end on the market continues at the new level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

LONGEST = 7 * 86_400  # seconds
MOST_POINTS = 10_000
HIGHEST = 1e9  # USDT; far above, the source's own moves would leave what whole ticks can count


@dataclass(frozen=True, slots=True)
class Drive:
    """After `start` and until `end` the source is mute; the price jumps to each point's level and stays there."""

    start: int
    end: int
    points: tuple[tuple[int, float], ...]  # wall ms, price

    def cut(self, now: int) -> Drive:
        """The same until now, when the next drive takes over."""
        if self.end <= now:
            return self
        return replace(self, end=now, points=tuple(p for p in self.points if p[0] <= now))

    def level(self, wall: int) -> float:
        """The newest driven price at or before a wall time; `wall` lies after `start`."""
        return next(price for at, price in reversed(self.points) if at <= wall)


def plan(path: Sequence[Sequence[float]], price: float, now: int) -> Drive:
    """A drive along [[seconds from now, price], ...]; until the first point the price stands still.

    Levels are jumps: a gap is a gap. A point at 0 seconds comes in the next millisecond, for this one has been traded
    already.
    """
    if not path:
        raise ValueError("path must have at least one [seconds, price]")
    if len(path) > MOST_POINTS:
        raise ValueError(f"path may have {MOST_POINTS} points, had {len(path)}")
    points = [(now + 1, price)]
    for i, pair in enumerate(path):
        if len(pair) != 2:
            raise ValueError(f"path[{i}] must be [seconds, price], was {list(pair)}")
        seconds, level = float(pair[0]), float(pair[1])
        if not 0 <= seconds <= LONGEST:
            raise ValueError(f"path[{i}]: seconds must be within 0..{LONGEST}, was {seconds}")
        if not 0 < level <= HIGHEST:
            raise ValueError(f"path[{i}]: price must be positive and at most {HIGHEST:.0f}, was {level}")
        wall = max(now + 1, now + round(seconds * 1000))
        if wall < points[-1][0]:
            raise ValueError(f"path[{i}]: seconds must not go back, were {seconds}")
        points.append((wall, level))
    kept = points[1:] if points[1][0] == now + 1 else points
    return Drive(now, kept[-1][0], tuple(kept))


def to_json(drive: Drive) -> list:
    return [drive.start, drive.end, [list(p) for p in drive.points]]


def from_json(row: list) -> Drive:
    return Drive(row[0], row[1], tuple((at, price) for at, price in row[2]))

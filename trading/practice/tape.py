"""Where in the source we are at each moment of wall time: speed, pause, resume, advance.

Positions are whole numbers: `candle_ms` of them make one bar of the source, so at speed 1 a position passes each
millisecond. A tape is a list of segments; the last one goes on for ever. What has been played is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

FASTEST = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    """From `wall` on, the tape is at `position` and moves by `rate` a millisecond."""

    wall: int
    position: int
    rate: int

    def at(self, wall: int) -> int:
        return self.position + self.rate * (wall - self.wall)


@dataclass(frozen=True)
class Tape:
    segments: tuple[Segment, ...]
    speed: int = 1
    paused: bool = False

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a tape needs at least one segment")
        if not 1 <= self.speed <= FASTEST:
            raise ValueError(f"speed must be within 1..{FASTEST}, was {self.speed}")

    @property
    def first(self) -> int:
        """The wall time of position 0: before it there is nothing."""
        return self.segments[0].wall

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        walls = np.array([s.wall for s in self.segments], np.int64)
        starts = np.array([s.position for s in self.segments], np.int64)
        rates = np.array([s.rate for s in self.segments], np.int64)
        ends = starts + rates * np.append(walls[1:] - walls[:-1] - 1, 0)
        ends[-1] = np.iinfo(np.int64).max if rates[-1] else starts[-1]
        return walls, starts, rates, ends

    def position(self, wall: int) -> int:
        """Where the tape is at a wall time; -1 before it begins."""
        if wall < self.first:
            return -1
        last = self.segments[-1]
        if wall >= last.wall:
            return last.at(wall)
        return int(self.positions(np.array([wall], np.int64))[0])

    def positions(self, walls: np.ndarray) -> np.ndarray:
        starts_at, starts, rates, _ = self._columns
        i = np.searchsorted(starts_at, walls, side="right") - 1
        return np.where(i < 0, -1, starts[i] + rates[i] * (walls - starts_at[i]))

    def walls(self, positions: np.ndarray) -> np.ndarray:
        """When each position is reached: the first millisecond at which the tape is there or beyond."""
        starts_at, starts, rates, ends = self._columns
        i = np.searchsorted(ends, positions, side="left")
        ahead = np.maximum(positions - starts[i], 0)
        return starts_at[i] + -(-ahead // np.maximum(rates[i], 1))

    # -- changes: each from `now` on --------------------------------------------------------------------------------
    def at_speed(self, speed: int, now: int) -> Tape:
        changed = replace(self, speed=speed)
        return changed if self.paused else changed._moving(speed, now)

    def pause(self, now: int) -> Tape:
        return replace(self, paused=True)._moving(0, now)

    def resume(self, now: int) -> Tape:
        return replace(self, paused=False)._moving(self.speed, now)

    def advance(self, milliseconds: int, now: int) -> Tape:
        """Play so much at once, in the next millisecond; only a paused tape can."""
        if not self.paused:
            raise ValueError("the market can only be advanced while it is paused")
        if milliseconds <= 0:
            raise ValueError(f"advance needs a positive time, was {milliseconds} ms")
        last, jump = self.segments[-1], milliseconds * self.speed
        if last.wall > now:
            return replace(self, segments=(*self.segments[:-1], replace(last, position=last.position + jump)))
        return replace(self, segments=(*self.segments, Segment(now + 1, last.position + jump, 0)))

    def _moving(self, rate: int, now: int) -> Tape:
        last = self.segments[-1]
        if last.rate == rate:
            return self
        wall = max(now, last.wall)
        new = Segment(wall, last.at(wall), rate)
        kept = self.segments[:-1] if wall == last.wall else self.segments
        return replace(self, segments=(*kept, new))


def to_json(tape: Tape) -> dict:
    return {
        "segments": [[s.wall, s.position, s.rate] for s in tape.segments],
        "speed": tape.speed,
        "paused": tape.paused,
    }


def from_json(state: dict) -> Tape:
    return Tape(tuple(Segment(*row) for row in state["segments"]), state["speed"], state["paused"])

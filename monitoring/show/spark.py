"""A line of equity in 300 x 48: no axis, a dashed line where the day began. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 300.0, 48.0, 4.0


@dataclass(frozen=True, slots=True)
class Spark:
    points: str
    start: float


def spark(values: Sequence[float]) -> Spark | None:
    """None where there are fewer than two points: a line needs two."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = (WIDTH - 4) / (len(values) - 1)

    def y(v: float) -> float:
        flat = HEIGHT / 2 if high == low else HEIGHT - EDGE - (v - low) / span * (HEIGHT - 2 * EDGE)
        return round(flat, 1)

    return Spark(" ".join(f"{2 + i * step:.1f},{y(v)}" for i, v in enumerate(values)), y(values[0]))

"""When a process that died is started again: sooner at first, later each time, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `deaths` within `window` seconds; the first restart after `first` seconds, then doubling."""

    deaths: int = 5
    window: float = 60
    first: float = 0.5

    def recent(self, deaths: Sequence[float], now: float) -> int:
        return sum(1 for at in deaths if now - at < self.window)

    def wait(self, deaths: Sequence[float], now: float) -> float | None:
        """Seconds until the next start after the death at `now` (the last of `deaths`); None to give up."""
        count = self.recent(deaths, now)
        return None if count >= self.deaths else self.first * 2 ** (count - 1)

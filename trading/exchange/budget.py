"""The venue's request budget: a rolling window of weight. Pure, but for the state it keeps; times are seconds."""

from __future__ import annotations

from collections import deque


class Budget:
    """At most `limit` weight in any `window` seconds. Plain reads leave the last fifth to what goes `first`."""

    def __init__(self, limit: float, window: float = 60.0, reserved: float = 0.2) -> None:
        self.limit, self.window, self.reserved = limit, window, reserved
        self.spent: deque[tuple[float, float]] = deque()
        self.total = 0.0

    def wait(self, cost: float, now: float, *, first: bool) -> float:
        """Seconds until a request of this weight may leave; 0 spends it. First: writes, and reads that reduce risk."""
        self._forget(now)
        limit = self.limit if first else self.limit * (1 - self.reserved)
        if self.total + cost <= limit or not self.spent:
            self.spent.append((now, cost))
            self.total += cost
            return 0.0
        return self.spent[0][0] + self.window - now

    def _forget(self, now: float) -> None:
        while self.spent and self.spent[0][0] <= now - self.window:
            self.total -= self.spent.popleft()[1]

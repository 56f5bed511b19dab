"""How long a position was without a stop: what is counted already, and the gap that is open still. Pure."""

from __future__ import annotations

from datetime import datetime


def seconds(counted: float, since: datetime | None, closed: datetime | None, now: datetime) -> float:
    """A gap is counted when a stop is back; one without an end lasts until the position was closed, or until now."""
    return counted if since is None else counted + max(0.0, ((closed or now) - since).total_seconds())

"""Our books against the exchange's: verdict, days, what is there, the canary, slippage. Five queries together."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.show import books
from monitoring.show.panels.base import Panel, register
from monitoring.show.scene import Scene
from monitoring.watch import money
from trading.orders import proving

ROUND = timedelta(minutes=6)  # the reconciliation's interval, and a minute for the round itself


def proven_at(scene: Scene) -> datetime | None:
    runs = scene.once(books.everything).runs
    return (runs[0].finished_at or runs[0].at) if runs else None


register(
    Panel(
        "reconciliation", books.headline, books.checked_at, lambda: money.LATE, timed=True, follows=("canary", "trades")
    ),
    Panel("money_days", books.days, books.checked_at, lambda: ROUND, follows=("reconciliation",)),
    Panel("sides", books.sides, books.looked_at, lambda: ROUND, follows=("reconciliation",)),
    Panel("canary", books.canary, proven_at, lambda: proving.LASTS, timed=True),
    Panel("slippage", books.slips, books.exited_at, lambda: None, follows=("trades",), seldom=5),
)

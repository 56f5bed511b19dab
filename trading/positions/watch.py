"""Exits and trailing on every mark price, in memory: who needs its keeper now, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading.positions import trailing
from trading.positions.exits import Held, Rules, due, stop_passed

AGAIN = timedelta(seconds=1)  # the same need is not told more often


@dataclass(frozen=True, slots=True)
class Need:
    """Something must change about a position: `mind` it. `best` is the best price seen, worth remembering first."""

    position_id: int
    symbol: str
    why: str
    best: Decimal


def seen(held: Held, mark: Decimal, now: datetime) -> Held:
    """The position after a mark price: its best price, and since when its stop is passed."""
    breached = (held.breached_at or now) if stop_passed(held, mark) else None
    return replace(held, best=trailing.better(held.side, held.best, mark), breached_at=breached)


def needs(held: Held, mark: Decimal, now: datetime, rules: Rules) -> Need | None:
    """Why `held` (as `seen` returns it) needs its keeper at this mark, or None."""
    exit = due(held, mark, now, rules)
    if exit is not None:
        return Need(held.position_id, held.symbol, exit.code, held.best)
    if stop_passed(held, mark):
        return Need(held.position_id, held.symbol, "stop_passed", held.best)
    if held.ride and trailing.wanted_stop(held.ride, rules.trail) is not None:
        return Need(held.position_id, held.symbol, "trail", held.best)
    return None


class Watch:
    """The stream's memory of open positions. `load` after each change, `on_marks` at each price."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.held: dict[str, Held] = {}
        self.told: dict[tuple[int, str], datetime] = {}

    def load(self, positions: Iterable[Held]) -> None:
        """Take over what the rows say; what only the memory knows (a better best, an earlier breach) stays."""
        was = self.held
        self.held = {p.symbol: keep(was.get(p.symbol), p) for p in positions}
        ids = {p.position_id for p in self.held.values()}
        self.told = {key: at for key, at in self.told.items() if key[0] in ids}

    def on_marks(self, marks: Mapping[str, Decimal], now: datetime) -> list[Need]:
        """The needs that these prices raise, each told at most once a second."""
        raised = []
        for symbol in self.held.keys() & marks.keys():
            self.held[symbol] = seen(self.held[symbol], marks[symbol], now)
            need = needs(self.held[symbol], marks[symbol], now, self.rules)
            if need and now - self.told.get((need.position_id, need.why), now - AGAIN) >= AGAIN:
                self.told[need.position_id, need.why] = now
                raised.append(need)
        return raised


def keep(was: Held | None, row: Held) -> Held:
    if was is None or was.position_id != row.position_id:
        return row
    return replace(
        row, best=trailing.better(row.side, row.best, was.best), breached_at=row.breached_at or was.breached_at
    )

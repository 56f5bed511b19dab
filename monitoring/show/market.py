"""The universe, symbol by symbol: in or out and why, how old its candle is, how its price went, what it got wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Sum

from monitoring.show.scene import Scene
from monitoring.show.spark import Spark, spark
from monitoring.watch.words import market
from trading.models import Candle, CandleFault, UniverseSnapshot

SPARK_BARS = 30
DAY = timedelta(days=1)
FAULT_KINDS = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """One symbol of the newest snapshot."""

    symbol: str
    status: str
    rank: int | None
    tier: str
    why: str
    closed_at: datetime | None
    age_share: float  # of the limit; 1 where it is passed, or where there is no candle
    last: float | None
    change: float | None  # over the bars of the line
    turnover: float | None  # price times volume over the same bars
    line: Spark | None
    faults: int

    @property
    def title(self) -> str:
        return market(self.symbol)

    @property
    def inside(self) -> bool:
        return self.status == "in"

    @property
    def shape(self) -> str:
        if not self.inside:
            return "unknown"
        if self.closed_at is None or self.age_share >= 1:
            return "fail"
        return "ok"


@dataclass(frozen=True, slots=True)
class Faults:
    """What was wrong with candles of one kind in the last day."""

    kind: str
    count: int
    symbols: int
    last: datetime


def snapshot(scene: Scene) -> UniverseSnapshot | None:
    return UniverseSnapshot.objects.order_by("-at").first()


def closes(scene: Scene) -> dict[str, list[tuple[float, float]]]:
    """Close and volume of the newest bars, oldest first, by symbol; one query."""
    config = settings.QUANTUM
    newest = scene.facts.candle_at
    if newest is None:
        return {}
    recent = Candle.objects.filter(timeframe=config.timeframe, open_time__gte=newest - (SPARK_BARS + 1) * config.bar)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for symbol, close, volume in recent.order_by("open_time").values_list("symbol", "close", "volume"):
        found[symbol].append((close, volume))
    return found


def fault_counts(scene: Scene) -> list[dict[str, Any]]:
    """The last day's faults by kind and symbol; one query."""
    seen = CandleFault.objects.filter(last_seen__gt=scene.now - DAY).order_by()
    counted = seen.values("kind", "symbol").annotate(n=Sum("count"), last=Max("last_seen"))
    return [dict(row) for row in counted]


def faults(scene: Scene) -> list[Faults]:
    """By kind, most frequent first."""
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in scene.once(fault_counts):
        kinds[row["kind"]].append(row)
    made = [
        Faults(kind, sum(row["n"] for row in rows), len(rows), max(row["last"] for row in rows))
        for kind, rows in kinds.items()
    ]
    return sorted(made, key=lambda one: (-one.count, one.kind))[:FAULT_KINDS]


def listed(scene: Scene) -> list[Listed]:
    """Every symbol of the newest snapshot: what is wrong first, then by rank, what is out at the end."""
    taken = scene.once(snapshot)
    if taken is None:
        return []
    universe = scene.universe
    closed = universe.closed if universe else {}
    wrong = total(scene.once(fault_counts))
    prices = scene.once(closes)
    made = [
        one(row, closed.get(row["symbol"]), prices.get(row["symbol"], []), wrong, scene.now, scene.config.max_data_age)
        for row in taken.symbols
    ]
    return sorted(made, key=order)


def total(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row["symbol"]] += row["n"]
    return counts


def one(
    row: dict[str, Any],
    closed: datetime | None,
    bars: Sequence[tuple[float, float]],
    wrong: dict[str, int],
    now: datetime,
    limit: timedelta,
) -> Listed:
    prices = [close for close, _ in bars]
    return Listed(
        symbol=row["symbol"],
        status=row.get("status", ""),
        rank=row.get("rank"),
        tier=str(row.get("tier") or ""),
        why=row.get("why", ""),
        closed_at=closed,
        age_share=min(1.0, max(0.0, (now - closed) / limit)) if closed else 1.0,
        last=prices[-1] if prices else None,
        change=prices[-1] / prices[0] - 1 if len(prices) > 1 else None,
        turnover=sum(close * volume for close, volume in bars) if bars else None,
        line=spark(prices),
        faults=wrong.get(row["symbol"], 0),
    )


def order(one: Listed) -> tuple[bool, bool, int, str]:
    return (not one.inside, one.shape != "fail", one.rank or 0, one.symbol)

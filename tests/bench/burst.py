"""A burst of signals through the executor's own path: gates, ranking, slots, one transaction a bar; counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from tests.gates.builders import beliefs, desk, name, with_market
from trading import cycle as executor
from trading.codes import Code
from trading.forecast.belief import Forecast
from trading.gates.judge import decide
from trading.models import Cycle, Decision, Signal

SIGNALS, A_BAR = 10_000, 500
OUTCOMES = (Decision.TRADED, Decision.REJECTED, Decision.FAILED, Decision.PENDING)
FIRST = datetime.fromisoformat("2026-03-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Sample:
    """What another connection saw at one moment."""

    signals: int
    traded: int
    rejected: int
    failed: int
    pending: int

    @property
    def holds(self) -> bool:
        return self.signals == self.traded + self.rejected + self.failed + self.pending


@dataclass
class Burst:
    seconds: float = 0.0
    slowest: float = 0.0  # seconds from a bar's judgement to its commit
    grown_mb: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    @property
    def broken(self) -> list[Sample]:
        return [one for one in self.samples if not one.holds]


def sample() -> Sample:
    """One statement, so that it sees one moment."""
    seen = Signal.objects.aggregate(
        signals=Count("id"), **{o: Count("decision", filter=Q(decision__outcome=o)) for o in OUTCOMES}
    )
    return Sample(**seen)


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1_000_000


def burst(signals: int = SIGNALS, each: Callable[[], object] | None = None) -> Burst:
    """So many signals, some hundreds in each bar, as fast as they are judged and stored; `each` after every bar."""
    found, over = Burst(), threading.Event()
    watcher = threading.Thread(target=watch, args=(found, over), daemon=True)
    one_bar(0, A_BAR)  # what is loaded once is no growth
    began, before = time.perf_counter(), memory_mb()
    watcher.start()
    for n in range(1, signals // A_BAR):
        started = time.perf_counter()
        one_bar(n, A_BAR)
        found.slowest = max(found.slowest, time.perf_counter() - started)
        found.samples.append(sample())
        if each:
            each()
    found.seconds, found.grown_mb = time.perf_counter() - began, memory_mb() - before
    over.set()
    watcher.join(timeout=10)
    return found


def watch(found: Burst, over: threading.Event) -> None:
    """From another connection, four times a second: in the midst of transactions too."""
    while not over.wait(0.25):
        found.samples.append(sample())
    connection.close()


def one_bar(n: int, many: int) -> Cycle:
    """One bar's batch: judged by the real gates and stored by the executor. Each tenth is against the trend."""
    bar = FIRST + timedelta(minutes=n)
    batch = beliefs(many)
    market = desk([name(i) for i in range(many)])
    for i in range(0, many, 10):
        market = with_market(market, name(i), ema200=150.0)
    judgement = executor.Judgement(
        Forecast(bar=bar, beliefs=tuple(batch), flat=(), absent={}), tuple(decide(batch, market)), market
    )
    now = market.now + timedelta(minutes=n)
    row = Cycle(timeframe=settings.QUANTUM.timeframe, bar=bar, at=now, mode=settings.QUANTUM.mode)
    executor.count(row, judgement.forecast, [one.symbol for one in batch])
    row.desk = executor.as_seen(judgement)
    executor.store(row, judgement, now)
    return row


def unexplained() -> int:
    """Decisions that say no without a known code, a sentence, or the numbers behind it."""
    rows = Decision.objects.filter(outcome=Decision.REJECTED).values_list("code", "sentence", "rejections", "gates")
    return sum(not explained(*row) for row in rows.iterator(2000)) + unplanned()


def explained(code: str, sentence: str, rejections: list[dict], gates: list[dict]) -> bool:
    told = rejections and all(no["code"] in Code.__members__ and no["value"] is not None for no in rejections)
    return bool(code in Code.__members__ and sentence and told and any(gate["passed"] is False for gate in gates))


def unplanned() -> int:
    """Accepted ones without their ticket's numbers or a gate's yes."""
    rows = Decision.objects.exclude(outcome=Decision.REJECTED).values_list("ticket", "gates")
    return sum(not (ticket and all(gate["passed"] for gate in gates)) for ticket, gates in rows)

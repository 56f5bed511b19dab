"""What runs in this stage: AI Models, which sees to it that there are models and counts their votes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum

from trading.feed import rows as feed_rows
from trading.feed.modules import AT_IT
from trading.models import Cycle, ModelVersion, ModuleState, TrainingRun
from trading.runtime import Report, register

KINDS = 4
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=30)


@register
class AIModels:
    """Asks for a training where no champion can answer; otherwise counts what the champions answered."""

    name, title, every, queue = "models", "AI Models", timedelta(seconds=30), "work"

    def tick(self, now: datetime) -> Report:
        from trading.forecast import rows, store

        rows.bury(now)
        market, spec = store.current(), store.spec_from(settings.QUANTUM)
        able = [row for row in rows.standing(market) if store.answers(row, spec)]
        if run := rows.running():
            if rows.rested(run, now):  # its worker was killed, or its task was lost
                store.ring("trading.train", run.pk, queue="train")
            return Report.idle(training(run), examined=len(able))
        if able:
            return at_work(able, rows.standing(market, (ModelVersion.QUARANTINED,)), now)
        if why := not_yet(now):
            return Report.idle(why)
        store.request_training(now, self.name)
        return Report(examined=1, actions=1, panels=rows.PANELS)


def at_work(able: list[ModelVersion], broken: list[ModelVersion], now: datetime) -> Report:
    """Their answers since the last tick; idle where no bar was judged meanwhile."""
    state = ModuleState.objects.filter(name=AIModels.name).first()
    since = state.last_tick if state and state.last_tick else now - AIModels.every
    judged = Cycle.objects.filter(at__gt=since, at__lte=now).aggregate(all=Sum("evaluated"), signals=Sum("signals"))
    votes = len(able) * (judged["all"] or 0)
    if votes:
        return Report(examined=votes, actions=judged["signals"] or 0)
    return Report.idle(champions(able, broken, now), examined=len(able))


def champions(able: list[ModelVersion], broken: list[ModelVersion], now: datetime) -> str:
    """4 champions, trained 12 min ago."""
    minutes = int((now - able[0].trained_at).total_seconds() // 60)
    alarms = [f"{row.kind} is quarantined: {row.alarm}" for row in broken if row.version == able[0].version]
    return "; ".join([f"{len(able)} champions, trained {minutes} min ago", *alarms])[:300]


def training(run: TrainingRun) -> str:
    left = "" if run.eta_seconds is None else f", about {run.eta_seconds:.0f} s left"
    return f"training: {run.stage}, {run.progress:.0%} done{left}"


def not_yet(now: datetime) -> str:
    """Why no training can be asked for now; empty where it can."""
    from trading.forecast import rows

    feed = ModuleState.objects.filter(name="data_feed").first()
    if feed and feed.idle_reason.startswith(("loading history", AT_IT)):
        return f"waiting: {feed.idle_reason}"
    symbols = feed_rows.universe()
    if not symbols:
        return "no universe yet"
    stored = rows.candles(symbols, settings.QUANTUM.timeframe)
    if (pairs := learnable(stored, settings.QUANTUM.QT_HORIZON_BARS)) < (wanted := least()):
        return f"too little history to learn from: {pairs} labelled candles, {wanted} are needed"
    count, last = rows.failures()
    if last and now < (again := last + rest(count)):
        return f"the last {count} trainings failed; the next may start at {again:%H:%M:%S}"
    return ""


def learnable(stored: dict[str, int], horizon: int) -> int:
    """Candles that can have features and a label: those after the warm-up whose horizon is complete."""
    from trading.forecast.features import WARMUP

    return sum(max(0, n - WARMUP - horizon) for n in stored.values())


def least() -> int:
    from trading.forecast.training import MIN_PAIRS

    return MIN_PAIRS


def rest(failures: int) -> timedelta:
    """How long to wait after so many failed trainings: doubling, bounded."""
    return min(FIRST_REST * 2 ** min(failures - 1, 10), LONGEST_REST)

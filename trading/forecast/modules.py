"""What runs in this stage.

AI Models sees to it that there are models and counts their votes; the Model Supervisor tells how good they were; the
Retraining Orchestrator asks for a challenger when one is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Sum

from trading.feed import rows as feed_rows
from trading.feed.modules import AT_IT
from trading.models import Cycle, ModelFinding, ModelVersion, ModuleState, SignalOutcome, TrainingRun
from trading.runtime import Report, register

if TYPE_CHECKING:
    from trading.forecast.retraining import Facts
    from trading.forecast.supervision import Finding

FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=30)


@register
class AIModels:
    """Asks for a training where no champion can answer; otherwise counts what the champions answered."""

    name, title, every, queue = "models", "AI Models", timedelta(seconds=30), "work"

    def tick(self, now: datetime) -> Report:
        from trading.forecast import rows, store

        rows.bury(now)
        market, spec = store.current(), store.spec_from(settings.QUANTUM)
        able = [row for row in rows.standing(market) if store.answers(row, spec) and row.faults < store.MOST_FAULTS]
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


# -- the Model Supervisor ---------------------------------------------------------------------------------------------


@register
class ModelSupervisor:
    """Labels what became of the signals, and judges the ensemble and each champion by it."""

    name, title, queue = "model_supervisor", "Model Supervisor", "work"
    every = timedelta(seconds=settings.QUANTUM.QT_MODEL_SUPERVISOR_INTERVAL)

    def tick(self, now: datetime) -> Report:
        from trading.forecast import outcomes, oversight, rows, store

        spec = store.spec_from(settings.QUANTUM)
        told = outcomes.label(now, spec)
        champions = [row for row in rows.standing(store.current()) if store.answers(row, spec)]
        why = nothing_new(champions)
        if not champions or (why and not told.stored):
            oversight.still_holds(champions, now)
            return worked(told.examined, told.stored) if told.stored else Report.idle(why)
        findings = oversight.survey(champions, spec, now)
        stopped = oversight.write(findings, champions, now)
        if not told.stored and not anything_judged(findings[0]):
            return Report.idle(so_far(findings[0].n), examined=told.examined)
        return worked(told.examined + findings[0].topics["votes"]["n"], told.stored + stopped)


def worked(examined: int, actions: int) -> Report:
    return Report(examined=examined, actions=actions, panels=("models",))


def nothing_new(champions: list[ModelVersion]) -> str:
    """Why there is nobody to look at, or nothing that the last look did not see; empty where there is."""
    if not champions:
        return "no model to supervise yet"
    judged = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe, evaluated__gt=0)
    newest = judged.order_by("-bar").values_list("at", flat=True).first()
    if newest is None:
        return "no bar was judged yet"
    looked = ModelFinding.objects.filter(version=champions[0].version).order_by("-at").values_list("at", flat=True)
    return f"nothing new: no bar was judged since {newest:%H:%M}" if looked and newest <= looked[0] else ""


def anything_judged(finding: Finding) -> bool:
    """Anything but the count of votes could be judged."""
    return any(topic["verdict"] != "unknown" or topic["code"] == "UNPROVEN" for name, topic in finding.topics.items()
               if name != "votes")  # fmt: skip


def so_far(n: int) -> str:
    from trading.forecast.supervision import MIN_LABELLED

    if n < MIN_LABELLED:
        return f"{n} of {MIN_LABELLED} labelled signals so far"
    return f"{n} labelled signals, but from too short a time to judge"


# -- the Retraining Orchestrator --------------------------------------------------------------------------------------


@register
class RetrainingOrchestrator:
    """Asks for a challenger when one is due; it is trained on the train queue, and takes over only if it is better."""

    name, title, every, queue = "retraining_orchestrator", "Retraining Orchestrator", timedelta(minutes=5), "work"

    def tick(self, now: datetime) -> Report:
        from trading.forecast import retraining, rows, store

        if not settings.QUANTUM.QT_CONTINUOUS_LEARNING:
            return Report.idle("continuous learning is off (QT_CONTINUOUS_LEARNING)")
        if run := rows.running():
            return Report.idle(training(run))
        market, spec = store.current(), store.spec_from(settings.QUANTUM)
        champions = [row for row in rows.standing(market) if store.answers(row, spec)]
        if not champions:
            return Report.idle("no champion yet: AI Models asks for the first training")
        facts = retraining_facts(champions, rows.standing(market, (ModelVersion.QUARANTINED,)), now)
        wanted = retraining.due(facts)
        if not wanted.trigger or (why := not_yet(now)):
            return Report.idle(wanted.reason if not wanted.trigger else why, examined=facts.samples)
        store.request_training(now, self.name, wanted.trigger, wanted.reason)
        return Report(examined=max(1, facts.samples), actions=1, panels=rows.PANELS)


def retraining_facts(champions: list[ModelVersion], stopped: list[ModelVersion], now: datetime) -> Facts:
    """What the triggers are judged on; ages in bars."""
    from trading.forecast import rows
    from trading.forecast.retraining import Facts

    last, bar = TrainingRun.objects.order_by("-started_at").first(), settings.QUANTUM.bar
    since = last.started_at if last else champions[0].trained_at
    fresh = SignalOutcome.objects.filter(at__gt=since, hit__isnull=False)
    advice = ModelFinding.objects.filter(at__gt=since).exclude(advice="").order_by("-at").first()
    return Facts(
        samples=fresh.count(),
        age=(now - champions[0].trained_at) / bar,
        since_last=(now - since) / bar,
        refused=rows.refused_in_a_row(),
        broken=tuple(row.kind for row in stopped if row.version == champions[0].version),
        advice=f"{advice.kind}: {advice.reason}" if advice else "",
    )

"""The watchers' queries: rows in, values out. Every function says how many queries it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _

from monitoring.watch.funnel import Funnel, funnel
from monitoring.watch.knobs import knob
from monitoring.watch.liveness import NEVER
from monitoring.watch.retold import retold
from monitoring.watch.venue_words import needs
from monitoring.watch.verdict import Facts, Naked, Switch, Training
from trading import tuning
from trading.exchange.rows import waiting
from trading.laws import conservation
from trading.models import Candle, Cycle, ModelVersion, ModuleState, Position, SwitchChange, TrainingRun, TunedSetting

HOUR = timedelta(hours=1)
RECENT_BARS = 20
TRAINING_SILENCE = timedelta(minutes=2)  # a run that has not beaten for so long is dead


def switch() -> Switch:
    """The kill switch; one query."""
    last = SwitchChange.objects.order_by("-id").first()
    return Switch(last.state, last.at, last.by, last.reason, last.pk) if last else Switch()


def training(now: datetime, runs: Sequence[TrainingRun] | None = None) -> Training | None:
    """The newest training, while it runs or after it failed; one query, none where `runs` has it."""
    run = next(iter(TrainingRun.objects.order_by("-started_at")[:1] if runs is None else runs), None)
    if run is None or run.outcome == "done":
        return None
    if run.outcome == "failed":
        return Training(run.stage, None, run.error or _("The training run gave no reason."))
    if now - run.beat_at > TRAINING_SILENCE:
        return Training(run.stage, None, silence(run))
    ends = run.beat_at + timedelta(seconds=run.eta_seconds) if run.eta_seconds is not None else None
    return Training(run.stage, ends)


def silence(run: TrainingRun) -> str:
    told = {"at": f"{run.beat_at:%H:%M:%S}", "stage": retold(run.stage)}
    return _("Training has been silent since %(at)s, in: %(stage)s.") % told


def champions() -> int:
    """Models that may vote on what is played now; one query."""
    config = settings.QUANTUM
    return ModelVersion.objects.filter(
        status=ModelVersion.CHAMPION, data_source=config.data_source, timeframe=config.timeframe
    ).count()


def newest_close() -> datetime | None:
    """When the newest stored candle closed; one query."""
    config = settings.QUANTUM
    opened = Candle.objects.filter(timeframe=config.timeframe).aggregate(at=Max("open_time"))["at"]
    return opened + config.bar if opened else None


def newest_closes(symbols: Iterable[str], now: datetime) -> dict[str, datetime]:
    """When each symbol's newest candle closed; one query, and one more for those that have no recent one."""
    config = settings.QUANTUM
    mine = Candle.objects.filter(timeframe=config.timeframe)
    newest = mine.values_list("symbol").annotate(at=Max("open_time"))
    found = dict(newest.filter(open_time__gte=now - RECENT_BARS * config.bar))
    late = set(symbols) - set(found)
    if late:
        found |= dict(newest.filter(symbol__in=late))
    return {symbol: at + config.bar for symbol, at in found.items()}


def unprotected(positions: Iterable[Position] | None = None) -> tuple[Naked, ...]:
    """Open positions without a stop at the venue; one query, none where they are given."""
    if positions is None:
        positions = Position.objects.exclude(status=Position.CLOSED).filter(unprotected_since__isnull=False)
    return tuple(Naked(row.symbol, row.unprotected_since) for row in positions if row.unprotected_since)


def undecided() -> int:
    """Signals of all time without a decision; one query."""
    law = conservation()
    return law.signals - law.traded - law.rejected - law.failed - law.pending


def facts(
    now: datetime,
    span: timedelta = HOUR,
    seen: Funnel | None = None,
    tuned: Mapping[str, TunedSetting] | None = None,
    *,
    runs: Sequence[TrainingRun] | None = None,
    positions: Sequence[Position] | None = None,
    voting: int | None = None,
) -> Facts:
    """Everything the headline rests on; seven queries and the funnel's four, less what the asker has read already."""
    seen = seen or funnel(span, now)
    tuned, top = tuning.rows() if tuned is None else tuned, seen.dominant
    config = tuning.overlay(settings.QUANTUM, {name: row.value for name, row in tuned.items()})
    return Facts(
        now=now,
        span=span,
        funnel=seen,
        switch=switch(),
        training=training(now, runs),
        champions=champions() if voting is None else voting,
        candle_at=newest_close(),
        max_age=config.max_data_age + timedelta(seconds=5),
        naked=unprotected(positions),
        undecided=undecided(),
        knob=knob(top.setting, tuned) if top else None,
        flat_limit=1 / (1 + config.QT_TARGET_R),
        venue=config.venue,
        venue_needs=needs(waiting()),
        cost_ceiling=1 / config.QT_MIN_STOP_COSTS,
        **beliefs(now - span),
    )


def beliefs(since: datetime) -> dict[str, float | None]:
    """The best confidence of the span, and the newest bar's costs in R; one query."""
    told = Cycle.objects.filter(at__gte=since, evaluated__gt=0).order_by("bar").values_list("facts", flat=True)
    seen = [row for row in told if row]
    highest = [row["highest"] for row in seen if row.get("highest") is not None]
    return {"best": max(highest, default=None), "cost_r": seen[-1].get("cost_r") if seen else None}


def module_states() -> dict[str, ModuleState]:
    """Every module's row by name; one query."""
    return {state.name: state for state in ModuleState.objects.all()}


__all__ = ["NEVER", "champions", "facts", "funnel", "module_states", "switch", "training", "undecided"]

"""The diagnosis's queries: what the probes know, and what only the detectors ask; no row count changes their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q

from monitoring.watch.diagnosis import house_rows as house
from monitoring.watch.diagnosis.engine import diagnosed
from monitoring.watch.diagnosis.facts import (
    Bar,
    Believed,
    Facts,
    Judged,
    Learned,
    PolicyNow,
    Rules,
)
from monitoring.watch.diagnosis.problem import Diagnosis
from monitoring.watch.knobs import knob
from monitoring.watch.manifest import expected
from monitoring.watch.probes import answers
from monitoring.watch.probes import rows as probe_rows
from monitoring.watch.probes.facts import Facts as Seen
from monitoring.watch.rows import module_states
from monitoring.watch.verdict import Switch
from trading import tuning
from trading.models import (
    Cycle,
    Decision,
    Installation,
    ModelVersion,
    PolicyVersion,
    Signal,
    SwitchChange,
    TunedSetting,
)

DAY = timedelta(days=1)
DECISIONS, SIGNALS, BARS, SOME = 600, 200, 256, 50


def diagnose(now: datetime, seen: Seen | None = None) -> Diagnosis:
    """Read, ask every detector, rank. `seen` are the probes' facts of this moment, where they were read already."""
    tuned = tuning.rows()
    found = diagnosed(read(now, seen, tuned))
    named = tuple(replace(one, knob=knob(one.setting, tuned)) if one.setting else one for one in found.problems)
    return replace(found, problems=named)


def read(now: datetime, seen: Seen | None = None, tuned: Mapping[str, TunedSetting] | None = None) -> Facts:
    """One look: the probes' queries where `seen` is not given, and 21 of its own; two less where nothing is open."""
    tuned = tuning.rows() if tuned is None else tuned
    policy, positions = newest_policy(), house.open_positions()
    config = tuning.overlay(settings.QUANTUM, {name: row.value for name, row in tuned.items()})
    switch = SwitchChange.objects.order_by("-id").first()
    if seen is None:
        known = probe_rows.Known(
            config=config, positions=positions, policy=policy, switch=switch or Switch(), states=module_states()
        )
        seen = probe_rows.read(now, known)
    held, span = tuple(map(house.of_position, positions)), seen.window
    return Facts(
        seen=seen,
        said=answers(seen),
        rules=rules(config),
        policy=of_policy(policy),
        judged=judged(now, span),
        believed=believed(now, span),
        bars=bars(now, span),
        entries=house.entries(),
        refusals=house.refusals(now, span),
        unsettled=house.unsettled(now),
        held=held,
        opposed=house.opposed(held, now),
        cancelled=house.cancelled(held, now),
        trades=house.trades(now),
        loosened=house.loosened(tuned, now),
        holds=house.holds(now),
        learned=learned(config, now),
        alarms=alarms(),
        restarts=house.restarts(now),
        **house.processes(now),
        calls=house.calls(now),
        given_up=house.given_up(switch),
        programs={one.name: one.process for one in expected()},
        born=Installation.objects.aggregate(at=Min("created_at"))["at"],
    )


def rules(config: Any) -> Rules:
    """The settings in force."""
    minima = ("QT_POLICY_MIN_CONF_TRENDING", "QT_POLICY_MIN_CONF_RANGING", "QT_POLICY_MIN_CONF_NORMAL")
    return Rules(
        mode=config.mode,
        confidence_threshold=config.QT_CONFIDENCE_THRESHOLD,
        policy_minima={name: getattr(config, name) for name in minima},
        max_positions=config.QT_MAX_POSITIONS,
        max_leverage=config.QT_MAX_LEVERAGE,
        bias=config.QT_BIAS_THRESHOLD,
        min_stop_costs=config.QT_MIN_STOP_COSTS,
        horizon=config.bar * config.QT_HORIZON_BARS,
        trail_profit=config.QT_TRAILING_MIN_PROFIT,
        trail_distance=config.QT_TRAIL_DISTANCE,
        escalate=timedelta(seconds=config.QT_STOP_ESCALATE_SECONDS),
        monitor=timedelta(seconds=config.QT_POSITION_MONITOR_INTERVAL),
    )


def newest_policy() -> PolicyVersion | None:
    return PolicyVersion.objects.order_by("-version").first()


def of_policy(row: PolicyVersion | None) -> PolicyNow | None:
    if row is None:
        return None
    return PolicyNow(row.version, row.regime, row.min_confidence, row.entries_allowed, row.since, row.why)


# -- signals ----------------------------------------------------------------------------------------------------------


def judged(now: datetime, span: timedelta) -> tuple[Judged, ...]:
    """The window's newest decisions with the rejection that each one's code stands for; one query."""
    mine = Decision.objects.filter(at__gt=now - span, at__lte=now).order_by("-at", "-id")
    rows = mine.values_list("signal__at", "signal__symbol", "signal__side", "outcome", "code", "rejections", "mode")
    return tuple(
        Judged(at, symbol, side, outcome, code, next((no for no in noes if no.get("code") == code), {}), mode)
        for at, symbol, side, outcome, code, noes, mode in rows[:DECISIONS]
    )


def believed(now: datetime, span: timedelta) -> tuple[Believed, ...]:
    """The window's newest signals; one query."""
    mine = Signal.objects.filter(at__gt=now - span, at__lte=now).order_by("-at", "-id")
    rows = mine.values_list("symbol", "side", "at", "confidence", "cost_r", "votes", "excluded")
    return tuple(
        Believed(symbol, side, at, confidence, cost, len(votes),
                 tuple((str(no.get("kind", "")), str(no.get("why", ""))) for no in out))
        for symbol, side, at, confidence, cost, votes, out in rows[:SIGNALS]
    )  # fmt: skip


def bars(now: datetime, span: timedelta) -> tuple[Bar, ...]:
    """The window's judged bars; one query."""
    mine = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe, bar__gt=now - span - settings.QUANTUM.bar)
    rows = mine.order_by("-bar").values_list("bar", "evaluated", "signals", "facts__highest")
    return tuple(Bar(*row) for row in rows[:BARS])


def learned(config: Any, now: datetime) -> Learned:
    """Signals of the last day whose horizon is over, with and without an outcome; one query."""
    over = now - config.bar * (config.QT_HORIZON_BARS + 10)
    mine = Signal.objects.filter(at__gt=over - DAY, at__lte=over)
    counted = mine.aggregate(
        matured=Count("id"), labelled=Count("id", filter=Q(outcome__isnull=False) & ~Q(outcome__ended="unknown"))
    )
    return Learned(**counted)


def alarms() -> dict[str, str]:
    """Champions that raised an alarm; one query."""
    config = settings.QUANTUM
    rows = ModelVersion.objects.filter(
        status=ModelVersion.CHAMPION, data_source=config.data_source, timeframe=config.timeframe
    ).exclude(alarm="")
    return dict(rows.values_list("kind", "alarm")[:SOME])

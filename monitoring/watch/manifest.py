"""The modules that must run here, whoever registers them: what is expected and silent is an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from django.conf import settings

from monitoring.watch.liveness import Expected
from trading import runtime

KEEPER = "position_monitor"
NOTHING: Mapping[str, tuple[timedelta, bool]] = MappingProxyType({})


def expected(edited: Mapping[str, tuple[timedelta, bool]] = NOTHING) -> tuple[Expected, ...]:
    """Names and titles are the mission's; intervals are the settings'. A registered module's own interval wins, and
    a longer one that somebody gave it in the admin: who is called seldom on purpose is not late. Not so the keeper of
    positions: without it no passed stop is escalated."""
    config = settings.QUANTUM
    bar, second = config.bar, timedelta(seconds=1)
    table = (
        Expected("data_feed", "Data Feed", "stream", bar),
        Expected("universe", "Universe OS", "worker", timedelta(minutes=5)),
        Expected("models", "AI Models", "worker", bar),
        Expected("policy", "Orchestrator Policy", "worker", bar),
        Expected("executor", "Event Driven Executor", "worker", second * 10),
        Expected("risk_guard", "Risk Guard", "worker", bar),
        Expected("exchange", "Exchange", "worker", second * 10),
        Expected("position_monitor", "Position Monitor", "worker", second * config.QT_POSITION_MONITOR_INTERVAL),
        Expected("trailing", "Trailing Stop Manager", "worker", second * config.QT_TRAILING_CHECK_INTERVAL),
        Expected("model_supervisor", "Model Supervisor", "worker", second * config.QT_MODEL_SUPERVISOR_INTERVAL),
        Expected("portfolio_balancer", "Portfolio Balancer", "worker", second * config.QT_PORTFOLIO_BALANCER_INTERVAL),
        Expected("retraining_orchestrator", "Retraining Orchestrator", "worker", timedelta(minutes=5)),
        Expected("database_validator", "Database Validator", "worker", timedelta(minutes=5)),
        Expected("self_healing", "Self-Healing", "worker", second * 30),
    )
    known = tuple(with_own_interval(one) for one in table) + unlisted({one.name for one in table})
    longer = {name: every for name, (every, _enabled) in edited.items() if name != KEEPER}
    return tuple(replace(one, every=max(one.every, longer.get(one.name, one.every))) for one in known)


def with_own_interval(one: Expected) -> Expected:
    module = runtime.MODULES.get(one.name)
    return Expected(one.name, module.title, one.process, max(module.every, one.every)) if module else one


def unlisted(known: set[str]) -> tuple[Expected, ...]:
    """Modules that registered themselves and that the table doesn't know."""
    extra = [m for name, m in runtime.MODULES.items() if name not in known]
    return tuple(Expected(m.name, m.title, "worker", m.every) for m in extra)

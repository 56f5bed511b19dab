"""The modules that must run here, whoever registers them: what is expected and silent is an alarm."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from monitoring.watch.liveness import Expected
from trading import runtime


def expected() -> tuple[Expected, ...]:
    """Names and titles are the mission's; intervals are the settings'. A registered module's own interval wins."""
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
    return tuple(with_own_interval(one) for one in table) + unlisted({one.name for one in table})


def with_own_interval(one: Expected) -> Expected:
    module = runtime.MODULES.get(one.name)
    return Expected(one.name, module.title, one.process, max(module.every, one.every)) if module else one


def unlisted(known: set[str]) -> tuple[Expected, ...]:
    """Modules that registered themselves and that the table doesn't know."""
    extra = [m for name, m in runtime.MODULES.items() if name not in known]
    return tuple(Expected(m.name, m.title, "worker", m.every) for m in extra)

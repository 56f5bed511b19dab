"""The report of self-healing for whoever reads files: one JSON, replaced as a whole. Pure but for `write`.

A subsystem is FAILED where its remedies were in vain, CRITICAL or DEGRADED by its worst open incident, HEALTHY where it
was measured and nothing is open, and UNKNOWN where nothing tells of it; what trading needs is CRITICAL once it has been
unknown for two intervals.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, HIGH, LOW, MEDIUM
from monitoring.watch.detectors.proofs import some_fresh
from monitoring.watch.detectors.running import UNKNOWN_AFTER
from monitoring.watch.detectors.silence import silent
from monitoring.watch.safety import Policy
from trading.gates.directives import Level, holds_entries, strictness

HEALTHY, DEGRADED, CRITICALLY, FAILED, UNKNOWN = "HEALTHY", "DEGRADED", "CRITICAL", "FAILED", "UNKNOWN"
WORST_FIRST = (FAILED, CRITICALLY, DEGRADED, UNKNOWN, HEALTHY)
SUBSYSTEMS: Mapping[str, str] = {  # the report's name: who tells of it here
    "data_feed": "data_feed",
    "exchange_connection": "exchange",
    "ai_model": "models",
    "event_executor": "executor",
    "orchestrator": "policy",
    "portfolio_balancer": "portfolio_balancer",
    "model_supervisor": "model_supervisor",
    "retraining_orchestrator": "retraining_orchestrator",
    "position_monitor": "position_monitor",
    "risk_guard": "risk_guard",
    "database": "database",
    "universe_os": "universe",
    "logging": "logging",
    "trailing_stop_manager": "trailing",
    "database_validator": "database_validator",
    "health_scorecard": "scorekeeper",
    "message_broker": "broker",
    "background_worker": "trainer",
    "self_healing": "self_healing",
}
NEEDED = frozenset({"data_feed", "exchange_connection", "event_executor", "risk_guard", "position_monitor"})
AFFECTS: Mapping[str, tuple[str, ...]] = {  # who works on what the first one gives
    "data_feed": ("ai_model", "orchestrator", "event_executor"),
    "exchange_connection": ("data_feed", "event_executor", "position_monitor", "trailing_stop_manager"),
    "universe_os": ("data_feed", "event_executor"),
    "ai_model": ("event_executor",),
    "orchestrator": ("event_executor",),
    "risk_guard": ("event_executor",),
    "event_executor": ("position_monitor",),
    "position_monitor": ("trailing_stop_manager",),
    "message_broker": ("event_executor", "position_monitor", "portfolio_balancer", "model_supervisor"),
    "background_worker": ("exchange_connection", "risk_guard", "orchestrator", "portfolio_balancer"),
    "self_healing": ("event_executor",),
}
STATUS = {LOW: HEALTHY, MEDIUM: DEGRADED, HIGH: DEGRADED, CRITICAL: CRITICALLY}


@dataclass(frozen=True, slots=True)
class Issue:
    """An open incident in words."""

    id: str
    subsystem: str
    severity: str
    at: datetime
    description: str
    symptoms: tuple[str, ...]
    impacts_trading: bool
    escalated: bool
    recommendation: str


def report(facts: Facts, issues: Sequence[Issue], policy: Policy, probed: Mapping[str, str]) -> dict[str, Any]:
    """`probed`: the status of what is measured by probes alone, by the report's name."""
    health = {name: status(name, facts, issues, probed) for name in SUBSYSTEMS}
    seen = list(health.values())
    counts = [s for name, s in health.items() if s != UNKNOWN or name in NEEDED]
    overall = next(s for s in WORST_FIRST if s in counts)
    return {
        "timestamp": facts.now.isoformat(),
        "overall_status": overall,
        "current_safety_policy": policy.level.value,
        "policy_because": list(policy.because),
        "subsystem_health": health,
        "detected_issues": [told(issue) for issue in issues],
        "recovery_recommendations": [i.recommendation for i in issues if i.recommendation],
        "trading_should_continue": not holds_entries(policy.level),
        "requires_immediate_action": strictness(policy.level) >= strictness(Level.DEFENSIVE_EXIT)
        or any(i.escalated for i in issues),
        "summary": {
            "healthy": seen.count(HEALTHY),
            "degraded": seen.count(DEGRADED),
            "critical": seen.count(CRITICALLY),
            "failed": seen.count(FAILED),
            "unknown": seen.count(UNKNOWN),
        },
    }


def status(name: str, facts: Facts, issues: Sequence[Issue], probed: Mapping[str, str]) -> str:
    """By its open issues; without any, healthy where it was measured, else unknown, and in time that is critical."""
    source = SUBSYSTEMS[name]
    mine = [i for i in issues if i.subsystem == source]
    if any(i.escalated for i in mine):
        return FAILED
    if mine:
        return min((STATUS[i.severity] for i in mine), key=WORST_FIRST.index)
    if measured(source, facts):
        return HEALTHY
    if name in probed:
        return probed[name]
    return CRITICALLY if name in NEEDED and facts.now - facts.born > UNKNOWN_AFTER else UNKNOWN


def measured(source: str, facts: Facts) -> bool:
    """Something told of it just now, and nothing bad."""
    if source in ("database", "self_healing"):
        return True  # the one was asked for every one of these facts, the other is asking
    if source == "broker":
        return facts.broker_ms is not None
    if source == "trainer":
        return any(r.last_tick and not silent(r, facts) for r in facts.modules if r.program == source)
    if source == "data_feed":  # by its candles, not by who fetches them
        return some_fresh("", facts, facts.born) is not None
    ran = next((r for r in facts.modules if r.name == source), None)
    return bool(ran and ran.last_tick and not silent(ran, facts))


def of_points(points: Sequence[Mapping[str, Any]]) -> str:
    """A subsystem by its probes' answers: one FAIL degrades it, and what is not known of it is unknown."""
    states = {str(point["state"]) for point in points}
    if "fail" in states:
        return DEGRADED
    return HEALTHY if states == {"ok"} else UNKNOWN


def told(issue: Issue) -> dict[str, Any]:
    name = next((name for name, source in SUBSYSTEMS.items() if source == issue.subsystem), issue.subsystem)
    return {
        "id": issue.id,
        "subsystem": name,
        "severity": issue.severity.upper(),
        "timestamp": issue.at.isoformat(),
        "description": issue.description,
        "symptoms": list(issue.symptoms),
        "root_cause": issue.id.split(":")[0],
        "impacts_trading": issue.impacts_trading,
        "affects_subsystems": list(AFFECTS.get(name, ())) if issue.impacts_trading else [],
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step: whoever reads it sees the old or the new one."""
    descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise

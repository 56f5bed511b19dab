"""The report of self-healing for whoever reads files: one JSON, replaced as a whole. Pure but for `write`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monitoring.watch.detectors import CRITICAL, HIGH, LOW, MEDIUM, Facts, silent
from trading.gates.directives import Level, holds_entries

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
}
ASKED_BEFORE_AN_ORDER = frozenset({"data_feed", "exchange_connection", "event_executor", "risk_guard"})
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


def report(facts: Facts, issues: Sequence[Issue], policy: Level) -> dict[str, Any]:
    health = {name: status(source, facts, issues) for name, source in SUBSYSTEMS.items()}
    seen = list(health.values())
    counts = [s for name, s in health.items() if s != UNKNOWN or name in ASKED_BEFORE_AN_ORDER]
    overall = next(s for s in WORST_FIRST if s in counts)
    return {
        "timestamp": facts.now.isoformat(),
        "overall_status": overall,
        "current_safety_policy": policy.value,
        "subsystem_health": health,
        "detected_issues": [told(issue) for issue in issues],
        "recovery_recommendations": [i.recommendation for i in issues if i.recommendation],
        "trading_should_continue": not holds_entries(policy),
        "requires_immediate_action": any(i.escalated for i in issues),
        "summary": {
            "healthy": seen.count(HEALTHY),
            "degraded": seen.count(DEGRADED),
            "critical": seen.count(CRITICALLY),
            "failed": seen.count(FAILED),
            "unknown": seen.count(UNKNOWN),
        },
    }


def status(source: str, facts: Facts, issues: Sequence[Issue]) -> str:
    """By its open issues; without any, healthy where it was measured, else unknown."""
    mine = [i for i in issues if i.subsystem == source]
    if any(i.escalated for i in mine):
        return FAILED
    if mine:
        return min((STATUS[i.severity] for i in mine), key=WORST_FIRST.index)
    if source == "database":
        return HEALTHY  # it was asked for every one of these facts
    ran = next((r for r in facts.modules if r.name == source), None)
    return HEALTHY if ran and ran.last_tick and not silent(ran, facts) else UNKNOWN


def told(issue: Issue) -> dict[str, Any]:
    return {
        "id": issue.id,
        "subsystem": next((name for name, s in SUBSYSTEMS.items() if s == issue.subsystem), issue.subsystem),
        "severity": issue.severity.upper(),
        "timestamp": issue.at.isoformat(),
        "description": issue.description,
        "symptoms": list(issue.symptoms),
        "root_cause": issue.id.split(":")[0],
        "impacts_trading": issue.impacts_trading,
        "affects_subsystems": ["event_executor"] if issue.impacts_trading else [],
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step: whoever reads it sees the old or the new one."""
    descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)

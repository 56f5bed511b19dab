"""The scorecard in words, in the language that is active: names, groups, lost points, caps, changes."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from monitoring.watch.probes.words import say
from monitoring.watch.scorecard import AI, CORE, DARK, DATA, WATCH, Cap, Change, Part, Point, Scorecard

GROUPS: Mapping[str, Promise] = {
    CORE: lazy("Core Trading"),
    AI: lazy("AI System"),
    DATA: lazy("Data & Infrastructure"),
    WATCH: lazy("Monitoring"),
}
PARTS: Mapping[str, Promise] = {
    "executor": lazy("Event Driven Executor"),
    "policy": lazy("Orchestrator Policy"),
    "position_monitor": lazy("Position Monitor"),
    "trailing": lazy("Trailing Stop Manager"),
    "risk_guard": lazy("Risk Guard"),
    "models": lazy("AI Models"),
    "model_supervisor": lazy("Model Supervisor"),
    "portfolio_balancer": lazy("Portfolio Balancer"),
    "retraining_orchestrator": lazy("Retraining Orchestrator"),
    "data_feed": lazy("Data Feed"),
    "database_validator": lazy("Database"),
    "universe": lazy("Universe OS"),
    "exchange": lazy("Exchange"),
    "self_healing": lazy("Self-Healing"),
    "logging": lazy("Logging"),
}
STATUS: Mapping[str, Promise] = {
    "healthy": lazy("healthy"),
    "degraded": lazy("degraded"),
    "critical": lazy("critical"),
    "unknown": lazy("unknown"),
}
STATES: Mapping[str, Promise] = {
    "ok": lazy("ok"),
    "warn": lazy("warning"),
    "fail": lazy("fail"),
    "unknown": lazy("unknown"),
}


def name(part: Part) -> str:
    return str(PARTS.get(part.key, part.name))


def named(key: str) -> str:
    return str(PARTS.get(key, key))


def group(title: str) -> str:
    return str(GROUPS.get(title, title))


def status(word: str) -> str:
    return str(STATUS.get(word, word))


def state(word: str) -> str:
    return str(STATES.get(word, word))


def why(point: Point) -> str:
    """What the probe said; a score of another day kept no words for what was well."""
    return say(point.code, point.params) if point.code else _("It was well.")


def cap(held: Cap, card: Scorecard) -> str:
    """Why the whole is held: what the probe said there; for an unknown, of what."""
    one = card.component(held.part)
    said = next((why(point) for point in one.points if point.probe == held.probe), "") if one else ""
    if held.code == DARK and one:
        return _("%(name)s is not known: %(why)s") % {"name": name(one.part), "why": said}
    return said


def turned(change: Change) -> str:
    """Why a component's score changed: what was lost, in its words; what came back, in those of before."""
    words = list(dict.fromkeys(why(point) for point in change.turned[:3]))
    if not words:
        return _("Its probes changed.")
    if change.now > change.was:
        return _("No longer so: %(why)s") % {"why": " ".join(words)}
    return " ".join(words)

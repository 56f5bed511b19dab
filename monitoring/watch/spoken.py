"""The scorecard in words, in the language that is active: names, groups, lost points, caps, changes."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch.probes.words import say
from monitoring.watch.scorecard import AI, CORE, DARK, DATA, WATCH, Cap, Change, Part, Point, Scorecard

GROUPS: Mapping[str, Promise] = {
    CORE: gettext_lazy("Core Trading"),
    AI: gettext_lazy("AI System"),
    DATA: gettext_lazy("Data & Infrastructure"),
    WATCH: gettext_lazy("Monitoring"),
}
PARTS: Mapping[str, Promise] = {
    "executor": gettext_lazy("Event Driven Executor"),
    "policy": gettext_lazy("Orchestrator Policy"),
    "position_monitor": gettext_lazy("Position Monitor"),
    "trailing": gettext_lazy("Trailing Stop Manager"),
    "risk_guard": gettext_lazy("Risk Guard"),
    "models": gettext_lazy("AI Models"),
    "model_supervisor": gettext_lazy("Model Supervisor"),
    "portfolio_balancer": gettext_lazy("Portfolio Balancer"),
    "retraining_orchestrator": gettext_lazy("Retraining Orchestrator"),
    "data_feed": gettext_lazy("Data Feed"),
    "database_validator": gettext_lazy("Database"),
    "universe": gettext_lazy("Universe OS"),
    "exchange": gettext_lazy("Exchange"),
    "self_healing": gettext_lazy("Self-Healing"),
    "logging": gettext_lazy("Logging"),
}
STATUS: Mapping[str, Promise] = {
    "healthy": gettext_lazy("healthy"),
    "degraded": gettext_lazy("degraded"),
    "critical": gettext_lazy("critical"),
    "unknown": gettext_lazy("unknown"),
}
STATES: Mapping[str, Promise] = {
    "ok": gettext_lazy("ok"),
    "warn": gettext_lazy("warning"),
    "fail": gettext_lazy("fail"),
    "unknown": gettext_lazy("unknown"),
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

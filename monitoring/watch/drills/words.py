"""Drills in words: what is broken, how it ended, why it did not pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch.drills.judge import Why
from monitoring.watch.drills.spec import Part

PARTS: Mapping[Part, Promise] = {
    Part.STOPS: gettext_lazy("Protective orders"),
    Part.EXITS: gettext_lazy("The way out"),
    Part.VENUE: gettext_lazy("The exchange"),
    Part.MARKET: gettext_lazy("Market data"),
    Part.MODELS: gettext_lazy("Models"),
    Part.MODULES: gettext_lazy("Modules"),
    Part.PROCESSES: gettext_lazy("Processes"),
    Part.STORAGE: gettext_lazy("Database and broker"),
}
OUTCOMES: Mapping[str, Promise] = {
    "queued": gettext_lazy("about to start"),
    "running": gettext_lazy("running"),
    "passed": gettext_lazy("passed"),
    "failed": gettext_lazy("failed"),
    "skipped": gettext_lazy("skipped"),
}
STAGES: Mapping[str, Promise] = {
    "": gettext_lazy("about to start"),
    "waiting": gettext_lazy("waiting for a quiet house, and for what it needs"),
    "broken": gettext_lazy("broken; waiting to be found"),
    "detected": gettext_lazy("found; waiting to be acted on"),
    "acted": gettext_lazy("acted on; waiting for the proof that it is over"),
    "verified": gettext_lazy("proven to be over"),
}
REASONS: Mapping[Why, Promise] = {
    Why.NOT_DETECTED: gettext_lazy("Not found within %(limit)s s. Missing: %(missing)s."),
    Why.DETECTED_LATE: gettext_lazy("Found after %(value)s s, limit %(limit)s s."),
    Why.NOT_ACTED: gettext_lazy("Not acted on within %(limit)s s. Missing: %(missing)s."),
    Why.ACTED_LATE: gettext_lazy("Acted on after %(value)s s, limit %(limit)s s."),
    Why.NOT_VERIFIED: gettext_lazy("Not proven to be over within %(limit)s s. Missing: %(missing)s."),
    Why.VERIFIED_LATE: gettext_lazy("Proven to be over after %(value)s s, limit %(limit)s s."),
    Why.LAW_BROKEN: gettext_lazy("After %(limit)s s a law does not hold: %(law)s."),
    Why.RUNNER_ENDED: gettext_lazy("The drill was ended before its verdict; what it had broken was put right."),
    Why.BROKE: gettext_lazy("The drill itself could not go on: %(error)s."),
    Why.NOT_PRACTICE: gettext_lazy("Drills are run in practice mode alone; the mode here is %(mode)s."),
    Why.NO_HOUSE: gettext_lazy("No house runs in this folder, so there is nothing to drill."),
    Why.HALTED: gettext_lazy("The switch is on %(state)s: nothing is broken on purpose meanwhile."),
    Why.UNSAFE: gettext_lazy("Something is wrong already: %(incident)s. Nothing is broken on top of it."),
    Why.NO_RESTART_LEFT: gettext_lazy(
        "Self-healing has restarted %(n)s things within %(minutes)s minutes: one more would be one too many."
    ),
    Why.BROKEN_ALREADY: gettext_lazy("Something is broken on purpose already: %(kind)s."),
    Why.NO_DESK: gettext_lazy("The practice exchange's desk does not answer."),
    Why.NO_FAULT_KIND: gettext_lazy("The practice exchange can't do %(kind)s as it is asked for."),
    Why.NO_POSITION: gettext_lazy("No protected position was open within %(waited)s s."),
    Why.NO_ENTRY: gettext_lazy("No entry met the fault within %(limit)s s."),
    Why.NO_SYMBOL: gettext_lazy("Every symbol is held, or has no candle yet."),
    Why.NO_MODELS: gettext_lazy("No trained model stands."),
    Why.NO_PROCESS: gettext_lazy("The process %(process)s does not run here."),
    Why.OTHER_PROFILE: gettext_lazy("It is for the profile %(wanted)s; this house runs on another."),
    Why.POSITION_GONE: gettext_lazy("The position on %(symbol)s was closed before it could be drilled on."),
}


def reason(why: str, params: Mapping[str, Any]) -> str:
    """Why a drill failed or was skipped, with its numbers; nothing where it passed."""
    if why not in set(Why):
        return why
    told = {name: f"{value:g}" if isinstance(value, int | float) else str(value) for name, value in params.items()}
    try:
        return str(REASONS[Why(why)]) % told
    except KeyError:
        return why


def outcome(name: str) -> str:
    return str(OUTCOMES.get(name, name))


def stage(name: str) -> str:
    return str(STAGES.get(name, _("running")))


def seconds(value: float | None) -> str:
    """A measured time: 0.07, 4.2, 58; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 20 else f"{value:.0f}"

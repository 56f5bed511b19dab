"""The safety policy as the page and the API show it: what is in force, why, what it does, how it ends. Words last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.models import RemedyAttempt
from monitoring.show import mending
from monitoring.show.scene import Scene
from monitoring.watch import circuit
from monitoring.watch.detectors.findings import Ailment
from monitoring.watch.hands import BY
from monitoring.watch.safety import EMERGENCY_KEY
from monitoring.watch.words import clock, market
from trading.gates.directives import Level
from trading.models import CloseRequest, Directive

LATELY = timedelta(hours=1)
SHAPES: Mapping[Level, str] = {
    Level.ALLOW_ALL: "ok",
    Level.REDUCED: "warn",
    Level.NO_NEW_TRADES: "warn",
    Level.DEFENSIVE_EXIT: "fail",
    Level.EMERGENCY_SHUTDOWN: "fail",
}
NAMES: Mapping[Level, Promise] = {
    Level.ALLOW_ALL: gettext_lazy("All is allowed"),
    Level.REDUCED: gettext_lazy("Half size"),
    Level.NO_NEW_TRADES: gettext_lazy("No new trades"),
    Level.DEFENSIVE_EXIT: gettext_lazy("Defensive exit"),
    Level.EMERGENCY_SHUTDOWN: gettext_lazy("Emergency shutdown"),
}
EFFECTS: Mapping[Level, Promise] = {
    Level.ALLOW_ALL: gettext_lazy("Self-healing holds nothing back."),
    Level.REDUCED: gettext_lazy("New entries risk half as much. What is open goes on as planned."),
    Level.NO_NEW_TRADES: gettext_lazy("No entry is sent. Exits, stops and trailing go on."),
    Level.DEFENSIVE_EXIT: gettext_lazy(
        "No entry is sent. A position is closed where it has no stop, is past its stop, is too near its liquidation, "
        "or is not looked after. The others keep their stops."
    ),
    Level.EMERGENCY_SHUTDOWN: gettext_lazy(
        "No entry is sent, entry orders are cancelled, and every position is closed at market."
    ),
}


@dataclass(frozen=True, slots=True)
class InForce:
    """The strictest level that stands, since when, and what it has closed lately."""

    level: Level
    since: datetime | None
    closes: list[CloseRequest]

    @property
    def shape(self) -> str:
        return SHAPES[self.level]

    @property
    def name(self) -> str:
        return str(NAMES[self.level])

    @property
    def effect(self) -> str:
        return str(EFFECTS[self.level])


@dataclass(frozen=True, slots=True)
class Circuit:
    """How many of the restarts are used, and when the next one may come where none is left."""

    used: int
    most: int
    again_at: datetime | None

    @property
    def sentence(self) -> str:
        told = {"n": self.used, "of": self.most, "at": clock(self.again_at) if self.again_at else ""}
        if self.again_at:
            return _("%(n)s of %(of)s restarts in ten minutes are used; the next may come at %(at)s.") % told
        return _("%(n)s of %(of)s restarts in ten minutes are used.") % told


def in_force(scene: Scene) -> InForce:
    """One query beyond the directives'."""
    rows, level = scene.once(mending.standing), scene.once(mending.level)
    holding = [row.at for row in rows if Level(row.level) is level]
    since = min(holding, default=None) if level is not Level.ALLOW_ALL else None
    return InForce(level, since, scene.once(closes))


def closes(scene: Scene) -> list[CloseRequest]:
    """What self-healing had closed lately, newest first; one query."""
    rows = CloseRequest.objects.filter(requested_by=BY, requested_at__gt=scene.now - LATELY)
    return list(rows.select_related("position").order_by("-requested_at")[:10])


def restarts(scene: Scene) -> Circuit:
    """One query."""
    tried = RemedyAttempt.objects.filter(action__in=list(circuit.RESTARTS), at__gt=scene.now - circuit.WINDOW)
    at = list(tried.values_list("at", flat=True))
    return Circuit(len(circuit.recent(at, scene.now)), circuit.MOST, circuit.again_at(at, scene.now))


def ending(row: Directive, now_restarts: Circuit) -> str:
    """How this directive ends."""
    if row.until:
        return _("It ends at %(at)s, or when a risk officer lifts it.") % {"at": clock(row.until)}
    if row.key == EMERGENCY_KEY:
        return _("Only a person ends it: a risk officer lifts it once somebody has looked.")
    if row.key == Ailment.RESTARTS_EXHAUSTED and now_restarts.again_at:
        told = {"at": clock(now_restarts.again_at)}
        return (
            _("It ends by itself at %(at)s, when one more restart is allowed, or when a risk officer lifts it.") % told
        )
    if row.by == BY:
        return _("It ends by itself when this is healed and proven, or when a risk officer lifts it.")
    return _("It ends when a risk officer lifts it.")


def closed(row: CloseRequest) -> tuple[str, str, datetime]:
    """The position, why it had to go, when that was asked."""
    return market(row.position.symbol), row.reason.partition(": ")[2] or row.reason, row.requested_at

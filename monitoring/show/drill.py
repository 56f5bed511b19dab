"""Breaking the practice exchange as the incidents' page offers it: what is broken now, and what may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.control import practice
from monitoring.control.actions import Unreachable
from monitoring.show.controls import NO_REASON, Control
from monitoring.show.scene import Scene

PATIENCE = 0.5  # seconds: a page does not wait longer for the desk
KINDS = {
    "mute_stream": gettext_lazy("The streams are mute"),
    "http_status": gettext_lazy("Requests are answered with an error"),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """One fault in force, in words."""

    id: int
    title: str
    hits: int
    left: int | None
    until: datetime | None


def broken(scene: Scene) -> list[Broken] | str:
    """What is broken on purpose now, or why nobody knows; one short request."""
    try:
        return [told(one, scene.now) for one in practice.faults(PATIENCE)]
    except Unreachable as no:
        return str(no)


def told(one: practice.Fault, now: datetime) -> Broken:
    left = None if one.seconds_left is None else round(one.seconds_left)
    until = None if one.seconds_left is None else now + timedelta(seconds=one.seconds_left)
    return Broken(one.id, str(KINDS.get(one.kind, one.kind)), one.hits, left, until)


def mute() -> Control:
    seconds = {"n": practice.ORDERS[practice.MUTE]["seconds"]}
    return Control(
        action="break",
        target=practice.MUTE,
        verb=_("Mute the market data for %(n)s s") % seconds,
        title=_("Mute the market data for %(n)s s?") % seconds,
        consequence=_(
            "For %(n)s s the practice exchange trades on, but sends no price, no candle and no news of orders. "
            "What is held keeps its stops at the exchange; entries wait as soon as the data is too old."
        )
        % seconds,
        go=_("Mute it"),
        stay=_("Leave it"),
        permit="practice.break",
        reason=NO_REASON,
    )


def errors() -> Control:
    seconds = {"n": practice.ORDERS[practice.ERRORS]["seconds"]}
    return Control(
        action="break",
        target=practice.ERRORS,
        verb=_("Answer with errors for %(n)s s") % seconds,
        title=_("Let the exchange answer with errors for %(n)s s?") % seconds,
        consequence=_(
            "For %(n)s s every request to the practice exchange is answered with HTTP 503. "
            "An order that is sent meanwhile fails and says so; stops that rest there go on protecting."
        )
        % seconds,
        go=_("Break it"),
        stay=_("Leave it"),
        permit="practice.break",
        reason=NO_REASON,
    )


def mend() -> Control:
    return Control(
        action="mend",
        target="",
        verb=_("End all of it now"),
        title=_("End everything that is broken on purpose?"),
        consequence=_(
            "The practice exchange behaves again at once. "
            "Incidents that it caused close by themselves, as soon as something newer proves that they are over."
        ),
        go=_("End it"),
        stay=_("Let it last"),
        permit="practice.break",
        reason=NO_REASON,
    )

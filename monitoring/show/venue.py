"""What the way to a venue shows: where this house is, the last round of checks, what the next start needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from monitoring.control import venue
from monitoring.show import controls
from monitoring.show.controls import MAY_REASON, MUST_REASON, NO_REASON, Control
from monitoring.show.scene import Scene
from monitoring.watch.retold import retold
from monitoring.watch.venue_words import Line, lines, needs
from quantum.contradictions import contradictions
from trading.exchange import checks, rows
from trading.models import PreflightRun, VenueKeys, VenueStart

TESTNET = venue.TESTNET


@dataclass(frozen=True, slots=True)
class Round:
    """The newest round of checks of the venue that testnet mode would use, or none yet."""

    run: PreflightRun | None
    lines: list[Line]
    running: bool
    dead: bool  # it was begun, and nothing has been heard of it for long

    @property
    def asked(self) -> int:
        return sum(1 for line in self.lines if line.answer)

    @property
    def passed(self) -> int:
        return sum(1 for line in self.lines if line.answer == "ok")

    @property
    def at(self) -> datetime | None:
        return (self.run.finished_at or self.run.beat_at or self.run.requested_at) if self.run else None

    @property
    def in_the_way(self) -> int:
        """How many answers keep testnet mode from starting."""
        return len(checks.missing({line.check: line.answer for line in self.lines}, TESTNET))


def newest_round(scene: Scene) -> Round:
    run = PreflightRun.objects.filter(mode=TESTNET, venue=settings.QUANTUM.testnet_venue).order_by("-id").first()
    alive = run is not None and run.finished_at is None and rows.running(scene.now) == run
    return Round(run, lines(run.checks if run else ()), alive, bool(run and run.finished_at is None and not alive))


def started(scene: Scene) -> VenueStart | None:
    """The newest start or stop of this venue and account."""
    return VenueStart.objects.filter(**rows.here()).order_by("-id").first()


def waiting(scene: Scene) -> dict[str, Any]:
    return dict(rows.waiting())


def keys(scene: Scene) -> VenueKeys | None:
    return venue.named_keys()


# -- what can be pressed -----------------------------------------------------------------------------------------------


def check() -> Control:
    """Make one round of checks."""
    here = settings.QUANTUM.mode == TESTNET
    first = _("Some forty requests go to %(venue)s, within a minute.") % {
        "venue": retold(settings.QUANTUM.testnet_venue)
    }
    if here:
        second = _(
            "One stop order, out of reach, is placed and cancelled; margin mode and leverage of one symbol are set."
        )
    else:
        second = _("From this mode they only read: nothing is changed there.")
    return Control(
        action="venue_check",
        target="",
        verb=_("Run the checks"),
        title=_("Check the exchange now?"),
        consequence=f"{first} {second}",
        go=_("Run them"),
        stay=_("Leave it"),
        permit="venue.check",
        reason=NO_REASON,
    )


def start(run: PreflightRun) -> Control:
    """Allow entries at this venue."""
    told = {"venue": retold(settings.QUANTUM.venue)}
    return Control(
        action="venue_start",
        target="",
        verb=_("Start"),
        title=_("Allow entries at %(venue)s?") % told,
        consequence=_(
            "From the next bar on, signals that pass every gate send orders to %(venue)s, within the limits that are "
            "set. It is play money; the orders are real to the exchange."
        )
        % told,
        go=_("Start"),
        stay=_("Not yet"),
        permit="venue.start",
        reason=MUST_REASON,
        shown={"checks": str(run.pk)},
    )


def stop() -> Control:
    """Hold entries at this venue."""
    return Control(
        action="venue_stop",
        target="",
        verb=_("Stop entries"),
        title=_("Stop entries at %(venue)s?") % {"venue": retold(settings.QUANTUM.venue)},
        consequence=_("No new entries from now on. Open positions keep their stops and are looked after as before."),
        go=_("Stop entries"),
        stay=_("Go on"),
        permit="venue.stop",
        reason=MAY_REASON,
    )


def offered(scene: Scene) -> dict[str, Control | None]:
    """The controls that make sense now, for those who may press them."""
    found: dict[str, Control | None] = {}
    round_, audience = scene.once(newest_round), scene.audience
    if not round_.running and (settings.QUANTUM.mode == TESTNET or scene.once(keys)):
        found["check"] = controls.offer(check(), audience)
    if settings.QUANTUM.mode != TESTNET:
        return found
    needed = scene.once(waiting)
    if not needed:
        found["stop"] = controls.offer(stop(), audience)
    elif not needed.keys() & {"unchecked", "failed"} and (run := venue.newest()):
        found["start"] = controls.offer(start(run), audience)
    return found


# -- the headline ------------------------------------------------------------------------------------------------------


def headline(scene: Scene) -> dict[str, str]:
    """One sentence about where this house stands, one about what comes next, and its tone."""
    config = settings.QUANTUM
    if config.mode != TESTNET:
        return {
            "sentence": _("This house runs in %(mode)s mode. No money is in reach.") % {"mode": config.mode},
            "lead": _("Five steps lead from here to a demo account of your own; each can be taken back."),
            "tone": "ok",
        }
    if sentence := needs(scene.once(waiting)):
        meanwhile = _("Everything else runs: prices come in, signals are judged, and say why they wait.")
        return {
            "sentence": _("No entries at %(venue)s yet.") % {"venue": config.venue},
            "lead": f"{sentence} {meanwhile}",
            "tone": "warn",
        }
    row = scene.once(started)
    told = {"venue": config.venue, "who": row.by if row else ""}
    return {
        "sentence": _("Entries are allowed at %(venue)s.") % told,
        "lead": _("%(who)s started it. Signals that pass every gate send orders there.") % told,
        "tone": "ok",
    }


# -- what the next start needs -----------------------------------------------------------------------------------------


def lines_of_env(row: VenueKeys | None) -> list[str]:
    """What .env must say for testnet mode, line by line."""
    config = settings.QUANTUM
    key_file, secret_file = (row.key_file, row.secret_file) if row else ("…", "…")
    return [
        "QT_MODE=testnet",
        f"QT_API_KEY_FILE={key_file}",
        f"QT_API_SECRET_FILE={secret_file}",
        *([f"QT_TESTNET_URL={config.QT_TESTNET_URL}"] if config.QT_TESTNET_URL else []),
    ]


def objections() -> list[str]:
    """What else in the settings of now would refuse a start in testnet mode."""
    config = settings.QUANTUM
    wanted = {"QT_MODE": TESTNET, "QT_API_KEY": "named", "QT_API_SECRET": "named"}
    return contradictions(type(config).model_validate(config.model_dump() | wanted))

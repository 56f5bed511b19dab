"""The first ten minutes: five things to do, each ticked by what happened, never by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from monitoring.models import AuditEntry, FirstStep, Incident
from trading.models import PreflightRun

REJECTION, STOP, DISMISSED = "rejection", "stop", "dismissed"


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what to do, where, what it shows, and when this person did it."""

    name: str
    title: str
    about: str
    href: str
    verb: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Checklist:
    steps: tuple[Step, ...]

    @property
    def done(self) -> int:
        return sum(step.done_at is not None for step in self.steps)

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if step.done_at is None), None)


def note(user: User, name: str, now: datetime) -> None:
    """This person has done it; the first time counts."""
    FirstStep.objects.get_or_create(user=user, name=name, defaults={"at": now})


def checklist(user: User, newest: int | None = None) -> Checklist | None:
    """None once it was put away; four queries. `newest` is the rejection that the first line leads to."""
    seen = dict(FirstStep.objects.filter(user=user).values_list("name", "at"))
    if DISMISSED in seen:
        return None
    paused = AuditEntry.objects.filter(
        who=user.get_username(), action="switch", after__state__in=["reducing", "halted"]
    )
    healed = Incident.objects.filter(verified=True, closed_at__isnull=False).order_by("closed_at")
    checked = PreflightRun.objects.filter(passed=True, mode="testnet").order_by("finished_at")
    return Checklist(
        (
            Step(
                REJECTION,
                _("Read a rejection"),
                _("Every signal that is not traded says why, with the number, the limit and the setting."),
                f"/decisions/{newest}/" if newest else "/decisions/?outcome=rejected",
                _("Open the newest"),
                seen.get(REJECTION),
            ),
            Step(
                STOP,
                _("See a stop at the exchange"),
                _("A stop counts only when the exchange itself has shown it, and for as long as it goes on doing so."),
                "/positions/",
                _("Open positions"),
                seen.get(STOP),
            ),
            Step(
                "pause",
                _("Pause entries"),
                _("Press Reducing at the top: one click. Stops, trailing and exits live on."),
                "/policy/",
                _("See the switch"),
                paused.values_list("at", flat=True).first(),
            ),
            Step(
                "heal",
                _("Break something and watch it heal"),
                _("Mute the market data for a while: an incident opens, a remedy is tried; only proof closes it."),
                "/incidents/#try",
                _("Break it"),
                healed.values_list("closed_at", flat=True).first(),
            ),
            Step(
                "testnet",
                _("Connect a testnet"),
                _("Your own demo account, step by step, with every check shown."),
                "/setup/",
                _("Open setup"),
                checked.values_list("finished_at", flat=True).first(),
            ),
        )
    )

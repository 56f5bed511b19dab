"""The kill switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import BadRequest, Stale, tidy
from monitoring.control.permissions import person
from trading import events
from trading.models import SwitchChange

STATES = (SwitchChange.ACTIVE, SwitchChange.REDUCING, SwitchChange.HALTED)  # from open to shut


@dataclass(frozen=True, slots=True)
class Switched:
    """The kill switch after the action; `changed` is False where it stood there already, `change` is the newest row."""

    state: str
    was: str
    changed: bool
    at: datetime | None
    by: str
    reason: str
    change: int = 0


UNTOUCHED = Switched(SwitchChange.ACTIVE, SwitchChange.ACTIVE, False, None, "", "")


def set_switch(state: str, reason: str, who: Any, now: datetime, shown: int | str = "") -> Switched:
    """Move the kill switch. Towards a stop one click is enough; towards trading it takes a reason.

    `shown`: the number of the change that was seen, or only its state. Towards trading it must still be the newest.
    """
    if state not in STATES:
        raise BadRequest(
            "state",
            _("state must be one of %(states)s, was %(was)s.") % {"states": ", ".join(STATES), "was": repr(state)},
        )
    actor, reason = person(who), tidy(reason)
    with transaction.atomic():
        audit.lock()
        last = SwitchChange.objects.order_by("-id").first()
        was = last.state if last else SwitchChange.ACTIVE
        loosens = STATES.index(state) < STATES.index(was)
        actor.must("switch.release" if loosens else "switch.stop")
        if state == was:
            return Switched(state, was, False, last.at, last.by, last.reason, last.pk) if last else UNTOUCHED
        if last and loosens and shown != "" and str(shown) not in (was, str(last.pk)):
            raise Stale(
                _("%(by)s has moved the switch to %(is)s meanwhile. Look at it anew.") % {"by": last.by, "is": was}
            )
        if loosens and not reason:
            raise BadRequest(
                "reason",
                _("Moving the switch from %(was)s to %(state)s needs a reason.") % {"was": was, "state": state},
            )
        reason = reason or f"{state}, no reason given"
        change = SwitchChange.objects.create(state=state, at=now, by=actor.name, reason=reason)
        audit.append(
            who=actor.name,
            action="switch",
            before={"state": was},
            after={"state": state},
            reason=reason,
            now=now,
        )
        events.changed("ribbon", "verdict", "policy", "risk")
    return Switched(state, was, True, now, actor.name, reason, change.pk)

"""What people do about incidents: say that they saw one, let the gates go again, dismiss a proposed trim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import BadRequest, Stale, needed, tidy
from monitoring.control.permissions import person
from monitoring.models import Incident
from trading import events
from trading.gates import store
from trading.models import Directive, TrimProposal


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An incident after somebody has seen it; `changed` is False where somebody had before."""

    incident: Incident
    changed: bool


def acknowledge(incident_id: int, who: Any, now: datetime, reason: str = "") -> Acknowledged:
    """Somebody has seen it. It goes on being healed, and closes only when it is over."""
    actor, reason = person(who), tidy(reason)
    actor.must("incident.acknowledge")
    with transaction.atomic():
        audit.lock()
        row = Incident.objects.select_for_update().filter(pk=incident_id).first()
        if row is None:
            raise BadRequest("id", _("There is no incident %(id)s.") % {"id": incident_id})
        if row.acknowledged_at is not None:
            return Acknowledged(row, False)
        row.acknowledged_at, row.acknowledged_by = now, actor.name
        row.save(update_fields=["acknowledged_at", "acknowledged_by"])
        after = {"key": row.key, "severity": row.severity}
        audit.append(who=actor.name, action="incident.acknowledge", target=str(row.pk), after=after, reason=reason,
                     now=now)  # fmt: skip
        events.changed("incidents")
    return Acknowledged(row, True)


def lift_directive(directive_id: int, reason: str, who: Any, now: datetime) -> Directive:
    """End a directive now, with a reason: entries are judged again. Self-healing does not repeat it for this fault."""
    actor = person(who)
    actor.must("directive.lift")
    reason = needed(reason, _("Lifting a directive"))
    with transaction.atomic():
        audit.lock()
        row = Directive.objects.select_for_update().filter(pk=directive_id).first()
        if row is None:
            raise BadRequest("id", _("There is no directive %(id)s.") % {"id": directive_id})
        if row.ended_at is not None:
            raise Stale(_("Directive %(id)s ended already.") % {"id": directive_id})
        store.lift(row.key, actor.name, now)
        row.ended_at, row.ended_by = now, actor.name
        before = {"level": row.level, "key": row.key, "reason": row.reason}
        audit.append(who=actor.name, action="directive.lift", target=str(row.pk), before=before,
                     after={"level": store.standing(now).level.value}, reason=reason, now=now)  # fmt: skip
        events.changed("incidents", "verdict", "policy", "risk")
    return row


def dismiss_trim(trim_id: int, who: Any, now: datetime, reason: str = "") -> TrimProposal:
    """Leave the position as it is: this proposal does not come again for it."""
    actor, reason = person(who), tidy(reason)
    actor.must("trim.dismiss")
    with transaction.atomic():
        audit.lock()
        row = TrimProposal.objects.select_for_update().filter(pk=trim_id).first()
        if row is None:
            raise BadRequest("id", _("There is no trim %(id)s.") % {"id": trim_id})
        if row.state != TrimProposal.OPEN:
            raise Stale(_("Trim %(id)s has ended already.") % {"id": trim_id})
        row.state, row.ended_at, row.ended_by = TrimProposal.DISMISSED, now, actor.name
        row.save(update_fields=["state", "ended_at", "ended_by"])
        before = {"symbol": row.symbol, "why": row.why, "share": row.share}
        audit.append(who=actor.name, action="trim.dismiss", target=str(row.pk), before=before, reason=reason, now=now)
        events.changed("balance")
    return row

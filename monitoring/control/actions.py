"""The mutations that people make: each one checks, changes, audits and nudges, in one transaction.

`who` is a Django user or an `Actor`. The same functions serve the page, the API, the admin and the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from monitoring.control import apikeys, audit
from monitoring.control.permissions import person
from monitoring.models import ApiKey
from trading import events
from trading.models import SwitchChange

STATES = (SwitchChange.ACTIVE, SwitchChange.REDUCING, SwitchChange.HALTED)  # from open to shut
REASON_LENGTH = 500


class BadRequest(ValueError):
    """What was asked makes no sense; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Switched:
    """The kill switch after the action; `changed` is False where it stood there already."""

    state: str
    was: str
    changed: bool
    at: datetime | None
    by: str
    reason: str


def set_switch(state: str, reason: str, who: Any, now: datetime) -> Switched:
    """Move the kill switch. Towards a stop one click is enough; towards trading it takes a reason."""
    if state not in STATES:
        raise BadRequest("state", f"state must be one of {', '.join(STATES)}, was {state!r}.")
    actor, reason = person(who), tidy(reason)
    with transaction.atomic():
        audit.lock()
        last = SwitchChange.objects.order_by("-id").first()
        was = last.state if last else SwitchChange.ACTIVE
        loosens = STATES.index(state) < STATES.index(was)
        actor.must("switch.release" if loosens else "switch.stop")
        if state == was:
            return Switched(state, was, False, *((last.at, last.by, last.reason) if last else (None, "", "")))
        if loosens and not reason:
            raise BadRequest("reason", f"Moving the switch from {was} to {state} needs a reason.")
        reason = reason or f"{state}, no reason given"
        SwitchChange.objects.create(state=state, at=now, by=actor.name, reason=reason)
        audit.append(
            who=actor.name,
            action="switch",
            before={"state": was},
            after={"state": state},
            reason=reason,
            now=now,
        )
        events.changed("ribbon", "verdict", "policy", "risk")
    return Switched(state, was, True, now, actor.name, reason)


def create_key(user: User, days: int | None, who: Any, now: datetime) -> tuple[ApiKey, str]:
    """A new API key for a user; the key's text is returned once."""
    actor = person(who)
    actor.must("keys.manage")
    if days is not None and not 1 <= days <= 3650:
        raise BadRequest("days", f"days must be within 1 and 3650, was {days}.")
    if not user.is_active:
        raise BadRequest("user", f"{user.get_username()} is not active: the key would open nothing.")
    with transaction.atomic():
        row, key = apikeys.create(user, now, days)
        after = {"prefix": row.prefix, "expires_at": row.expires_at}
        audit.append(who=actor.name, action="apikey.create", target=user.get_username(), after=after, now=now)
    return row, key


def revoke_key(key_id: int, who: Any, now: datetime) -> ApiKey:
    """End a key now. Revoking it again changes nothing."""
    actor = person(who)
    actor.must("keys.manage")
    with transaction.atomic():
        row = ApiKey.objects.select_related("user").filter(pk=key_id).first()
        if row is None:
            raise BadRequest("id", f"There is no API key {key_id}.")
        if ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now):
            row.revoked_at = now
            before = {"prefix": row.prefix}
            audit.append(who=actor.name, action="apikey.revoke", target=row.user.get_username(), before=before, now=now)
    return row


def tidy(reason: str) -> str:
    """One line of printable text, at most as long as the row holds."""
    if not isinstance(reason, str):
        raise BadRequest("reason", "reason must be a text.")
    if any(ord(char) < 32 and char not in "\t\r\n" or 0xD800 <= ord(char) <= 0xDFFF for char in reason):
        raise BadRequest("reason", "reason holds characters that can't be stored.")
    line = " ".join(reason.split())
    if len(line) > REASON_LENGTH:
        raise BadRequest("reason", f"reason may have {REASON_LENGTH} characters, had {len(line)}.")
    return line

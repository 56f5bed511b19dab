"""Keys for the HTTP API: made and revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import apikeys, audit
from monitoring.control.actions.common import BadRequest, tidy
from monitoring.control.permissions import person
from monitoring.models import ApiKey


def create_key(user: User, days: int | None, who: Any, now: datetime, reason: str = "") -> tuple[ApiKey, str]:
    """A new API key for a user; the key's text is returned once."""
    actor, reason = person(who), tidy(reason)
    actor.must("keys.manage")
    if days is not None and not 1 <= days <= 3650:
        raise BadRequest("days", _("days must be within 1 and 3650, was %(days)s.") % {"days": days})
    if not user.is_active:
        raise BadRequest(
            "user", _("%(user)s is not active: the key would open nothing.") % {"user": user.get_username()}
        )
    with transaction.atomic():
        row, key = apikeys.create(user, now, days)
        after = {"prefix": row.prefix, "expires_at": row.expires_at}
        name = user.get_username()
        audit.append(who=actor.name, action="apikey.create", target=name, after=after, reason=reason, now=now)
    return row, key


def revoke_key(key_id: int, who: Any, now: datetime, reason: str = "") -> ApiKey:
    """End a key now. Revoking it again changes nothing."""
    actor, reason = person(who), tidy(reason)
    actor.must("keys.manage")
    with transaction.atomic():
        row = ApiKey.objects.select_related("user").filter(pk=key_id).first()
        if row is None:
            raise BadRequest("id", _("There is no API key %(id)s.") % {"id": key_id})
        if ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now):
            row.revoked_at = now
            before = {"prefix": row.prefix}
            audit.append(
                who=actor.name,
                action="apikey.revoke",
                target=row.user.get_username(),
                before=before,
                reason=reason,
                now=now,
            )
    return row

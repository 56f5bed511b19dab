"""Keys for the HTTP API: shown once, stored as a SHA-256, with their user's roles."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q

from monitoring.models import ApiKey

SHOWN = 8  # characters by which a person recognises a key
USED_EVERY = timedelta(minutes=1)  # how exactly `last_used_at` is kept


def create(user: User, now: datetime, days: int | None = None, key: str = "") -> tuple[ApiKey, str]:
    """A new key; its text is returned here and never again."""
    key = key or "qt_" + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        user=user,
        prefix=key[:SHOWN],
        digest=digest(key),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    return row, key


def lookup(key: str, now: datetime) -> ApiKey | None:
    """The living key, its user loaded; None where it is unknown, expired, revoked or its user is inactive."""
    mark = digest(key)
    living = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now)) & Q(user__is_active=True)
    row = ApiKey.objects.select_related("user").filter(living, digest=mark).first()
    if row is None or not hmac.compare_digest(row.digest, mark):
        return None
    if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def state(row: ApiKey, now: datetime) -> str:
    """living, expired or revoked."""
    if row.revoked_at:
        return "revoked"
    return "expired" if row.expires_at and row.expires_at <= now else "living"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

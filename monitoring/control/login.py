"""A login link that works once: the token is shown, its SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from monitoring.models import LoginToken

VALID = timedelta(minutes=15)


def issue(user: User, now: datetime) -> str:
    """A new token for this user, valid for 15 minutes and one login."""
    token = secrets.token_urlsafe(32)
    LoginToken.objects.filter(expires_at__lt=now).delete()
    LoginToken.objects.create(user=user, digest=digest(token), created_at=now, expires_at=now + VALID)
    return token


def redeem(token: str, now: datetime) -> User | None:
    """The token's user, once; None where it is unknown, used, expired or its user is inactive."""
    mark = digest(token)
    # no join here: the condition would move into a subquery, which PostgreSQL doesn't ask again after waiting for a row
    if not LoginToken.objects.filter(digest=mark, used_at=None, expires_at__gt=now).update(used_at=now):
        return None
    user = LoginToken.objects.select_related("user").get(digest=mark).user
    return user if user.is_active else None


def link(token: str, port: int) -> str:
    """The token travels in the fragment, which no server ever sees; the page posts it."""
    return f"http://127.0.0.1:{port}/login/#token={token}"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

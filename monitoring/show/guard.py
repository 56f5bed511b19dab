"""Who may open the live channel: same origin with a session, or a key in the header. Re-asked while it is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http.request import validate_host
from django.utils.crypto import constant_time_compare

from monitoring.control import apikeys
from monitoring.control.permissions import ROLES, Actor, may
from monitoring.models import ApiKey


@dataclass(frozen=True, slots=True)
class Visitor:
    """A socket's user, and what proved it: a session's key or an API key's id."""

    user_id: int
    session: str = ""
    key_id: int | None = None


def header(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """The header's value; None where it is absent."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), None)


def same_origin(origin: str | None, host: str | None, secure: bool) -> bool:
    """Scheme, host and port of the page are those of the socket, or one of the trusted origins; a full comparison."""
    if not origin or not host or not known_host(host):
        return False
    own = f"{'https' if secure else 'http'}://{host}"
    return plain(origin) in {plain(own), *(plain(o) for o in settings.CSRF_TRUSTED_ORIGINS)}


def known_host(host: str) -> bool:
    """Names another site can't make up: without this, a rebound name would pass as its own origin."""
    name = urlsplit(f"//{host}").hostname or ""
    bracketed = f"[{name}]" if ":" in name else name
    return validate_host(bracketed, settings.ALLOWED_HOSTS)


def plain(origin: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ("", origin, None)
    return (parts.scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(parts.scheme))


def by_key(authorization: str, now: datetime) -> Visitor | None:
    """The visitor behind `Authorization: Bearer KEY`."""
    scheme, _, key = authorization.partition(" ")
    row = apikeys.lookup(key.strip(), now) if scheme.lower() == "bearer" and key.strip() else None
    return Visitor(row.user_id, key_id=row.pk) if row else None


def may_look(user: User | AnonymousUser) -> bool:
    return bool(user.is_active and (user.is_superuser or may(user, "look")))


def welcome(visitors: Iterable[Visitor], now: datetime) -> dict[Visitor, frozenset[str]]:
    """Those whose session or key is still alive and whose user still may look, with their roles; four queries."""
    visitors = list(visitors)
    found = get_user_model().objects.filter(pk__in={v.user_id for v in visitors}, is_active=True)
    users = {user.pk: user for user in found.prefetch_related("groups")}
    roles = {pk: frozenset(g.name for g in user.groups.all() if g.name in ROLES) for pk, user in users.items()}
    looking = {pk for pk, user in users.items() if user.is_superuser or Actor("", roles[pk]).may("look")}
    sessions = Session.objects.filter(pk__in={v.session for v in visitors if v.session}, expire_date__gt=now)
    living = {s.pk: s.get_decoded() for s in sessions}
    keys = ApiKey.objects.filter(pk__in={v.key_id for v in visitors if v.key_id}, revoked_at=None)
    valid = set(keys.filter(Q(expires_at=None) | Q(expires_at__gt=now)).values_list("pk", flat=True))
    return {
        v: roles[v.user_id]
        for v in visitors
        if v.user_id in looking and (v.key_id in valid or belongs(living, v, users))
    }


def belongs(living: Mapping[str, dict], visitor: Visitor, users: Mapping[int, User]) -> bool:
    """The session is alive, is this user's, and was opened with the password that still holds."""
    data = living.get(visitor.session)
    if not data or BACKEND_SESSION_KEY not in data or str(data.get(SESSION_KEY)) != str(visitor.user_id):
        return False
    proof = users[visitor.user_id].get_session_auth_hash()
    return constant_time_compare(data.get(HASH_SESSION_KEY, ""), proof)

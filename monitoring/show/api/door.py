"""Who calls the API: a Bearer key, or the session cookie (then with CSRF for whatever changes something)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from monitoring.control import apikeys
from monitoring.show.api.answers import Refusal
from monitoring.show.guard import may_look

SAFE = ("GET", "HEAD", "OPTIONS")


class Door(HttpBearer):
    """Sets `request.user`; a Refusal says which header or cookie was wrong."""

    def __call__(self, request: HttpRequest) -> Any:
        authorization = request.headers.get("Authorization")
        user = self.by_key(authorization) if authorization is not None else self.by_session(request)
        if not may_look(user):
            raise Refusal(403, "not_allowed", "This user has no role that may look.", {"user": "has no role"})
        request.user = user
        return user

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return self.by_key(f"Bearer {token}")

    @staticmethod
    def by_key(authorization: str) -> Any:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refusal(
                401, "unauthorized", "Authorization must be: Bearer KEY.", {"Authorization": "must be Bearer KEY"}
            )
        row = apikeys.lookup(key.strip(), timezone.now())
        if row is None:
            raise Refusal(401, "unauthorized", "This API key is unknown, expired or revoked.",
                          {"Authorization": "the key is unknown, expired or revoked"})  # fmt: skip
        return row.user

    @staticmethod
    def by_session(request: HttpRequest) -> Any:
        if not request.user.is_authenticated:
            raise Refusal(401, "unauthorized", "Log in, or send Authorization: Bearer KEY.",
                          {"Authorization": "is missing"})  # fmt: skip
        if request.method not in SAFE and check_csrf(request):
            raise Refusal(
                403, "csrf", "A session needs the X-CSRFToken header.", {"X-CSRFToken": "is missing or wrong"}
            )
        return request.user

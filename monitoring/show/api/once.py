"""An action that a retry does not repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from monitoring.show.api.answers import Refusal, answer, bad, dumps

DAY = 24 * 60 * 60


def once(request: HttpRequest, act: Callable[[], dict[str, Any]]) -> HttpResponse:
    """The action, or with a known Idempotency-Key its first answer; the same key with another body is refused."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise bad({"Idempotency-Key": "may have 200 printable characters"})
    if not key:
        return answer(act())
    slot = "once:" + hashlib.sha256(f"{request.user.pk}\n{request.path}\n{key}".encode()).hexdigest()
    before = cache.get(slot)
    if before is not None:
        body, said = before
        if body != request.body:
            raise Refusal(409, "key_reused", "This Idempotency-Key came with another body before.",
                          {"Idempotency-Key": "was used with another body"})  # fmt: skip
        return HttpResponse(said, content_type="application/json")
    said = dumps(act())
    cache.set(slot, (request.body, said), DAY)
    return HttpResponse(said, content_type="application/json")

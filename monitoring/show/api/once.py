"""An action that a retry does not repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from monitoring.show.api.answers import Refusal, answer, bad, dumps

DAY = 24 * 60 * 60


def once(
    request: HttpRequest, act: Callable[[], dict[str, Any]], status: Callable[[dict[str, Any]], int] = lambda said: 200
) -> HttpResponse:
    """The action, or with a known Idempotency-Key its first answer; the same key with another body is refused."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise bad({"Idempotency-Key": "may have 200 printable characters"})
    if not key:
        said = act()
        return answer(said, status(said))
    slot = "once:" + hashlib.sha256(f"{request.user.pk}\n{request.path}\n{key}".encode()).hexdigest()
    if not cache.add(slot, (request.body, None, 0), DAY):
        return again(request, *cache.get(slot, (request.body, None, 0)))
    try:
        said = act()
    except BaseException:
        cache.delete(slot)  # nothing was answered, so nothing is remembered
        raise
    told, code = dumps(said), status(said)
    cache.set(slot, (request.body, told, code), DAY)
    return HttpResponse(told, status=code, content_type="application/json")


def again(request: HttpRequest, body: bytes, told: bytes | None, code: int) -> HttpResponse:
    """What the first request with this key was answered."""
    if body != request.body:
        raise Refusal(409, "key_reused", "This Idempotency-Key came with another body before.",
                      {"Idempotency-Key": "was used with another body"})  # fmt: skip
    if told is None:
        raise Refusal(409, "in_progress", "The first request with this Idempotency-Key is not answered yet.",
                      {"Idempotency-Key": "is in use now"})  # fmt: skip
    return HttpResponse(told, status=code, content_type="application/json")

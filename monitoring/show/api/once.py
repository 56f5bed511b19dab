"""An action that a retry does not repeat: what it was answered is a row, and stands or falls with what was done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from monitoring.models import RememberedAnswer
from monitoring.show.api.answers import Refusal, answer, bad, dumps

KEPT = timedelta(hours=24)
PATIENCE = timedelta(minutes=1)  # no action takes longer: one that has not answered by then has died on the way

Said = dict[str, Any]
Status = Callable[[Said], int]


def fine(said: Said) -> int:
    return 200


def once(
    request: HttpRequest,
    act: Callable[[], Any],
    status: Status = fine,
    outcome: Callable[[Any], Said] | None = None,
) -> HttpResponse:
    """The action, or with a known Idempotency-Key its first answer; the same key with another body is refused.

    Action and memory are one transaction. An `outcome` waits afterwards for what comes of the action.
    """
    key = asked_key(request)
    if not key:
        said = outcome(act()) if outcome else act()
        return answer(said, status(said))
    with transaction.atomic():
        row, new = claim(request, key, timezone.now())
        if not new:
            return again(request, row, timezone.now())
        done = act()
        if outcome is None:
            return remember(row, done, status)
    return remember(row, outcome(done), status)


def once_outside(request: HttpRequest, act: Callable[[], Said], status: Status = fine) -> HttpResponse:
    """The same for an action that asks others and waits, which no transaction may do: its key is taken before it."""
    key = asked_key(request)
    if not key:
        said = act()
        return answer(said, status(said))
    row, new = claim(request, key, timezone.now())
    if not new:
        return again(request, row, timezone.now())
    try:
        said = act()
    except BaseException:
        row.delete()  # nothing was answered, so nothing is remembered
        raise
    return remember(row, said, status)


def asked_key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise bad({"Idempotency-Key": "may have 200 printable characters"})
    return key


def claim(request: HttpRequest, key: str, now: datetime) -> tuple[RememberedAnswer, bool]:
    """The key's row, and whether it is new; on PostgreSQL this waits for whoever is just making the same."""
    RememberedAnswer.objects.filter(expires_at__lte=now).delete()
    mine: dict[str, Any] = {"user": request.user, "path": request.path, "key": key}
    new = {"digest": digest(request.body), "made_at": now, "expires_at": now + KEPT}
    return RememberedAnswer.objects.get_or_create(**mine, defaults=new)


def remember(row: RememberedAnswer, said: Said, status: Status) -> HttpResponse:
    row.status, row.answer = status(said), dumps(said).decode()
    row.save(update_fields=["status", "answer"])
    return told(row)


def again(request: HttpRequest, row: RememberedAnswer, now: datetime) -> HttpResponse:
    """What the first request with this key was answered."""
    if row.digest != digest(request.body):
        raise Refusal(409, "key_reused", "This Idempotency-Key came with another body before.",
                      {"Idempotency-Key": "was used with another body"})  # fmt: skip
    if row.status is not None:
        return told(row)
    if now - row.made_at < PATIENCE:
        raise Refusal(409, "in_progress", "The first request with this Idempotency-Key is not answered yet.",
                      {"Idempotency-Key": "is in use now"})  # fmt: skip
    raise Refusal(409, "outcome_unknown", "The first request with this Idempotency-Key was never answered. Look what "
                  "it did, then use a new one.", {"Idempotency-Key": "was used, and nobody knows the end"})  # fmt: skip


def told(row: RememberedAnswer) -> HttpResponse:
    response = HttpResponse(row.answer.encode(), status=row.status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

"""/healthz and /readyz: without a login, without secrets."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.show.api.answers import answer
from monitoring.watch import rows


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process can reach the database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except Error:
        return answer({"status": "fail", "failing": ["database"]}, 503)
    return answer({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything that must run beats; else 503 with the names that don't."""
    try:
        silent = rows.silent(timezone.now())
    except Error:
        return answer({"status": "fail", "failing": ["database"], "processes": ["web"]}, 503)
    if not silent:
        return answer({"status": "ok"})
    names = [one.name for one, _ in silent]
    processes = sorted({one.process for one, _ in silent})
    return answer({"status": "fail", "failing": names, "processes": processes,
                   "liveness": {one.name: alive for one, alive in silent}}, 503)  # fmt: skip

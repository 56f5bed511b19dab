"""/healthz and /readyz: without a login, without secrets."""

from __future__ import annotations

from datetime import datetime

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.show.api.answers import answer
from monitoring.watch import witness
from monitoring.watch.evidence import Process
from monitoring.watch.liveness import LATE, NEVER, UP
from monitoring.watch.truth import lives

HOUSE = ("web", "worker", "trainer", "beat", "stream")  # what must beat: the page, the trading loop, the stream


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
    now = timezone.now()
    try:
        table = witness.read(now)
    except Error:
        return answer({"status": "fail", "failing": ["database"], "processes": ["web"]}, 503)
    hearts = {name: alive(table.process(name), now) for name in HOUSE}
    living = {name: lives(one, now) for name, one in table.modules.items()}
    silent = [table.modules[name] for name, said in living.items() if said not in (UP, LATE)]
    dead = {name for name, said in hearts.items() if said not in (UP, LATE)}
    if not silent and not dead:
        return answer({"status": "ok", "heartbeats": hearts})
    return answer({"status": "fail", "failing": [one.name for one in silent],
                   "processes": sorted(dead | {one.seen.one.process for one in silent}), "heartbeats": hearts,
                   "liveness": {one.name: living[one.name] for one in silent},
                   "modules": {one.name: one.status.value for one in silent}}, 503)  # fmt: skip


def alive(process: Process | None, now: datetime) -> str:
    return process.alive(now) if process else NEVER

"""What is stored about the venue: its checks, whether somebody has started it, and the silences that it asked for."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseError

from trading.exchange import checks
from trading.exchange.quiet import Told
from trading.models import Directive, PreflightRun, VenueStart

log = logging.getLogger(__name__)

SILENCE, BAN = "venue:silence", "venue:ban"  # keys of the directives that hold entries meanwhile
DEAD = timedelta(seconds=45)  # a round of checks that gave no sign of life for so long has lost its process


def account_of(key: str) -> str:
    """A fingerprint that tells two accounts apart and says nothing about the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def here() -> dict[str, str]:
    """Mode, venue and account that this process trades on, as the rows name them."""
    config = settings.QUANTUM
    return {"mode": config.mode, "venue": config.venue, "account": account_of(config.QT_API_KEY)}


def waiting() -> Mapping[str, str | int]:
    """What keeps entries back at this venue, as facts for the sentence; nothing where it is started.

    It takes the newest full round of checks to have passed, with the key in use, and somebody's start.
    """
    config = settings.QUANTUM
    if not config.must_be_started:
        return {}
    run = PreflightRun.objects.filter(**here(), full=True, finished_at__isnull=False).order_by("-id").first()
    if run is None:
        return {"unchecked": config.venue}
    if not run.passed:
        answers = {c["check"]: c["answer"] for c in run.checks}
        return {"failed": len(checks.missing(answers, config.mode)), "checks": len(checks.CHECKS)}
    start = VenueStart.objects.filter(**here()).order_by("-id").first()
    if start is None:
        return {"unstarted": config.venue}
    return {} if start.state == VenueStart.STARTED else {"stopped_by": start.by}


def running(now: datetime) -> PreflightRun | None:
    """The round of checks that is being made at this moment."""
    last = PreflightRun.objects.order_by("-id").first()
    if last is None or last.finished_at is not None:
        return None
    return last if now - (last.beat_at or last.requested_at) < DEAD else None


def silences(now: datetime) -> list[Told]:
    """What the venue asked for, whichever process heard it; nothing where the database doesn't answer."""
    try:
        rows = Directive.objects.filter(key__in=(SILENCE, BAN), ended_at__isnull=True, until__gt=now)
        return [Told(row.at, row.until, row.key == BAN) for row in rows if row.until]
    except DatabaseError as error:
        log.warning("whether the venue wants silence is not known: %s", error)
        return []

"""What a person has to be told at once: marked on its incident, once, and said to whoever listens.

The mark is the truth: whoever delivers reads `waiting()`, so that a lost signal loses no page.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from monitoring.models import Incident

log = logging.getLogger(__name__)
paged = Signal()  # incident_id: after commit


def page(incident: Incident, now: datetime) -> bool:
    """A person has to be told of this incident; whether nobody had said so before."""
    mine = Incident.objects.filter(pk=incident.pk, paged_at=None)
    if not mine.update(paged_at=now):
        return False
    incident.paged_at = now
    log.critical("a person is needed: %s", incident.key)
    transaction.on_commit(lambda: paged.send_robust(sender=Incident, incident_id=incident.pk))
    return True


def waiting() -> QuerySet[Incident]:
    """Open incidents that a person has to be told of and nobody has acknowledged, oldest first."""
    return Incident.objects.filter(paged_at__isnull=False, closed_at=None, acknowledged_at=None).order_by("paged_at")

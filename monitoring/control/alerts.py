"""A test message, so that nobody learns in the night that alerts arrive nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import Stale
from monitoring.control.permissions import person
from monitoring.models import Alert
from monitoring.watch.alerts import outbox
from monitoring.watch.alerts.routing import Habits
from monitoring.watch.alerts.sources import TEST, Wanted
from trading import events

ONE_AT_A_TIME = timedelta(minutes=1)


def send_test(who: Any, now: datetime) -> Alert:
    """Put one message into the outbox of every channel; the notifier sends it within seconds and notes the outcome."""
    actor = person(who)
    actor.must("alert.test")
    channels = [one.name for one in settings.QUANTUM.alert_channels]
    if not channels:
        raise Stale(_("No address is set: QT_ALERT_URLS says where alerts go."))
    last = Alert.objects.filter(code=TEST).order_by("-first_at").first()
    if last and now - last.first_at < ONE_AT_A_TIME:
        raise Stale(_("A test was sent less than a minute ago; its outcome is on the page."))
    with transaction.atomic():
        key = f"test:{now:%Y%m%dT%H%M%S}"
        wanted = Wanted(key, Alert.PAGE, TEST, "operator", "/alerts/", now)
        row = outbox.begin(wanted, channels, Habits(timedelta(0)), now)
        Alert.objects.filter(pk=row.pk).update(resolved_at=now)  # it is told, and nothing is wrong
        audit.append(who=actor.name, action="alert.test", target=", ".join(channels), now=now)
    events.changed("alerts")
    return row

"""The outbox: what has to be told becomes rows first, and a row is marked as sent only after it was sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from monitoring.models import Alert, AlertDelivery
from monitoring.watch.alerts import routing
from monitoring.watch.alerts.routing import Habits
from monitoring.watch.alerts.sources import Wanted
from trading import events

log = logging.getLogger(__name__)
MOST = 50  # alerts in one message
Send = Callable[[str, Sequence[AlertDelivery]], str]  # channel's name, its deliveries -> what went wrong, or nothing


def settle(wanted: Iterable[Wanted], channels: Sequence[str], habits: Habits, now: datetime) -> tuple[int, int]:
    """Make the open alerts equal to what has to be told; how many began and ended. In one transaction, five queries
    and one for each that is new or over."""
    by_key = {one.key: one for one in wanted}
    with transaction.atomic():
        there = {row.key: row for row in Alert.objects.select_for_update().filter(resolved_at=None)}
        for row in told_milder(there, by_key):  # it is told again, as a page of its own
            supersede(there.pop(row.key), now)
        known = there.keys() & by_key.keys()
        for key in known:
            renew(there[key], by_key[key], now)
        Alert.objects.bulk_update([there[key] for key in known], ["last_at", "count", "params", "severity"])
        worse = [there[key] for key in known if there[key].severity == Alert.PAGE]
        hasten(worse, now)
        reach([there[key] for key in known], channels, habits, now)
        begun = [begin(by_key[key], channels, habits, now) for key in by_key.keys() - there.keys()]
        over = [row for key, row in there.items() if key not in by_key]
        for row in over:
            end(row, now)
    if begun or over:
        events.changed("alerts")
    return len(begun), len(over)


def told_milder(there: Mapping[str, Alert], by_key: Mapping[str, Wanted]) -> list[Alert]:
    """Tickets that somebody was told of, and that are pages now; one query where there may be any."""
    worse = [
        row
        for key, row in there.items()
        if row.severity != Alert.PAGE and key in by_key and by_key[key].severity == Alert.PAGE
    ]
    if not worse:
        return []
    sent = AlertDelivery.objects.filter(alert__in=worse, kind=AlertDelivery.BEGUN, sent_at__isnull=False)
    told = set(sent.values_list("alert_id", flat=True))
    return [row for row in worse if row.pk in told]


def supersede(row: Alert, now: datetime) -> None:
    """A worse alert takes its place: it ends, and nobody is told that it is over."""
    row.resolved_at = now
    row.save(update_fields=["resolved_at"])
    AlertDelivery.objects.filter(alert=row, sent_at=None).delete()


def renew(row: Alert, wanted: Wanted, now: datetime) -> None:
    row.last_at, row.count, row.params = now, row.count + 1, dict(wanted.params)
    if wanted.severity == Alert.PAGE:
        row.severity = Alert.PAGE  # never milder while it lasts


def hasten(rows: Sequence[Alert], now: datetime) -> None:
    """What became a page does not wait for the digest."""
    if rows:
        waiting = AlertDelivery.objects.filter(alert__in=rows, kind=AlertDelivery.BEGUN, sent_at=None, attempts=0)
        waiting.filter(due_at__gt=now).update(due_at=now)


def reach(rows: Sequence[Alert], channels: Sequence[str], habits: Habits, now: datetime) -> None:
    """A channel that was set while these went on is told of them too; one that was given up is tried anew."""
    if not rows or not channels:
        return
    begun = AlertDelivery.objects.filter(alert__in=rows, kind=AlertDelivery.BEGUN)
    told = set(begun.values_list("alert_id", "channel"))
    again(begun.filter(given_up_at__isnull=False, channel__in=channels), habits, now)
    AlertDelivery.objects.bulk_create(
        AlertDelivery(
            alert=row,
            channel=name,
            kind=AlertDelivery.BEGUN,
            due_at=routing.due(row.severity, now, habits),
            made_at=now,
        )
        for row in rows
        for name in channels
        if (row.pk, name) not in told
    )


def again(given_up: QuerySet[AlertDelivery], habits: Habits, now: datetime) -> None:
    """Nobody was told of these and they go on; with the pauses of a new message, at most once a day."""
    rows = list(given_up.select_related("alert"))
    for row in rows:
        row.given_up_at, row.made_at, row.attempts, row.error = None, now, 0, ""
        row.due_at = routing.due(row.alert.severity, now, habits)
    AlertDelivery.objects.bulk_update(rows, ["given_up_at", "made_at", "attempts", "error", "due_at"])


def begin(wanted: Wanted, channels: Sequence[str], habits: Habits, now: datetime) -> Alert:
    """A new alert with a delivery to each channel; what is back before anybody was told of its end goes on."""
    back = lately_over(wanted, now)
    if back is not None:
        back.resolved_at = None
        renew(back, wanted, now)
        back.save()
        AlertDelivery.objects.filter(alert=back, kind=AlertDelivery.OVER).delete()
        return back
    row = Alert.objects.create(
        key=wanted.key, severity=wanted.severity, code=wanted.code, params=dict(wanted.params), owner=wanted.owner,
        link=wanted.link, first_at=wanted.since, last_at=now,
    )  # fmt: skip
    due = routing.due(wanted.severity, now, habits)
    AlertDelivery.objects.bulk_create(
        AlertDelivery(alert=row, channel=name, kind=AlertDelivery.BEGUN, due_at=due, made_at=now) for name in channels
    )
    outdate(row, now)
    return row


def outdate(row: Alert, now: datetime) -> None:
    """What nobody was told of this key's earlier alerts is not told any more: the last word is about the newest."""
    earlier = AlertDelivery.objects.filter(alert__key=row.key, sent_at=None, given_up_at=None).exclude(alert=row)
    earlier.update(given_up_at=now, error="it began again before this could be sent")


def lately_over(wanted: Wanted, now: datetime) -> Alert | None:
    """The alert of this key that ended minutes ago, where nobody was told so and it was no milder."""
    lately = Alert.objects.filter(key=wanted.key, resolved_at__gt=now - routing.REPEAT)
    back = lately.order_by("-resolved_at", "-pk").first()
    if back is None or (wanted.severity == Alert.PAGE and back.severity != Alert.PAGE):
        return None
    over = AlertDelivery.objects.filter(alert=back, kind=AlertDelivery.OVER, sent_at__isnull=False)
    return None if over.exists() else back


def end(row: Alert, now: datetime) -> None:
    """It is over. Whoever was told of its beginning is told; what nobody was told of yet is told as both at once.

    What had come back is said to be over only when it has stayed so: nobody is left with a last word that is not true.
    """
    row.resolved_at = now
    row.save(update_fields=["resolved_at"])
    told = AlertDelivery.objects.filter(alert=row, kind=AlertDelivery.BEGUN, given_up_at=None)
    before = Alert.objects.filter(key=row.key, resolved_at__gt=row.first_at - routing.REPEAT).exclude(pk=row.pk)
    stayed = now + routing.REPEAT if before.exists() else now
    AlertDelivery.objects.bulk_create(
        AlertDelivery(
            alert=row, channel=one.channel, kind=AlertDelivery.OVER, due_at=max(stayed, one.due_at), made_at=now
        )
        for one in told
    )


def deliver(channels: Sequence[str], send: Send, now: datetime, clock: Callable[[], datetime]) -> tuple[int, int]:
    """Send what is due, one message to each channel; how many deliveries were sent and how many failed.

    Marked after sending, each message in its own transaction: whoever is killed in between sends it again, under the
    same key.
    """
    sent = failed = 0
    for channel in channels:
        due = waiting(channel, now)
        if not due:
            continue
        problem = send(channel, due)
        mark(due, problem, clock())
        sent, failed = (sent, failed + len(due)) if problem else (sent + len(due), failed)
    give_up(channels, now)
    if sent or failed:
        events.changed("alerts")
    return sent, failed


def waiting(channel: str, now: datetime) -> list[AlertDelivery]:
    rows = AlertDelivery.objects.filter(channel=channel, sent_at=None, given_up_at=None, due_at__lte=now)
    return list(rows.select_related("alert").order_by("due_at", "id")[:MOST])


def mark(due: Sequence[AlertDelivery], problem: str, now: datetime) -> None:
    mine = AlertDelivery.objects.filter(pk__in=[one.pk for one in due])
    if not problem:
        mine.update(sent_at=now, attempts=F("attempts") + 1, error="")
        return
    log.warning("alerts could not be sent by %s: %s", due[0].channel, problem)
    again = now + routing.pause(max(one.attempts for one in due) + 1)
    mine.update(attempts=F("attempts") + 1, error=problem[:300], due_at=again)


def give_up(channels: Sequence[str], now: datetime) -> int:
    """What could not be sent for a day, or whose channel is gone, is counted and shown, and not tried any more."""
    old = AlertDelivery.objects.filter(sent_at=None, given_up_at=None)
    gone = old.exclude(channel__in=channels).update(given_up_at=now, error="the channel is not set any more")
    late = old.filter(made_at__lt=now - routing.GIVEN_UP_AFTER, attempts__gt=0)
    return gone + late.update(given_up_at=now)

"""What self-healing says to the trading side: directives to the gates, and closes while it defends.

1. The directives equal what the open incidents ask for; what a person has lifted during one stays lifted.
2. An emergency's directive is ended by a person alone.
3. From DEFENSIVE_EXIT on, positions in danger are closed by requests like a person's; one that nobody has begun after
   ten seconds is carried out here, because the process that should may be what has failed.
4. A request that nobody has begun is taken back when the level no longer asks for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation

from monitoring.models import Incident
from monitoring.watch import ailments, defence, safety
from monitoring.watch.defence import Closing, Exposure
from monitoring.watch.hands import BY, Hands
from monitoring.watch.safety import EMERGENCY_KEY, Fault, Policy
from trading import events
from trading.exchange.venue import Side
from trading.gates import store
from trading.gates.directives import Level, strictest, strictness
from trading.models import AccountSnapshot, CloseRequest, Directive, Position

log = logging.getLogger(__name__)

NOT_BEGUN = timedelta(seconds=10)
EMERGENCY_REASON = "Emergency: a position has no stop and nobody is there to place one"


def fault(row: Incident) -> Fault:
    return Fault(row.key, row.code, row.severity, row.impacts_trading, row.escalated_at is not None)


def speak(rows: Sequence[Incident], now: datetime) -> Policy:
    """Make the directives equal to what these open incidents ask for; what they ask for together."""
    wanted = {row.key: (safety.level(fault(row)), row.first_seen, reason(row)) for row in rows}
    policy = safety.decide([fault(row) for row in rows])
    if policy.level is Level.EMERGENCY_SHUTDOWN:
        began = max(row.escalated_at or row.first_seen for row in rows if row.key in policy.because)
        wanted[EMERGENCY_KEY] = (policy.level, began, EMERGENCY_REASON)
    wanted = {key: one for key, one in wanted.items() if one[0] is not Level.ALLOW_ALL}
    mine = Directive.objects.filter(by=BY)
    standing = set(mine.filter(ended_at=None).values_list("key", flat=True))
    lifted = lifted_by_people({key: since for key, (_, since, _) in wanted.items()})
    for key in standing - wanted.keys() - {EMERGENCY_KEY}:
        store.lift(key, BY, now)
    for key, (level, _, why) in wanted.items():
        if strictness(level) > strictness(lifted.get(key, Level.ALLOW_ALL)):
            store.direct(level, key, why, BY, now)
    return policy


def lifted_by_people(since: Mapping[str, datetime]) -> dict[str, Level]:
    """The strictest level that people have ended for each key since then."""
    rows = Directive.objects.filter(by=BY, key__in=since, ended_at__isnull=False).exclude(ended_by=BY)
    found: dict[str, Level] = {}
    for row in rows:
        if row.ended_at and row.ended_at >= since[row.key]:
            found[row.key] = strictest((Level(row.level), found.get(row.key, Level.ALLOW_ALL)))
    return found


def reason(row: Incident) -> str:
    """In English, because it is stored."""
    with translation.override("en"):
        return ailments.title(row.code, row.params)


# -- the way out ------------------------------------------------------------------------------------------------------


def enforce(hands: Hands, now: datetime) -> int:
    """Close what the level in force asks for; how many requests were made."""
    level = store.standing(now).level
    mine = CloseRequest.objects.filter(requested_by=BY, position__status=Position.OPEN)
    waiting = {row.position_id: row for row in mine}
    if strictness(level) < strictness(Level.DEFENSIVE_EXIT) and not waiting:
        return 0
    wanted = {one.position_id: one for one in defence.to_close(level, exposures(), venue_at(), now)}
    for number, row in waiting.items():
        if number not in wanted and CloseRequest.objects.filter(pk=row.pk, taken_at=None).delete()[0]:
            log.warning("close request %d is taken back: it is not asked for any more", row.pk)
    asked = [request(one, now) for number, one in wanted.items() if number not in waiting]
    made = [row for row in asked if row is not None]
    late = [row for number, row in waiting.items() if number in wanted and now - row.requested_at >= NOT_BEGUN]
    if level is Level.EMERGENCY_SHUTDOWN:
        act(hands.cancel_entries)
    for row in made:
        act(hands.close, row.pk, False)
    for row in late:
        act(hands.close, row.pk, True)
    return len(made)


def request(one: Closing, now: datetime) -> CloseRequest | None:
    """A close like a person's; None where somebody has asked for it already."""
    with transaction.atomic():
        position = Position.objects.select_for_update().get(pk=one.position_id)
        if position.status != Position.OPEN:
            return None
        words = {"requested_by": BY, "code": BY, "reason": one.sentence[:500], "requested_at": now}
        row, new = CloseRequest.objects.get_or_create(position=position, defaults=words)
        events.changed("positions", "incidents")
    if new:
        log.error("%s is closed by self-healing: %s", one.symbol, one.sentence)
    return row if new else None


def act(what: Callable[..., object], *about: object) -> None:
    """Try it; what goes wrong is tried again by the next look, and by the sweep."""
    try:
        what(*about)
    except Exception as error:  # noqa: BLE001 - whatever one close runs into, the others are still to be closed
        log.warning("%s %s: %s", getattr(what, "__name__", what), about, error)


def exposures() -> list[Exposure]:
    """Open positions that are not being closed; one query."""
    return [
        Exposure(
            position_id=row.pk,
            symbol=row.symbol,
            side=Side(row.side),
            entry=row.entry_price,
            opened_at=row.opened_at,
            stop=row.stop_price,
            liquidation=row.liquidation_price,
            mark_at=row.mark_at,
            verified_at=row.verified_at,
            unprotected_since=row.unprotected_since,
            breached_at=row.breached_at,
        )
        for row in Position.objects.filter(status=Position.OPEN).order_by("pk")
    ]


def venue_at() -> datetime | None:
    """When the exchange last told the account; one query."""
    return AccountSnapshot.objects.order_by("-at").values_list("at", flat=True).first()

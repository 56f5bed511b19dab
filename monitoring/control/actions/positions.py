"""Close a position: the wish is a row, the trading side carries it out, and its outcome is read from the position.

The way out is never blocked: no reason is needed, and what the gates forbid to enter may always be left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import UNSEEN, BadRequest, Shown, Stale, tidy
from monitoring.control.permissions import person
from monitoring.watch.words import market
from trading import events
from trading.models import CloseRequest, Position

PAGE_LIMIT = timedelta(minutes=2)  # how old a page may be from which a position is closed
PATIENCE = 4.0  # seconds that an answer waits for the venue's
LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Closing:
    """A close that was asked for, as far as it has come: waiting, closing or closed."""

    position_id: int
    symbol: str
    state: str
    requested_by: str
    requested_at: datetime
    error: str = ""
    exit_price: Decimal | None = None
    net: Decimal | None = None
    closed_at: datetime | None = None

    @property
    def done(self) -> bool:
        return self.state == Position.CLOSED


def close_position(position_id: int, reason: str, who: Any, now: datetime, shown: Shown = UNSEEN) -> Closing:
    """Ask for the close. Asked twice it is one request; a position that is closed already answers `Stale`."""
    actor, reason = person(who), tidy(reason)
    actor.must("position.close")
    with transaction.atomic():
        audit.lock()
        position = Position.objects.select_for_update().filter(pk=position_id).first()
        if position is None:
            raise BadRequest("id", _("There is no position %(id)s.") % {"id": position_id})
        if position.status == Position.CLOSED:
            told = {"symbol": market(position.symbol), "reason": position.close_reason}
            raise Stale(_("%(symbol)s was closed already, by %(reason)s.") % told)
        shown.must_hold({"side": position.side, "quantity": position.quantity}, now, PAGE_LIMIT)
        request, new = CloseRequest.objects.get_or_create(
            position=position, defaults={"requested_by": actor.name, "reason": reason, "requested_at": now}
        )
        if new:
            audit.append(
                who=actor.name,
                action="position.close",
                target=f"{position.symbol} #{position.pk}",
                before={"status": position.status, "side": position.side, "quantity": position.quantity},
                after={"requested": True},
                reason=reason,
                now=now,
            )
        events.changed("positions")
        transaction.on_commit(lambda: events.ring("trading.close", request.pk))
    return state_of(request, position)


def closing(position_id: int, patience: float | None = None, rest: Callable[[float], None] = time.sleep) -> Closing:
    """The close as the rows have it, after waiting up to `patience` seconds for its end."""
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        request = CloseRequest.objects.select_related("position__trade").get(position=position_id)
        told = state_of(request, request.position)
        if told.done or time.monotonic() >= end:
            return told
        rest(LOOK)


def state_of(request: CloseRequest, position: Position) -> Closing:
    trade = getattr(position, "trade", None) if position.status == Position.CLOSED else None
    begun = request.taken_at is not None or position.status == Position.CLOSING
    return Closing(
        position_id=position.pk,
        symbol=position.symbol,
        state=Position.CLOSED if position.status == Position.CLOSED else "closing" if begun else "waiting",
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        error=request.error,
        exit_price=trade.exit_price if trade else None,
        net=trade.net if trade else None,
        closed_at=position.closed_at,
    )

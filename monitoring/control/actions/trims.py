"""Apply a proposed trim: the wish is a row, the trading side carries it out, and its outcome is read from the row.

Reducing risk is never blocked: no reason is needed, and what the gates forbid to enter may always be made smaller.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import UNSEEN, BadRequest, Shown, Stale, tidy
from monitoring.control.actions.positions import LOOK, PAGE_LIMIT
from monitoring.control.permissions import person
from monitoring.watch.words import market
from trading import events
from trading.models import Position, TrimProposal, TrimRequest

PATIENCE = 4.0  # seconds that an answer waits for the venue's


@dataclass(frozen=True, slots=True)
class Trimming:
    """A trim that was asked for, as far as it has come: waiting, trimming, done, refused or overtaken."""

    request_id: int
    position_id: int
    symbol: str
    state: str
    quantity: Decimal
    filled: Decimal
    left: Decimal
    requested_by: str
    requested_at: datetime
    error: str = ""
    average_price: Decimal | None = None
    net: Decimal | None = None
    ended_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.ended_at is not None


def apply_trim(trim_id: int, reason: str, who: Any, now: datetime, shown: Shown = UNSEEN) -> Trimming:
    """Ask for the trim. Asked twice it is one request; one whose position is closed meanwhile answers `Stale`."""
    actor, reason = person(who), tidy(reason)
    actor.must("trim.apply")
    with transaction.atomic():
        audit.lock()
        proposal = TrimProposal.objects.select_for_update().filter(pk=trim_id).first()
        if proposal is None:
            raise BadRequest("id", _("There is no trim %(id)s.") % {"id": trim_id})
        if (before := TrimRequest.objects.select_related("position").filter(proposal=proposal).first()) is not None:
            return state_of(before)
        position = Position.objects.select_for_update().get(pk=proposal.position_id)
        must_fit(proposal, position)
        shown.must_hold({"quantity": proposal.quantity, "side": position.side}, now, PAGE_LIMIT)
        request = TrimRequest.objects.create(
            proposal=proposal,
            position=position,
            quantity=proposal.quantity,
            before=position.quantity,
            requested_by=actor.name,
            reason=reason,
            requested_at=now,
        )
        TrimProposal.objects.filter(pk=trim_id).update(state=TrimProposal.ACCEPTED, ended_at=now, ended_by=actor.name)
        audit.append(
            who=actor.name,
            action="trim.apply",
            target=f"{position.symbol} #{position.pk}",
            before={"side": position.side, "quantity": position.quantity},
            after={"trim": trim_id, "by": proposal.quantity, "why": proposal.why},
            reason=reason,
            now=now,
        )
        events.changed("positions", "balance")
        transaction.on_commit(lambda: events.ring("trading.trim", request.pk))
    return state_of(request)


def must_fit(proposal: TrimProposal, position: Position) -> None:
    """Raise `Stale` where the proposal is not what could be done now."""
    told = {"id": proposal.pk, "symbol": market(position.symbol), "state": proposal.state}
    if position.status != Position.OPEN:
        raise Stale(_("%(symbol)s is closed or being closed, so there is nothing left to trim.") % told)
    if proposal.state != TrimProposal.OPEN:
        raise Stale(_("Trim %(id)s has ended already: %(state)s.") % told)
    if proposal.quantity >= position.quantity:
        raise Stale(_("%(symbol)s is smaller by now than what this trim would close. Close it instead.") % told)
    if TrimRequest.objects.filter(position=position, outcome="").exists():
        raise Stale(_("Another trim of %(symbol)s is being carried out. Wait for its end.") % told)


def trimming(request_id: int, patience: float | None = None, rest: Callable[[float], None] = time.sleep) -> Trimming:
    """The trim as the rows have it, after waiting up to `patience` seconds for its end."""
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        told = state_of(TrimRequest.objects.select_related("position").get(pk=request_id))
        if told.over or time.monotonic() >= end:
            return told
        rest(LOOK)


def state_of(request: TrimRequest) -> Trimming:
    position = request.position
    return Trimming(
        request_id=request.pk,
        position_id=position.pk,
        symbol=position.symbol,
        state=request.outcome or ("trimming" if request.taken_at else "waiting"),
        quantity=request.quantity,
        filled=request.filled,
        left=position.quantity,
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        error=request.error,
        average_price=request.average_price,
        net=request.realized - request.fees if request.filled else None,
        ended_at=request.ended_at,
    )

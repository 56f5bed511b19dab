"""Protective orders: cancelled behind our back, and placed again while the exchange answers oddly.

The price stands still meanwhile, the stop is cancelled at the venue, and the fault meets the order that replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    ALGO,
    NOTHING,
    Break,
    Cancel,
    Drill,
    Fault,
    Hold,
    Need,
    Part,
    Sign,
    Within,
)

PROTECTED = (Sign("venue.guarded", ("{symbol}",)), Sign("position.verified", ("{id}",)))
AGAIN = _("Seen at once, placed again within 5 s, and read back from the exchange: one of each, never two.")
FOUND_OUT = _(
    "The outcome is unknown, and the exchange is asked by our own id; nothing is assumed, and one working stop rests."
)
NEXT_TRY = _("A definite no is no stop: a new one is wanted and placed, and the backstop protects meanwhile.")
VANISH = {"seconds": 1, "type": "STOP"}
QUICK, FENCED = Within(5, 5, 10), Within(12, 35, 35)  # a lost request may still arrive until its window has closed


def cancelled(name: str, kinds: tuple[str, ...], title: Promise, broken: Promise) -> Drill:
    """These orders of a position are cancelled at the venue, as if by hand."""
    return Drill(
        name=name,
        part=Part.STOPS,
        rows="A19, 21.34, 21.35",
        title=title,
        broken=broken,
        expected=AGAIN,
        breaks=(Hold(), Cancel(kinds)),
        detects=tuple(Sign("order", (f"{kind}:canceled",)) for kind in kinds),
        acts=tuple(Sign(f"venue.{kind}", ("{symbol}",)) for kind in kinds),
        verifies=PROTECTED,
        within=QUICK,
        needs=(Need.POSITION,),
        fast=True,
    )


def answered(
    name: str,
    rows: str,
    title: Promise,
    broken: Promise,
    kind: str,
    params: Mapping[str, Any] = NOTHING,
    *,
    lost: bool,
    times: int = 1,
    within: Within | None = None,
) -> Drill:
    """The stop is cancelled, and the request for the new one meets this fault: its outcome is `lost`, or a no."""
    breaks: tuple[Break, ...] = (
        Hold(),
        Fault(kind, "POST", ALGO, times=times, params=params, mine=True),
        Cancel(("stop",)),
    )
    seen = ("stop:unknown",) if lost else ("stop:refused", "stop:not_placed", "stop:unknown")
    return Drill(
        name=name,
        part=Part.STOPS,
        rows=rows,
        title=title,
        broken=broken,
        expected=FOUND_OUT if lost else NEXT_TRY,
        breaks=breaks,
        detects=(Sign("order", seen),),
        acts=(Sign("venue.stop", ("{symbol}",)),),
        verifies=PROTECTED,
        within=within or (FENCED if lost else Within(12, 20, 20)),
        needs=(Need.POSITION,),
    )


DRILLS = (
    cancelled(
        "stop-cancelled", ("stop",), _("The working stop is cancelled"),
        _("Somebody cancels the working stop at the exchange."),
    ),
    cancelled(
        "backstop-cancelled", ("backstop",), _("The backstop is cancelled"),
        _("Somebody cancels the backstop at the exchange."),
    ),
    cancelled(
        "target-cancelled", ("target",), _("The target is cancelled"),
        _("Somebody cancels the take-profit at the exchange."),
    ),
    cancelled(
        "both-stops-cancelled", ("stop", "backstop"), _("Both stops are cancelled"),
        _("Somebody cancels stop and backstop at the exchange: the position is naked."),
    ),
    Drill(
        name="stop-vanishes",
        part=Part.STOPS,
        rows="A19, A20",
        title=_("A new stop vanishes after it was accepted"),
        broken=_("The working stop is cancelled; the exchange takes the new one, and drops it a second later."),
        expected=AGAIN,
        breaks=(Hold(), Fault("cancel_stop", times=1, params=VANISH, mine=True), Cancel(("stop",))),
        detects=(Sign("order", ("stop:canceled",)),),
        acts=(Sign("venue.stop", ("{symbol}",)),),
        verifies=PROTECTED,
        within=Within(5, 10, 20),
        needs=(Need.POSITION,),
    ),
    answered(
        "stop-answer-lost", "A03, 21.28", _("The answer to a new stop is lost"),
        _("The new stop is placed, but its sender is told only that nobody knows (-1007)."),
        "timeout_after", lost=True,
    ),
    answered(
        "stop-request-lost", "A04, 21.28", _("A new stop never arrives"),
        _("The new stop never arrives, and its sender is told only that nobody knows (-1007)."),
        "timeout_before", lost=True,
    ),
    answered(
        "stop-connection-reset", "A05", _("The connection breaks while a stop is placed"),
        _("The new stop is placed, and the connection is reset before the answer."),
        "reset_after", lost=True,
    ),
    answered(
        "stop-answered-garbage", "A08", _("A new stop is answered with garbage"),
        _("The answer to the new stop is cut short: no JSON."),
        "garbage_body", lost=True,
    ),
    answered(
        "stop-answered-html", "A08", _("A new stop is answered with a web page"),
        _("The answer to the new stop is a page of HTML."),
        "html_body", lost=True,
    ),
    answered(
        "stop-unknown-error", "A07", _("The exchange knows no outcome of a new stop"),
        _("The new stop is answered with HTTP 503 and the words for an unknown outcome."),
        "http_status",
        {"status": 503, "body": "Unknown error, please check your request or try again later."},
        lost=True,
    ),
    answered(
        "stop-status-unknown", "A07", _("The status of a new stop is unknown"),
        _("The new stop is answered with -1006: an unexpected response, execution status unknown."),
        "error_code", {"code": -1006, "status": 400}, lost=True,
    ),
    answered(
        "stop-overloaded", "A07", _("The exchange is overloaded while a stop is placed"),
        _("The new stop is answered with -1008: throttled by the exchange, not accepted."),
        "error_code", {"code": -1008, "status": 503}, lost=False,
    ),
    answered(
        "stop-rate-limited", "A01, 21.33", _("A new stop meets the rate limit"),
        _("The new stop is answered with HTTP 429 and -1003: too many requests."),
        "error_code", {"code": -1003, "status": 429}, lost=False, within=Within(12, 40, 45),
    ),
    answered(
        "stop-clock-refused", "B09", _("A new stop comes with a wrong clock"),
        _("The new stop is answered with -1021: its timestamp lies outside of the window."),
        "error_code", {"code": -1021, "status": 400}, lost=False,
    ),
    answered(
        "stop-duplicate-id", "A09", _("The exchange says a stop's id exists already"),
        _("The new stop is answered with -4116: its id is not unique."),
        "error_code", {"code": -4116, "status": 400}, lost=False, within=Within(12, 35, 35),
    ),
    answered(
        "stop-refused-once", "A16", _("A new stop is refused once"),
        _("The exchange refuses the new stop once (-4045), then takes it."),
        "reject_stop", {"code": -4045}, lost=False,
    ),
)  # fmt: skip

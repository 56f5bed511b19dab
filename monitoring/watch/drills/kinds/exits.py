"""The way out: stops that are passed, refused or triggered, and closes whose answer is lost. The position is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    ALGO,
    NOTHING,
    ORDER,
    Break,
    Cancel,
    Close,
    Drill,
    Drive,
    Fault,
    Hold,
    Need,
    Part,
    Sign,
    Within,
)

FLAT = (Sign("venue.flat", ("{symbol}",)),)
BOOKED = (Sign("position.closed", ("{id}",)), Sign("trade", ("{id}",)), Sign("venue.bare", ("{symbol}",)))
CLOSED_ONCE = _("The exchange is asked for what became of it; the position is closed once, never turned around.")
OUT = _("It is closed at market within seconds, booked as a trade, and no order of it is left at the exchange.")


def priced(name: str, rows: str, title: Promise, broken: Promise, drive: Drive, *more: Break) -> Drill:
    """The price is driven."""
    kind = drive.to
    return Drill(
        name=name, part=Part.EXITS, rows=rows, title=title, broken=broken, expected=OUT,
        breaks=(*more, drive),
        detects=(Sign("order", (f"{kind}:triggered", f"{kind}:partial", f"{kind}:filled", "backstop:triggered",
                                "backstop:filled", "exit:*")), Sign("position.breached", ("{id}",))),
        acts=FLAT, verifies=BOOKED, within=Within(10, 15, 20), needs=(Need.POSITION,), ends=True,
    )  # fmt: skip


def closing(
    name: str,
    rows: str,
    title: Promise,
    broken: Promise,
    kind: str,
    params: Mapping[str, Any] = NOTHING,
    times: int = 1,
    within: Within | None = None,
) -> Drill:
    """A person closes the position, and the exit order meets this fault."""
    return Drill(
        name=name, part=Part.EXITS, rows=rows, title=title, broken=broken, expected=CLOSED_ONCE,
        breaks=(Hold(), Fault(kind, "POST", ORDER, times=times, params=params, mine=True), Close()),
        detects=(Sign("order", ("exit:*",)),), acts=FLAT, verifies=BOOKED,
        within=within or Within(12, 40, 45), needs=(Need.POSITION,), ends=True,
    )  # fmt: skip


DRILLS = (
    Drill(
        name="stop-refused-for-good",
        part=Part.EXITS,
        rows="A16, 21.35",
        title=_("No stop is taken any more"),
        broken=_("The working stop is cancelled, and every new one is refused."),
        expected=_("After three refusals the position is closed at market: never only a line in a log."),
        breaks=(
            Hold(),
            Fault("reject_stop", seconds=60, params={"code": -4045}, mine=True),
            Cancel(("stop", "backstop")),
        ),
        detects=(Sign("order", ("stop:refused",)),),
        acts=FLAT,
        verifies=BOOKED,
        within=Within(5, 15, 20),
        needs=(Need.POSITION,),
        ends=True,
        fast=True,
    ),
    Drill(
        name="stop-would-trigger",
        part=Part.EXITS,
        rows="A15, 21.24",
        title=_("A new stop would trigger at once"),
        broken=_("The working stop is cancelled, and the new one is refused with -2021: the market is behind it."),
        expected=_("The stop is breached already, so the position leaves at market at once."),
        breaks=(
            Hold(),
            Fault("error_code", "POST", ALGO, times=1, params={"code": -2021, "status": 400}, mine=True),
            Cancel(("stop",)),
        ),
        detects=(Sign("order", ("stop:refused",)),),
        acts=FLAT,
        verifies=BOOKED,
        within=Within(5, 10, 20),
        needs=(Need.POSITION,),
        ends=True,
    ),
    priced(
        "price-gaps-through-stop", "A17", _("The price jumps over the stop"),
        _("The price jumps 3 % beyond the stop: its limit can't fill."), Drive("stop", 0.03),
    ),
    priced(
        "price-reaches-stop", "A18, 21.36", _("The price reaches the stop"),
        _("The price walks to the stop and a little beyond."), Drive("stop", 0.002, 3),
    ),
    priced(
        "price-reaches-target", "A-exit", _("The price reaches the target"),
        _("The price walks to the target and a little beyond."), Drive("target", 0.002, 3),
    ),
    priced(
        "fill-told-twice", "A-stream", _("A fill is told twice"),
        _("The price reaches the target, and the exchange's stream tells every fill twice."),
        Drive("target", 0.002, 3), Fault("duplicate_fill_event", seconds=45, mine=True),
    ),
    priced(
        "fills-told-out-of-order", "A-stream", _("Fills are told in the wrong order"),
        _("The price reaches the target, and the exchange's stream tells what happened out of order."),
        Drive("target", 0.002, 3), Fault("reorder_events", seconds=45, mine=True),
    ),
    closing(
        "exit-answer-lost", "A03, A21", _("The answer to an exit is lost"),
        _("A person closes the position; the exit is executed and its answer lost."), "timeout_after",
    ),
    closing(
        "exit-request-lost", "A04", _("An exit never arrives"),
        _("A person closes the position; the exit never arrives, and nobody says so."), "timeout_before",
    ),
    closing(
        "exit-connection-reset", "A05", _("The connection breaks during an exit"),
        _("A person closes the position; the exit is executed and the connection reset."), "reset_after",
    ),
    closing(
        "exit-refused-twice", "A16", _("An exit is refused twice"),
        _("A person closes the position; the exit is answered with -1008 twice."), "error_code",
        {"code": -1008, "status": 503}, times=2,
    ),
    closing(
        "exit-only-acknowledged", "A12, 21.30", _("An exit is only acknowledged"),
        _("A person closes the position; the answer says NEW and nothing of a fill."), "ack_only",
        within=Within(5, 15, 20),
    ),
    closing(
        "exit-answered-late", "A06", _("The answer to an exit is late"),
        _("A person closes the position; the answer comes 8 s later than our patience."), "delay",
        {"seconds": 8},
    ),
    Drill(
        name="liquidated",
        part=Part.EXITS,
        rows="A29",
        title=_("The exchange liquidates a position"),
        broken=_("The exchange liquidates the position."),
        expected=_("It is found flat and booked as what it was; nothing of it is left, and the switch goes to halted."),
        breaks=(Fault("liquidate", times=1, mine=True),),
        detects=(Sign("position.closed", ("{id}",)),),
        acts=(Sign("position.closed", ("{id}",)),),
        verifies=(*BOOKED, Sign("switch", ("halted",))),
        within=Within(15, 30, 400),
        needs=(Need.POSITION,),
        ends=True,
    ),
)  # fmt: skip

"""The exchange as a whole: errors, silence, bans, another account mode, a clock that is off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    NOTHING,
    Drill,
    Fault,
    Freeze,
    Need,
    Part,
    Ring,
    Sign,
    Until,
    Within,
)

SAID = Sign("error", ("exchange", "position_monitor", "universe"))
OPENED = Sign("incident.opened", ("MODULE_FAILING:exchange", "MODULE_FAILING:position_monitor", "MODULE_SILENT:*"))
BACK = (Sign("account"), Sign("tick", ("exchange",)), Sign("tick", ("position_monitor",)))
KEPT = _("The modules that ask it fail and say so; stops rest at the exchange; all goes on once it answers again.")


def failing(
    name: str,
    rows: str,
    title: Promise,
    broken: Promise,
    kind: str,
    params: Mapping[str, Any] = NOTHING,
    *,
    within: Within | None = None,
    until: Until = Until.DETECTED,
) -> Drill:
    """Every request meets this fault until somebody has noticed."""
    return Drill(
        name=name, part=Part.VENUE, rows=rows, title=title, broken=broken, expected=KEPT,
        breaks=(Fault(kind, seconds=90, params=params),),
        detects=(SAID, OPENED), acts=(), verifies=BACK,
        within=within or Within(15, 15, 30), until=until, fast=kind == "http_status",
    )  # fmt: skip


DRILLS = (
    failing(
        "venue-answers-503", "A07, B12", _("Every request is answered with 503"),
        _("The exchange answers every request with HTTP 503."), "http_status", {"status": 503},
    ),
    failing(
        "venue-answers-html", "A08", _("Every request is answered with a web page"),
        _("The exchange answers every request with a page of HTML, as a firewall does."), "html_body",
    ),
    failing(
        "key-revoked", "A28, 21.23", _("The key is revoked"),
        _("The exchange refuses the key (-2015)."), "key_revoked",
    ),
    failing(
        "rate-limited", "A01, 21.33", _("The rate limit is reached"),
        _("The exchange answers every request with HTTP 429 and a time to wait."), "rate_limit",
        {"seconds": 7}, within=Within(15, 15, 75),
    ),
    failing(
        "banned", "A02", _("The address is banned"),
        _("The exchange answers every request with HTTP 418 and a time to wait."), "ban",
        {"seconds": 15}, within=Within(15, 15, 150),
    ),
    Drill(
        name="venue-slow",
        part=Part.VENUE,
        rows="A06",
        title=_("The exchange answers slowly"),
        broken=_("Every answer of the exchange comes 3 s late."),
        expected=_("The latency is measured with every look at the account, and is short again afterwards."),
        breaks=(Fault("latency", seconds=120, params={"seconds": 3}),),
        detects=(Sign("account.slow"), SAID),
        acts=(),
        verifies=(Sign("account.quick"), Sign("tick", ("position_monitor",))),
        within=Within(40, 40, 60),
        until=Until.DETECTED,
    ),
    Drill(
        name="venue-gone",
        part=Part.VENUE,
        rows="A06, B12",
        title=_("The exchange hangs"),
        broken=_("The practice exchange is stopped: connections stay open, and nothing answers."),
        expected=KEPT,
        breaks=(Freeze("practice"),),
        detects=(SAID, OPENED, Sign("incident.opened", ("STREAM_SILENT",)), Sign("tick.slow")),
        acts=(),
        verifies=BACK,
        within=Within(40, 40, 45),
        until=Until.DETECTED,
        restarts=1,
    ),
    Drill(
        name="clock-skewed",
        part=Part.VENUE,
        rows="B09",
        title=_("The exchange's clock is 30 s ahead"),
        broken=_("The exchange's clock jumps 30 s ahead of ours."),
        expected=_("The clock is asked for anew, requests carry the exchange's time, and the account is read again."),
        breaks=(Fault("clock_skew", seconds=90, params={"seconds": 30}),),
        detects=(Sign("clock.off"), Sign("incident.opened", ("CLOCK_OFF",))),
        acts=(Sign("incident.opened", ("CLOCK_OFF",)), Sign("account")),
        verifies=(*BACK, Sign("clock.right"), Sign("incident.closed", ("CLOCK_OFF",))),
        within=Within(30, 45, 60),
        until=Until.ACTED,
    ),
    Drill(
        name="symbol-halted",
        part=Part.VENUE,
        rows="A27, 21.15",
        title=_("A symbol is no longer traded"),
        broken=_("The exchange lists a symbol that nobody holds as not trading; the universe is asked for anew."),
        expected=_("It leaves the universe, so no entry is judged on it; it comes back when it is listed again."),
        breaks=(Fault("delist", seconds=90, mine=True), Ring("universe")),
        detects=(Sign("universe.out", ("{symbol}",)),),
        acts=(Sign("universe.out", ("{symbol}",)),),
        verifies=(Sign("universe.in", ("{symbol}",)),),
        within=Within(20, 20, 330),
        until=Until.ACTED,
        after=(Ring("universe"),),
    ),
    Drill(
        name="entry-answer-lost",
        part=Part.VENUE,
        rows="A03, 21.28",
        title=_("The answer to an entry is lost"),
        broken=_("The next entry is executed, but its sender is told only that nobody knows (-1007)."),
        expected=_("It is found by our own id, adopted with its fill, and protected: one order, one position."),
        breaks=(Fault("timeout_after", "POST", "/fapi/v1/order", times=1),),
        detects=(Sign("entry", ("unknown",)),),
        acts=(Sign("entry", ("filled",)),),
        verifies=(Sign("entry.protected"),),
        within=Within(240, 275, 45),
        needs=(Need.ENTRY,),
        until=Until.DETECTED,  # it waits for an entry: verified is counted from the one that it met
    ),
    Drill(
        name="entry-partly-filled",
        part=Part.VENUE,
        rows="A11",
        title=_("An entry is filled in part"),
        broken=_("The next entry is filled in part, and the rest stays open."),
        expected=_("The rest is cancelled; the stops cover exactly what was filled."),
        breaks=(Fault("partial_fill", "POST", "/fapi/v1/order", times=1, params={"share": 0.37, "rest": "rests"}),),
        detects=(Sign("entry", ("partial", "canceled")),),
        acts=(Sign("entry", ("canceled", "filled")),),
        verifies=(Sign("entry.protected"),),
        within=Within(240, 260, 30),
        needs=(Need.ENTRY,),
        until=Until.DETECTED,
    ),
)  # fmt: skip

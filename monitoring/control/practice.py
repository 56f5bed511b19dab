"""Breaking the practice exchange on purpose, for a while, to watch the house heal. Its desk is asked over HTTP.

Only in practice mode: nothing here can reach another exchange. The desk is asked before the audit row is written, so
that no lock is held while it answers, and nothing is noted that did not happen.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import BadRequest, Stale, Unreachable, tidy
from monitoring.control.permissions import person
from trading import events

PATIENCE = 2.0  # seconds that the desk has for an answer
MUTE, ERRORS = "mute", "errors"
ORDERS: Mapping[str, Mapping[str, Any]] = {  # what the desk is told
    MUTE: {"kind": "mute_stream", "seconds": 60},
    ERRORS: {"kind": "http_status", "seconds": 60, "params": {"status": 503}},
}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in force at the practice exchange. `seconds_left` is None where it stands until it is ended."""

    id: int
    kind: str
    hits: int
    seconds_left: float | None


def practising() -> bool:
    return settings.QUANTUM.mode == "practice"


def faults(patience: float = PATIENCE) -> list[Fault]:
    """What is broken now, as the desk says; `Unreachable` where it doesn't."""
    try:
        rows = ask("GET", "faults", patience=patience)["items"]
        return [Fault(row["id"], row["kind"], row["hits"], row["seconds_left"]) for row in rows]
    except (KeyError, TypeError):
        raise Unreachable(_("Whatever answers at the practice exchange's address is not its desk.")) from None


def break_it(what: str, who: Any, now: datetime, reason: str = "") -> Fault:
    """Let the practice exchange misbehave for a while; what is broken already is not broken twice."""
    actor, reason = person(who), tidy(reason)
    actor.must("practice.break")
    must_practise()
    if what not in ORDERS:
        raise BadRequest("target", _("target must be one of %(known)s.") % {"known": ", ".join(ORDERS)})
    order = ORDERS[what]
    for one in faults():
        if one.kind == order["kind"]:
            told = {"left": f"{one.seconds_left:.0f}" if one.seconds_left is not None else "?"}
            raise Stale(_("It is broken already, for another %(left)s s.") % told)
    number = ask("POST", "faults", order).get("id", 0)
    audit.append(who=actor.name, action="practice.break", target=what, after={**order, "id": number}, reason=reason,
                 now=now)  # fmt: skip
    events.changed("drill")
    return Fault(number, order["kind"], 0, float(order["seconds"]))


def mend(who: Any, now: datetime, reason: str = "") -> int:
    """End every fault; how many there were. What was ended is noted, even where the desk falls silent on the way."""
    actor, reason = person(who), tidy(reason)
    actor.must("practice.break")
    must_practise()
    found = faults()
    if not found:
        raise Stale(_("Nothing is broken on purpose."))
    ended: list[str] = []
    try:
        for one in found:
            ask("DELETE", f"faults/{one.id}", gone={})
            ended.append(one.kind)
    except Unreachable as error:
        if not ended:
            raise
        told = {"n": len(ended), "all": len(found)}
        raise Unreachable(
            _("%(n)s of %(all)s faults were ended, then the desk fell silent. Try again.") % told
        ) from error
    finally:
        if ended:
            left = [one.kind for one in found[len(ended) :]]
            audit.append(who=actor.name, action="practice.mend", before={"kinds": ended},
                         after={"left": left} if left else {}, reason=reason, now=now)  # fmt: skip
            events.changed("drill")
    return len(found)


def must_practise() -> None:
    if not practising():
        told = {"mode": settings.QUANTUM.mode}
        raise Stale(_("Only the practice exchange is broken on purpose; the mode here is %(mode)s.") % told)


def ask(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    patience: float = PATIENCE,
    gone: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The desk's answer; `gone` stands for a 404, where given."""
    request = urllib.request.Request(
        f"{settings.QUANTUM.QT_PRACTICE_URL.rstrip('/')}/practice/{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with OPENER.open(request, timeout=patience) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as no:
        if no.code == 404 and gone is not None:
            return gone
        raise Unreachable(_("The practice exchange's desk refused it, with HTTP %(code)s.") % {"code": no.code}) from no
    except (OSError, ValueError, HTTPException) as error:
        text = _("The practice exchange does not answer at %(url)s, so nothing was changed.")
        raise Unreachable(text % {"url": settings.QUANTUM.QT_PRACTICE_URL}) from error

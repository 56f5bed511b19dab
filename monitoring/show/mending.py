"""Incidents, remedies, directives and trims as the pages and the API show them. Queries first, then words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from monitoring.models import Incident, RemedyAttempt
from monitoring.show.controls import MUST_REASON, NO_REASON, Control
from monitoring.show.scene import Scene, states
from monitoring.watch import ailments
from monitoring.watch.detectors.findings import Ailment
from monitoring.watch.healer import tries
from monitoring.watch.healing import CALM, LIMIT, backoff
from monitoring.watch.retold import retold
from monitoring.watch.words import age, exact, grouped, market, percent, price
from trading.gates import store
from trading.gates.directives import Level, holds_entries
from trading.models import BalanceLook, Directive, TrimProposal

CLOSED_SHOWN = 20
SHAPES = {"critical": "fail", "high": "fail", "medium": "warn", "low": "unknown"}


# -- queries ----------------------------------------------------------------------------------------------------------


def open_incidents(scene: Scene) -> list[Incident]:
    """Worst first, then the oldest; one query."""
    rows = Incident.objects.filter(closed_at=None).order_by("first_seen", "pk")
    return sorted(rows, key=lambda row: -Incident.SEVERITIES.index(row.severity))


def closed_incidents(scene: Scene) -> list[Incident]:
    """Newest first; one query."""
    return list(Incident.objects.filter(closed_at__isnull=False).order_by("-closed_at")[:CLOSED_SHOWN])


def attempts(scene: Scene) -> dict[int, list[RemedyAttempt]]:
    """What was tried for the incidents that are shown, oldest first; one query."""
    shown = [*scene.once(open_incidents), *scene.once(closed_incidents)]
    found: dict[int, list[RemedyAttempt]] = {}
    for row in RemedyAttempt.objects.filter(incident__in=shown).order_by("at", "pk"):
        found.setdefault(row.incident_id, []).append(row)
    return found


def recent(scene: Scene) -> dict[str, list[datetime]]:
    """When remedies were tried for the open incidents' keys, as self-healing counts them; one query."""
    return tries((row.key for row in scene.once(open_incidents)), scene.now)


def standing(scene: Scene) -> list[Directive]:
    """Directives in force, oldest first; one query."""
    rows = Directive.objects.filter(ended_at=None).order_by("at", "pk")
    return [row for row in rows if row.until is None or row.until > scene.now]


def healer_at(scene: Scene) -> datetime | None:
    """When self-healing last looked; one query, that of every module's row."""
    state = scene.once(states).get("self_healing")
    return state.last_work if state else None


def silent(scene: Scene) -> bool:
    """Self-healing has looked before, and has left out looks since."""
    looked, every = scene.once(healer_at), timedelta(seconds=settings.QUANTUM.QT_CRITICAL_CHECK_INTERVAL)
    return looked is not None and scene.now - looked > CALM + max(CALM, 2 * every)


def level(scene: Scene) -> Level:
    return store.strictest(Level(row.level) for row in scene.once(standing))


# -- words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One incident in words."""

    row: Incident
    shape: str
    title: str
    sentence: str
    remedy: str
    next: str
    lasted: timedelta
    tries: Sequence[tuple[RemedyAttempt, str]]
    proof: str


def told(row: Incident, tries: Sequence[RemedyAttempt], recent: Sequence[datetime], now: datetime) -> Told:
    """`recent`: when remedies were tried for its key lately, in earlier incidents too."""
    return Told(
        row=row,
        shape="ok" if row.closed_at else SHAPES[row.severity],
        title=ailments.title(row.code, row.params),
        sentence=ailments.sentence(row.code, row.params),
        remedy=ailments.action(row.remedy) if row.remedy else "",
        next="" if row.closed_at else what_next(row, recent, now),
        lasted=(row.closed_at or now) - row.first_seen,
        tries=[(one, ailments.action(one.action)) for one in tries],
        proof=ailments.proof(row.evidence),
    )


def what_next(row: Incident, recent: Sequence[datetime], now: datetime) -> str:
    """What self-healing does next, or that a person is needed."""
    if row.code == Ailment.RESTARTS_EXHAUSTED:
        return _("Entries are held until there is room again; nothing is restarted meanwhile: a person should look.")
    if row.escalated_at:
        return _("%(n)s remedies within ten minutes in vain: a person is needed.") % {"n": LIMIT}
    if not recent:
        return _("It is looked at again within seconds.")
    if len(recent) >= LIMIT:
        return _("The last of %(n)s remedies was tried; its effect is awaited.") % {"n": LIMIT}
    wait = recent[-1] + backoff(len(recent), row.remedy) - now
    if wait > timedelta(0):
        return _("The next remedy is tried in %(age)s unless this one has helped.") % {"age": age(wait)}
    return _("The next remedy is due.")


def headline(scene: Scene) -> tuple[str, str, str]:
    """Shape, sentence and what follows from it. What self-healing has not looked at lately is not known."""
    rows, said, quiet = scene.once(open_incidents), scene.once(level), scene.once(silent)
    held = str(ailments.LEVELS[said])
    if not rows:
        looked = scene.once(healer_at)
        if looked is None:
            return "unknown", _("Self-healing has not looked yet."), _("It looks within half a minute of the start.")
        rest = _("%(policy)s.") % {"policy": held}
        if quiet:
            since = _("No incident was open then; what has happened since is not known.")
            return "unknown", _("Self-healing has not looked for more than a minute."), f"{since} {rest}"
        return ("warn" if holds_entries(said) else "ok"), _("No open incident."), rest
    first = ailments.title(rows[0].code, rows[0].params)
    sentence = f"{first}." if len(rows) == 1 else _("%(n)s open incidents. %(first)s.") % {
        "n": grouped(len(rows)), "first": first
    }  # fmt: skip
    rest = _("%(policy)s while this lasts.") % {"policy": held}
    if quiet:
        since = _("What has happened since self-healing last looked is not known.")
        rest = f"{rest} {since}"
    return SHAPES[rows[0].severity], sentence, rest


# -- controls ---------------------------------------------------------------------------------------------------------


def acknowledge(row: Incident) -> Control | None:
    """I have seen it. None where somebody has."""
    if row.acknowledged_at or row.closed_at:
        return None
    return Control(
        action="acknowledge",
        target=str(row.pk),
        verb=_("Acknowledge"),
        title=_("Acknowledge this incident?"),
        consequence=_(
            "Your name stands beside it, so that others know that somebody looks. "
            "It goes on being healed and closes by itself when it is over."
        ),
        go=_("Acknowledge it"),
        stay=_("Not yet"),
        permit="incident.acknowledge",
        reason=NO_REASON,
    )


def lift(row: Directive) -> Control:
    return Control(
        action="lift",
        target=str(row.pk),
        verb=_("Lift this directive"),
        title=_("Let the gates judge entries again?"),
        consequence=_(
            "%(policy)s since %(at)s because of this: %(why)s. "
            "Once lifted it does not come back for this fault, even if the fault goes on."
        )
        % {"policy": ailments.LEVELS[Level(row.level)], "at": f"{row.at:%H:%M:%S}", "why": retold(row.reason)},
        go=_("Lift it"),
        stay=_("Keep it"),
        permit="directive.lift",
        reason=MUST_REASON,
    )


def apply(row: TrimProposal) -> Control:
    """Close the proposed part. The page showed by how much; where that has changed, nothing is done."""
    told = {"symbol": market(row.symbol), "quantity": price(row.quantity), "share": percent(row.share, 0)}
    return Control(
        action="trim",
        target=str(row.pk),
        verb=_("Trim it"),
        title=_("Close %(share)s of %(symbol)s?") % told,
        consequence=_(
            "About %(quantity)s are closed at market, reduce-only, and what they earned is booked. "
            "Stop, backstop and target are resized to the rest and read back."
        )
        % told,
        go=_("Close that part"),
        stay=_("Leave it"),
        permit="trim.apply",
        shown={"quantity": exact(row.quantity)},
    )


def dismiss(row: TrimProposal) -> Control:
    return Control(
        action="dismiss",
        target=str(row.pk),
        verb=_("Dismiss"),
        title=_("Leave %(symbol)s as it is?") % {"symbol": market(row.symbol)},
        consequence=_(
            "The proposal to trim it by %(share)s goes away, and does not come again for this position. "
            "Its stop stays where it is."
        )
        % {"share": percent(row.share, 0)},
        go=_("Dismiss it"),
        stay=_("Keep it"),
        permit="trim.dismiss",
        reason=NO_REASON,
    )


# -- the portfolio ----------------------------------------------------------------------------------------------------


def newest_look(scene: Scene) -> BalanceLook | None:
    """One query."""
    return BalanceLook.objects.order_by("-at", "-pk").first()


def open_trims(scene: Scene) -> list[TrimProposal]:
    """One query."""
    return list(TrimProposal.objects.filter(state=TrimProposal.OPEN).order_by("-share", "symbol"))


@dataclass(frozen=True, slots=True)
class Proposed:
    row: TrimProposal
    title: str
    sentence: str
    after: str


def proposed(row: TrimProposal) -> Proposed:
    return Proposed(
        row,
        _("Trim %(symbol)s by %(share)s") % {"symbol": market(row.symbol), "share": percent(row.share, 0)},
        why_trim(row),
        _("Leaves %(leverage)s× gross and %(risk)s at risk.")
        % {"leverage": grouped(row.after["leverage"], 2), "risk": percent(row.after["risk_share"])},
    )


def why_trim(row: TrimProposal) -> str:
    """The measured number first, then the limit."""
    facts: Mapping[str, Any] = row.facts
    known = {
        "value": percent(row.value),
        "limit": percent(row.limit),
        "times": grouped(row.value, 2),
        "most": grouped(row.limit, 2),
        "share": percent(facts.get("share", 0), 0),
        "joint": percent(facts.get("joint_risk", 0)),
        "other": market(str(facts.get("other", ""))),
        "side": _(str(facts.get("other_side", ""))) if facts.get("other_side") else "",
    }
    words = {
        "LEVERAGE": _("%(times)s× equity is on, at most %(most)s×; this position is the largest."),
        "OPEN_RISK": _("%(value)s of equity is at risk, at most %(limit)s; most of it here."),
        "CONCENTRATION": _("%(value)s of equity hangs on this stop, at most %(limit)s; %(share)s of all open risk."),
        "CORRELATED": _("%(times)s with %(other)s %(side)s, at most %(most)s; together %(joint)s of equity at risk."),
    }
    return words[row.why] % known


def figures(look: BalanceLook) -> dict[str, str]:
    seen = look.figures
    h = seen.get("herfindahl")
    return {
        "gross": price(Decimal(seen["gross"]), 2),
        "net": price(Decimal(seen["net"]), 2),
        "long": price(Decimal(seen["long"]), 2),
        "short": price(Decimal(seen["short"]), 2),
        "leverage": f"{grouped(seen['leverage'], 2)}×",
        "risk": percent(seen["risk_share"]),
        "herfindahl": grouped(h, 2) if h is not None else "",
        "equal": grouped(1 / h, 1) if h else "",
    }

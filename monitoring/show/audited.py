"""The audit trail in words: what each act is called, what it changed, whether the chain of the rows is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.control import audit
from monitoring.models import AuditEntry
from monitoring.watch.words import grouped

RECENT = 2_000  # rows that every look at the page walks, some 25 µs each; a longer chain is walked whole when asked
WHOLE = 100_000  # rows that a page walks when asked, in some 3 s; of a longer chain only the command says
LONGEST = 300  # characters of one value; exports hold all
ABSENT = object()

ACTIONS = {
    "switch": gettext_lazy("Switch turned"),
    "position.close": gettext_lazy("Close of a position asked for"),
    "trim.apply": gettext_lazy("Trim asked for"),
    "trim.dismiss": gettext_lazy("Trim dismissed"),
    "cooldown.clear": gettext_lazy("Cooldown cleared"),
    "limits.tighten": gettext_lazy("Limit tightened"),
    "limits.loosen": gettext_lazy("Limit loosened"),
    "universe.refresh": gettext_lazy("New universe asked for"),
    "module.tick": gettext_lazy("Run of a module asked for"),
    "model.retrain": gettext_lazy("Training asked for"),
    "model.rollback": gettext_lazy("Former models brought back"),
    "incident.acknowledge": gettext_lazy("Incident acknowledged"),
    "directive.lift": gettext_lazy("Directive lifted"),
    "venue.keys.paste": gettext_lazy("Exchange keys pasted"),
    "venue.keys.name": gettext_lazy("Files of exchange keys named"),
    "venue.check.request": gettext_lazy("Checks of the exchange asked for"),
    "venue.check.withdraw": gettext_lazy("Checks of the exchange withdrawn"),
    "venue.check": gettext_lazy("Checks of the exchange made"),
    "venue.start": gettext_lazy("Entries started"),
    "venue.stop": gettext_lazy("Entries stopped"),
    "practice.break": gettext_lazy("Practice exchange broken on purpose"),
    "practice.mend": gettext_lazy("Faults ended"),
    "drill.start": gettext_lazy("Drill asked for"),
    "alert.test": gettext_lazy("Test alert sent"),
    "reliability.record": gettext_lazy("Reliability figures recorded"),
    "apikey.create": gettext_lazy("API key made"),
    "apikey.revoke": gettext_lazy("API key revoked"),
    "user.create": gettext_lazy("First user made"),
    "user.add": gettext_lazy("User added"),
    "user.change": gettext_lazy("User changed"),
    "periodictask.add": gettext_lazy("Schedule added"),
    "periodictask.change": gettext_lazy("Schedule changed"),
    "intervalschedule.add": gettext_lazy("Interval added"),
    "intervalschedule.change": gettext_lazy("Interval changed"),
}


# -- rows -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between before and after; None where that side says nothing of it."""

    name: str
    was: str | None
    became: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the trail as the table shows it. `bad`: it is the first that breaks the chain."""

    row: AuditEntry
    changes: tuple[Change, ...]
    bad: bool

    @property
    def said(self) -> str:
        """What was done, in plain words; nothing where there are none for it."""
        return str(ACTIONS.get(self.row.action, ""))


def line(row: AuditEntry, bad_seq: int | None) -> Line:
    return Line(row, changes(row.before, row.after), row.seq == bad_seq)


def changes(before: Any, after: Any) -> tuple[Change, ...]:
    """What differs, named as it is stored; a value inside another as `outer.inner`."""
    was, became = dict(flat(before)), dict(flat(after))
    differing = [name for name in {**was, **became} if repr(was.get(name, ABSENT)) != repr(became.get(name, ABSENT))]
    return tuple(Change(name, told(was.get(name, ABSENT)), told(became.get(name, ABSENT))) for name in differing)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def told(value: Any) -> str | None:
    match value:
        case _ if value is ABSENT:
            return None
        case None | "" | []:
            text = _("nothing")
        case bool():
            text = _("yes") if value else _("no")
        case list() if not any(isinstance(item, dict | list) for item in value):
            text = ", ".join(str(item) for item in value)
        case list():
            text = json.dumps(value, ensure_ascii=False)
        case _other:
            text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


# -- the chain --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """What walking the chain found. `total`: rows there are; `whole`: whether all of them were walked."""

    found: audit.Verified
    total: int
    whole: bool


def chain(everything: bool) -> Chain:
    """Walk the newest rows; all of them where there are few, or where all are asked for and not too many."""
    total = AuditEntry.objects.count()
    whole = total <= (WHOLE if everything else RECENT)
    return Chain(audit.verify(None if whole else RECENT), total, whole)


def verdict(seen: Chain) -> dict[str, Any]:
    """The page's headline: no more than what was walked."""
    found, rest = seen.found, "" if seen.whole else unwalked(seen)
    if not found.ok:
        held = ngettext("The %(n)s row walked before it holds.", "The %(n)s rows walked before it hold.", found.rows)
        distrust = _("From there on the trail proves nothing until that is explained.")
        return {
            "tone": "fail",
            "head": _("The audit chain is broken: %(why)s.") % {"why": found.why},
            "lead": joined(held % {"n": grouped(found.rows)} if found.rows else "", distrust, rest),
            "steps": steps(found.bad_seq or 0),
        }
    if not found.rows:
        return {"tone": "unknown", "head": _("The audit trail has no row yet, so there is nothing to verify.")}
    told = {"n": grouped(found.rows), "total": grouped(seen.total)}
    if seen.whole:
        head = ngettext(
            "The audit chain is whole: its %(n)s row matches its hash.",
            "The audit chain is whole: each of %(n)s rows matches its hash and follows the row before it.",
            found.rows,
        )
    else:
        head = _("The newest %(n)s of %(total)s rows match their hashes and follow each other.")
    return {"tone": "ok" if seen.whole else "", "head": head % told, "lead": rest, "ends": found.head}


def breaks_at(found: audit.Verified) -> int | None:
    """The row to look at: the first bad one, or the one behind a hole; one query where the chain is broken."""
    if found.bad_seq is None:
        return None
    return AuditEntry.objects.filter(seq__gte=found.bad_seq).order_by("seq").values_list("seq", flat=True).first()


def unwalked(seen: Chain) -> str:
    """What this look says nothing about, and where that can be asked."""
    left = seen.total - RECENT
    said = ngettext(
        "The %(n)s older row was not walked for this page.", "The %(n)s older rows were not walked for this page.", left
    ) % {"n": grouped(left)}
    if seen.total > WHOLE:
        return joined(said, _("There are so many that only manage.py audit verify walks them all."))
    return said


def steps(seq: int) -> list[str]:
    """What to do about a broken chain."""
    return [
        _("Copy the database as it is now, and keep the backups from before: they are the evidence."),
        _("Compare row %(seq)s and its neighbours with an older export or backup; what differs was changed.")
        % {"seq": seq},
        _("Find who can write to the database past this program: nothing in it changes or removes a row of the trail."),
    ]


def joined(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)

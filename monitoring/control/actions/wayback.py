"""Bring a former set of models back: each file proven first, the set in force retired, one audit row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import UNSEEN, BadRequest, Shown, Stale, needed
from monitoring.control.permissions import person
from trading import events
from trading.forecast import rows, store
from trading.forecast.learners import ModelBroken
from trading.models import ModelVersion

PAGE_LIMIT = timedelta(minutes=15)  # models change by trainings; an older page may not show the newest
MOST = 40  # characters of a version


@dataclass(frozen=True, slots=True)
class Set:
    """A version of the models: who could vote again, and who votes now."""

    version: str
    kinds: tuple[str, ...]
    trained_at: datetime
    against: tuple[str, ...]  # versions in force


@dataclass(frozen=True, slots=True)
class Reinstated:
    """What the server saw after the change: who votes now, and whom they replaced."""

    version: str
    kinds: tuple[str, ...]
    replaced: tuple[str, ...]


def former_sets() -> list[Set]:
    """Every version that can come back now, newest first; one query."""
    known = rows.standing(store.current(), (ModelVersion.RETIRED, ModelVersion.CHAMPION))
    against = voting(known)
    sets: dict[str, list[ModelVersion]] = {}
    for row in sorted(known, key=lambda row: row.trained_at, reverse=True):
        sets.setdefault(row.version, []).append(row)
    return [as_set(version, mine, against) for version, mine in sets.items() if may_return(mine)]


def may_return(mine: list[ModelVersion]) -> bool:
    spec = store.spec_from(settings.QUANTUM)
    return all(row.status == ModelVersion.RETIRED and not row.pruned_at and store.answers(row, spec) for row in mine)


def as_set(version: str, mine: list[ModelVersion], against: tuple[str, ...]) -> Set:
    return Set(version, tuple(sorted(row.kind for row in mine)), mine[0].trained_at, against)


def voting(known: list[ModelVersion]) -> tuple[str, ...]:
    """The versions in force."""
    return tuple(sorted({row.version for row in known if row.status == ModelVersion.CHAMPION}))


def former_set(version: str) -> Set:
    """The retired models of a version. `BadRequest` where there is none, `Stale` where it can't come back now."""
    market = store.current()
    told = {"version": ascii(version[:MOST]).strip("'")}
    known = rows.standing(market, (ModelVersion.RETIRED, ModelVersion.CHAMPION, ModelVersion.CHALLENGER))
    mine = [row for row in known if row.version == version]
    if not mine:
        raise BadRequest("version", _("There is no version %(version)s of the models.") % told)
    back = [row for row in mine if row.status == ModelVersion.RETIRED]
    if any(row.status == ModelVersion.CHAMPION for row in mine):
        raise Stale(_("Version %(version)s votes already.") % told)
    if not back:
        raise Stale(_("Version %(version)s has never voted: a challenger takes over by being better.") % told)
    if any(row.pruned_at for row in back):
        raise Stale(_("The files of version %(version)s were removed, so it can't come back.") % told)
    if not may_return(back):
        raise Stale(_("Version %(version)s learned another question than today's settings ask.") % told)
    return as_set(version, back, voting(known))


def in_force(against: tuple[str, ...]) -> str:
    """The versions in force as a page shows them."""
    return ", ".join(against)


def roll_back(version: str, reason: str, who: Any, now: datetime, shown: Shown = UNSEEN) -> Reinstated:
    """A former version votes from the next bar on. Where a file has changed on disk nothing changes: `Stale`."""
    actor = person(who)
    actor.must("model.rollback")
    reason = needed(reason, _("Bringing former models back"))
    with transaction.atomic():
        audit.lock()
        known = former_set(version)
        shown.must_hold({"in_force": in_force(known.against)}, now, PAGE_LIMIT)
        try:
            store.rollback(version)
        except ModelBroken as broken:
            raise Stale(_("Nothing was changed: %(why)s.") % {"why": broken}) from None
        audit.append(
            who=actor.name,
            action="model.rollback",
            target=f"version {version}",
            before={"in_force": list(known.against)},
            after={"in_force": [version], "kinds": list(known.kinds)},
            reason=reason,
            now=now,
        )
        events.changed("models", "verdict")
        transaction.on_commit(store.wake)
        now_voting = [row.kind for row in rows.standing(store.current()) if row.version == version]
    return Reinstated(version, tuple(sorted(now_voting)), known.against)

"""Tune limits: tightening takes an operator, loosening a risk officer and a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit
from monitoring.control.actions.common import UNSEEN, BadRequest, Shown, tidy
from monitoring.control.permissions import person
from quantum.contradictions import contradictions
from trading import events, tuning
from trading.models import TunedSetting

PAGE_LIMIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Tuned:
    """One limit after the action; `changed` is False where it stood there already."""

    name: str
    was: float
    value: float
    loosened: bool
    changed: bool


def tune(values: Mapping[str, Any], reason: str, who: Any, now: datetime, shown: Shown = UNSEEN) -> tuple[Tuned, ...]:
    """Set limits, all or none; None as a value goes back to the environment's. One audit row each."""
    actor, reason = person(who), tidy(reason)
    if not values:
        raise BadRequest("values", _("Name at least one limit to tune."))
    with transaction.atomic():
        audit.lock()
        first, rows = settings.QUANTUM, tuning.rows()
        stored = {name: row.value for name, row in rows.items()}
        before = tuning.overlay(first, stored)
        wanted = {name: checked(first, name, value) for name, value in values.items()}
        steps = [step(name, before, wanted[name]) for name in wanted]
        loosens = any(one.loosened for one in steps)
        actor.must("limits.loosen" if loosens else "limits.tighten")
        shown.must_hold({name: tuning.first_value(before, name) for name in tuning.TUNABLE}, now, PAGE_LIMIT)
        texts = {name: "" if values[name] is None else repr(value) for name, value in wanted.items()}
        asked = first.model_copy(update=tuning.numbers(first, stored | texts))
        refuse_contradictions(first, asked, tuple(wanted))
        if loosens and not reason:
            which = ", ".join(one.name for one in steps if one.loosened)
            raise BadRequest("reason", _("Loosening %(which)s needs a reason.") % {"which": which})
        for one in steps:
            if one.changed or texts[one.name] != stored.get(one.name, ""):
                keep(one, texts[one.name], actor.name, reason, now)
        events.changed("risk", "policy", "verdict", "account", "positions", "settings")
    return tuple(steps)


def checked(config: Any, name: str, value: Any) -> float:
    """The number meant, within the range of its setting."""
    if name not in tuning.TUNABLE:
        told = {"name": name[:60], "limits": ", ".join(tuning.TUNABLE)}
        raise BadRequest(name[:60], _("%(name)s can't be tuned. Limits: %(limits)s.") % told)
    allowed = tuning.range_of(config, name)
    if value is None:
        return tuning.first_value(config, name)
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (allowed.whole and number != int(number)) or not allowed.holds(number):
        told = {"name": name, "span": span(allowed), "was": repr(str(value)[:40])}
        raise BadRequest(name, _("%(name)s must be %(span)s, was %(was)s.") % told)
    return int(number) if allowed.whole else number


def span(allowed: tuning.Range) -> str:
    """A whole number from 1 to 100; a number above 0, at most 0.05."""
    told = {"low": f"{allowed.low:g}", "high": f"{allowed.high:g}"}
    if allowed.whole:
        return _("a whole number from %(low)s to %(high)s") % told
    if allowed.above:
        return _("a number above %(low)s, at most %(high)s") % told
    return _("a number from %(low)s to %(high)s") % told


def refuse_contradictions(first: Any, asked: Any, names: tuple[str, ...]) -> None:
    """The start's own table of contradictions holds for tuned values too."""
    known = set(contradictions(first))
    for line in contradictions(asked):
        if line not in known and (name := next((n for n in names if n in line), "")):
            raise BadRequest(name, line)


def step(name: str, before: Any, value: float) -> Tuned:
    was = tuning.first_value(before, name)
    return Tuned(name, was, value, tuning.TUNABLE[name].eases(was, value), was != value)


def keep(one: Tuned, text: str, by: str, reason: str, now: datetime) -> None:
    TunedSetting.objects.update_or_create(
        name=one.name, defaults={"value": text, "changed_by": by, "changed_at": now, "reason": reason}
    )
    audit.append(
        who=by,
        action="limits.loosen" if one.loosened else "limits.tighten",
        target=one.name,
        before={"value": one.was},
        after={"value": one.value, "source": "database" if text else "first value"},
        reason=reason,
        now=now,
    )

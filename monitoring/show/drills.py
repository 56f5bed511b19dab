"""Drills as the pages and the API show them: each with its last run, its trend, and its button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.models import DrillRun
from monitoring.show.controls import NO_REASON, Control
from monitoring.show.scene import Scene
from monitoring.show.spark import Spark, spark
from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import ALL, CATALOGUE, by_part
from monitoring.watch.drills.spec import Drill, Need

READ = 3000  # newest runs that a look takes in
TREND = 20  # runs of a drill's small chart
OVER = (DrillRun.PASSED, DrillRun.FAILED, DrillRun.SKIPPED)
SHAPES = {DrillRun.PASSED: "ok", DrillRun.FAILED: "fail", DrillRun.SKIPPED: "unknown"}
OLD = timedelta(days=7)  # what was last run before that is not known to hold any more


@dataclass(frozen=True, slots=True)
class Line:
    """One drill with what is known of it. `trend` is of the seconds until it was acted on."""

    drill: Drill
    last: DrillRun | None
    runs: int
    trend: Spark | None
    shape: str
    said: str
    why: str

    @property
    def times(self) -> tuple[str, str, str]:
        row = self.last
        found = (row.detected_s, row.acted_s, row.verified_s) if row else (None, None, None)
        return words.seconds(found[0]), words.seconds(found[1]), words.seconds(found[2])


# -- queries -----------------------------------------------------------------------------------------------------------


def newest(scene: Scene) -> list[DrillRun]:
    """The newest runs, newest first; one query."""
    return list(DrillRun.objects.defer("evidence", "undo").order_by("-id")[:READ])


def runs_of(name: str, most: int = 200) -> list[DrillRun]:
    """One drill's runs, newest first; one query."""
    return list(DrillRun.objects.filter(name=name).order_by("-id")[:most])


def by_name(scene: Scene) -> dict[str, list[DrillRun]]:
    found: dict[str, list[DrillRun]] = {}
    for row in scene.once(newest):
        found.setdefault(row.name, []).append(row)
    return found


def going(scene: Scene) -> DrillRun | None:
    """The one that is queued or running."""
    return next((row for row in scene.once(newest) if row.outcome not in OVER), None)


# -- words -------------------------------------------------------------------------------------------------------------


def lines(scene: Scene) -> dict[str, list[Line]]:
    """Every drill, grouped by what is broken."""
    known = scene.once(by_name)
    return {
        str(words.PARTS[part]): [line(drill, known.get(drill.name, ()), scene.now) for drill in drills]
        for part, drills in by_part().items()
    }


def line(drill: Drill, rows: Sequence[DrillRun], now: datetime) -> Line:
    last = next((row for row in rows if row.outcome in OVER), None)
    timed = [row.acted_s for row in rows[:TREND] if row.acted_s is not None]
    shape, said = state(last, now)
    return Line(
        drill, last, len(rows), spark(timed[::-1]), shape, said, words.reason(last.why, last.params) if last else ""
    )


def state(last: DrillRun | None, now: datetime) -> tuple[str, str]:
    """Shape and word of a drill's last run; what is old is not known any more."""
    if last is None or last.ended_at is None:
        return "unknown", _("never run")
    if now - last.ended_at > OLD:
        return "unknown", _("not run for %(days)s days") % {"days": (now - last.ended_at).days}
    return SHAPES[last.outcome], words.outcome(last.outcome)


def headline(scene: Scene) -> tuple[str, str, str]:
    """Shape, sentence, and the rest of it."""
    row = scene.once(going)
    known = [one for group in scene.once(lines).values() for one in group]
    count = {shape: sum(one.shape == shape for one in known) for shape in ("ok", "fail", "unknown")}
    never = sum(one.last is None for one in known)
    told = {"ok": count["ok"], "fail": count["fail"], "all": len(ALL), "unknown": count["unknown"], "never": never}
    rest = _("%(ok)s of %(all)s passed in their last run, %(fail)s failed, %(unknown)s are not known.") % told
    if row is not None:
        title = CATALOGUE[row.name].title if row.name in CATALOGUE else row.name
        return "warn", _("Drill: %(title)s") % {"title": title}, f"{words.stage(row.stage).capitalize()}. {rest}"
    if never == len(ALL):
        return "unknown", _("No drill has been run yet"), _("Each breaks one thing on purpose and times its healing.")
    if count["fail"]:
        said = ngettext("%(n)s drill failed in its last run", "%(n)s drills failed in their last run", count["fail"])
        return "fail", said % {"n": count["fail"]}, rest
    if count["unknown"]:
        return "unknown", _("No drill failed; %(unknown)s are not known") % told, rest
    return "ok", _("All %(all)s drills passed") % told, rest


def needs(drill: Drill) -> str:
    """What it takes, in words; nothing where it takes nothing."""
    told: Mapping[Need, str] = {
        Need.POSITION: _("needs an open position"),
        Need.ENTRY: _("waits for the next entry"),
        Need.MODELS: _("needs trained models"),
        Need.EMBEDDED: _("only with the embedded broker"),
        Need.POSTGRES: _("only with PostgreSQL"),
    }
    said = [told[need] for need in drill.needs]
    return ", ".join(said + ([_("closes the position")] if drill.ends else []))


def start(drill: Drill) -> Control:
    """The button of one drill."""
    about = _("Needs an open position, which it closes.") if drill.ends else ""
    if not about and Need.POSITION in drill.needs:
        about = _("It is done to an open position, whose price stands still meanwhile.")
    limit = _("It is judged after %(n)s s at the latest, and everything is put right afterwards.")
    told = [str(drill.broken), about, limit % {"n": f"{drill.longest:.0f}"}]
    return Control(
        action="drill",
        target=drill.name,
        verb=_("Run"),
        title=_("Run the drill: %(title)s?") % {"title": drill.title},
        consequence=" ".join(part for part in told if part),
        go=_("Run it"),
        stay=_("Leave it"),
        permit="drill.start",
        reason=NO_REASON,
    )


def moment(text: str) -> datetime:
    """A stored time of the evidence."""
    return datetime.fromisoformat(text)


# -- the API -----------------------------------------------------------------------------------------------------------


def as_json(one: Line) -> dict[str, Any]:
    """A drill as the API tells it, in English."""
    drill, within = one.drill, one.drill.within
    return {
        "name": drill.name,
        "title": str(drill.title),
        "part": drill.part.value,
        "rows": drill.rows,
        "broken": str(drill.broken),
        "expected": str(drill.expected),
        "needs": [need.value for need in drill.needs],
        "ends_position": drill.ends,
        "limits_s": {"detected": within.detect, "acted": within.act, "verified": within.verify},
        "runs": one.runs,
        "last": run_json(one.last) if one.last else None,
    }


def run_json(row: DrillRun) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "outcome": row.outcome,
        "code": row.why or None,
        "sentence": words.reason(row.why, row.params) or None,
        "stage": row.stage or None,
        "requested_at": row.requested_at,
        "started_at": row.started_at,
        "broken_at": row.broken_at,
        "ended_at": row.ended_at,
        "detected_s": row.detected_s,
        "acted_s": row.acted_s,
        "verified_s": row.verified_s,
        "unprotected_s": row.unprotected_s,
        "by": row.by,
        "build": row.build,
        "seed": row.seed,
        "profile": row.profile,
        "mode": row.mode,
    }

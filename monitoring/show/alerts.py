"""Alerts as the page and the API show them: who is told, what is going on, what was told, and how fast budgets burn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.models import Alert, AlertDelivery, LawMinute
from monitoring.show.controls import NO_REASON, Control
from monitoring.show.scene import Scene
from monitoring.show.silence import silent
from monitoring.watch.alerts import minutes, words
from monitoring.watch.alerts.burn import OBJECTIVE, RULES, Law, Minute, Rule, State, burning, rate
from monitoring.watch.alerts.sources import OWNERS, PAGES

SHOWN = 50
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Line:
    """One alert and what came of telling it."""

    row: Alert
    title: str
    sentence: str
    shape: str
    deliveries: tuple[AlertDelivery, ...]

    @property
    def severity(self) -> str:
        return str(words.SEVERITIES[self.row.severity])

    @property
    def owner(self) -> str:
        return str(words.OWNERS.get(self.row.owner, self.row.owner))


@dataclass(frozen=True, slots=True)
class Way:
    """One channel, and how it fared."""

    name: str
    scheme: str
    sent_at: datetime | None
    waiting: int
    error: str
    shape: str


@dataclass(frozen=True, slots=True)
class Budget:
    """One law's budget: how fast it burns in each rule's long window, and how many minutes the month has left."""

    law: Law
    title: str
    shape: str
    rates: tuple[tuple[Rule, float, bool], ...]
    lost: int
    left: float
    owner: str
    link: str


# -- queries -----------------------------------------------------------------------------------------------------------


def rows(scene: Scene) -> list[Alert]:
    """Those that go on, then the newest; two queries with their deliveries."""
    order = Alert.objects.prefetch_related("deliveries").order_by("-resolved_at", "-first_at")
    return [*order.filter(resolved_at=None)[:SHOWN], *order.exclude(resolved_at=None)[:SHOWN]]


def ways(scene: Scene) -> list[Way]:
    """Every channel that is set; two queries."""
    known = AlertDelivery.objects.values("channel").annotate(
        sent=Max("sent_at"), waiting=Count("id", filter=Q(sent_at=None, given_up_at=None))
    )
    by_name: dict[str, dict[str, Any]] = {row["channel"]: dict(row) for row in known}
    wrong = dict(AlertDelivery.objects.exclude(error="").order_by("id").values_list("channel", "error"))
    return [way(one.name, one.scheme, by_name.get(one.name, {}), wrong) for one in settings.QUANTUM.alert_channels]


def way(name: str, scheme: str, row: dict[str, Any], wrong: dict[str, str]) -> Way:
    error = wrong.get(name, "") if row.get("waiting") else ""
    shape = "fail" if error else "ok" if row.get("sent") else "unknown"
    return Way(name, scheme, row.get("sent"), row.get("waiting", 0), error, shape)


def budgets(scene: Scene) -> list[Budget]:
    """Every law; three queries."""
    lately = minutes.lately(scene.now)
    month = LawMinute.objects.filter(at__gt=scene.now - MONTH)
    lost = dict(month.exclude(state=State.KEPT).values_list("law").annotate(n=Count("id")))
    watched = dict(month.values_list("law").annotate(n=Count("id")))
    return [budget(law, lately[law], lost.get(law, 0), watched.get(law, 0), scene.now) for law in Law]


def budget(law: Law, found: Sequence[Minute], lost: int, watched: int, now: datetime) -> Budget:
    over = burning(law, found, now)
    shape = "unknown" if not watched else "fail" if any(b.rule.severity == "page" for b in over) else "ok"
    if shape == "ok" and over:
        shape = "warn"
    rates = tuple((rule, rate(found, rule.long, now)[0], any(b.rule == rule for b in over)) for rule in RULES)
    may = MONTH / timedelta(minutes=1) * (1 - OBJECTIVE)
    return Budget(law, str(words.LAWS[law]), shape, rates, lost, may - lost, str(words.OWNERS[OWNERS[law]]), PAGES[law])


# -- words -------------------------------------------------------------------------------------------------------------


def line(row: Alert) -> Line:
    going = row.resolved_at is None
    shape = ("fail" if row.severity == Alert.PAGE else "warn") if going else "ok"
    told = tuple(sorted(row.deliveries.all(), key=lambda one: (one.kind, one.channel)))
    return Line(row, words.title(row.code, row.params), words.sentence(row.code, row.params), shape, told)


def lines(scene: Scene) -> list[Line]:
    return [line(row) for row in scene.once(rows)]


def headline(scene: Scene) -> tuple[str, str, str]:
    """Shape, sentence, and the rest of it."""
    going = [one for one in scene.once(lines) if one.row.resolved_at is None]
    pages = sum(one.row.severity == Alert.PAGE for one in going)
    found = scene.once(ways)
    rest = reach(found)
    if any(one.shape == "fail" for one in found):
        return "fail", _("Alerts do not arrive everywhere"), rest
    if pages:
        said = ngettext("%(n)s alarm goes on", "%(n)s alarms go on", pages)
        return "fail", said % {"n": pages}, rest
    if found and silent(scene, "notifier"):
        return "unknown", _("The notifier is silent: nobody is told of anything new"), rest
    if going:
        said = ngettext("%(n)s ticket goes on", "%(n)s tickets go on", len(going))
        return "warn", said % {"n": len(going)}, rest
    if not found:
        return "unknown", _("Nobody is told when something breaks"), rest
    return "ok", _("There is nothing to tell"), rest


def reach(found: Sequence[Way]) -> str:
    if not found:
        return _(
            "No address is set. QT_ALERT_URLS says where alerts go: mail, a webhook, Slack, Telegram, ntfy and more."
        )
    said = ngettext("%(n)s address is told.", "%(n)s addresses are told.", len(found)) % {"n": len(found)}
    config = settings.QUANTUM
    if config.QT_ALERT_QUIET_HOURS:
        quiet = _("Between %(hours)s (%(zone)s) alarms alone are sent.")
        said += " " + quiet % {"hours": config.QT_ALERT_QUIET_HOURS, "zone": config.QT_ALERT_TIMEZONE}
    return said


def test() -> Control:
    return Control(
        action="alert",
        target="test",
        verb=_("Send a test"),
        title=_("Send a test message?"),
        consequence=_("Every address gets one message that says that nothing is wrong. What came of it shows here."),
        go=_("Send it"),
        stay=_("Leave it"),
        permit="alert.test",
        reason=NO_REASON,
    )


def as_json(one: Line) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.pk,
        "key": row.key,
        "severity": row.severity,
        "code": row.code,
        "title": one.title,
        "sentence": one.sentence,
        "params": row.params,
        "owner": row.owner,
        "link": row.link,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "count": row.count,
        "resolved_at": row.resolved_at,
        "deliveries": [
            {
                "channel": each.channel,
                "kind": each.kind,
                "key": each.dedup,
                "due_at": each.due_at,
                "attempts": each.attempts,
                "sent_at": each.sent_at,
                "given_up_at": each.given_up_at,
                "error": each.error or None,
            }
            for each in one.deliveries
        ],
    }

"""What runs, module by module and process by process: every one that is expected, scheduled or has ever beaten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import PeriodicTask

from monitoring.show.build import BUILD
from monitoring.show.scene import Pulse, Scene, pulse
from monitoring.watch import rows
from monitoring.watch.liveness import DOWN, LATE, NEVER, UP, Expected, liveness
from monitoring.watch.manifest import expected
from trading.models import AccountSnapshot, Installation, ModuleState
from trading.schedule import PREFIX

WORST = {"fail": 0, "unknown": 1, "warn": 2, "ok": 3}
WORDS = {
    "up": gettext_lazy("up"),
    "late": gettext_lazy("late"),
    "down": gettext_lazy("down"),
    "failing": gettext_lazy("failing"),
    "no work yet": gettext_lazy("no work yet"),
    "never called": gettext_lazy("never called"),
}
BEAT_WRITES = timedelta(minutes=4)  # beat notes its runs in the database every three minutes
ANSWERS = timedelta(seconds=30)  # how long the exchange may leave us without an account


@dataclass(frozen=True, slots=True)
class Schedule:
    """A module's line in beat's table, which is edited in the admin."""

    id: int
    title: str
    every: timedelta
    enabled: bool
    ran_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One module: its pulse, and when beat is to call it."""

    pulse: Pulse
    schedule: Schedule | None

    @property
    def word(self) -> str:
        return str(WORDS[self.pulse.word])

    @property
    def configured(self) -> str:
        if self.schedule is None:
            return _("no schedule; called by others alone")
        return "" if self.schedule.enabled else _("schedule switched off")

    @property
    def every(self) -> timedelta:
        return self.schedule.every if self.schedule else self.pulse.every

    @property
    def claimed(self) -> bool:
        return bool(self.pulse.state and self.pulse.state.claimed_until)


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the system, judged by the newest thing that only it can have done."""

    name: str
    title: str
    shape: str
    word: str
    at: datetime | None
    proof: str


def schedules(scene: Scene) -> dict[str, Schedule]:
    """Beat's table by module name; one query."""
    tasks = PeriodicTask.objects.filter(name__startswith=PREFIX, interval__isnull=False).select_related("interval")
    return {
        task.name.removeprefix(PREFIX): Schedule(
            task.pk, task.description, task.schedule.run_every, task.enabled, task.last_run_at
        )
        for task in tasks
    }


def states(scene: Scene) -> dict[str, ModuleState]:
    return rows.module_states()


def runs(scene: Scene) -> list[Run]:
    """Every module, worst first; the table of schedules knows those that this process never imported."""
    planned, beaten = scene.once(schedules), scene.once(states)
    listed = {one.name: one for one in expected({name: (plan.every, plan.enabled) for name, plan in planned.items()})}
    for name, plan in planned.items():
        if plan.enabled:
            listed.setdefault(name, Expected(name, plan.title or name, "worker", plan.every))
    found = [Run(pulse(one, beaten.get(one.name), scene.now), planned.get(one.name)) for one in listed.values()]
    return sorted(found, key=lambda run: run.pulse.rank)


def processes(scene: Scene) -> list[Process]:
    """Each process by what it last did; two queries besides those of the modules."""
    found, now = scene.once(runs), scene.now
    ticks = {one.pulse.name: one.pulse.state for one in found}
    fed = ticks.get("data_feed")
    worked = newest([one for one in found if one.pulse.process == "worker"])
    ran = max((plan.ran_at for plan in scene.once(schedules).values() if plan.ran_at), default=None)
    account = AccountSnapshot.objects.order_by("-at").values_list("at", "latency_ms").first()
    installed = Installation.objects.values_list("venue", flat=True).first()
    return sorted(
        [
            Process("web", _("Web"), "ok", _("up"), now, _("answers this page; build %(build)s") % {"build": BUILD}),
            judged("stream", _("Stream"), fed.last_tick if fed else None, pace(found, "data_feed"), now, streamed(fed)),
            judged("worker", _("Worker"), worked[0], fastest(found), now, worked[1]),
            judged("beat", _("Beat"), ran, BEAT_WRITES, now, _("its newest run, written down every 3 min")),
            judged(
                "venue",
                _("Exchange"),
                account[0] if account else None,
                ANSWERS,
                now,
                answered(account[1] if account else None, installed or ""),
            ),
        ],
        key=lambda one: WORST[one.shape],
    )


SHAPES = {NEVER: "unknown", UP: "ok", LATE: "warn", DOWN: "fail"}


def judged(name: str, title: str, at: datetime | None, every: timedelta, now: datetime, proof: str) -> Process:
    alive = liveness(at, every, now)
    word = {NEVER: _("nothing seen yet"), UP: _("up"), LATE: _("late"), DOWN: _("down")}[alive]
    return Process(name, title, SHAPES[alive], word, at, proof if at else "")


def newest(found: Sequence[Run]) -> tuple[datetime | None, str]:
    """The newest tick of these modules, and whose it was."""
    ticked = [(run.pulse.state.last_tick, run.pulse.title) for run in found if run.pulse.state]
    at, title = max(((at, title) for at, title in ticked if at), default=(None, ""))
    return at, _("ticked %(module)s") % {"module": title} if title else ""


def pace(found: Sequence[Run], name: str) -> timedelta:
    return next((run.pulse.every for run in found if run.pulse.name == name), timedelta(minutes=1))


def fastest(found: Sequence[Run]) -> timedelta:
    """How often at least one module of the worker must tick."""
    return min((run.pulse.every for run in found if run.pulse.process == "worker"), default=timedelta(seconds=10))


def streamed(state: ModuleState | None) -> str:
    return _("stored %(n)s candles") % {"n": state.actions} if state else ""


def answered(latency: int | None, venue: str) -> str:
    took = _("answered in %(n)s ms") % {"n": latency} if latency is not None else _("showed the account")
    return f"{took}; {venue}" if venue else took


def summary(found: Sequence[Run]) -> tuple[str, str]:
    """The page's sentence, and its tone."""
    bad = [run for run in found if run.pulse.shape == "fail"]
    silent = [run for run in found if run.pulse.alive == NEVER]
    if len(bad) == 1:
        return _("%(module)s is %(word)s.") % {"module": bad[0].pulse.title, "word": bad[0].word}, "fail"
    if bad:
        return _("%(n)s of %(of)s modules are down or failing.") % {"n": len(bad), "of": len(found)}, "fail"
    if len(silent) == len(found):
        return _("No module has been called yet."), "unknown"
    if silent:
        return _("%(n)s of %(of)s modules have never been called.") % {"n": len(silent), "of": len(found)}, "warn"
    late = sum(run.pulse.shape == "warn" for run in found)
    if late:
        return _("%(n)s of %(of)s modules are late.") % {"n": late, "of": len(found)}, "warn"
    return _("All %(n)s modules are up.") % {"n": len(found)}, "ok"


def tally(found: Sequence[Run]) -> str:
    """How many are in which state: 12 up, 1 down."""
    words = dict.fromkeys(run.word for run in found)
    return ", ".join(f"{sum(run.word == word for run in found)} {word}" for word in words)

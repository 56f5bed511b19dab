"""What runs, module by module and process by process: every one that is expected, scheduled or has ever beaten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show.scene import Pulse, Scene, plans, table
from monitoring.watch import truthwords
from monitoring.watch.evidence import BEATS
from monitoring.watch.evidence import Process as Heart
from monitoring.watch.liveness import DOWN, LATE, NEVER, UP, liveness
from monitoring.watch.names import word
from monitoring.watch.retold import retold
from monitoring.watch.truth import Odd, Status, number
from monitoring.watch.witness import Table
from monitoring.watch.words import age, grouped
from trading.models import AccountSnapshot, Installation
from trading.schedule import Plan

WORST = {"fail": 0, "unknown": 1, "warn": 2, "ok": 3}
TITLES = {
    "web": gettext_lazy("Web"),
    "worker": gettext_lazy("Trading loop"),
    "stream": gettext_lazy("Exchange stream"),
    "trainer": gettext_lazy("Trainer"),
    "beat": gettext_lazy("Scheduler"),
}
ODD = {"code": gettext_lazy("other code"), "config": gettext_lazy("other settings")}
ANSWERS = timedelta(seconds=30)  # how long the exchange may leave us without an account
LONG = timedelta(seconds=60)  # a task at hand for longer is told as such
ENOUGH, COUNTED = 0.8, 10  # of the calls that were due, once so many were


@dataclass(frozen=True, slots=True)
class Run:
    """One module: its pulse, its line of the truth table, and when beat is to call it."""

    pulse: Pulse
    schedule: Plan | None

    @property
    def word(self) -> str:
        return word(self.pulse.word)

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

    @property
    def built(self) -> str:
        """Which process has loaded it, and which code that runs."""
        seen, made = self.pulse.truth.seen, self.pulse.truth.built
        if made is False:
            return _("could not be loaded")
        code = self.pulse.state.code if self.pulse.state else ""
        if seen.process is None:
            return code
        told = {"process": seen.process.name, "code": code or seen.process.code}
        return _("in %(process)s, code %(code)s") % told

    @property
    def called(self) -> str:
        """Its own ticks of the last hour, against how many were due: 358 of 360."""
        calls = self.pulse.truth.seen.calls
        if not calls.expected:
            return grouped(calls.ticks) if calls.ticks else ""
        told = {"n": grouped(calls.own), "of": grouped(calls.expected)}
        if calls.own > calls.expected:  # people and healing call too, and a restart begins what is due anew
            return _("%(n)s; %(of)s were due") % told
        return _("%(n)s of %(of)s") % told

    @property
    def share(self) -> float | None:
        return self.pulse.truth.seen.calls.share

    @property
    def seldom(self) -> bool:
        """Called clearly less often than it was due, and long enough for that to mean something."""
        calls = self.pulse.truth.seen.calls
        return calls.share is not None and calls.share < ENOUGH and calls.expected >= COUNTED

    @property
    def callers(self) -> str:
        """By whom, how often: beat 358, executor 60."""
        by = self.pulse.truth.seen.calls.by
        return ", ".join(f"{caller}\u00a0{grouped(n)}" for caller, n in by.items())

    @property
    def effect(self) -> str:
        """What waited upstream and what of it was done; where nothing is counted there, what it did."""
        seen = self.pulse.truth.seen
        if seen.due:
            told = {"asked": grouped(number(seen.due.asked)), "done": grouped(number(seen.due.done))}
            return str(truthwords.DONE[seen.due.code]) % told
        if not seen.calls.ticks:
            return ""
        told = {"examined": grouped(seen.calls.examined), "acted": grouped(seen.calls.actions)}
        return _("%(examined)s examined, %(acted)s acted on") % told


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the system, judged by the newest thing that only it can have done."""

    name: str
    title: str
    shape: str
    word: str
    at: datetime | None
    proof: str


def runs(scene: Scene) -> list[Run]:
    """Every module, worst first; those too that are scheduled and that this process never imported."""
    planned = scene.once(plans)
    return [Run(one, planned.get(one.name)) for one in scene.pulses]


def processes(scene: Scene) -> list[Process]:
    """Each process by its own heartbeat, the exchange by its newest answer; two queries beside the modules'."""
    found, now = scene.once(table), scene.now
    odd = {(one.process.name, one.process.pid): one for one in reversed(found.odd)}
    account = AccountSnapshot.objects.order_by("-at").values_list("at", "latency_ms").first()
    installed = Installation.objects.values_list("venue", flat=True).first()
    at, latency = account or (None, None)
    exchange = judged("venue", _("Exchange"), at, ANSWERS, now, answered(latency, retold(installed)))
    return sorted([*beating(found, odd, now), exchange], key=lambda one: WORST[one.shape])


def beating(found: Table, odd: Mapping[tuple[str, int], Odd], now: datetime) -> list[Process]:
    """The house's own processes, those of other machines too; one that never beat is missed."""
    lines = []
    for name, title in TITLES.items():
        mine = [one for one in found.processes if one.name == name]
        if not mine:
            lines.append(judged(name, str(title), None, BEATS, now, ""))
        for one in mine:
            line = judged(name, str(title), one.beat_at, BEATS, now, did(one, now))
            if (other := odd.get((one.name, one.pid))) is not None:
                line = replace(line, shape="fail", word=str(ODD[other.what]), proof=differs(other))
            elif line.shape == "ok" and one.doing_since and now - one.doing_since > LONG:
                line = replace(line, shape="warn", word=_("busy"))
            lines.append(line)
    return lines


def did(one: Heart, now: datetime) -> str:
    """What it finished since it began, what it is at, and who it is."""
    told = {"n": grouped(one.works), "age": age(now - one.started_at), "pid": one.pid, "build": one.build,
            "code": one.code}  # fmt: skip
    text = _("%(n)s things finished in %(age)s; process %(pid)s, build %(build)s, code %(code)s") % told
    if one.doing and one.doing_since:
        text += "; " + _("at %(what)s for %(age)s") % {"what": one.doing, "age": age(now - one.doing_since)}
    return text


def differs(odd: Odd) -> str:
    mine, other = odd.values
    told = {"mine": mine, "other": other, "than": odd.than.name, "pid": odd.process.pid}
    if odd.what == "code":
        return _("process %(pid)s runs code %(mine)s, %(than)s runs %(other)s: start it again") % told
    return _("process %(pid)s runs with settings %(mine)s, %(than)s with %(other)s: start it again") % told


SHAPES = {NEVER: "unknown", UP: "ok", LATE: "warn", DOWN: "fail"}


def judged(name: str, title: str, at: datetime | None, every: timedelta, now: datetime, proof: str) -> Process:
    alive = liveness(at, every, now)
    word = {NEVER: _("nothing seen yet"), UP: _("up"), LATE: _("late"), DOWN: _("down")}[alive]
    return Process(name, title, SHAPES[alive], word, at, proof if at else "")


def answered(latency: int | None, venue: str) -> str:
    took = _("answered in %(n)s ms") % {"n": latency} if latency is not None else _("showed the account")
    return f"{took}; {venue}" if venue else took


def summary(found: Sequence[Run], odd: Sequence[Odd] = ()) -> tuple[str, str]:
    """The page's sentence, and its tone."""
    bad = [run for run in found if run.pulse.truth.alarm]
    silent = [run for run in found if run.pulse.alive == NEVER]
    if len(silent) == len(found):
        return _("No module has been called yet."), "unknown"
    if len(bad) == 1:
        return _("%(module)s: %(word)s.") % {"module": bad[0].pulse.title, "word": bad[0].word}, "fail"
    if bad:
        return _("%(n)s of %(of)s modules don't do their work.") % {"n": len(bad), "of": len(found)}, "fail"
    if odd:
        told = {"process": TITLES.get(odd[0].process.name, odd[0].process.name)}
        return _("%(process)s does not run what the web process runs.") % told, "fail"
    if silent:
        return _("%(n)s of %(of)s modules have never been called.") % {"n": len(silent), "of": len(found)}, "warn"
    late = sum(run.pulse.shape == "warn" for run in found)
    if late:
        return _("%(n)s of %(of)s modules are late or switched off.") % {"n": late, "of": len(found)}, "warn"
    starting = sum(run.pulse.truth.status == Status.STARTING for run in found)
    if starting:
        said = ngettext("%(n)s of %(of)s modules is starting.", "%(n)s of %(of)s modules are starting.", starting)
        return said % {"n": starting, "of": len(found)}, "unknown"
    return _("All %(n)s modules are called and do their work.") % {"n": len(found)}, "ok"


def tally(found: Sequence[Run]) -> str:
    """How many are in which state: 12 up, 1 down."""
    words = dict.fromkeys(run.word for run in found)
    return ", ".join(f"{sum(run.word == word for run in found)} {word}" for word in words)

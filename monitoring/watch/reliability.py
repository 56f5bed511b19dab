"""What the house promises of itself, and what the last runs measured of it. Pure: runs and figures in, lines out.

Nothing here is a typed result: where no run of the last days says anything, it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise as Text
from django.utils.translation import gettext_lazy as _

LATELY = timedelta(days=7)
LAW_BROKEN = "LAW_BROKEN"  # why a run failed after which a law did not hold
OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
STOPS = ("stop-cancelled", "backstop-cancelled", "both-stops-cancelled", "stop-vanishes")
LOST = (
    "stop-answer-lost", "stop-request-lost", "stop-connection-reset", "stop-answered-garbage", "stop-answered-html",
    "stop-unknown-error", "stop-status-unknown", "exit-answer-lost", "exit-request-lost", "exit-connection-reset",
    "entry-answer-lost",
)  # fmt: skip
KILLED = ("worker-killed", "trainer-killed", "stream-killed", "beat-killed", "page-killed")
HUNG = ("worker-frozen", "stream-frozen", "trainer-frozen", "beat-frozen")
SILENT = (
    "trailing-hung",
    "keeper-hung",
    "keeper-unscheduled",
)  # three ticks of 10 s, and a look that is made every 30 s
DATA = ("candle-impossible", "candles-missing", "candle-lost")  # a candle is judged when its minute is over
STILL = ("feed-stale", "price-frozen")  # some bars must pass


@dataclass(frozen=True, slots=True)
class Run:
    """One drill's newest run that was carried out."""

    name: str
    passed: bool
    why: str
    at: datetime
    build: str
    seed: str
    profile: str
    detected_s: float | None = None
    acted_s: float | None = None
    verified_s: float | None = None
    unprotected_s: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number of a bench or a suite."""

    name: str
    value: float | None
    unit: str
    target: str
    passed: bool | None
    at: datetime
    build: str
    seed: str
    profile: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised. Of `drills` the worst `field` counts, at most `limit`; of a suite, the figure so named."""

    key: str
    title: Text
    drills: tuple[str, ...] = ()
    field: str = ""
    limit: float = 0
    unit: str = "s"
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A promise and what the last runs say. `of`: of how many drills, `n` were run lately."""

    promise: Promise
    state: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    worst: str = ""
    n: int = 0
    of: int = 0
    at: datetime | None = None  # the oldest run that counts
    builds: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    target: str = ""


PROMISES = (
    Promise("stop-back", _("A stop that is gone is back at the exchange"), STOPS, "acted_s", 5),
    Promise("unprotected", _("A position is without a stop"), (*STOPS, *LOST[:7]), "unprotected_s", 5),
    Promise("unknown", _("An unknown outcome is found out, and all is as it should be"), LOST, "verified_s", 20),
    Promise("restart", _("After a kill it works again"), KILLED, "verified_s", 10),
    Promise("hung", _("A process that hangs is found"), HUNG, "detected_s", 15),
    Promise("silent", _("A module that does not tick is found"), SILENT, "detected_s", 75),
    Promise("data", _("A bad or missing candle is found"), DATA, "detected_s", 90),
    Promise("muted", _("A stream that falls silent is found"), ("streams-muted",), "detected_s", 40),
    Promise("still", _("A feed or a price that stands still is found"), STILL, "detected_s", 435),
    Promise("stream", _("The stream hears again after a silence"), ("streams-muted", "stream-killed", "stream-frozen",
            "streams-dropped"), "verified_s", 60),
    Promise("laws", _("Drills after which a law did not hold"), ("*",), "law", 0, ""),
    Promise("G1", _("Processes killed at random: orders lost or doubled"), figure="G1"),
    Promise("G3", _("A burst of 10 000 signals: each one decided"), figure="G3"),
    Promise("G5", _("The same seed gives the same decisions"), figure="G5"),
    Promise("G8", _("Bad data: decisions made on it"), figure="G8"),
    Promise("G9", _("Truthful status of every module"), figure="G9"),
    Promise("G11", _("The live page: messages missed, doubled or out of order"), figure="G11"),
    Promise("G13", _("Edits of the audit trail that are found"), figure="G13"),
    Promise("G16", _("Alerts lost while their sender is killed"), figure="G16"),
    Promise("G18", _("An hour of faults: laws broken"), figure="G18"),
    Promise("G22", _("Races: more than one effect"), figure="G22"),
    Promise("G24", _("Storage taken away: rows lost"), figure="G24"),
)  # fmt: skip


def told(runs: Sequence[Run], figures: Sequence[Figure], now: datetime) -> tuple[Line, ...]:
    """Each promise with what was measured lately."""
    fresh = {run.name: run for run in runs if now - run.at <= LATELY}
    known = {figure.name: figure for figure in figures if now - figure.at <= LATELY}
    return tuple(by_figure(p, known) if p.figure else by_drills(p, fresh) for p in PROMISES)


def by_drills(promise: Promise, runs: Mapping[str, Run]) -> Line:
    """The worst of its drills' last runs; a drill that failed breaks the promise, one that was not run darkens it."""
    every = promise.drills == ("*",)
    mine = [run for name, run in sorted(runs.items()) if every or name in promise.drills]
    of = len(mine) if every else len(promise.drills)
    if not mine:
        return Line(promise, UNKNOWN, limit=promise.limit, unit=promise.unit, of=of)
    if promise.field == "law":
        return by_laws(promise, mine)
    measured = [(value, run) for run in mine if (value := getattr(run, promise.field)) is not None]
    value, worst = max(measured, key=lambda pair: pair[0], default=(None, mine[0]))
    failed = [run for run in mine if not run.passed and getattr(run, promise.field) is None]
    if failed or (value is not None and value > promise.limit):
        return about(promise, mine, FAIL, value, failed[0].name if failed else worst.name, of)
    whole = sum(to_the_end(promise.field, run) for _, run in measured) == of
    return about(promise, mine, OK if whole else UNKNOWN, value, worst.name, of)


def by_laws(promise: Promise, mine: Sequence[Run]) -> Line:
    """The laws are asked after the act and stand in the verdict: of a run that failed otherwise nothing is known."""
    judged = [run for run in mine if run.passed or run.why == LAW_BROKEN]
    broken = [run for run in judged if run.why == LAW_BROKEN]
    if not judged:
        return Line(promise, UNKNOWN, limit=promise.limit, unit=promise.unit, of=len(mine))
    state = FAIL if broken else OK if len(judged) == len(mine) else UNKNOWN
    return about(promise, judged, state, len(broken), broken[0].name if broken else "", len(mine))


def to_the_end(field: str, run: Run) -> bool:
    """Seconds without a stop that were counted before the drill was proven to be over are a beginning only."""
    return field != "unprotected_s" or run.passed or run.verified_s is not None


def about(promise: Promise, mine: Sequence[Run], state: str, value: float | None, worst: str, of: int) -> Line:
    return Line(
        promise, state, value, promise.limit, promise.unit, worst, len(mine), of,
        min(run.at for run in mine), several(r.build for r in mine), several(r.seed for r in mine),
        several(r.profile for r in mine),
    )  # fmt: skip


def by_figure(promise: Promise, known: Mapping[str, Figure]) -> Line:
    figure = known.get(promise.figure)
    if figure is None:
        return Line(promise, UNKNOWN, of=1)
    state = UNKNOWN if figure.passed is None else OK if figure.passed else FAIL
    return Line(
        promise, state, figure.value, None, figure.unit, figure.name, 1, 1, figure.at,
        several([figure.build]), several([figure.seed]), (figure.profile,), figure.target,
    )  # fmt: skip


def several(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({text for text in texts if text}))


# -- what benches print ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Printed:
    """One figure as a bench printed it."""

    name: str
    value: float | None
    unit: str = ""
    target: str = ""
    passed: bool | None = None


def read(text: str) -> tuple[list[Printed], list[str]]:
    """The figures of a bench's output (`BENCH id value unit`, `GOAL id PASS|FAIL value target`), and what is wrong."""
    found: dict[str, Printed] = {}
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words[:1] not in (["BENCH"], ["GOAL"]):
            continue
        one = bench(words) if words[0] == "BENCH" else goal(words)
        if one is None:
            wrong.append(f"line {number}: {line[:80]!r} is not {SHAPES[words[0]]}")
            continue
        before = found.get(one.name)
        unit = one.unit or (before.unit if before else "")
        keep = one if one.passed is not None or before is None else before
        found[one.name] = Printed(keep.name, keep.value, unit, keep.target, keep.passed)
    return list(found.values()), wrong


SHAPES = {"BENCH": "BENCH id value unit", "GOAL": "GOAL id PASS|FAIL value target"}


def bench(words: Sequence[str]) -> Printed | None:
    if len(words) < 3 or (value := number(words[2])) is None:
        return None
    return Printed(words[1][:80], value, " ".join(words[3:])[:20])


def goal(words: Sequence[str]) -> Printed | None:
    if len(words) < 4 or words[2] not in ("PASS", "FAIL"):
        return None
    return Printed(words[1][:80], number(words[3]), "", " ".join(words[4:])[:40], words[2] == "PASS")


def number(text: str) -> float | None:
    """A finite number, thousands apart or not; None where it is none."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if abs(value) <= 1e15 else None

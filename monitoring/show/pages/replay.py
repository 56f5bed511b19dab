"""The morning of the 198, played the old way and ours, side by side; computed when asked, nothing is stored or sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from monitoring.show.frame import look, looking, page
from monitoring.watch.words import grouped, market
from trading.gates import incident
from trading.gates.desk import Limits
from trading.gates.judge import Verdict
from trading.gates.sentence import say

SHOWN = 12  # signals that are listed, best first
PASSES = 3  # of the old way: the same four again after each cooldown


@dataclass(frozen=True, slots=True)
class Line:
    """One signal: what became of it then, and now."""

    nth: int
    title: str
    confidence: str
    then: str  # planned, kept, dropped
    outcome: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Count:
    code: str
    n: int
    share: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Played:
    signals: int
    planned: int
    submitted: int
    unrecorded: int
    traded: int
    rejected: int
    passes: range
    lines: tuple[Line, ...]
    codes: tuple[Count, ...]
    sum_holds: bool
    milliseconds: str


def play(now) -> Played:
    """Both ways over the same signals and the same desk."""
    beliefs = incident.signals(now)
    desk = incident.desk(beliefs, now, Limits())
    old = incident.old_way(beliefs, desk)
    began = perf_counter()
    verdicts = incident.our_way(beliefs, desk)
    took = (perf_counter() - began) * 1000
    traded = sum(v.accepted for v in verdicts)
    codes = Counter(str(v.code) for v in verdicts if v.code)
    examples = {str(v.code): say(v.rejections[0], translate=_) for v in reversed(verdicts) if v.code}
    planned = {b.symbol for b in old.planned}
    return Played(
        signals=len(beliefs),
        planned=len(old.planned),
        submitted=len(old.submitted),
        unrecorded=old.unrecorded,
        traded=traded,
        rejected=sum(codes.values()),
        passes=range(1, PASSES + 1),
        lines=tuple(line(n, v, planned) for n, v in enumerate(verdicts[:SHOWN], 1)),
        codes=tuple(Count(code, n, n / len(beliefs), examples[code]) for code, n in codes.most_common()),
        sum_holds=traded + sum(codes.values()) == len(beliefs),
        milliseconds=grouped(took, 1),
    )


def line(nth: int, verdict: Verdict, planned: set[str]) -> Line:
    then = "planned" if verdict.belief.symbol in planned else "kept" if nth <= incident.KEPT else "dropped"
    return Line(
        nth,
        market(verdict.belief.symbol),
        grouped(verdict.belief.confidence, 3),
        then,
        "traded" if verdict.accepted else "rejected",
        str(verdict.code or ""),
        say(verdict.rejections[0], translate=_)
        if verdict.rejections
        else _("Passed every gate, rank %d.") % (verdict.rank or 0),
    )


@looking
@require_GET
def replay(request: HttpRequest) -> HttpResponse:
    """`?play=198` plays; without it the page says what will be played."""
    scene = look(request)
    words = {"played": play(scene.now) if request.GET.get("play") == "198" else None, "incident": incident}
    return page(request, "monitoring/replay.html", _("Replay the 198"), "/replay/", words=words, scene=scene)

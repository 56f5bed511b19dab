"""The diagnosis as the page and the API show it: problems in words, with what proves them and what to press."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from monitoring.control.actions import BadRequest, Stale
from monitoring.show import controls, levers
from monitoring.show.mending import SHAPES
from monitoring.show.probed import probed
from monitoring.show.scene import Scene, tuned
from monitoring.watch import otherwise
from monitoring.watch.diagnosis import words
from monitoring.watch.diagnosis.problem import Action, Diagnosis, Problem, Severity
from monitoring.watch.diagnosis.rows import diagnose
from monitoring.watch.funnel import Funnel
from monitoring.watch.funnel import Reason as Cause
from monitoring.watch.funnel import told as meaning
from monitoring.watch.knobs import knob
from monitoring.watch.rejudge import what_if
from monitoring.watch.verdict import setting
from quantum.config import read_again
from quantum.reread import Reread, reread
from trading.gates import rejudge

REASONS = 5  # codes that are told
PRESSABLE = 12  # problems that get a button; each costs a query or two
KEPT = 10  # seconds that one look serves every page
CONTROLS = {  # the engine's name of an action, and the control that is pressed for it
    "tick_module": "tick",
    "refresh_universe": "universe",
    "retrain": "retrain",
    "close_position": "close",
    "clear_cooldown": "cooldown",
    "tune": "tune",
}
REFUSED, WAITING = "START_REFUSED", "SETTINGS_WAIT"
WORST = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that can be looked up."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One problem in words. `anchor` names it in an address."""

    rank: int
    key: str
    code: str
    subject: str
    severity: str
    title: str
    cause: str
    evidence: tuple[Proof, ...]
    steps: tuple[str, ...]
    href: str = ""
    setting: str = ""
    otherwise: str = ""  # what another value of its setting would have given
    share: float = 0.0
    since: datetime | None = None
    because: str = ""  # key of the problem that it follows from
    control: controls.Control | None = None

    @property
    def shape(self) -> str:
        return SHAPES[self.severity]

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.key.lower()).strip("-")


# -- looking ----------------------------------------------------------------------------------------------------------


def looked(scene: Scene) -> Diagnosis:
    """The newest look, at most ten seconds old; the engine's own queries, and the probes' where the score has not."""
    found = cache.get("diagnosis")
    if found is None:
        found = diagnose(scene.now, scene.once(probed))
        cache.set("diagnosis", found, KEPT)
    return found


def configured(scene: Scene) -> Reread:
    """What the next start would say."""
    return reread(settings.QUANTUM, read_again)


def problems(scene: Scene) -> list[Told]:
    """Every problem in its order, the configuration's among them."""
    seen = scene.once(looked)
    found = [told(problem) for problem in seen.problems]
    for one in about_settings(scene.once(configured)):
        found.insert(place(found, one), one)
    return [replace(one, rank=rank) for rank, one in enumerate(found, start=1)]


def place(found: Sequence[Told], new: Told) -> int:
    """Behind what is as bad or keeps signals away, before what is less."""
    return next((i for i, one in enumerate(found) if not one.share and worse(new, one)), len(found))


def worse(one: Told, other: Told) -> bool:
    return WORST[Severity(one.severity)] < WORST[Severity(other.severity)]


def in_full(scene: Scene) -> list[Told]:
    """The problems with what may be pressed for the first of them, and what another value would have given."""
    seen = {problem.key: problem for problem in scene.once(looked).problems}
    top, found = scene.funnel.dominant, scene.once(problems)
    full = [
        replace(one, control=pressable(seen[one.key].action, scene)) for one in found[:PRESSABLE] if one.key in seen
    ]
    pressed = {one.key: one for one in full}
    told = [pressed.get(one.key, one) for one in found]
    i = next((i for i, one in enumerate(told) if top and top.code == one.subject and top.setting), None)
    if i is None:
        return told
    return [*told[:i], replace(told[i], otherwise=otherwise_said(scene.funnel, scene)), *told[i + 1 :]]


# -- in words ---------------------------------------------------------------------------------------------------------


def told(problem: Problem) -> Told:
    return Told(
        rank=0,
        key=problem.key,
        code=problem.cause.value,
        subject=problem.subject,
        severity=problem.severity.value,
        title=words.title(problem),
        cause=words.cause(problem),
        evidence=tuple(Proof(words.evidence(one), one.href) for one in problem.evidence),
        steps=tuple(words.steps(problem)),
        href=problem.action.href if problem.action else "",
        setting=problem.setting,
        share=problem.share,
        since=problem.since,
        because=problem.because,
    )


def about_settings(found: Reread) -> Iterable[Told]:
    """What the file on disk would do to the next start, while this house goes on with what it began with."""
    if found.refusals:
        yield Told(
            rank=0,
            key=REFUSED,
            code=REFUSED,
            subject="",
            severity=Severity.HIGH.value,
            title=_("The next start would be refused"),
            cause=_("The settings contradict each other; what runs goes on with those that it began with.")
            + " "
            + " ".join(found.refusals),
            evidence=(Proof(_("Settings in force"), "/settings/"),),
            steps=(
                _("Correct the named setting in the environment or in the settings file."),
                _("Until then a process that ends can't come back."),
            ),
            href="/settings/",
        )
    if found.waiting:
        names = ", ".join(f"{one.name}: {one.running} → {one.next}" for one in found.waiting)
        yield Told(
            rank=0,
            key=WAITING,
            code=WAITING,
            subject="",
            severity=Severity.LOW.value,
            title=_("Settings wait for a restart"),
            cause=_("The file says something else than what is in force: %(names)s.") % {"names": names},
            evidence=(Proof(_("Settings in force"), "/settings/"),),
            steps=(_("Start again to take them over, or put them back."),),
            href="/settings/",
        )


# -- what may be pressed ----------------------------------------------------------------------------------------------


def pressable(action: Action | None, scene: Scene) -> controls.Control | None:
    """The control of an action, for those who may; None where it is gone, or only leads to a page."""
    if action is None or action.control not in CONTROLS:
        return None
    try:
        return controls.offer(levers.OFFERS[CONTROLS[action.control]](action.target, scene.now), scene.audience)
    except (BadRequest, Stale):
        return None


# -- why signals did not trade ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reason:
    """What stopped signals, or kept symbols from being judged: the code's counts, its median case, its setting."""

    code: str
    n: int
    of: int
    symbols: int
    sentence: str
    setting: str  # value, default and who changed it last
    name: str = ""  # the setting's
    href: str = ""
    otherwise: str = ""
    absent: bool = False  # symbols that were not judged, not signals


def reasons(scene: Scene) -> list[Reason]:
    """The most frequent first: of the signals, and of the symbols that should have been judged."""
    seen = scene.funnel
    found = [rejected(one, i == 0, scene) for i, one in enumerate(seen.reasons[:REASONS])]
    absent = [
        unjudged(code, n, seen.symbols, seen.spread.absent.get(code, 0)) for code, n in seen.not_evaluated.items()
    ]
    return [*found, *absent[:REASONS]]


def rejected(one: Cause, first: bool, scene: Scene) -> Reason:
    seen, known = scene.funnel, knob(one.setting, scene.once(tuned))
    return Reason(
        code=one.code,
        n=one.n,
        of=seen.signals,
        symbols=one.symbols,
        sentence=one.sentence,
        setting="".join(piece.text for piece in setting(known, scene.now)).strip(),
        name=one.setting if one.setting in rejudge.SETTINGS else "",
        href=f"/decisions/?code={one.code}",
        otherwise=otherwise_said(seen, scene) if first else "",
    )


def unjudged(code: str, n: int, of: int, symbols: int) -> Reason:
    one = meaning(code, n, symbols)
    return Reason(code, n, of, symbols, one.sentence, "", href="/universe/", absent=True)


# -- another value ----------------------------------------------------------------------------------------------------


def otherwise_said(seen: Funnel, scene: Scene) -> str:
    """What another value of the dominant reason's setting would have given; nothing where none can be named."""
    top = seen.dominant
    asked = otherwise.another(top.facts, scene.config) if top and top.facts else None
    if asked is None:
        return ""
    return otherwise.sentence(what_if(*asked, seen.until - seen.since, scene.now))

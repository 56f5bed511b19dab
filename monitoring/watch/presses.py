"""What stands over the headline, and what to press under it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext as _

from monitoring.watch import ailments
from monitoring.watch.retold import retold
from monitoring.watch.verdict import Action, Facts, Headline, Piece
from trading.gates.directives import Level, holds_entries
from trading.gates.store import Standing

PLACES = {  # where the way out of a state is; the states are the headline's own
    "unprotected": "/positions/",
    "stale": "/incidents/",
    "no-data": "/modules/",
    "not-judged": "/modules/",
    "training": "/models/",
    "training-failed": "/models/",
    "no-model": "/models/",
    "halted": "/policy/",
    "reducing": "/policy/",
    "flat": "/decisions/",
    "law-broken": "/decisions/",
}
QUIET = {"trading", "flat"}  # a directive is the news of these


def pressed(said: Headline, facts: Facts, standing: Standing) -> Headline:
    """The headline with the directive in force, the setting to review and the page to open."""
    told = directed(said, standing)
    ways = [*diagnosed(told), *reviewed(said, facts), *told.actions, *opened(said, standing)]
    actions = list(dict.fromkeys(ways))
    return replace(told, actions=tuple(actions))


def directed(said: Headline, standing: Standing) -> Headline:
    """Say that a directive holds entries or makes them smaller: first of all where everything else is quiet."""
    if standing.level is Level.ALLOW_ALL:
        return said
    words = f"{ailments.LEVELS[standing.level]}"
    because = "; ".join(map(retold, standing.halts))
    sentence = f"{words}: {because}." if because else f"{words}."
    exits = _("Exits, stops and trailing go on.")
    if said.state in QUIET and holds_entries(standing.level):
        lead = (Piece(f"{said.sentence} ", "strong"), *said.lead, Piece(f" {exits}"))
        return replace(said, state="held", tone="warn", head=(Piece(sentence),), lead=lead)
    gap = " " if said.lead and not said.lead[-1].text.endswith(" ") else ""
    return replace(said, lead=(*said.lead, Piece(f"{gap}{sentence}", "strong"), Piece(f" {exits}")))


def diagnosed(said: Headline) -> Iterable[Action]:
    """Why: the reasons and problems, in their order."""
    if said.tone != "ok":
        yield Action(_("See the cause"), "/diagnosis/#cause")


def reviewed(said: Headline, facts: Facts) -> Iterable[Action]:
    """The setting that the lead tells of."""
    names = [piece.text for piece in said.lead if piece.kind == "setting"]
    if names:
        yield Action(_("Review the setting"), f"/settings/#{names[0]}")


def opened(said: Headline, standing: Standing) -> Iterable[Action]:
    labels = {
        "/positions/": _("Open positions"),
        "/incidents/": _("Open incidents"),
        "/modules/": _("Open modules"),
        "/models/": _("Open models"),
        "/policy/": _("Open the policy"),
        "/decisions/": _("Open decisions"),
    }
    if standing.level is not Level.ALLOW_ALL:
        yield Action(labels["/incidents/"], "/incidents/")
    if said.state in PLACES:
        yield Action(labels[PLACES[said.state]], PLACES[said.state])

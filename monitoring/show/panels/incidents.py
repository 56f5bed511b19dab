"""What self-healing found and did, what holds the gates; and the portfolio as the balancer weighs it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls, mending, safety
from monitoring.show.panels.base import SECOND, Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.watch.words import grouped, market
from trading.models import TrimProposal


def said(scene: Scene) -> dict[str, Any]:
    shape, sentence, rest = scene.once(mending.headline)
    return {"shape": shape, "sentence": sentence, "rest": rest, "healer_at": scene.once(mending.healer_at)}


def incidents(scene: Scene) -> dict[str, Any]:
    rows, tried = scene.once(mending.open_incidents), scene.once(mending.attempts)
    lately = scene.once(mending.recent)
    last = next(iter(scene.once(mending.closed_incidents)), None)
    return {
        "incidents": [
            (
                mending.told(row, tried.get(row.pk, []), lately.get(row.key, []), scene.now),
                control(mending.acknowledge(row), scene),
            )
            for row in rows
        ],
        "last": mending.told(last, (), (), scene.now) if last else None,
        "about": ngettext("%(n)s open", "%(n)s open", len(rows)) % {"n": len(rows)} if rows else "",
        "looked": scene.once(mending.healer_at),
        "silent": scene.once(mending.silent),
    }


def control(one: controls.Control | None, scene: Scene) -> controls.Control | None:
    return controls.offer(one, scene.audience) if one else None


def directives(scene: Scene) -> dict[str, Any]:
    """The policy in force: why, what it does, since when, how it ends; and the restarts that are left."""
    rows, used = scene.once(mending.standing), scene.once(safety.restarts)
    force = scene.once(safety.in_force)
    return {
        "force": force,
        "restarts": used,
        "closes": [safety.closed(row) for row in force.closes],
        "directives": [
            (row, safety.ending(row, used), controls.offer(mending.lift(row), scene.audience)) for row in rows
        ],
    }


def healed(scene: Scene) -> dict[str, Any]:
    tried = scene.once(mending.attempts)
    closed = scene.once(mending.closed_incidents)
    return {"healed": [mending.told(row, tried.get(row.pk, []), (), scene.now) for row in closed]}


def balance(scene: Scene) -> dict[str, Any]:
    """The balancer's newest look; it makes none while nothing is held, so that the last one is of what was."""
    look = scene.once(mending.newest_look) if scene.held else None
    trims = scene.once(mending.open_trims)
    together = [p for p in look.pairs if p["rho"] is not None][:3] if look else []
    return {
        "look": look,
        "figures": mending.figures(look) if look else {},
        "pairs": [(market(p["first"]), market(p["second"]), grouped(p["rho"], 2)) for p in together],
        "trims": [(mending.proposed(row), offered(row, scene)) for row in trims],
        "about": ngettext("%(n)s proposed trim", "%(n)s proposed trims", len(trims)) % {"n": len(trims)}
        if trims
        else _("nothing to trim"),
    }


def offered(row: TrimProposal, scene: Scene) -> list[controls.Control | None]:
    """What can be done about a proposal, the safe direction first."""
    return [controls.offer(one, scene.audience) for one in (mending.apply(row), mending.dismiss(row))]


def looked_at(scene: Scene) -> datetime | None:
    return scene.once(mending.healer_at)


def balance_at(scene: Scene) -> datetime | None:
    look = scene.once(mending.newest_look) if scene.held else None
    return look.at if look else None


register(
    Panel("incidents_said", said, looked_at, lambda: SECOND * 60, timed=True, follows=("incidents",)),
    Panel("incidents", incidents, looked_at, lambda: SECOND * 60, timed=True),
    Panel("directives", directives, looked_at, lambda: SECOND * 60, follows=("incidents",)),
    Panel("healed", healed, lambda s: None, lambda: None, follows=("incidents",)),
    Panel("balance", balance, balance_at, bars(3), follows=("positions",)),
)

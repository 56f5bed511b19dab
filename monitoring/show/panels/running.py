"""What runs: models, modules, the policy of the moment and the universe."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.words import grouped, market

OLDEST = 3  # symbols of the universe that are named


def modules(scene: Scene) -> dict[str, Any]:
    """What needs a look, and how many do not."""
    pulses = scene.pulses
    ailing = [p for p in pulses if p.shape != "ok"]
    fine = len(pulses) - len(ailing)
    return {"pulses": ailing, "about": _("%(up)s of %(of)s well") % {"up": fine, "of": len(pulses)}, "fine": fine}


def modules_at(scene: Scene) -> datetime | None:
    return max((p.state.last_tick for p in scene.pulses if p.state and p.state.last_tick), default=None)


def models(scene: Scene) -> dict[str, Any]:
    voting = [m for m in scene.champions if m.status == "champion"]
    kinds = {m.kind for m in voting if not m.alarm}
    shown = [m for m in scene.champions if m in voting or m.kind not in kinds]
    return {
        "training": scene.facts.training,
        "run": scene.run,
        "models": [model(m) for m in shown],
        "about": ngettext("%(n)s model may vote", "%(n)s models may vote", len(voting)) % {"n": len(voting)}
        if voting
        else "",
    }


def model(row: Any) -> dict[str, Any]:
    """Skill as numbers beside what a coin with the right bias would get."""
    out = row.metrics.get("out_of_sample") or {}
    base = row.metrics.get("base_rate", out.get("base_rate"))
    return {
        "row": row,
        "auc": out.get("auc"),
        "hit": out.get("precision", out.get("hit_rate", out.get("top_decile"))),
        "log_loss": out.get("log_loss"),
        "base_log_loss": out.get("base_log_loss", row.metrics.get("base_log_loss")),
        "brier": out.get("brier"),
        "base_brier": out.get("base_brier", row.metrics.get("base_brier")),
        "base": base,
        "n": out.get("rows", out.get("n")),
    }


def models_at(scene: Scene) -> datetime | None:
    trained = [m.trained_at for m in scene.champions]
    if scene.facts.training and scene.run:
        trained.append(scene.run.beat_at)
    return max(trained, default=None)


def policy(scene: Scene) -> dict[str, Any]:
    row = scene.policy
    return {"policy": row, "needs": grouped(row.min_confidence, 2) if row else ""}


def universe(scene: Scene) -> dict[str, Any]:
    seen, bar = scene.universe, settings.QUANTUM.bar
    if seen is None:
        return {"universe": None}
    ages = [(market(s), seen.closed.get(s)) for s in seen.inside]
    oldest = sorted(ages, key=lambda pair: pair[1] or datetime.min.replace(tzinfo=scene.now.tzinfo))
    limit = scene.config.max_data_age
    fresh = sum(at is not None and scene.now - at <= limit for _, at in ages)
    return {
        "universe": seen,
        "about": ngettext("%(n)s symbol, %(fresh)s fresh", "%(n)s symbols, %(fresh)s fresh", len(seen.inside))
        % {"n": len(seen.inside), "fresh": fresh},
        "oldest": [
            (name, at, min(1.0, (scene.now - at) / (limit or bar)) if at else 1.0) for name, at in oldest[:OLDEST]
        ],
        "more": max(0, len(ages) - OLDEST),
        "candle_limit": limit,
        "outside": len(seen.outside),
    }


register(
    Panel("models", models, models_at, lambda: None, timed=True),
    Panel("modules", modules, modules_at, lambda: SECOND * 30, seldom=3),
    Panel("policy", policy, lambda s: s.policy.since if s.policy else None, lambda: None),
    Panel("universe", universe, lambda s: s.universe.at if s.universe else None, lambda: timedelta(minutes=15)),
)

"""The policy's page: what an entry needs now, every limit with its use, the risk guard, cooldowns, codes over time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show import charts, controls, risk
from monitoring.show.panels.base import SECOND, Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.show.silence import silent
from monitoring.watch.retold import retold
from monitoring.watch.words import grouped
from trading.gates import policy as law
from trading.gates.directives import Level, holds_entries

REGIMES = {
    "TRENDING": gettext_lazy("Trending"),
    "RANGING": gettext_lazy("Ranging"),
    "NORMAL": gettext_lazy("Normal"),
}
VOLATILITIES = {
    "LOW": gettext_lazy("Low"),
    "NORMAL": gettext_lazy("Normal"),
    "HIGH": gettext_lazy("High"),
    "EXTREME": gettext_lazy("Extreme"),
}
SENTENCES = {
    "TRENDING": gettext_lazy("The market trends, so an entry needs %(needs)s."),
    "RANGING": gettext_lazy("The market ranges, so an entry needs %(needs)s."),
    "NORMAL": gettext_lazy("The market neither trends nor ranges, so an entry needs %(needs)s."),
}
SWITCHED = {
    "active": gettext_lazy("Active: entries are allowed"),
    "reducing": gettext_lazy("Reducing: no new entries, everything else lives"),
    "halted": gettext_lazy("Halted: no entries, and waiting ones are cancelled"),
}


def said(scene: Scene) -> dict[str, Any]:
    """What an entry needs, in one sentence; first of all whether one is allowed."""
    row, switch = scene.policy, scene.facts.switch.state
    held = [one for one in scene.once(risk.directives) if holds_entries(Level(one.level))]
    if row is None:
        sentence, tone = _("No policy yet: the market has not been measured."), "unknown"
    elif switch != "active":
        sentence, tone = _("The kill switch allows no entries."), "warn"
    elif held:
        sentence, tone = _("Entries are held: %(reason)s") % {"reason": retold(held[0].reason)}, "warn"
    elif not row.entries_allowed:
        sentence, tone = _("No entries: volatility is extreme."), "warn"
    elif silent(scene, "policy"):
        sentence, tone = _("The market is not being measured; the newest policy asks for %(needs)s."), "unknown"
        sentence %= {"needs": grouped(needed(scene), 2)}
    else:
        sentence, tone = SENTENCES[row.regime] % {"needs": grouped(needed(scene), 2)}, "ok"
    return {"policy": row, "sentence": sentence, "tone": tone}


def needed(scene: Scene) -> float:
    """The policy's minimum, or the threshold that is set above it."""
    row = scene.policy
    return max(row.min_confidence if row else 0.0, scene.once(risk.config).QT_CONFIDENCE_THRESHOLD)


def brake(scene: Scene) -> dict[str, Any]:
    switch = scene.facts.switch
    return {
        "switch": switch,
        "switched": SWITCHED[switch.state],
        "directives": scene.once(risk.directives),
        "guard": scene.once(risk.guard),
    }


def minima(scene: Scene) -> dict[str, Any]:
    rows = [(REGIMES[name], setting, floor, cells) for name, setting, floor, cells in scene.once(risk.minima)]
    return {
        "levels": [VOLATILITIES[level.value] for level in law.Volatility],
        "rows": rows,
        "tuned": scene.once(risk.tuned),
        "floor": scene.once(risk.config).QT_CONFIDENCE_THRESHOLD,
    }


def policies(scene: Scene) -> dict[str, Any]:
    rows = [
        {"row": row, "lasted": lasted, "regime": REGIMES[row.regime], "volatility": VOLATILITIES[row.volatility]}
        for row, lasted in scene.once(risk.versions)
    ]
    return {"versions": rows}


def limits(scene: Scene) -> dict[str, Any]:
    found = scene.once(risk.limits)
    over = sum(one.shape == "fail" for one in found)
    unknown = sum(one.shape == "unknown" for one in found)
    about = _("fullest first")
    if over:
        about = ngettext("%(n)s is over its limit", "%(n)s are over their limits", over) % {"n": over}
    elif unknown:
        about = ngettext("%(n)s is not measured", "%(n)s are not measured", unknown) % {"n": unknown}
    return {"limits": found, "about": about}


def cooldowns(scene: Scene) -> dict[str, Any]:
    rest = scene.once(risk.config).QT_COOLDOWN_SECONDS
    rows = [
        (one, controls.offer(controls.clear_cooldown(one.symbol, one.order_id, one.seconds, rest), scene.audience))
        for one in scene.once(risk.cooling)
    ]
    return {"rows": rows, "rest": rest, "tuned": scene.once(risk.tuned).get("QT_COOLDOWN_SECONDS")}


def gates(scene: Scene) -> dict[str, Any]:
    found = scene.once(risk.gates)
    most = max((gate.denied for gate in found), default=0) or 1
    told = [(gate, round(gate.denied / most, 4)) for gate in found if gate.denied or gate.last]
    return {"gates": told, "quiet": [gate for gate in found if not (gate.denied or gate.last)]}


def codes(scene: Scene) -> dict[str, Any]:
    return {"figure": charts.codes_over_time(scene.once(risk.codes)), "bars": risk.CHART_BARS}


def arrivals(scene: Scene) -> dict[str, Any]:
    newest, ended = scene.once(risk.arrivals)
    top = next(({"code": code, "n": n} for code, n in ended.items()), None)
    return {"newest": newest, "top": top, "traded": "TRADED" in ended}


def arrived_at(scene: Scene) -> datetime | None:
    newest, _ended = scene.once(risk.arrivals)
    return newest.at if newest else None


def measured_at(scene: Scene) -> datetime | None:
    return scene.account.at if scene.account else None


def guarded_at(scene: Scene) -> datetime | None:
    return scene.once(risk.guard).bar_at


def policy_at(scene: Scene) -> datetime | None:
    return scene.policy.since if scene.policy else None


def cooldown_at(scene: Scene) -> datetime:
    return scene.now


POLICY = ("policy", "ribbon", "verdict", "risk", "settings")
JUDGED = ("decisions", "funnel")

register(
    Panel("policy_said", said, policy_at, lambda: None, follows=POLICY),
    Panel("brake", brake, guarded_at, lambda: None, follows=(*POLICY, *JUDGED), seldom=1),
    Panel("minima", minima, policy_at, lambda: None, follows=POLICY),
    Panel("policies", policies, policy_at, lambda: None, timed=True, follows=("policy",)),
    Panel("risk", limits, measured_at, lambda: SECOND * 30, timed=True,
          follows=("account", "positions", "balance", "settings", "candles", *JUDGED), seldom=2),
    Panel("cooldowns", cooldowns, cooldown_at, lambda: None, timed=True, follows=("risk", "orders", "settings"),
          seldom=1),
    Panel("arrivals", arrivals, arrived_at, bars(1.5), follows=JUDGED),
    Panel("codes", codes, lambda s: s.funnel.as_of, bars(1.5), follows=JUDGED, seldom=5),
    Panel("guard", gates, guarded_at, bars(1.5), timed=True, follows=JUDGED, seldom=1),
)  # fmt: skip

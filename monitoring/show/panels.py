"""The panels: name, template, what it shows and how old that may be. One render serves the page and every socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from monitoring.show import held as holding
from monitoring.show.scene import Scene
from monitoring.templatetags.quantum import freshness
from monitoring.watch.words import NBSP, age, count, grouped, market, percent, price

SECOND = timedelta(seconds=1)
VENUES = {
    "practice": "Orders go to the practice exchange",
    "paper": "Orders go to the practice exchange",
    "testnet": "Orders go to the exchange's demo environment",
    "live": "Orders go to the exchange",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """`facts` turns the scene into the template's words; `as_of` is when what it shows was true; `limit` its age."""

    name: str
    facts: Callable[[Scene], dict[str, Any]]
    as_of: Callable[[Scene], datetime | None]
    limit: Callable[[], timedelta | None]
    timed: bool = False  # changes by the mere passing of time: refreshed every few seconds

    @property
    def template(self) -> str:
        return f"monitoring/panels/{self.name}.html"


@dataclass(frozen=True, slots=True)
class Rendered:
    name: str
    html: str
    as_of: datetime

    @property
    def substance(self) -> str:
        """The HTML without what only ages: two renders with the same substance need no second push."""
        return AGES.sub(r"\1", self.html)


AGES = re.compile(
    r'(data-(?:ago|countdown|without)="[^"]*"[^>]*>)[^<]*|(?<=data-age=")[a-z]+|--age:[0-9.]+|--old:[0-9.]+'
)


def bars(n: float) -> Callable[[], timedelta]:
    return lambda: settings.QUANTUM.bar * n


# -- ribbon and headline ------------------------------------------------------------------------------------------


def playing() -> str:
    """What is being played, in words that need no knowledge."""
    source = settings.QUANTUM.data_source
    if source == "synthetic":
        return "Synthetic market with trends built in; profit here proves nothing"
    if source.startswith("recorded:"):
        return f"Playing {source.removeprefix('recorded:')}"
    return "Market data of the exchange"


def ribbon(scene: Scene) -> dict[str, Any]:
    mode = settings.QUANTUM.mode
    return {
        "mode": mode,
        "playing": playing(),
        "venue": VENUES[mode],
        "money": "no real money in reach" if mode != "live" else "real money",
        "switch": scene.facts.switch.state,
        "states": ["active", "reducing", "halted"],
        "data_at": scene.facts.candle_at,
    }


def verdict(scene: Scene) -> dict[str, Any]:
    return {"verdict": scene.headline}


# -- money --------------------------------------------------------------------------------------------------------


def equity(scene: Scene) -> dict[str, Any]:
    account = scene.account
    gap = scene.longest_gap
    return {
        "account": account,
        "spark": scene.spark,
        "figure": grouped(account.equity, 2) if account else "",
        "today_share": percent(account.today_share, sign=True) if account and account.today_share is not None else "",
        "loss_used": percent(account.loss_used, 1) if account else "",
        "loss_limit": percent(account.loss_limit, 0) if account else "",
        "gap": f"{grouped(gap, 1)}{NBSP}s" if gap is not None else "",
        "opened_with": grouped(account.opened_with, 2) if account and account.opened_with is not None else "",
    }


def account(scene: Scene) -> dict[str, Any]:
    return {"account": scene.account}


# -- signals ------------------------------------------------------------------------------------------------------


def funnel(scene: Scene) -> dict[str, Any]:
    seen = scene.funnel
    law = seen.law
    numbers = [seen.symbols, seen.evaluated, law.signals, seen.passed, law.traded]
    top = max(numbers) or 1
    shares = [round(n / top, 4) for n in numbers]
    most = max([r.n for r in seen.reasons], default=1)
    return {
        "funnel": seen,
        "about": f"last hour, {count(seen.bars, 'bar')} of {settings.QUANTUM.timeframe}",
        "shares": list(zip([None, *shares], shares, strict=False)),
        "stages": stages(seen),
        "reasons": [(r, round(r.n / most, 4)) for r in seen.reasons[:7]],
        "others": sum(r.n for r in seen.reasons[7:]),
        "missing": [(code, n) for code, n in seen.not_evaluated.items()],
        "law": law,
    }


def stages(seen: Any) -> list[dict[str, str]]:
    law = seen.law
    symbols = round(seen.symbols / seen.bars) if seen.bars else 0
    size, absent = f"{count(symbols, 'symbol')}, {count(seen.bars, 'bar')}", seen.symbols - seen.evaluated
    ends = [f"{grouped(law.failed)} failed"] if law.failed else []
    ends += [f"{grouped(law.pending)} pending"] if law.pending else []
    return [
        {"n": grouped(seen.symbols), "name": "Universe", "lost": size},
        {"n": grouped(seen.evaluated), "name": "Evaluated", "lost": f"{grouped(absent)} not evaluated"},
        {"n": grouped(law.signals), "name": "Signals", "lost": f"{grouped(seen.flat)} flat"},
        {"n": grouped(seen.passed), "name": "Passed", "lost": f"{grouped(law.rejected)} rejected"},
        {"n": grouped(law.traded), "name": "Traded", "lost": ", ".join(ends) or "none failed",
         "alarm": "yes" if law.signals and not law.traded else ""},
    ]  # fmt: skip


def decisions(scene: Scene) -> dict[str, Any]:
    feed = scene.feed
    seen = {line.id for line in feed}
    last = scene.last_traded
    return {
        "feed": feed,
        "last_traded": last if last and last.id not in seen else None,
        "nearest": [] if feed else scene.nearest,
    }


# -- positions ----------------------------------------------------------------------------------------------------


def verify_limit() -> timedelta:
    """How old the exchange's own word on a stop may be."""
    return max(SECOND * 15, SECOND * settings.QUANTUM.QT_POSITION_MONITOR_INTERVAL * 2)


def positions(scene: Scene) -> dict[str, Any]:
    limit = verify_limit()
    held = [position(one, limit, scene.now) for one in scene.held]
    confirmed = sum(row["stop"].state == "ok" for row in held)
    return {
        "rows": held,
        "verify_limit": limit,
        "about": f"{len(held)} of {settings.QUANTUM.QT_MAX_POSITIONS} open; {stops(confirmed, len(held))}"
        if held
        else "",
        "last": scene.last_closed if not held else None,
    }


def stops(confirmed: int, of: int) -> str:
    if confirmed == of:
        return "all stops confirmed" if of > 1 else "its stop is confirmed"
    return f"{count(confirmed, 'stop')} confirmed, {of - confirmed} not"


def position(one: holding.Held, limit: timedelta, now: datetime) -> dict[str, Any]:
    money = holding.value(one, one.mark, one.mark_at or now) if one.mark is not None else None
    return {
        "held": one,
        "title": market(one.symbol),
        "money": money,
        "cells": holding.cells(one, money) if money else None,
        "quantity": price(one.quantity),
        "entry": price(one.entry, one.places),
        "stop": holding.badge(one, one.stop, limit, now),
        "backstop": holding.badge(one, one.backstop, limit, now, "backstop"),
        "target": price(one.target, one.places) if one.target else "",
        "without": f"{grouped(holding.seconds_without(one, now), 1)}{NBSP}s",
        "limit": age(holding.PROTECT_WITHIN),
    }


def positions_at(scene: Scene) -> datetime | None:
    """The mark that is oldest among the open positions; without one, when the monitor last looked."""
    times = [one.mark_at for one in scene.held if one.mark_at]
    looked = next((p.state.last_tick for p in scene.pulses if p.name == "position_monitor" and p.state), None)
    return min(times) if times else looked


# -- what runs ----------------------------------------------------------------------------------------------------


def modules(scene: Scene) -> dict[str, Any]:
    pulses = scene.pulses
    tally = [(word, sum(p.word == word for p in pulses)) for word in dict.fromkeys(p.word for p in pulses)]
    if len(tally) == 1:
        return {"pulses": pulses, "about": f"all {len(pulses)} {tally[0][0]}"}
    return {"pulses": pulses, "about": f"{len(pulses)}: " + ", ".join(f"{n} {word}" for word, n in tally)}


def modules_at(scene: Scene) -> datetime | None:
    return max((p.state.last_tick for p in scene.pulses if p.state and p.state.last_tick), default=None)


def models(scene: Scene) -> dict[str, Any]:
    voting = [m for m in scene.champions if m.status == "champion"]
    return {
        "training": scene.facts.training,
        "run": scene.run,
        "models": [model(m) for m in scene.champions],
        "about": f"{count(len(voting), 'model')} may vote" if voting else "",
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
    limit = settings.QUANTUM.max_data_age
    fresh = sum(at is not None and scene.now - at <= limit for _, at in ages)
    return {
        "universe": seen,
        "about": f"{count(len(seen.inside), 'symbol')}, {fresh} fresh",
        "oldest": [(name, at, min(1.0, (scene.now - at) / (limit or bar)) if at else 1.0) for name, at in oldest[:6]],
        "more": max(0, len(ages) - 6),
        "candle_limit": limit,
        "outside": len(seen.outside),
    }


def cycle_at(scene: Scene) -> datetime | None:
    return scene.funnel.as_of


PANELS: dict[str, Panel] = {
    p.name: p
    for p in (
        Panel("ribbon", ribbon, lambda s: s.facts.candle_at, bars(1.5), timed=True),
        Panel("verdict", verdict, cycle_at, bars(1.5), timed=True),
        Panel("equity", equity, lambda s: s.account.at if s.account else None, lambda: SECOND * 30),
        Panel("funnel", funnel, cycle_at, bars(1.5)),
        Panel("decisions", decisions, lambda s: s.feed[0].at if s.feed else None, lambda: None),
        Panel("positions", positions, positions_at, lambda: verify_limit(), timed=True),
        Panel("models", models, models_at, lambda: None, timed=True),
        Panel("modules", modules, modules_at, lambda: SECOND * 30),
        Panel("policy", policy, lambda s: s.policy.since if s.policy else None, lambda: None),
        Panel("account", account, lambda s: s.account.at if s.account else None, lambda: SECOND * 30),
        Panel("universe", universe, lambda s: s.universe.at if s.universe else None, lambda: timedelta(minutes=15)),
    )
}  # fmt: skip


def render(names: Iterable[str], now: datetime, scene: Scene | None = None) -> list[Rendered]:
    """The named panels that exist, from one look at the rows."""
    scene = scene or Scene(now)
    return [one(PANELS[name], scene) for name in names if name in PANELS]


def one(panel: Panel, scene: Scene) -> Rendered:
    as_of, limit = panel.as_of(scene), panel.limit()
    words = {
        "now": scene.now,
        "panel": panel.name,
        "as_of": as_of,
        "limit": limit,
        "freshness": freshness(as_of, limit, scene.now),
    }
    html = render_to_string(panel.template, words | panel.facts(scene))
    return Rendered(panel.name, html, as_of or scene.now)

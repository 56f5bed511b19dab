"""Where the signals went: the funnel and the newest decisions."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.watch.words import count, grouped


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


register(
    Panel("funnel", funnel, lambda s: s.funnel.as_of, bars(1.5)),
    Panel("decisions", decisions, lambda s: s.feed[0].at if s.feed else None, lambda: None),
)

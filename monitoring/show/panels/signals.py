"""Where the signals went: the funnel and the newest decisions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show.panels.base import Panel, bars, register
from monitoring.show.scene import Scene
from monitoring.show.waterfall import USUAL, WINDOWS
from monitoring.watch.words import grouped


def funnel(scene: Scene) -> dict[str, Any]:
    seen = scene.funnel
    law = seen.law
    numbers = [seen.symbols, seen.evaluated, law.signals, seen.passed, law.traded]
    top = max(numbers) or 1
    shares = [round(n / top, 4) for n in numbers]
    most = max([r.n for r in seen.reasons], default=1)
    return {
        "funnel": seen,
        "about": _("last hour, %(bars)s of %(timeframe)s")
        % {"bars": bars_of(seen.bars), "timeframe": settings.QUANTUM.timeframe},
        "shares": list(zip([None, *shares], shares, strict=False)),
        "stages": stages(seen),
        "reasons": [(r, round(r.n / most, 4)) for r in seen.reasons[:7]],
        "others": sum(r.n for r in seen.reasons[7:]),
        "missing": [(code, n) for code, n in seen.not_evaluated.items()],
        "law": law,
        "windows": [(name, str(label)) for name, (_span, label) in WINDOWS.items() if name != USUAL],
    }


def stages(seen: Any) -> list[dict[str, str]]:
    law = seen.law
    symbols = round(seen.symbols / seen.bars) if seen.bars else 0
    size = ngettext("%(n)s symbol", "%(n)s symbols", symbols) % {"n": grouped(symbols)}
    absent = seen.symbols - seen.evaluated
    ends = [_("%(n)s failed") % {"n": grouped(law.failed)}] if law.failed else []
    ends += [_("%(n)s pending") % {"n": grouped(law.pending)}] if law.pending else []
    return [
        stage(_("Universe"), seen.symbols, f"{size}, {bars_of(seen.bars)}"),
        stage(_("Evaluated"), seen.evaluated, _("%(n)s not evaluated") % {"n": grouped(absent)}),
        stage(_("Signals"), law.signals, _("%(n)s flat") % {"n": grouped(seen.flat)}),
        stage(_("Passed"), seen.passed, _("%(n)s rejected") % {"n": grouped(law.rejected)}),
        stage(_("Traded"), law.traded, ", ".join(ends) or _("none failed"))
        | {"alarm": "yes" if law.signals and not law.traded else ""},
    ]


def stage(name: str, n: int, lost: str) -> dict[str, str]:
    return {"name": name, "n": grouped(n), "lost": lost}


def bars_of(n: int) -> str:
    return ngettext("%(n)s bar", "%(n)s bars", n) % {"n": grouped(n)}


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

"""Where a window's signals went, code by code: signals and different symbols, each a way to its decisions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.watch.funnel import Funnel, Reason, told
from monitoring.watch.words import grouped, iso

WINDOWS = {  # as it is asked for, and as the button says it
    "15m": (timedelta(minutes=15), gettext_lazy("15 min")),
    "1h": (timedelta(hours=1), gettext_lazy("1 h")),
    "4h": (timedelta(hours=4), gettext_lazy("4 h")),
    "24h": (timedelta(hours=24), gettext_lazy("24 h")),
    "7d": (timedelta(days=7), gettext_lazy("7 d")),
}
USUAL = "1h"


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what was lost or came through here. `share` is of the window's signals, or of its judgements."""

    kind: str  # absent, flat, rejected, failed, pending, traded
    code: str
    n: str
    symbols: str
    share: float
    sentence: str
    setting: str = ""
    href: str = ""
    first: bool = False  # the dominant one


def parts(seen: Funnel) -> list[tuple[str, list[Step]]]:
    """Judgements first: not evaluated, flat; then the signals: rejected by code, failed, pending, traded."""
    judged = ngettext("Of %(n)s judgement", "Of %(n)s judgements", seen.symbols) % {"n": grouped(seen.symbols)}
    signals = ngettext("Of %(n)s signal", "Of %(n)s signals", seen.signals) % {"n": grouped(seen.signals)}
    found = [(judged, list(before(seen))), (signals, list(after(seen)))]
    return [(of, steps) for of, steps in found if steps]


def steps(seen: Funnel) -> list[Step]:
    return [step for _of, found in parts(seen) for step in found]


def before(seen: Funnel) -> Iterable[Step]:
    whole, only = seen.symbols or 1, not seen.signals
    for i, (code, n) in enumerate(seen.not_evaluated.items()):
        yield coded("absent", told(code, n, seen.spread.absent.get(code, 0)), whole, first=only and not i)
    if seen.flat:
        said = _("Judged, and no side was likely enough to pay its costs.")
        yield Step("flat", "FLAT", grouped(seen.flat), "", part(seen.flat, whole), said, href="/decisions/")


def after(seen: Funnel) -> Iterable[Step]:
    whole, law = seen.signals or 1, seen.law
    for i, one in enumerate(seen.reasons):
        yield coded("rejected", one, whole, decisions(seen, code=one.code, outcome="rejected"), first=not i)
    for code, n in seen.failed_by_code.items():
        link = decisions(seen, code=code, outcome="failed")
        yield coded("failed", told(code, n, seen.spread.failed.get(code, 0)), whole, link)
    if law.pending:
        said = _("Every gate said yes; what became of the order is not known yet.")
        link = decisions(seen, outcome="pending")
        yield Step("pending", "PENDING", grouped(law.pending), "", part(law.pending, whole), said, href=link)
    if law.signals:
        said = _("An order was filled.") if law.traded else _("No order was filled.")
        link, on = decisions(seen, outcome="traded"), symbols(seen.spread.traded)
        yield Step("traded", "TRADED", grouped(law.traded), on, part(law.traded, whole), said, href=link)


def coded(kind: str, one: Reason, whole: int, href: str = "", first: bool = False) -> Step:
    n, on = grouped(one.n), symbols(one.symbols)
    return Step(kind, one.code, n, on, part(one.n, whole), one.sentence, one.setting, href, first)


def part(n: int, of: int) -> float:
    return round(min(1.0, n / of), 4)


def symbols(n: int) -> str:
    return ngettext("%(n)s symbol", "%(n)s symbols", n) % {"n": grouped(n)} if n else ""


def decisions(seen: Funnel, **asked: str) -> str:
    """The decisions of the window that had this answer."""
    return "/decisions/?" + urlencode(asked | {"since": iso(seen.since.replace(microsecond=0))})


def summary(seen: Funnel) -> str:
    """198 signals on 12 symbols in 58 bars, 0 trades."""
    law = seen.law
    known = {"bars": ngettext("%(n)s bar", "%(n)s bars", seen.bars) % {"n": grouped(seen.bars)}}
    known["signals"] = ngettext("%(n)s signal", "%(n)s signals", law.signals) % {"n": grouped(law.signals)}
    known["trades"] = ngettext("%(n)s trade", "%(n)s trades", law.traded) % {"n": grouped(law.traded)}
    if not law.signals:
        return _("%(signals)s in %(bars)s.") % known
    known["symbols"] = symbols(seen.spread.signals)
    return _("%(signals)s on %(symbols)s in %(bars)s, %(trades)s.") % known

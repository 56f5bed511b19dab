"""What would have happened with another value of a limit: a window's stored bars judged again, and what became of it.

Four queries; where a correlation is asked that no bar kept, one more for each stretch of bars, from the candles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from monitoring.watch.counterfactuals import Counterfactual, judged
from monitoring.watch.knobs import shown
from trading import tuning
from trading.feed.candles import Book
from trading.gates import recall, rejudge
from trading.gates.rejudge import Bar, Difference, Passed
from trading.models import Cycle, Decision, Signal, SignalOutcome

MOST = 2000  # signals that are judged again, the newest; whole bars
STRETCH = 300  # bars whose correlations one query of candles serves
KEPT = 60  # seconds that an answer is kept


class NotJudged(ValueError):
    """The question can't be answered; `field` says which part of it is why."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Named:
    """One signal whose verdict differs, with its row's number and what became of it in R (None: not known yet)."""

    signal: int
    decision: int
    symbol: str
    side: str
    at: datetime
    net_r: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One answer; `was` is the limit that the newest bar was judged with.

    `older` signals lie further back than is looked at, `unreadable` ones in bars whose desk was not kept.
    """

    setting: str
    value: float
    in_force: float
    was: float
    span: timedelta
    since: datetime
    until: datetime
    bars: int
    signals: int
    rejected: int
    gained: tuple[Named, ...]
    lost: tuple[Named, ...]
    untold: int
    older: int
    unreadable: int
    result: Counterfactual

    @property
    def value_shown(self) -> str:
        return shown(self.setting, self.value)

    @property
    def was_shown(self) -> str:
        return shown(self.setting, self.was)


# -- the question -----------------------------------------------------------------------------------------------------


def asked(setting: str, text: str) -> float:
    """The value as a number of that setting; raises NotJudged where the gates don't read it, or it can't be that."""
    if setting not in rejudge.SETTINGS:
        names = ", ".join(rejudge.SETTINGS)
        raise NotJudged("setting", _("must be a limit that a gate reads: %(names)s") % {"names": names})
    allowed = tuning.range_of(settings.QUANTUM, setting)
    value = tuning.parsed(settings.QUANTUM, setting, text)
    if value is None or not allowed.holds(value):
        raise NotJudged("value", _("must be %(what)s") % {"what": described(allowed)})
    return value


def described(allowed: tuning.Range) -> str:
    """a whole number from 1 to 50."""
    told = {"low": allowed.low, "high": allowed.high}
    if allowed.whole:
        return _("a whole number from %(low)s to %(high)s") % told
    if allowed.above:
        return _("a number above %(low)s, at most %(high)s") % told
    return _("a number from %(low)s to %(high)s") % told


def what_if(setting: str, value: float, span: timedelta, now: datetime) -> WhatIf:
    """The answer, kept for a minute: a new bar, or another value in force, asks anew."""
    newest = Cycle.objects.order_by("-pk").values_list("pk", flat=True).first()
    was = tuning.first_value(tuning.effective(), setting)
    name = f"what-if:{setting}:{value}:{was}:{int(span.total_seconds())}:{newest}"
    answer = cache.get(name)
    if answer is None:
        answer = answered(setting, value, was, span, now)
        cache.set(name, answer, KEPT)
    return answer


def answered(setting: str, value: float, in_force: float, span: timedelta, now: datetime) -> WhatIf:
    seen = stored(now - span, now)
    found = rejudge.difference(seen.bars, setting, value, pairs=Closes(seen.symbols).pairs)
    gained, lost = seen.named(found.gained), seen.named(found.lost)
    return WhatIf(
        setting=setting,
        value=value,
        in_force=in_force,
        was=judged_with(seen.bars, setting, in_force),
        span=span,
        since=now - span,
        until=now,
        bars=found.bars,
        signals=found.signals,
        rejected=found.rejected,
        gained=gained,
        lost=lost,
        untold=found.untold,
        older=seen.older,
        unreadable=seen.unreadable,
        result=seen.result(found, now),
    )


def judged_with(bars: Sequence[Bar], setting: str, now: float) -> float:
    """The limit that the newest bar was judged with; a policy's minimum, and what no bar tells, is that of now."""
    if not bars or setting not in rejudge.FIELDS:
        return now
    limit = getattr(bars[-1].desk.limits, rejudge.FIELDS[setting])
    return limit.total_seconds() if isinstance(limit, timedelta) else float(limit)


# -- the stored bars --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A window's bars, oldest first, and the rows behind them."""

    bars: tuple[Bar, ...]
    rows: Mapping[tuple[str, datetime], Signal] = field(default_factory=dict)
    older: int = 0
    unreadable: int = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        found = {belief.symbol for bar in self.bars for belief in bar.beliefs}
        return tuple(sorted(found | {held.symbol for bar in self.bars for held in bar.desk.holdings}))

    def named(self, differing: Sequence[Passed]) -> tuple[Named, ...]:
        rows = (self.rows[one.belief.symbol, one.belief.at] for one in differing)
        return tuple(
            Named(row.pk, row.decision.pk, row.symbol, row.side, row.at, getattr(path(row), "net_r", None))
            for row in rows
        )

    def result(self, found: Difference, now: datetime) -> Counterfactual:
        """The mean of those that would have passed and whose whole horizon is over, with its interval."""
        rows = [self.rows[one.belief.symbol, one.belief.at] for one in found.gained]
        ripe = [(row, over) for row in rows if (over := path(row)) is not None and over.matures_at <= now]
        return judged("", [(over.net_r, row.at, over.horizon) for row, over in ripe], settings.QUANTUM.bar)


def stored(since: datetime, until: datetime) -> Stored:
    """The bars that closed within the window, as the gates saw them; two queries, three where some are left out."""
    inside = Signal.objects.filter(at__gt=since, at__lte=until, decision__isnull=False)
    newest = list(inside.select_related("decision", "outcome").order_by("-at", "-pk")[: MOST + 1])
    older = 0
    if len(newest) > MOST:
        cut = newest[-1].at  # that bar is not whole
        newest = [row for row in newest if row.at > cut]
        older = inside.count() - len(newest)
    desks = dict(Cycle.objects.filter(pk__in={row.cycle_id for row in newest}).values_list("pk", "desk"))
    bars: list[Bar] = []
    rows: dict[tuple[str, datetime], Signal] = {}
    unreadable = 0
    for cycle, members in by_cycle(newest):
        try:
            bars.append(bar(desks[cycle], members))
        except recall.Unreadable:
            unreadable += 1
            continue
        rows.update({(row.symbol, row.at): row for row in members})
    return Stored(tuple(bars), rows, older, unreadable)


def by_cycle(rows: Sequence[Signal]) -> Iterator[tuple[int, list[Signal]]]:
    """The signals of each bar in the order in which they were judged, the oldest bar first."""
    found: dict[int, list[Signal]] = {}
    for row in sorted(rows, key=lambda row: (row.at, row.pk)):
        found.setdefault(row.cycle_id, []).append(row)
    yield from found.items()


def bar(desk: Mapping[str, Any], rows: Sequence[Signal]) -> Bar:
    return Bar(
        desk=recall.desk(desk),
        beliefs=tuple(recall.belief(row) for row in rows),
        accepted=frozenset(row.symbol for row in rows if accepted(row.decision)),
        until={row.symbol: ended(row) for row in rows},
    )


def accepted(decision: Decision) -> bool:
    """Every gate had said yes, whatever became of the order."""
    return decision.outcome != Decision.REJECTED


def path(row: Signal) -> SignalOutcome | None:
    return getattr(row, "outcome", None)


def ended(row: Signal) -> datetime:
    """When its position would have ended: its path's own end, or the end of its horizon while that is not known."""
    over = path(row)
    if over is None:
        return row.at + settings.QUANTUM.bar * settings.QUANTUM.QT_HORIZON_BARS
    return over.ended_at or over.matures_at


class Closes:
    """Correlations as they were at a bar, from the stored candles, where the bar itself has not kept them."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols
        self.book: Book | None = None
        self.until: datetime | None = None  # the newest bar that was asked for

    def pairs(self, of: Bar) -> Mapping[tuple[str, str], float]:
        from trading.feed import rows as feed_rows
        from trading.gates import correlation

        if of.desk.bar_closed_at is None:
            return {}
        config, bars = settings.QUANTUM, correlation.BARS + 1
        opened = of.desk.bar_closed_at - config.bar
        if self.book is None or self.until is None or self.until < opened:
            self.until = opened + STRETCH * config.bar
            self.book = feed_rows.load_book(self.symbols, config.timeframe, self.until, bars + STRETCH)
        return correlation.pairs(self.book.window(opened, bars))

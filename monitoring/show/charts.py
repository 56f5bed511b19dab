"""Figures as plain data: pure functions of a few bounded rows; static/js/plots.js draws them in the page's tokens.

Each returns a `Figure`, or None where there is too little to draw (the page then says what will appear, and when):

    equity(points)                 [(at, equity)]                  line; below it the drawdown from its highest point
    daily_profit(days)             [(date, net)]                   bars up and down, one a day of UTC
    codes_over_time(counts)        [(at, code, n)]                 stacked bars: the most frequent codes, the others
    calibration(bins, base_rate)   [Bin(predicted, observed, n)]   believed against what happened, counts below
    score_history(points)          [(at, overall, coverage)]       overall as a line, coverage as a quieter one

In a template: `{% load charts %}{% chart figure %}`, with `<link rel="stylesheet" href="/static/charts.css">` in the
page's styles. `{% chart figure "No data yet, because …" %}` shows that sentence where the figure is None. Rows are
thinned by whoever asks for them: `THINNED` points are enough for any width. Times are aware; money may be Decimal;
every colour is the name of a token (`--profit-mark`, or `--bar 20%`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.watch.words import grouped, percent, signed

THINNED = 300  # points of a line
TOP_CODES = 3
Z = 1.96  # 95 %
Number = float | int | Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart. `name` is unique on its page; `x` heads the first column of the table behind the link."""

    name: str
    sentence: str
    traces: Sequence[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    x: str = ""
    height: int = 220

    @property
    def payload(self) -> dict[str, Any]:
        return {"data": list(self.traces), "layout": self.layout, "sentence": self.sentence, "x": self.x}


@dataclass(frozen=True, slots=True)
class Bin:
    """Signals of about the same confidence: the mean of what was believed, the share that came true, how many."""

    predicted: float
    observed: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson(self.observed, self.n)


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of n (Wilson, 1927); (0, 1) of nothing."""
    if n <= 0:
        return 0.0, 1.0
    centre, spread = share + Z * Z / (2 * n), Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + Z * Z / n)), min(1.0, (centre + spread) / (1 + Z * Z / n))


def stamp(at: datetime) -> str:
    """A time as the chart's axis takes it: UTC without an offset."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def with_gaps(points: Sequence[tuple[datetime, Number]], factor: float = 5) -> list[tuple[datetime, float | None]]:
    """The points with a hole where the data has one: a step far longer than the usual one."""
    steps = [(b[0] - a[0]).total_seconds() for a, b in pairwise(points)]
    longest = max(60.0, factor * median(steps)) if steps else 0.0
    found: list[tuple[datetime, float | None]] = []
    for (at, value), step in zip(points, [*steps, 0.0], strict=True):
        found.append((at, float(value)))
        if step > longest:
            found.append((at + timedelta(seconds=step / 2), None))
    return found


def drawdowns(values: Iterable[float]) -> list[float]:
    """How far below its highest value so far each one is: shares of that, 0 or negative."""
    peak, found = -math.inf, []
    for value in values:
        peak = max(peak, value)
        found.append((value - peak) / peak if peak > 0 else 0.0)
    return found


def equity(points: Sequence[tuple[datetime, Number]]) -> Figure | None:
    """Equity, and how far it was below its highest point."""
    if len(points) < 2:
        return None
    values = [float(v) for _at, v in points]
    falls = drawdowns(values)
    deepest = min(range(len(falls)), key=falls.__getitem__)
    line = with_gaps(points)
    below = with_gaps([(at, 100 * fall) for (at, _v), fall in zip(points, falls, strict=True)])
    words = {"now": grouped(values[-1], 2), "since": moment(points[0][0]), "at": moment(points[deepest][0])}
    change = percent((values[-1] - values[0]) / values[0], sign=True) if values[0] else "0"
    words |= {"change": change, "fall": percent(-falls[deepest], 2)}
    if falls[deepest] < 0:
        said = _("%(now)s USDT, %(change)s since %(since)s. Deepest drawdown %(fall)s, at %(at)s.") % words
    else:
        said = _("%(now)s USDT, %(change)s since %(since)s. No drawdown.") % words
    top = curve(line, _("Equity, USDT"), "--text", "%{y:,.2f} USDT")
    under = curve(below, _("Drawdown, %"), "--bar", "%{y:.2f} %") | {"yaxis": "y2"}
    layout = {
        "yaxis": {"domain": [0.34, 1], "tickformat": ",.0f", "nticks": 5},
        "yaxis2": {"domain": [0, 0.26], "ticksuffix": " %", "nticks": 3, "rangemode": "tozero"},
        "xaxis": {"anchor": "y2"} | days(points[0][0], points[-1][0]),
    }
    return Figure("equity", said, [top, under], layout, _("Time (UTC)"), 300)


def curve(points: Sequence[tuple[datetime, float | None]], name: str, colour: str, hover: str) -> dict[str, Any]:
    """One line over time."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [stamp(at) for at, _value in points],
        "y": [value if value is None else round(value, 4) for _at, value in points],
        "line": {"color": colour, "width": 1.5},
        "connectgaps": False,
        "hovertemplate": f"{hover}<extra></extra>",
    }


def days(first: datetime, last: datetime) -> dict[str, Any]:
    """How the time axis is written: the hour within a day, else the date."""
    short = last - first <= timedelta(days=1)
    return {
        "type": "date",
        "tickformat": "%H:%M" if short else "%-d %b",
        "nticks": 7,
        "hoverformat": "%Y-%m-%d %H:%M:%S",
    }


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %H:%M")


def daily_profit(amounts: Sequence[tuple[date, Number]]) -> Figure | None:
    """What each day's closed trades brought, costs taken off."""
    if not amounts:
        return None
    net = [round(float(v), 2) for _day, v in amounts]
    best, worst = max(net), min(net)
    words = {"n": grouped(len(net)), "sum": signed(sum(net)), "won": grouped(sum(v > 0 for v in net))}
    said = ngettext(
        "%(sum)s USDT on %(n)s day; days with a profit: %(won)s.",
        "%(sum)s USDT on %(n)s days; days with a profit: %(won)s.",
        len(net),
    )
    said %= words
    if len(net) > 1:
        said += " " + _("Best %(best)s, worst %(worst)s.") % {"best": signed(best), "worst": signed(worst)}
    bars = {
        "type": "bar",
        "name": _("Net, USDT"),
        "x": [day.isoformat() for day, _v in amounts],
        "y": net,
        "marker": {"color": ["--profit-mark" if v >= 0 else "--loss-mark" for v in net]},
        "hovertemplate": "%{y:+,.2f} USDT<extra></extra>",
        "width": 0.7 * 86_400_000,
    }
    first, last = amounts[0][0], amounts[-1][0]
    pad = max(1, (10 - (last - first).days) // 2)  # a lone bar is as wide as one of ten
    span = [f"{first - timedelta(days=pad)}T12:00:00", f"{last + timedelta(days=pad - 1)}T12:00:00"]
    axis = {"type": "date", "tickformat": "%-d %b", "range": span, "hoverformat": "%Y-%m-%d", "nticks": 7}
    layout = {"xaxis": axis, "yaxis": {"zeroline": True, "tickformat": ",.0f", "nticks": 5, "rangemode": "tozero"}}
    return Figure("daily-profit", said, [bars], layout, _("Day (UTC)"), 300)


def codes_over_time(counts: Sequence[tuple[datetime, str, int]]) -> Figure | None:
    """How often each code was the answer, over time: the most frequent ones, then all others together."""
    total: Counter[str] = Counter()
    for _at, code, n in counts:
        total[code] += n
    if not total.total():
        return None
    named = [code for code, _n in total.most_common(TOP_CODES)]
    times = sorted({at for at, _code, _n in counts})
    rows: dict[str, Counter[datetime]] = {code: Counter() for code in named}
    others: Counter[datetime] = Counter()
    for at, code, n in counts:
        rows.get(code, others)[at] += n
    stacks = [*((code, rows[code]) for code in named), (_("others"), others)]
    colours = ("--text", "--bar", "--line-strong", "--hatch")
    traces = [
        {
            "type": "bar",
            "name": code,
            "x": [stamp(at) for at in times],
            "y": [seen[at] for at in times],
            "marker": {"color": colour},
            "hovertemplate": "%{y:,} " + code + "<extra></extra>",
        }
        for (code, seen), colour in zip(stacks, [*colours[: len(named)], colours[-1]], strict=True)
        if sum(seen.values())
    ]
    top, most = total.most_common(1)[0]
    words = {"code": top, "n": grouped(most), "of": grouped(total.total()), "kinds": grouped(len(total))}
    said = _("%(code)s gave %(n)s of %(of)s answers; %(kinds)s different codes.") % words
    layout = {
        "barmode": "stack",
        "bargap": 0.08,
        "showlegend": True,
        "xaxis": days(times[0], times[-1]),
        "yaxis": {"rangemode": "tozero", "nticks": 5, "tickformat": ",d"},
    }
    return Figure("codes", said, traces, layout, _("Time (UTC)"), 260)


def calibration(bins: Sequence[Bin], base_rate: float | None = None) -> Figure | None:
    """What was believed against what came true; on the dotted line both are the same."""
    found = [one for one in bins if one.n > 0]
    if not found:
        return None
    n = sum(one.n for one in found)
    off = sum(abs(one.observed - one.predicted) * one.n for one in found) / n
    words = {"off": percent(off, 1), "n": grouped(n)}
    said = _("Believed and true differ by %(off)s on average, over %(n)s signals.") % words
    if base_rate is not None:
        said += " " + _("Always saying %(base)s would be the base rate.") % {"base": percent(base_rate, 1)}
    x = [round(one.predicted, 4) for one in found]
    intervals = [one.interval for one in found]
    top = max(0.1, *(max(one.predicted, high) for one, (_low, high) in zip(found, intervals, strict=True)))
    end = min(1.0, math.ceil(top * 10) / 10)
    seen = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": _("Came true"),
        "x": x,
        "y": [round(one.observed, 4) for one in found],
        "line": {"color": "--text", "width": 1.5},
        "marker": {"color": "--text", "size": 6},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(high - one.observed, 4) for one, (_l, high) in zip(found, intervals, strict=True)],
            "arrayminus": [round(one.observed - low, 4) for one, (low, _h) in zip(found, intervals, strict=True)],
            "color": "--line-strong",
            "thickness": 1,
            "width": 3,
        },
        "hovertemplate": "%{y:.1%}<extra></extra>",
    }
    same: dict[str, Any] = {"type": "scatter", "mode": "lines", "x": [0, end], "y": [0, end], "hoverinfo": "skip"}
    same["line"] = {"color": "--line-strong", "width": 1, "dash": "dot"}
    many = {
        "type": "bar",
        "name": _("Signals"),
        "x": x,
        "y": [one.n for one in found],
        "yaxis": "y2",
        "marker": {"color": "--bar"},
        "width": 0.6 * min([0.05, *(b - a for a, b in pairwise(sorted(set(x))))]),
        "hovertemplate": "%{y:,}<extra></extra>",
    }
    layout = {
        "xaxis": {"range": [0, end], "tickformat": ".0%", "anchor": "y2", "title": {"text": _("believed")}},
        "yaxis": {"domain": [0.32, 1], "range": [0, end], "tickformat": ".0%", "title": {"text": _("came true")}},
        "yaxis2": {"domain": [0, 0.22], "rangemode": "tozero", "nticks": 3, "tickformat": ",d"},
    }
    return Figure("calibration", said, [same, seen, many], layout, _("Believed"), 300)


def score_history(points: Sequence[tuple[datetime, Number, Number]]) -> Figure | None:
    """The score over time, and how much of it was measured."""
    if len(points) < 2:
        return None
    (first, began, _c), (_last, overall, coverage) = points[0], points[-1]
    words = {"now": grouped(overall), "was": grouped(began), "since": moment(first), "coverage": grouped(coverage)}
    said = _("%(now)s of 100, %(was)s at %(since)s; %(coverage)s points are measured.") % words
    score = curve(with_gaps([(at, n) for at, n, _c in points]), _("Score"), "--text", "%{y:.0f} / 100")
    covered = curve(with_gaps([(at, c) for at, _n, c in points]), _("Measured"), "--bar", "%{y:.0f} " + _("measured"))
    for one in (score, covered):
        one["line"] = one["line"] | {"shape": "hv"}
    layout = {
        "showlegend": True,
        "xaxis": days(first, points[-1][0]),
        "yaxis": {"range": [0, 103], "tickvals": [0, 25, 50, 75, 100]},
    }
    return Figure("score-history", said, [covered, score], layout, _("Time (UTC)"), 220)


__all__ = ["THINNED", "Bin", "Figure", "calibration", "codes_over_time", "daily_profit", "drawdowns", "equity",
           "score_history", "wilson", "with_gaps"]  # fmt: skip

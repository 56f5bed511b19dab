"""A candle chart as plain data, for static/js/candles.js: bars, what happened on them, what was not known yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitoring.watch.words import iso, places_of, usual_places

MOST_BARS = 400
Bar = tuple[datetime, float, float, float, float, float]  # open time, open, high, low, close, volume


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry or an exit. `text` is what is written at it."""

    at: datetime
    side: str
    price: Decimal
    text: str
    also: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A price that was wanted for a while, such as the target."""

    since: datetime
    until: datetime | None
    price: Decimal
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The working stop: where it was from when on, and what the exchange said of it last."""

    moves: Sequence[tuple[datetime, Decimal]] = ()
    ended: datetime | None = None
    resting: Decimal | None = None
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that one chart shows. `decided` shades what came after that bar; `live` is the symbol whose mark moves it."""

    key: str
    step: timedelta
    bars: Sequence[Bar]
    sentence: str = ""
    entries: Sequence[Mark] = ()
    exits: Sequence[Mark] = ()
    links: Sequence[tuple[Mark, Mark | None]] = ()
    stop: Stop = field(default_factory=Stop)
    levels: Sequence[Level] = ()
    rejections: Sequence[tuple[datetime, str]] = ()
    gaps: Sequence[tuple[datetime, datetime, str]] = ()  # open times of the first and last missing bar
    aside: Sequence[tuple[datetime, str]] = ()  # bars that were put aside, and why
    decided: datetime | None = None  # open time of the judged bar
    decided_text: str = ""
    unknown_text: str = ""
    mark: Decimal | None = None
    liquidation: Level | None = None
    live: str = ""
    focus: datetime | None = None  # the newest moment to show first; None: the newest of all
    stop_text: str = ""
    ago_text: str = ""
    words: dict[str, str] = field(default_factory=dict)


def second(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp())


def filled(bars: Sequence[Bar], step: timedelta) -> list[list[float]]:
    """The bars with an empty place wherever one is missing: a gap in the data is a gap in the chart."""
    width, found = int(step.total_seconds()), list[list[float]]()
    for at, *numbers in bars:
        now = second(at)
        if found:
            found += [[t] for t in range(int(found[-1][0]) + width, now, width)]
        found.append([now, *numbers])
    return found


@dataclass(frozen=True, slots=True)
class Scale:
    """The chart's times: a moment belongs to the bar that it fell into."""

    first: int
    last: int
    width: int

    def bar(self, at: datetime) -> int:
        """The bar of a moment; one after the newest bar belongs to it, one before the oldest to that."""
        whole = second(at) // self.width * self.width
        return max(self.first, min(self.last, whole))

    def shows(self, at: datetime) -> bool:
        return second(at) >= self.first


def payload(d: Drawing) -> dict[str, Any]:
    """What the browser gets."""
    rows = filled(d.bars, d.step)
    base: dict[str, Any] = {"key": d.key, "sentence": d.sentence, "words": d.words, "live": d.live}
    if not rows:
        nothing: dict[str, Any] = dict.fromkeys(
            ("candles", "entries", "exits", "links", "lines", "stop", "rejections", "gaps", "aside", "keep"), []
        )
        return base | nothing | {"places": 2, "mark": None, "decided": None, "stop_now": None, "stop_said": None}
    scale = Scale(int(rows[0][0]), int(rows[-1][0]), int(d.step.total_seconds()))
    return base | {
        "places": places(d),
        "candles": rows,
        "entries": [mark(one, scale) for one in d.entries if scale.shows(one.at)],
        "exits": [mark(one, scale) for one in d.exits if scale.shows(one.at)],
        "links": [
            {"from": spot(a, scale), "to": spot(b, scale) if b else None}
            for a, b in d.links
            if scale.shows(a.at) or b is None or scale.shows(b.at)
        ],
        "lines": [level(one, scale) for one in levels(d)],
        "stop": steps(d.stop, scale),
        "stop_now": number(d.stop.resting),
        "stop_said": said(d),
        "mark": number(d.mark),
        "keep": keep(d, scale),
        "rejections": [{"t": scale.bar(at), "text": text} for at, text in d.rejections if scale.shows(at)],
        "gaps": [
            {"from": scale.bar(first), "to": scale.bar(last), "text": text}
            for first, last, text in d.gaps
            if scale.shows(last) and second(first) <= scale.last
        ],
        "aside": [{"t": scale.bar(at), "text": text} for at, text in d.aside if scale.shows(at)],
        "decided": decided(d, scale),
        "focus": index(d.focus, rows, scale),
    }


def number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def places(d: Drawing) -> int:
    """Decimals that the prices are written with: those of orders, no more than two beyond the usual."""
    usual = usual_places(d.bars[-1][4])
    wanted = [p for _at, p in d.stop.moves] + [one.price for one in d.levels]
    return max(usual, places_of(*wanted, at_most=usual + 2)) if wanted else usual


def mark(one: Mark, scale: Scale) -> dict[str, Any]:
    return spot(one, scale) | {"side": one.side, "text": one.text, "also": one.also}


def spot(one: Mark, scale: Scale) -> dict[str, Any]:
    return {"t": scale.bar(one.at), "price": float(one.price)}


def level(one: Level, scale: Scale) -> dict[str, Any]:
    to = scale.bar(one.until) if one.until else None
    return {"from": scale.bar(one.since), "to": to, "price": float(one.price), "text": one.text, "quiet": one.quiet}


def levels(d: Drawing) -> list[Level]:
    """The wanted prices, and liquidation where it lies about where the candles are."""
    low, high = min(b[3] for b in d.bars), max(b[2] for b in d.bars)
    margin = (high - low) / 4
    near = d.liquidation and low - margin <= float(d.liquidation.price) <= high + margin
    return [*d.levels, *([d.liquidation] if near and d.liquidation else [])]


def steps(stop: Stop, scale: Scale) -> list[list[float]]:
    """The stop's way as steps, one price a bar: the last of it counts."""
    if not stop.moves:
        return []
    found = {scale.bar(at): float(price) for at, price in stop.moves}
    end = scale.bar(stop.ended) if stop.ended else scale.last
    found.setdefault(end, float(stop.moves[-1][1]))
    return [[at, price] for at, price in sorted(found.items())]


def said(d: Drawing) -> dict[str, Any] | None:
    if d.stop.resting is None:
        return None
    return {"text": d.stop_text, "verified_at": iso(d.stop.verified_at), "ago": d.ago_text}


def keep(d: Drawing, scale: Scale) -> list[float]:
    """Prices that are always in range: entry, stop and mark of what is shown."""
    stops = [price for _at, price in d.stop.moves[-1:]]
    entries = [a.price for a, b in d.links if b is None or scale.shows(a.at)]
    return [float(p) for p in (*stops, *entries, d.mark) if p is not None]


def decided(d: Drawing, scale: Scale) -> dict[str, Any] | None:
    if d.decided is None:
        return None
    at = scale.bar(d.decided)
    after = at + scale.width if at + scale.width <= scale.last else None
    return {"t": at, "text": d.decided_text, "unknown_from": after, "unknown": d.unknown_text}


def index(at: datetime | None, rows: Sequence[Sequence[float]], scale: Scale) -> int | None:
    """The place of the focused moment among the bars."""
    return None if at is None else (scale.bar(at) - scale.first) // scale.width


def window(
    since: datetime, until: datetime, step: timedelta, before: int, after: int, now: datetime
) -> tuple[datetime, datetime]:
    """From `before` bars ahead of `since` to `after` bars past `until`, at most MOST_BARS of them, the newest kept."""
    end = min(now, until + after * step)
    return max(since - before * step, end - MOST_BARS * step), end


def newest(bars: Iterable[Bar]) -> list[Bar]:
    return sorted(bars)[-MOST_BARS:]

"""Stage 2's modules: the universe, and the data feed's second leg for when the stream is dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings

from trading.events import ring
from trading.exchange.errors import VenueError
from trading.exchange.venue import Bar, Gateway
from trading.feed import quality, rows, store, universe
from trading.feed.quality import Gap
from trading.feed.witness import Witness
from trading.models import ModuleState
from trading.runtime import Report, register

GRACE = timedelta(seconds=12)  # the stream's time to bring a bar before REST is asked instead
MOMENT = timedelta(seconds=5)
AT_IT = "the stream is at it"
CATCH_UP = 1500  # bars that one request brings


@register
class UniverseOS:
    """Asks the venue what may be traded, and forgets old faults of data; its actions: symbols that came or went."""

    name, title, every, queue = "universe", "Universe OS", timedelta(seconds=300), "work"

    def tick(self, now: datetime) -> Report:
        before = set(rows.universe())
        listed = universe.refresh(now, self.name).symbols
        store.forget(now)
        return Report(examined=len(listed), actions=len(before ^ set(rows.universe())), panels=("universe",))


@register
class DataFeed:
    """The stream stores candles and beats for it; this tick fetches by REST what the stream did not bring."""

    name, title, queue = "data_feed", "Data Feed", "work"
    every = min(settings.QUANTUM.bar / 2, timedelta(seconds=30))

    def tick(self, now: datetime) -> Report:
        from trading.exchange.gateway import venue

        if streaming(now):
            return Report.idle(AT_IT)
        return fill_in(venue(), settings.QUANTUM.timeframe, now)


def streaming(now: datetime) -> bool:
    """Whether the stream beat a moment ago, not this module for it: while it loads history it does so every second."""
    beats = ModuleState.objects.filter(name="data_feed", called_by="stream", last_tick__gte=now - MOMENT)
    return beats.exclude(idle_reason=AT_IT).exists()


def fill_in(gateway: Gateway, timeframe: str, now: datetime) -> Report:
    """Fetch what is missing of the newest closed bar, and start the executor if anything came."""
    step = quality.step_of(timeframe)
    bar = quality.newest_closed(now - GRACE, step)
    symbols = rows.universe()
    late = lacking(symbols, rows.newest(symbols, timeframe), bar)
    if not symbols:
        return Report.idle("no universe yet")
    holes = store.gaps_to_fill(symbols, timeframe, step, bar - CATCH_UP * step, now)
    if not late and not holes:
        return Report.idle(f"all {len(symbols)} symbols have the candle of {bar:%H:%M}", examined=len(symbols))
    bars, failed = fetch(gateway, late, timeframe, step)
    bars += refetch(gateway, holes, timeframe)
    stored = rows.store(bars, timeframe, now, witnesses(gateway))
    store.note_asked(holes, timeframe, now)
    if stored.new:
        ring("trading.tick", "executor", "data_feed")
    why = "" if stored.new else f"the venue has no candle of {bar:%H:%M} for {', '.join(sorted(late)[:3])}"
    if failed:
        why = f"{len(failed)} of {len(late)} late symbols could not be asked for: {next(iter(failed.values()))}"
    return Report(examined=len(symbols), actions=stored.new, idle_reason=why[:300], panels=("candles", "universe"))


def witnesses(gateway: Gateway) -> dict[str, Witness]:
    """The marks bear out a jump of the price; without an answer only the candles themselves do."""
    try:
        return {symbol: Witness(float(mark.price), mark.at) for symbol, mark in gateway.marks().items()}
    except VenueError:
        return {}


def refetch(gateway: Gateway, holes: Sequence[Gap], timeframe: str) -> list[Bar]:
    """The candles of these gaps, as far as the venue has them now; whoever can't be asked is asked again later."""
    bars: list[Bar] = []
    for hole in holes:
        with suppress(VenueError):
            found = gateway.bars(hole.symbol, timeframe, since=hole.first, limit=CATCH_UP - 1)
            bars += [one for one in found if one.open_time <= hole.last]
    return bars


def lacking(symbols: Sequence[str], last: Mapping[str, datetime], bar: datetime) -> dict[str, datetime | None]:
    """Who lacks the bar, and its newest candle."""
    return {s: last.get(s) for s in symbols if (known := last.get(s)) is None or known < bar}


def fetch(
    gateway: Gateway, late: Mapping[str, datetime | None], timeframe: str, step: timedelta
) -> tuple[list[Bar], dict[str, VenueError]]:
    """The bars after each symbol's newest one; and whoever could not be asked for."""
    bars: list[Bar] = []
    failed: dict[str, VenueError] = {}
    for symbol, last in late.items():
        try:
            bars += gateway.bars(symbol, timeframe, since=last + step if last else None, limit=CATCH_UP - 1)
        except VenueError as error:
            failed[symbol] = error
    if failed and len(failed) == len(late):
        raise next(iter(failed.values()))
    return bars, failed

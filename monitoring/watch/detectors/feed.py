"""Market data: a stream that says nothing, candles that are old, data that are no good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from monitoring.watch import dataailments
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, MEDIUM, Action, Ailment, Finding, Remedy
from monitoring.watch.detectors.silence import STREAM_BEATS, allowed
from monitoring.watch.liveness import GRACE

STREAM_QUIET = timedelta(seconds=20)  # prices come every second; the stream itself dials again after 15 s
LATE_CANDLES = timedelta(seconds=15)  # a bar's late symbols are in by then


def quiet_stream(facts: Facts) -> Iterator[Finding]:
    """The process beats, but the venue says nothing."""
    seconds = facts.silence(facts.stream_heard)
    beats = facts.silence(facts.stream_beat) <= allowed(STREAM_BEATS * 3 + GRACE, facts)
    if beats and seconds > allowed(STREAM_QUIET, facts):
        params = {"seconds": seconds.total_seconds(), "limit": STREAM_QUIET.total_seconds()}
        again = Remedy(Action.RESTART_PROCESS, "stream")
        remedies = (Remedy(Action.BACKFILL_CANDLES), again, again)
        yield Finding(Ailment.STREAM_SILENT, "", "data_feed", CRITICAL, params, True, remedies)


def stale_candles(facts: Facts) -> Iterator[Finding]:
    """All symbols' candles are old, or some symbols'."""
    limit = facts.max_age + LATE_CANDLES
    late = {s: facts.silence(at) for s, at in facts.closes.items() if facts.silence(at) > limit}
    if not late:
        return
    oldest = max(late, key=lambda s: (facts.now - (facts.closes[s] or facts.born), s))
    params: dict[str, str | float] = {
        "symbols": len(late),
        "of": len(facts.closes),
        "symbol": oldest,
        "seconds": (facts.now - (facts.closes[oldest] or facts.born)).total_seconds(),
        "limit": facts.max_age.total_seconds(),
    }
    fetch, refresh = Remedy(Action.BACKFILL_CANDLES), Remedy(Action.REFRESH_UNIVERSE)
    if len(late) == len(facts.closes):
        remedies = (fetch, refresh, Remedy(Action.RESTART_PROCESS, "stream"))
        yield Finding(Ailment.FEED_STALE, "", "data_feed", CRITICAL, params, True, remedies)
    else:
        yield Finding(Ailment.SYMBOLS_STALE, "", "data_feed", MEDIUM, params, False, (fetch, refresh, fetch))


def data_faults(facts: Facts) -> Iterator[Finding]:
    """Clock, still prices, gaps, candles put aside, marks of held symbols."""
    fetch, look = Remedy(Action.BACKFILL_CANDLES), Remedy(Action.RUN_MODULE, "position_monitor")
    for one in dataailments.faults(facts.data, facts.now):
        remedy = fetch if one.fetch else look if one.look else None
        subsystem = {Ailment.CLOCK_OFF: "exchange", Ailment.MARK_STALE: "position_monitor"}.get(
            Ailment(one.code), "data_feed"
        )
        remedies = (remedy, remedy, remedy) if remedy else ()
        yield Finding(Ailment(one.code), one.subject, subsystem, one.weight, one.params, one.impacts, remedies)

"""Clocks that differ and connections that are cut, over HTTP and a real socket."""

import asyncio
from datetime import datetime, timedelta

import pytest
from asgiref.sync import sync_to_async

from tests.feed.test_stream import ALL, STEP, T0, soon
from trading.exchange.venue import Mark
from trading.feed import rows, store
from trading.feed import stream as module
from trading.feed.stream import backoff
from trading.gates.desk import Limits
from trading.models import CandleGap, ClockReading, ModuleState

DAY = timedelta(days=1)


@pytest.fixture
def often(monkeypatch):
    """The venue's clock is looked at ten times a second."""
    monkeypatch.setattr(module, "PULSE", 0.1)


async def reading(wanted: float) -> ClockReading:
    """The reading, once it is about so many seconds."""
    for _ in range(150):
        found = await sync_to_async(ClockReading.objects.filter(source="stream").first)()
        if found and abs(found.offset_ms / 1000 - wanted) < 0.5:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"the newest reading is {found and found.offset_ms} ms, {wanted} s were expected")


def denied(offset: float | None) -> bool:
    return offset is not None and abs(offset) > Limits().max_clock_offset.total_seconds()


@pytest.mark.parametrize("seconds", [1, -1, 30, -30])
async def test_a_venue_whose_clock_jumps_is_measured_and_entries_stop_while_it_is_far_off(place, often, seconds):
    async with place.streaming() as (_, told):
        await soon(told.bars)
        await reading(0)
        fault = place.exchange.faults.add({"kind": "clock_skew", "params": {"seconds": seconds}}, place.clock.ms()).id
        seen = await reading(seconds)
        assert seen.round_trip_ms < 5_000
        offset = await sync_to_async(store.clock_offset)(place.clock.now())
        assert offset == pytest.approx(seconds, abs=0.5)
        assert denied(offset) is (abs(seconds) > 2)
        place.exchange.faults.end(fault)
        await reading(0)
        assert not denied(await sync_to_async(store.clock_offset)(place.clock.now()))


async def test_our_clock_is_put_back_by_an_hour_while_it_runs(place, often):
    """Bars go on by the venue's clock, entries are denied, and nothing is stored twice or in the wrong place."""
    async with place.streaming() as (stream, told):
        assert await soon(told.bars) == T0 - STEP
        await reading(0)
        stream.venue.clock = lambda: place.clock.now() - timedelta(hours=1)
        await reading(3600)
        assert denied(await sync_to_async(store.clock_offset)(stream.venue.clock()))
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0
        book = await sync_to_async(rows.load_book)(sorted(ALL), "1m")
        assert list(book.run_lengths()) == [51, 51, 51]
        stream.venue.clock = place.clock.now
        await reading(0)
        assert not denied(await sync_to_async(store.clock_offset)(place.clock.now()))


async def test_that_the_first_price_was_heard_is_told_at_once(place, monkeypatch):
    monkeypatch.setattr(module, "PULSE", 3600)
    async with place.streaming() as (_, told):
        await soon(told.marks)
        worked = ModuleState.objects.filter(name="stream", last_work__isnull=False)
        for _ in range(100):
            if await worked.aexists():
                break
            await asyncio.sleep(0.1)
        assert await worked.aexists()


@pytest.mark.parametrize("kind", ["drop_stream", "mute_stream"])
async def test_a_day_s_cut_is_filled_in_before_the_next_bar_is_told(place, kind):
    """The socket is cut, or open and silent (no ping, no price); a day passes; then the venue is there again."""
    async with place.streaming(history=1600, silence=timedelta(seconds=1)) as (stream, told):
        assert await soon(told.bars) == T0 - STEP
        await soon(told.marks)
        place.exchange.faults.add({"kind": kind, "seconds": 3600}, place.clock.ms())
        place.clock.ahead += DAY.total_seconds()
        bar = await told_after(told.bars, T0 + DAY - STEP)
        book = await sync_to_async(rows.load_book)(sorted(ALL), "1m", bar, 1440)
        assert list(book.run_lengths()) == [1440, 1440, 1440]
        assert await sync_to_async(CandleGap.objects.filter(filled_at=None).count)() == 0
        await heard_again(told.marks, T0 + DAY)


async def told_after(bars: asyncio.Queue, first: datetime) -> datetime:
    while (bar := await soon(bars)) < first:
        pass
    return bar


async def heard_again(marks: asyncio.Queue, since: datetime) -> None:
    """A mark of this time: it listens again."""
    while True:
        told: dict[str, Mark] = await soon(marks)
        if all(mark.at >= since for mark in told.values()):
            return


def test_nobody_dials_again_in_the_same_moment():
    """A thousand that were cut together: each step's waits are spread over half of its length."""
    for tries in range(8):
        waits = [backoff(tries) for _ in range(1000)]
        longest = min(10.0, 0.5 * 2 ** min(tries, 6))
        assert longest / 2 <= min(waits) < longest * 0.6 and longest * 0.9 < max(waits) <= longest


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("offset", "took", "surely"), [(3, 4, 1.0), (-3, 4, -1.0), (3, 0, 3.0), (1, 4, 0.0), (-30, 1, -29.5)]
)
def test_what_the_round_trip_may_explain_is_no_offset_of_the_clock(offset, took, surely):
    now = datetime(2026, 3, 2, tzinfo=T0.tzinfo)
    store.note_clock("stream", timedelta(seconds=offset), timedelta(seconds=took), now)
    assert store.clock_offset(now) == surely
    store.note_clock("worker", timedelta(seconds=0.1), timedelta(0), now)
    assert store.clock_offset(now) == (surely or 0.1)

"""The stream against a practice exchange on a port: what is heard, asked for, stored and told."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from asgiref.sync import sync_to_async

from tests.venues import MINUTE, SYMBOLS, Place
from trading.exchange.connection import Connection
from trading.exchange.venue import Bar, OrderRequest, OrderType, Permit
from trading.feed import rows
from trading.feed import stream as module
from trading.feed.stream import backoff, heard_in_line
from trading.models import Candle, CandleFault, ModuleState

T0 = datetime.fromtimestamp(MINUTE / 1000, UTC)
STEP = timedelta(minutes=1)
ALL = {"BTC/USDT:USDT", "ETH/USDT:USDT", "DOGE/USDT:USDT"}


async def stored() -> list[tuple[str, datetime, float]]:
    return await sync_to_async(lambda: list(Candle.objects.values_list("symbol", "open_time", "close")))()


async def soon(queue: asyncio.Queue):
    return await asyncio.wait_for(queue.get(), 15)


async def test_history_is_loaded_then_each_bar_is_told_as_it_closes(place):
    async with place.streaming() as (_, told):
        assert await soon(told.bars) == T0 - STEP
        assert told.history == 1
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0
    candles = await stored()
    assert len(candles) == 3 * 51
    assert {(s, at) for s, at, _ in candles if at == T0} == {(s, T0) for s in ALL}
    assert await sync_to_async(CandleFault.objects.exclude(kind="spike").count)() == 0
    # what came over the wire is what the exchange says afterwards
    bar = (await asyncio.to_thread(place.gateway().bars, "BTC/USDT:USDT", "1m", T0, 1))[0]
    assert ("BTC/USDT:USDT", T0, bar.close) in candles


async def test_the_streams_beat_counts_symbols_and_new_candles(place):
    async with place.streaming() as (_, told):
        await soon(told.bars)
        place.clock.close_the_bar()
        await soon(told.bars)
    state = await sync_to_async(ModuleState.objects.get)(name="data_feed")
    assert (state.examined, state.actions, state.called_by, state.idle_reason) == (3, 3, "stream", "")
    assert state.last_work is not None


async def test_a_closed_candle_is_heard_and_not_asked_for(place):
    async with place.streaming(grace=timedelta(seconds=10)) as (_, told):
        await soon(told.bars)
        await soon(told.marks)  # it listens
        asked = place.exchange.requests["GET /fapi/v1/klines"]
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0
        assert place.exchange.requests["GET /fapi/v1/klines"] == asked


async def test_a_mute_stream_is_made_good_by_rest_after_the_grace(place):
    place.exchange.faults.add({"kind": "mute_stream", "seconds": 60}, place.clock.ms())
    async with place.streaming(grace=timedelta(seconds=0.3)) as (_, told):
        assert await soon(told.bars) == T0 - STEP
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0
    assert len(await stored()) == 3 * 51


async def test_what_was_missed_is_fetched_before_the_next_bar_is_told(place):
    async with place.streaming() as (stream, told):
        await soon(told.bars)
        stream.last = {s: at - 10 * STEP for s, at in stream.last.items()}
        await sync_to_async(Candle.objects.filter(open_time__gte=T0 - 10 * STEP).delete)()
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0
        book = await sync_to_async(rows.load_book)(sorted(ALL), "1m")
    assert list(book.run_lengths()) == [51, 51, 51]


async def test_a_silent_connection_is_dialled_again(place):
    place.exchange.faults.add({"kind": "mute_stream", "seconds": 3}, place.clock.ms())
    async with place.streaming(silence=timedelta(seconds=0.5)) as (stream, told):
        await soon(told.bars)
        first = {id(client) for client in stream.venue.client.clients.values()}
        await soon(told.marks)  # said again once the fault is over
        assert {id(c) for url, c in stream.venue.client.clients.items() if "/market/" in url}.isdisjoint(first)


async def test_prices_and_our_orders_are_told(place):
    async with place.streaming() as (_, told):
        marks = await soon(told.marks)
        assert set(marks) == ALL
        assert all(isinstance(mark.price, Decimal) for mark in marks.values())
        await asyncio.sleep(0.5)  # until the account is listened to
        request = OrderRequest("qt-e-1", "ETH/USDT:USDT", "buy", OrderType.MARKET, quantity=Decimal("0.1"))
        await asyncio.to_thread(place.gateway().place, request, Permit(1, "qt-e-1"))
        assert await soon(told.symbols) == "ETH/USDT:USDT"


async def test_a_second_start_asks_only_for_what_is_new(place):
    async with place.streaming() as (_, told):
        await soon(told.bars)
    before = len(await stored())
    async with place.streaming() as (_, told):
        await soon(told.bars)
    assert before <= len(await stored()) <= before + len(SYMBOLS)
    assert await sync_to_async(CandleFault.objects.exclude(kind="spike").count)() == 0


async def test_it_waits_for_a_venue_that_is_not_there_yet_and_says_so(place, monkeypatch):
    monkeypatch.setattr(module, "backoff", lambda tries: 0.01)
    dead = Place(place.exchange, Connection("http://127.0.0.1:1", "practice", "practice", "practice"), place.clock)
    async with dead.streaming():
        for _ in range(200):
            state = await sync_to_async(ModuleState.objects.filter(name="data_feed").first)()
            if state:
                break
            await asyncio.sleep(0.05)
    assert state.idle_reason.startswith("waiting for the venue: ")


def bar(minute: int, symbol: str = "A") -> Bar:
    return Bar(symbol, T0 + minute * STEP, 1, 1, 1, 1, 1)


def test_only_candles_without_a_hole_are_taken_from_memory():
    pending = {T0 + m * STEP: {"A": bar(m)} for m in (1, 2, 4)}
    assert [b.open_time for b in heard_in_line(pending, "A", T0, STEP)] == [T0 + STEP, T0 + 2 * STEP]
    assert list(heard_in_line(pending, "A", T0 - STEP, STEP)) == []
    assert list(heard_in_line(pending, "B", T0, STEP)) == []


def test_the_back_off_grows_and_is_bounded():
    assert 0.1 <= backoff(-1) <= 0.25
    assert 5 <= backoff(1000) <= 10

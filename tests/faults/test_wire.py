"""Our client and our streams against a practice exchange on a port: what a torn, late or dropped connection becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.venues import MINUTE, Place, place
from trading.exchange.errors import OutcomeUnknown, Silenced, Unreachable
from trading.exchange.gateway import CcxtGateway, connect
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import OrderRequest, OrderType, Permit

__all__ = ["place"]
T0 = datetime.fromtimestamp(MINUTE / 1000, UTC)
REQUEST = OrderRequest("qt-e-1", "ETH/USDT:USDT", "buy", OrderType.MARKET, quantity=Decimal("0.1"))
TORN = [
    ("reset_after", {}),
    ("html_body", {}),
    ("garbage_body", {}),
    ("timeout_after", {}),
    ("timeout_before", {}),
    ("timeout_before", {"answered": False, "seconds": 0.5}),
    ("delay", {"seconds": 3}),
]


def fault(place: Place, kind: str, **body: Any) -> None:
    place.exchange.faults.add({"kind": kind} | body, place.clock.ms())


def gateway(place: Place, patience: float = 1.0) -> CcxtGateway:
    return connect(place.connection, clock=place.clock.now, patience=patience)


async def asked(call: Callable[..., Any], *about: Any) -> Any:
    return await asyncio.to_thread(call, *about)


@pytest.mark.parametrize(("kind", "params"), TORN)
async def test_a_write_without_an_answer_is_unknown_and_found_by_its_id(place, kind, params):
    ours = gateway(place)
    await asked(ours.set_clock)
    fault(place, kind, times=1, match={"path": "/fapi/v1/order", "method": "POST"}, params=params)
    with pytest.raises(OutcomeUnknown):
        await asked(ours.place, REQUEST, Permit(1, "qt-e-1"))
    assert place.exchange.requests["POST /fapi/v1/order"] == 1
    found = await asked(lambda: ours.order(REQUEST.symbol, "qt-e-1", conditional=False))
    assert (found is not None) is (kind != "timeout_before")


@pytest.mark.parametrize(("kind", "params"), TORN[:3])
async def test_a_read_without_an_answer_is_an_error_and_the_next_one_is_answered(place, kind, params):
    ours = gateway(place)
    fault(place, kind, times=1, match={"path": "/fapi/v1/premiumIndex"}, params=params)
    with pytest.raises(Unreachable):
        await asked(ours.marks)
    assert len(await asked(ours.marks)) == 3


async def test_a_request_that_lingers_beyond_its_window_is_refused_and_not_executed(place):
    ours = gateway(place, patience=8)
    await asked(ours.set_clock)
    fault(place, "latency", seconds=60, match={"path": "/fapi/v1/order"}, params={"seconds": 5.5})
    with pytest.raises(OutcomeUnknown):
        await asked(ours.place, REQUEST, Permit(1, "qt-e-1"))  # our patience with a write is 5 s
    await asyncio.sleep(1)
    assert place.exchange.ledger.fills() == []


async def test_a_silence_is_as_long_as_the_venue_said(place):
    ours = gateway(place)
    fault(place, "rate_limit", times=1, params={"seconds": 7})
    with pytest.raises(Silenced) as no:
        await asked(ours.marks)
    assert (no.value.seconds, no.value.banned) == (7, False)


@pytest.mark.parametrize("kind", ["rate_limit", "ban"])
async def test_history_is_not_asked_for_while_the_venue_wants_silence(place, kind):
    venue = AsyncVenue(place.connection, place.clock.now)
    fault(place, kind, seconds=1)
    for _ in range(5):
        with pytest.raises(Silenced):
            await venue.set_clock()
    assert place.exchange.requests["GET /fapi/v1/time"] == 1
    await asyncio.sleep(1.1)
    await venue.set_clock()
    assert place.exchange.requests["GET /fapi/v1/time"] == 2
    await venue.close()


# -- streams -----------------------------------------------------------------------------------------------------------


async def test_dropped_sockets_are_dialled_again_and_no_bar_is_missed(place):
    async with place.streaming() as (_, told):
        assert await soon(told.bars) == T0 - timedelta(minutes=1)
        await soon(told.marks)
        fault(place, "drop_stream")
        await asyncio.sleep(0.5)
        place.clock.close_the_bar()
        assert await soon(told.bars) == T0


async def test_fills_told_twice_out_of_order_and_after_a_drop_are_heard(place):
    async with place.streaming() as (_, told):
        await soon(told.marks)
        await asyncio.sleep(0.5)
        fault(place, "drop_stream", params={"stream": "user"})
        fault(place, "duplicate_fill_event", seconds=60)
        fault(place, "reorder_events", seconds=60, params={"count": 4, "seconds": 1})
        await asyncio.sleep(2.5)
        await asked(place.gateway().place, REQUEST, Permit(1, "qt-e-1"))
        assert await soon(told.symbols) == REQUEST.symbol


async def soon(queue: asyncio.Queue) -> Any:
    return await asyncio.wait_for(queue.get(), 15)

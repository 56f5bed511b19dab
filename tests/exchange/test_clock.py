"""Clocks that differ: ours against the venue's, over HTTP."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from trading.exchange.errors import NotAccepted
from trading.exchange.gateway import connect
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import OrderRequest, OrderType, Permit

SLOW = timedelta(seconds=90)


def request_of(quantity: str) -> tuple[OrderRequest, Permit]:
    request = OrderRequest("qt-e-1", "DOGE/USDT:USDT", "buy", OrderType.MARKET, quantity=Decimal(quantity))
    return request, Permit(1, "qt-e-1")


async def test_our_requests_carry_the_venues_time(place):
    gateway = connect(place.connection, clock=lambda: place.clock.now() - SLOW)
    await asyncio.to_thread(gateway.account)
    assert abs(gateway.offset - SLOW) < timedelta(seconds=2)
    assert abs(gateway.now() - place.clock.now()) < timedelta(seconds=2)


async def test_a_read_that_the_clock_refused_is_asked_again_and_a_write_is_not(place):
    slow = [timedelta(0)]
    gateway = connect(place.connection, clock=lambda: place.clock.now() - slow[0])
    await asyncio.to_thread(gateway.account)
    slow[0] = SLOW
    with pytest.raises(NotAccepted) as refusal:
        await asyncio.to_thread(gateway.place, *request_of("100"))
    assert refusal.value.code == -1021
    assert place.exchange.requests["POST /fapi/v1/order"] == 1
    await asyncio.to_thread(gateway.place, *request_of("100"))  # the clock is set meanwhile
    slow[0] = timedelta(0)
    await asyncio.to_thread(gateway.account)


WAIT = 8.0  # seconds


class Turns:
    """A budget that has room after one wait."""

    def __init__(self) -> None:
        self.pauses = [WAIT]

    def wait(self, cost: float, now: float, *, first: bool) -> float:
        return self.pauses.pop() if self.pauses else 0.0


async def test_what_was_waited_for_the_budget_is_no_offset_of_the_clock(place):
    gateway = place.gateway()
    gateway.client.budget = Turns()
    gateway.client.rest = lambda seconds: setattr(place.clock, "ahead", place.clock.ahead + WAIT)
    offset = await asyncio.to_thread(gateway.set_clock)
    assert gateway.client.budget.pauses == []
    assert abs(offset) < timedelta(seconds=1)


async def test_what_the_stream_waited_for_its_turn_is_no_offset_of_the_clock(place):
    venue = AsyncVenue(place.connection, place.clock.now)

    async def turn(cost=None):
        place.clock.ahead += WAIT

    venue.client.throttle = turn
    offset = await venue.set_clock()
    assert abs(offset) < timedelta(seconds=1) and venue.took < timedelta(seconds=2)
    await venue.close()


async def test_requests_at_once_do_not_disturb_the_measuring_of_the_clock(place):
    venue = AsyncVenue(place.connection, place.clock.now)
    offset, *bars = await asyncio.gather(venue.set_clock(), *(venue.bars("BTC/USDT:USDT", "1m") for _ in range(5)))
    assert abs(offset) < timedelta(seconds=1) and all(bars)
    await venue.close()

"""Clocks that differ: ours against the venue's, over HTTP."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from trading.exchange.errors import NotAccepted
from trading.exchange.gateway import connect
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

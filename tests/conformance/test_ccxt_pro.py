"""ccxt's streaming client: candles, marks, tickers and user data."""

from __future__ import annotations

import asyncio

import ccxt.pro
import pytest

from tests.conformance.conftest import CONFIG, pointed

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
SOON = 20


@pytest.fixture
async def client(venue):
    client = pointed(ccxt.pro.binanceusdm(CONFIG), venue.port)
    await client.load_markets()
    yield client
    await client.close()


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, SOON)


async def test_candles_of_one_and_of_several_symbols(client):
    (candle,) = await soon(client.watch_ohlcv(BTC, "1m"))
    now = await client.fetch_time()
    assert candle[0] <= now < candle[0] + 121_000
    several = await soon(client.watch_ohlcv_for_symbols([[s, "1m"] for s in (BTC, ETH, SOL)]))
    assert set(several) <= {BTC, ETH, SOL}


async def test_mark_prices_of_all_and_of_one(client):
    marks = await soon(client.watch_mark_prices())
    assert set(marks) == {BTC, ETH, SOL}
    assert (await soon(client.watch_mark_price(ETH)))["markPrice"] > 0


async def test_tickers_books_and_trades(client):
    assert (await soon(client.watch_ticker(BTC)))["last"] > 0
    assert (await soon(client.watch_tickers([ETH])))[ETH]["last"] > 0
    best = (await soon(client.watch_bids_asks([SOL])))[SOL]
    assert best["bid"] < best["ask"]
    assert (await soon(client.watch_trades(BTC)))[-1]["price"] > 0


async def eventually(found):
    """What ccxt keeps of a stream; a watch may return before the last message of a burst."""
    async with asyncio.timeout(SOON):
        while not (value := found()):
            await asyncio.sleep(0.05)
        return value


async def for_ever(watch):
    while True:
        await watch(SOL) if watch.__name__ == "watch_orders" else await watch([SOL])


async def test_orders_and_positions_are_told_as_they_happen(client):
    tasks = [asyncio.create_task(for_ever(w)) for w in (client.watch_orders, client.watch_positions)]
    await eventually(lambda: any("private" in url and c.isConnected for url, c in client.clients.items()))

    def told(order, status):
        return [o for o in client.orders or [] if o["id"] == order["id"] and o["status"] == status]

    entry = await client.create_order(SOL, "market", "buy", 1)
    assert (await eventually(lambda: told(entry, "closed")))[0]["filled"] == 1
    assert (await eventually(lambda: [p for p in client.positions["linear"] if p["contracts"]]))[0]["side"] == "long"
    stop = await client.create_order(SOL, "STOP_MARKET", "sell", 1, None, {"triggerPrice": 1, "reduceOnly": True})
    assert (await eventually(lambda: told(stop, "open")))[0]["clientOrderId"] == stop["clientOrderId"]
    await client.cancel_order(stop["id"], SOL, {"trigger": True})
    await eventually(lambda: told(stop, "canceled"))
    await client.create_order(SOL, "market", "sell", 1, None, {"reduceOnly": True})
    await eventually(lambda: [p for p in client.positions["linear"] if p["contracts"] == 0])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

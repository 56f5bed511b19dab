"""Faults as a client feels them on the wire: resets, silence, torn bodies, dropped sockets, late requests."""

from __future__ import annotations

import json
import time
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.practice.asking import market_order
from tests.practice.hand_market import KEY, START, Clock, HandMarket, exchange
from trading.practice.server import Server


@pytest.fixture
async def house():
    clock = Clock()
    x = exchange(HandMarket(BTCUSDT=[(0, 50_000)]), clock=clock)
    async with TestClient(TestServer(Server(x).application())) as client:
        yield x, clock, client


async def fault(client: TestClient, **body: Any) -> None:
    async with client.post("/practice/faults", data=json.dumps(body)) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_reset_ends_the_connection_without_a_word(house):
    x, _, client = house
    await fault(client, kind="reset_after", times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/fapi/v1/time")
    assert x.requests["GET /fapi/v1/time"] == 1
    async with client.get("/fapi/v1/time") as answer:
        assert answer.status == 200


async def test_a_request_that_is_never_answered_ends_after_its_seconds(house):
    _, _, client = house
    await fault(client, kind="timeout_before", times=1, params={"seconds": 0.3, "answered": False})
    began = time.monotonic()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/fapi/v1/time")
    assert time.monotonic() - began >= 0.3


async def test_a_page_and_half_a_body_come_with_status_200(house):
    _, _, client = house
    await fault(client, kind="html_body", times=1)
    async with client.get("/fapi/v1/time") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
    await fault(client, kind="garbage_body", times=1)
    async with client.get("/fapi/v1/time") as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (200, "application/json", '{"serverTime":')


async def test_a_throttled_client_is_told_when_to_come_back(house):
    _, _, client = house
    await fault(client, kind="rate_limit", times=1, params={"seconds": 7})
    async with client.get("/fapi/v1/time") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) >= 1


async def test_latency_holds_a_request_back_before_it_is_worked_on(house):
    x, _, client = house
    await fault(client, kind="latency", seconds=60, params={"seconds": 0.3})
    began = time.monotonic()
    async with client.get("/fapi/v1/time") as answer:
        assert answer.status == 200
    assert time.monotonic() - began >= 0.3 and x.requests["GET /fapi/v1/time"] == 1


async def test_sockets_are_dropped_and_may_come_back(house):
    _, _, client = house
    ws = await client.ws_connect("/ws/btcusdt@markPrice")
    await fault(client, kind="drop_stream")
    while not ws.closed:
        await ws.receive(timeout=3)
    assert ws.close_code == 1001
    again = await client.ws_connect("/ws/btcusdt@markPrice")
    assert not again.closed
    await again.close()


async def test_a_users_fill_is_told_twice_and_in_the_opposite_order(house):
    x, clock, client = house
    key = x.handle("POST", "/fapi/v1/listenKey", "", {"X-MBX-APIKEY": KEY}).body["listenKey"]
    ws = await client.ws_connect(f"/private/ws?listenKey={key}")
    await fault(client, kind="duplicate_fill_event", times=1)
    await fault(client, kind="reorder_events", times=1, params={"count": 4})
    clock.now = START + 1000
    market_order(x, "BUY", "0.01")
    events = [json.loads((await ws.receive(timeout=3)).data) for _ in range(4)]
    assert [m["o"]["x"] if "o" in m else m["e"] for m in events] == ["TRADE", "TRADE", "ACCOUNT_UPDATE", "NEW"]
    await ws.close()

"""The shell: HTTP, WebSocket streams, and the command that starts it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from typing import Any, cast

import pytest
from aiohttp import ClientSession, WSMsgType
from aiohttp.test_utils import TestServer
from django.core.management import CommandError, call_command

from tests.practice.asking import ask, isolate, market_order
from tests.practice.hand_market import KEY, START, Clock, exchange
from tests.practice.running import ROOT, Running
from trading.practice.ledger import Ledger
from trading.practice.market import synthetic
from trading.practice.server import Client, Server
from trading.practice.streams import parse

PRICES = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@pytest.fixture
async def house():
    """A server in this process, its exchange and clock, and a client."""
    clock = Clock()
    x = exchange(synthetic(7, PRICES, 60_000, START), clock=clock)
    async with TestServer(Server(x).application()) as server, ClientSession(server.make_url("/")) as client:
        yield x, clock, client


async def told(ws: Any, event: str | None = None) -> Any:
    """The next message, or the next of one kind."""
    while True:
        message = await ws.receive(timeout=5)
        assert message.type == WSMsgType.TEXT, message
        body = json.loads(message.data)
        kind = (body[0] if isinstance(body, list) else body.get("data", body)).get("e")
        if event is None or kind == event:
            return body


async def subscribed(client, path: str, *streams: str):
    ws = await client.ws_connect(path)
    await ws.send_json({"method": "SUBSCRIBE", "params": streams, "id": 1})
    assert await told(ws) == {"result": None, "id": 1}
    return ws


async def test_rest_answers_and_errors_go_out_as_json(house):
    _, _, client = house
    async with client.get("/fapi/v1/ping") as answer:
        assert (answer.status, await answer.json()) == (200, {})
    async with client.get("/fapi/v1/depth?symbol=FOO") as answer:
        assert (answer.status, await answer.json()) == (400, {"code": -1121, "msg": "Invalid symbol."})
    async with client.get("/nowhere") as answer:
        assert answer.status == 404


async def test_the_desk_is_for_this_machine_only(house):
    _, _, client = house
    async with client.get("/practice/state") as answer:
        assert answer.status == 200
    async with client.get("/practice/state", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with client.post("/practice/faults", data="{}") as answer:
        assert (answer.status, list((await answer.json())["error"]["fields"])) == (400, ["kind"])


async def test_a_candle_is_pushed_while_it_forms_and_closed_exactly_once(house):
    _, clock, client = house
    clock.now = START + 57_500
    ws = await subscribed(client, "/market/ws/1", "btcusdt@kline_1m")
    seen: list[Any] = []
    for _ in range(6):
        clock.now += 1000
        while not seen or seen[-1]["E"] != clock.now:
            seen.append(await told(ws, "kline"))
    closed = [m["k"] for m in seen if m["k"]["x"]]
    assert [(k["t"], k["T"]) for k in closed] == [(START, START + 59_999)]
    assert [m["k"]["t"] for m in seen if not m["k"]["x"]] == [START] * 2 + [START + 60_000] * 4


async def test_a_closed_candle_on_the_stream_is_the_one_rest_tells(house):
    x, clock, client = house
    clock.now = START + 59_500
    ws = await subscribed(client, "/ws", "ethusdt@kline_1m")
    clock.now += 1000
    message = await told(ws, "kline")
    while not message["k"]["x"]:
        message = await told(ws, "kline")
    row = x.handle("GET", "/fapi/v1/klines", f"symbol=ETHUSDT&interval=1m&startTime={START}&limit=1").body[0]
    k = message["k"]
    assert [k["t"], k["o"], k["h"], k["l"], k["c"], k["v"], k["T"], k["q"]] == row[:8]


async def test_no_closed_candle_is_left_out_when_the_exchange_was_busy(house):
    _, clock, client = house
    ws = await subscribed(client, "/market/ws/1", "btcusdt@kline_1m")
    clock.now += 1000
    await told(ws, "kline")
    clock.now += 300_000
    closed: list[Any] = []
    while not closed or closed[-1]["k"]["x"]:
        closed.append(await told(ws, "kline"))
    assert [m["k"]["t"] - START for m in closed] == [0, 60_000, 120_000, 180_000, 240_000, 300_000]


async def test_marks_of_all_symbols_come_as_one_array_each_second(house):
    x, clock, client = house
    ws = await subscribed(client, "/market/ws/3", "!markPrice@arr@1s")
    clock.now += 1000
    marks = await told(ws)
    assert {m["s"] for m in marks} == set(PRICES)
    assert marks[0]["e"] == "markPriceUpdate"
    assert marks[0]["p"] == str(x.market.mark(marks[0]["s"], clock.now))


async def test_a_combined_stream_wraps_each_message_in_its_name(house):
    _, clock, client = house
    ws = await client.ws_connect(
        "/stream?streams=btcusdt@bookTicker/ethusdt@miniTicker/solusdt@aggTrade/solusdt@ticker"
    )
    names: set[tuple[str, str]] = set()
    clock.now += 1000
    while len(names) < 4:
        message = await told(ws)
        names.add((message["stream"], message["data"]["e"]))
        clock.now += 10
    assert names == {
        ("btcusdt@bookTicker", "bookTicker"),
        ("ethusdt@miniTicker", "24hrMiniTicker"),
        ("solusdt@aggTrade", "aggTrade"),
        ("solusdt@ticker", "24hrTicker"),
    }


async def test_unsubscribing_ends_a_stream(house):
    _, clock, client = house
    ws = await subscribed(client, "/market/ws/1", "btcusdt@markPrice@1s", "ethusdt@markPrice@1s")
    await ws.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 2})
    assert await told(ws) == {"result": None, "id": 2}
    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
    assert await told(ws) == {"result": ["ethusdt@markPrice@1s"], "id": 3}
    clock.now += 1000
    assert (await told(ws))["s"] == "ETHUSDT"


@pytest.mark.parametrize(
    "frame",
    [
        "junk",
        "[]",
        "[" * 100_000,
        "5",
        '{"params": []}',
        '{"method": "DANCE", "id": 1}',
        '{"method": "SUBSCRIBE", "params": "btcusdt@kline_1m", "id": 1}',
        '{"method": "SUBSCRIBE", "params": [5], "id": 1}',
        '{"method": "SUBSCRIBE", "params": ["foousdt@kline_1m"], "id": 1}',
        '{"method": "SUBSCRIBE", "params": ["btcusdt@kline_7m"], "id": 1}',
        '{"method": "SUBSCRIBE", "params": ["btcusdt"], "id": 1}',
    ],
)
async def test_a_bad_frame_is_answered_and_the_connection_lives(house, frame):
    _, _, client = house
    ws = await client.ws_connect("/market/ws/1")
    await ws.send_str(frame)
    assert "error" in await told(ws)
    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 9})
    assert await told(ws) == {"result": [], "id": 9}


async def key_of(client) -> str:
    async with client.post("/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY}) as answer:
        return (await answer.json())["listenKey"]


@pytest.mark.parametrize("path", ["/private/ws?listenKey={}", "/private/ws/{}", "/ws/{}"])
async def test_user_data_leaves_at_once(house, path):
    x, _, client = house
    isolate(x)
    ws = await client.ws_connect(path.format(await key_of(client)))
    order = market_order(x, "BUY", "0.002", newClientOrderId="mine")
    new, account, traded = [await told(ws) for _ in range(3)]
    assert (new["e"], new["o"]["X"], new["o"]["c"]) == ("ORDER_TRADE_UPDATE", "NEW", "mine")
    assert (account["e"], account["a"]["P"][0]["pa"]) == ("ACCOUNT_UPDATE", "0.002")
    assert (traded["o"]["x"], traded["o"]["X"], traded["o"]["i"]) == ("TRADE", "FILLED", order["orderId"])
    assert traded["o"]["L"] == f"{float(order['avgPrice']):.1f}"


async def test_a_stranger_gets_no_user_data(house):
    _, _, client = house
    await key_of(client)
    async with client.get("/private/ws?listenKey=guess") as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, -1125)
    async with client.get("/private/ws") as answer:
        assert answer.status == 400


async def test_a_listen_key_lives_an_hour_and_is_prolonged(house):
    x, clock, client = house
    key = await key_of(client)
    clock.now += 3_000_000
    async with client.put("/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY}) as answer:
        assert (await answer.json())["listenKey"] == key
    clock.now += 3_000_000
    assert await key_of(client) == key
    clock.now += 3_600_001
    assert await key_of(client) != key
    async with client.delete("/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY}) as answer:
        assert answer.status == 200
    async with client.put("/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY}) as answer:
        assert (await answer.json())["code"] == -1125
    assert ask(x, "GET", "/fapi/v3/balance")


async def test_a_muted_stream_says_nothing_and_the_others_go_on(house):
    x, clock, client = house
    x.faults.add({"kind": "mute_stream", "match": {"symbol": "BTCUSDT"}}, x.now)
    ws = await subscribed(client, "/market/ws/1", "btcusdt@markPrice@1s", "ethusdt@markPrice@1s")
    for _ in range(3):
        clock.now += 1000
        assert (await told(ws))["s"] == "ETHUSDT"


class Deaf:
    """A connection whose other end never reads."""

    code = 0

    async def close(self, code: int, message: bytes) -> None:
        self.code = code


async def test_a_client_that_does_not_read_is_dropped(house, monkeypatch):
    x, _, _ = house
    monkeypatch.setattr("trading.practice.server.QUEUE", 2)
    server, socket = Server(x), Deaf()
    deaf = Client(cast(Any, socket), combined=False, user=False)
    deaf.streams = {"btcusdt@markPrice@1s": parse("btcusdt@markPrice@1s", PRICES)}
    server.clients.add(deaf)
    for second in range(3):
        assert deaf in server.clients
        server.tell_market(second)
    await asyncio.sleep(0)
    assert (server.clients, socket.code) == (set(), 4008)


# -- the command -------------------------------------------------------------------------------------------------------
def refusal(*options: str) -> str:
    with pytest.raises(CommandError) as error:
        call_command("practice", *options)
    return str(error.value)


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refusal("--port", str(port))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "/nowhere"), "/nowhere"),
        (("--data", str(ROOT / "trading")), "no candle files"),
        (("--symbols", "BTC,!"), "is no symbol"),
        (("--start", "yesterday"), "is no ISO time"),
        (("--start", "2024-01-01"), "--start needs --data"),
        (("--port", "99999"), "--port"),
        (("--speed", "0"), "speed"),
        (("--speed", "fast"), "speed"),
    ],
)
def test_a_bad_option_is_one_clear_line(tmp_path, options, said):
    line = refusal("--port", "0", "--ledger", str(tmp_path / "l.sqlite3"), *options)
    assert said in line
    assert "\n" not in line


def test_a_ledger_that_is_none_and_one_of_another_market_are_refused(tmp_path):
    (tmp_path / "l.sqlite3").write_bytes(b"no database " * 100)
    assert "l.sqlite3: not a usable ledger" in refusal("--port", "0", "--ledger", str(tmp_path / "l.sqlite3"))
    ledger = Ledger(tmp_path / "other.sqlite3")
    ledger.remember("market", synthetic(5, PRICES, 60_000, START).state())
    assert "plays the synthetic market of seed 5" in refusal("--port", "0", "--ledger", str(tmp_path / "other.sqlite3"))


def test_a_start_outside_the_recorded_data_is_refused(tmp_path, market_data):
    data = ("--data", str(market_data / "perp_1h_2023_2025"), "--symbols", "BTCUSDT")
    line = refusal("--port", "0", "--ledger", str(tmp_path / "l.sqlite3"), *data, "--start", "2031-01-01")
    assert "lies outside the data" in line


@pytest.mark.slow
def test_it_starts_continues_and_ends_quickly(tmp_path):
    with Running(tmp_path, "--symbols", "BTC/USDT:USDT,ETHUSDT", "--seed", "3") as first:
        assert first.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=4)[0] == 200
        assert first.request("GET", "/fapi/v1/exchangeInfo")[1]["symbols"][1]["symbol"] == "ETHUSDT"
        assert first.desk("POST", "clock", {"speed": 5})[0] == 200
        minute = first.state()["now"] // 60_000 * 60_000
        question = f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&endTime={minute - 1}&limit=50"
        candles = first.request("GET", question)[1]
        code, seconds = first.end(signal.SIGTERM)
        assert (code, seconds < 5) == (0, True)
    with Running(tmp_path, "--symbols", "BTCUSDT,ETHUSDT", "--seed", "3") as again:
        assert again.request("GET", question)[1] == candles
        assert again.signed("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")[1][0]["leverage"] == 4
        assert again.state()["speed"] == 5


@pytest.mark.slow
def test_recorded_data_is_played_from_a_chosen_day(tmp_path, market_data):
    data = ("--data", str(market_data / "perp_1h_2023_2025"), "--symbols", "BTCUSDT")
    with Running(tmp_path, *data, "--start", "2024-03-01T00:00") as x:
        assert x.state()["market"].startswith("Playing perp_1h_2023_2025")
        price = float(x.request("GET", "/fapi/v1/ticker/price?symbol=BTCUSDT")[1]["price"])
        assert 60_000 < price < 64_000

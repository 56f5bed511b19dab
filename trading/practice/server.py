"""The practice exchange on a port of 127.0.0.1: a thin shell of HTTP and WebSocket around `exchange.Exchange`.

1. A request's method, path, query and body go to the exchange as they came; its answer goes back.
2. A WebSocket client subscribes to streams; once a second each stream's message is made once, for all who listen.
3. User-data messages leave at once, to everyone who connected with the listen key.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from trading.practice import desk
from trading.practice.exchange import Exchange
from trading.practice.fault_events import Scrambler, dropped, symbol_of
from trading.practice.streams import Stream, Teller, UnknownStream, parse
from trading.practice.values import Answer

LOOPBACK = ("127.0.0.1", "localhost", "::1", "")
QUEUE = 2_000  # messages a client may lag behind before it is dropped
PULSE = 0.2  # seconds between two looks at the market
MAX_BODY = 1_000_000
MAX_STREAMS = 1_024
FORBIDDEN = {"code": "forbidden", "message": "the desk is for this machine only"}
PRIVATE = ("private", "ws")


class Client:
    """One WebSocket connection: what it listens to, and a bounded queue towards it."""

    def __init__(self, socket: web.WebSocketResponse, *, combined: bool, user: bool) -> None:
        self.socket, self.combined, self.user = socket, combined, user
        self.streams: dict[str, Stream] = {}
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE)

    def push(self, stream: str, text: str) -> bool:
        """Queue a message; False when the client lags too far behind."""
        try:
            self.queue.put_nowait(f'{{"stream":{compact(stream)},"data":{text}}}' if self.combined else text)
        except asyncio.QueueFull:
            return False
        return True

    async def pump(self) -> None:
        while True:
            await self.socket.send_str(await self.queue.get())


class Server:
    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.teller = Teller(exchange)
        self.clients: set[Client] = set()
        self.told_second = exchange.now // 1000
        self.scrambler = Scrambler(exchange.faults)
        exchange.listeners.append(self.tell_user)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/practice/{rest:.*}", self.on_desk)
        for path in ("/market/ws", "/public/ws", "/private/ws", "/ws", "/market/stream", "/public/stream", "/stream"):
            app.router.add_get(path, self.on_socket)
            app.router.add_get(path + "/{names:.+}", self.on_socket)
        app.router.add_route("*", "/{rest:.*}", self.on_request)
        app.cleanup_ctx.append(self._beating)
        return app

    # -- HTTP ----------------------------------------------------------------------------------------------------------
    async def on_request(self, request: web.Request) -> web.Response:
        body, query = await _text(request), request.rel_url.raw_query_string
        if late := self.exchange.lingers(request.method, request.path, query, body):
            await asyncio.sleep(late)
        answer = self.exchange.handle(request.method, request.path, query, request.headers, body)
        return await _respond(request, answer)

    async def on_desk(self, request: web.Request) -> web.Response:
        if request.remote not in LOOPBACK or (urlsplit(f"//{request.host}").hostname or "") not in LOOPBACK:
            return web.json_response({"error": FORBIDDEN}, status=403)
        return await _respond(request, desk.answer(self.exchange, request.method, request.path, await _text(request)))

    # -- WebSocket -----------------------------------------------------------------------------------------------------
    async def on_socket(self, request: web.Request) -> web.StreamResponse:
        """A stream connection; stream names or a listen key may stand in its path or query."""
        kind = request.path.strip("/").split("/")
        names = [n for n in request.match_info.get("names", "").split("/") if n and not n.isdecimal()]
        names += [n for n in request.query.get("streams", "").split("/") if n]
        key = request.query.get("listenKey", "")
        valid = self.exchange.listen_key()
        user = bool(valid) and valid in (key, *names)
        if (tuple(kind[:2]) == PRIVATE or key) and not user:
            return web.json_response({"code": -1125, "msg": "This listenKey does not exist."}, status=400)
        socket = web.WebSocketResponse(heartbeat=60, max_msg_size=MAX_BODY)
        await socket.prepare(request)
        client = Client(socket, combined="stream" in kind, user=user)
        await self._serve(client, [n for n in names if n != valid])
        return socket

    async def _serve(self, client: Client, names: list[str]) -> None:
        self.clients.add(client)
        pump = asyncio.create_task(client.pump())
        try:
            if names and (no := self._subscribe(client, names)):
                client.push("", compact({"error": no}))
            async for message in client.socket:
                if message.type == WSMsgType.TEXT:
                    client.push("", compact(self._command(client, message.data)))
        finally:
            self.clients.discard(client)
            self._forget(client.streams)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    def _command(self, client: Client, text: str) -> dict[str, Any]:
        """SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS; anything else is answered with an error."""
        try:
            frame = json.loads(text)
            method, names, number = frame["method"], frame.get("params", []), frame.get("id")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {"error": {"code": 3, "msg": "Invalid JSON: expected method, params and id"}, "id": None}
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            return {"error": {"code": 2, "msg": "Invalid request: params must be a list of strings"}, "id": number}
        if method == "SUBSCRIBE":
            no = self._subscribe(client, names)
            return {"error": no, "id": number} if no else {"result": None, "id": number}
        if method == "UNSUBSCRIBE":
            for name in names:
                client.streams.pop(name, None)
            self._forget(names)
            return {"result": None, "id": number}
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": number}
        return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method!r}"}, "id": number}

    def _subscribe(self, client: Client, names: Iterable[str]) -> dict[str, Any] | None:
        try:
            wanted = {name: parse(name, self.exchange.market.symbols) for name in names}
        except UnknownStream as error:
            return {"code": 2, "msg": f"Invalid request: unknown stream {error}"}
        if len(client.streams | wanted) > MAX_STREAMS:
            return {"code": 2, "msg": f"Invalid request: more than {MAX_STREAMS} streams"}
        client.streams |= wanted
        for stream in wanted.values():
            self.teller.begin(stream)
        return None

    def _forget(self, names: Iterable[str]) -> None:
        self.teller.forget(set(names) - {n for c in self.clients for n in c.streams})

    # -- time ----------------------------------------------------------------------------------------------------------
    async def _beating(self, app: web.Application):
        beat = asyncio.create_task(self._beat())
        beat.add_done_callback(_stop_on_failure)
        yield
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        await asyncio.gather(*(c.socket.close() for c in list(self.clients)), return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            now = self.exchange.clock_ms()
            self.exchange.advance(now)
            self._disturb(now)
            if now // 1000 != self.told_second:
                self.told_second = now // 1000
                self.tell_market(self.told_second)
            await asyncio.sleep(min(PULSE, (1000 - now % 1000 + 1) / 1000))

    def tell_market(self, second: int) -> None:
        """This second's message of every stream that anybody listens to, made once and sent to all of them."""
        listeners: dict[str, tuple[Stream, list[Client]]] = {}
        for client in self.clients:
            for name, stream in client.streams.items():
                listeners.setdefault(name, (stream, []))[1].append(client)
        for name, (stream, clients) in listeners.items():
            if self.exchange.faults.mutes(name, stream.symbol, self.exchange.now):
                continue
            for text in self.teller.messages(stream, second):
                self._send(clients, name, text)

    def tell_user(self, message: dict[str, Any]) -> None:
        for event in self.scrambler.pass_on(message, self.exchange.now):
            self._tell_user(event)

    def _tell_user(self, message: dict[str, Any]) -> None:
        clients = [c for c in self.clients if c.user]
        if clients and not self.exchange.faults.mutes("user", symbol_of(message), self.exchange.now):
            self._send(clients, self.exchange.listen_key(), compact(message))

    def _disturb(self, now: int) -> None:
        """Drop the sockets that faults end, and let go of the events that they hold."""
        for client in dropped(self.exchange.faults, [(c, c.user, c.streams) for c in self.clients], now):
            self.clients.discard(client)
            asyncio.get_running_loop().create_task(client.socket.close(code=1001, message=b"going away"))
        for event in self.scrambler.overdue(now):
            self._tell_user(event)

    def _send(self, clients: Iterable[Client], stream: str, text: str) -> None:
        for client in clients:
            if not client.push(stream, text):
                self.clients.discard(client)
                asyncio.get_running_loop().create_task(client.socket.close(code=4008, message=b"too slow"))


def compact(value: Any) -> str:
    """JSON as the venue writes it, without blanks."""
    return json.dumps(value, separators=(",", ":"))


async def _text(request: web.Request) -> str:
    return (await request.read()).decode("utf-8", "replace")


async def _respond(request: web.Request, answer: Answer) -> web.Response:
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.reset:
        _tear(request)
        return web.Response()
    if isinstance(answer.body, str):
        kind = "text/html" if answer.body.startswith("<") else "application/json"
        return web.Response(text=answer.body, status=answer.status, headers=answer.headers, content_type=kind)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers, dumps=compact)


def _tear(request: web.Request) -> None:
    """End the connection with a reset: with no time to linger, what was to be sent is dropped."""
    if (transport := request.transport) is None:
        return
    if (wire := transport.get_extra_info("socket")) is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _stop_on_failure(task: asyncio.Task) -> None:
    """An exchange whose time stands still must not look alive."""
    if not task.cancelled() and (error := task.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "the exchange's clock stopped", "exception": error}
        )
        raise SystemExit(1)

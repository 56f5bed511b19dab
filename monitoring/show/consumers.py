"""The live channel's edge: ask who is there, join the hub, pass on its frames. Controls never travel by socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from monitoring.show import guard
from monitoring.show.aside import aside
from monitoring.show.audience import Audience, spoken
from monitoring.show.hub import NOT_ALLOWED, NOT_LOGGED_IN, TOO_MANY, Client, hub
from monitoring.show.panels import PANELS

LONGEST = 64 * 1024


class LiveConsumer(AsyncWebsocketConsumer):
    """`/ws/live/`. A refusal is an accepted handshake closed at once with its code, which browsers can read."""

    channel_layer_alias = "none"  # the hub alone listens; a socket opens while the channel layer is down
    client: Client | None = None
    writer: asyncio.Task | None = None

    async def connect(self) -> None:
        await self.accept()
        answer = await self.who()
        if isinstance(answer, int):
            await self.close(answer)
            return
        visitor, roles = answer
        centre = hub()
        if centre.full(visitor):
            await self.close(TOO_MANY)
            return
        self.client = Client(visitor, self.write, self.end, Audience(self.language(), roles), self.watched())
        centre.join(self.client)  # before any waiting, so that two at once can't both be the last that fits
        await self.send(text_data=centre.hello())
        self.writer = asyncio.create_task(self.client.write(), name="live writer")

    def watched(self) -> frozenset[str] | None:
        """The panels that `?panels=a,b` names; None, which is all, without it."""
        asked = self.query("panels")
        return None if asked is None else frozenset(asked.split(",")) & PANELS.keys()

    def language(self) -> str:
        """That of the page, which says it with `?language=`; a cookie may have been changed since by another page."""
        cookies, accepted = (guard.header(self.scope["headers"], name) for name in ("cookie", "accept-language"))
        return spoken(self.query("language"), cookies, accepted)

    def query(self, name: str) -> str | None:
        asked = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get(name)
        return asked[-1] if asked else None

    async def who(self) -> tuple[guard.Visitor, frozenset[str]] | int:
        """The visitor and their roles, or the code that closes the socket."""
        headers = self.scope["headers"]
        origin, host = guard.header(headers, "origin"), guard.header(headers, "host")
        secure = self.scope.get("scheme") in ("wss", "https")
        authorization = guard.header(headers, "authorization")
        if origin is not None and not guard.same_origin(origin, host, secure):
            return NOT_ALLOWED
        if authorization is not None:
            visitor = await aside(guard.by_key, authorization, timezone.now())
        else:
            if origin is None:
                return NOT_ALLOWED  # a cookie alone does not tell whose page this is
            user = self.scope.get("user")
            session = self.scope["session"].session_key if "session" in self.scope else None
            known = user is not None and user.is_authenticated
            visitor = guard.Visitor(user.pk, session=session) if known and session else None
        if visitor is None:
            return NOT_LOGGED_IN
        roles = (await aside(guard.welcome, {visitor}, timezone.now())).get(visitor)
        return NOT_ALLOWED if roles is None else (visitor, roles)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """`resume` and `pong`; anything else is not ours and changes nothing."""
        if self.client is None or text_data is None or len(text_data) > LONGEST:
            return
        try:
            message: Any = orjson.loads(text_data)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict):
            return
        if message.get("type") == "pong":
            self.client.answered()
        elif message.get("type") == "resume":
            seq = message.get("seq")
            hub().resume(self.client, seq if isinstance(seq, int) else 0)

    async def write(self, text: str) -> None:
        await self.send(text_data=text)

    async def end(self, code: int) -> None:
        if self.client is not None:
            hub().leave(self.client)
        await self.close(code)

    async def disconnect(self, code: int) -> None:
        if self.client is not None:
            hub().leave(self.client)
        if self.writer is not None:
            self.writer.cancel()
            with suppress(asyncio.CancelledError, RuntimeError, OSError):  # it may have died of the closed socket
                await self.writer


class NoSuchSocket(AsyncWebsocketConsumer):
    """Every other address: refused in the handshake."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.close()

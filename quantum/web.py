"""The web process: Daphne, made to wait for clients that read slowly, so that no export piles up in its memory."""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

PATIENCE = 60.0  # seconds in which a client must take something


@implementer(IPushProducer)
class Pace:
    """Closed while more lies in the socket's buffer than the system takes."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:
        self.open.clear()

    def resumeProducing(self) -> None:
        self.open.set()

    stopProducing = resumeProducing  # the connection is gone: nobody waits for it


class PacedServer(Server):
    """Sends the next part of a long answer when the client has taken the one before; ends what stands still."""

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] != "http.response.body" or getattr(protocol, "channel", None) is None:
            await super().handle_reply(protocol, message)
            return
        if not message.get("more_body", False):
            if protocol.producer:
                protocol.unregisterProducer()
            await super().handle_reply(protocol, message)
            return
        if not protocol.producer:
            protocol.registerProducer(Pace(), True)
        pace = protocol.producer
        await super().handle_reply(protocol, message)
        try:
            await asyncio.wait_for(pace.open.wait(), PATIENCE)
        except TimeoutError:
            if protocol.channel is not None:
                protocol.channel.forceAbortClient()


class Web(CommandLineInterface):
    server_class = PacedServer


if __name__ == "__main__":
    Web.entrypoint()

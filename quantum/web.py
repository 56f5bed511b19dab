"""The web process: Daphne, made to wait for clients that read slowly, and to break off what failed halfway."""

from __future__ import annotations

import asyncio
from functools import partial
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
    """Sends the next part of a long answer when the client has taken the one before; ends what stands still.

    Its heart beats in its own event loop, and counts the answers.
    """

    heart: Any = None
    beating: Any = None

    def run(self) -> None:
        from django.apps import apps
        from twisted.internet import reactor

        if apps.ready:  # the application that is served is ours
            reactor.callLater(0, self.begin_to_beat)  # type: ignore[arg-type]
        super().run()

    def begin_to_beat(self) -> None:
        from quantum.hearts import beat_in_the_loop, begin

        self.heart = begin("web")
        self.beating = asyncio.ensure_future(beat_in_the_loop(self.heart))

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.pass_frame(protocol, message)
            return
        if message["type"] == "http.response.start":
            protocol.handle_exception = partial(break_off, protocol)
        if message["type"] != "http.response.body" or getattr(protocol, "channel", None) is None:
            await super().handle_reply(protocol, message)
            await asyncio.sleep(0)  # who sends to nobody gives way, and so can hear that the client has gone
            return
        if not message.get("more_body", False):
            if self.heart is not None:
                self.heart.worked()
            if protocol.producer:
                protocol.unregisterProducer()
            await super().handle_reply(protocol, message)
            return
        if not protocol.producer:
            protocol.registerProducer(Pace(), True)
        pace = protocol.producer
        await super().handle_reply(protocol, message)
        if not await opens(pace) and protocol.channel is not None:
            protocol.channel.forceAbortClient()

    async def pass_frame(self, protocol: Any, message: dict[str, Any]) -> None:
        """A frame to a socket: done when the system has taken it, broken off when the client takes nothing."""
        pace = paced(protocol)
        await super().handle_reply(protocol, message)
        await asyncio.sleep(0)
        if not await opens(pace):
            protocol.transport.abortConnection()


def paced(protocol: Any) -> Pace:
    """The socket's pace, in the place of the HTTP channel that the connection began with."""
    if getattr(protocol, "pace", None) is None:
        protocol.pace = Pace()
        protocol.transport.unregisterProducer()
        protocol.transport.registerProducer(protocol.pace, True)
    return protocol.pace


async def opens(pace: Pace) -> bool:
    """The client has taken what lay in the buffer, in time."""
    if pace.open.is_set():
        return True
    try:
        await asyncio.wait_for(pace.open.wait(), PATIENCE)
    except TimeoutError:
        return False
    return True


def break_off(protocol: Any, error: Exception) -> None:
    """An answer that failed halfway must not look whole; a second one after its beginning would end Daphne's watch."""
    if protocol.channel is not None:
        protocol.channel.forceAbortClient()


class Web(CommandLineInterface):
    server_class = PacedServer


if __name__ == "__main__":
    Web.entrypoint()

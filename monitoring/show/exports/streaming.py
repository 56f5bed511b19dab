"""Chunks from a thread to the event loop: one is made while the last one is sent, and no more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

AT_ONCE = 2  # exports in this process


class Slots:
    """How many may run at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self.lock = threading.Lock()

    def take(self) -> Slot | None:
        """A slot; None where all are taken."""
        with self.lock:
            if self.taken >= self.size:
                return None
            self.taken += 1
        return Slot(self)

    def give_back(self) -> None:
        with self.lock:
            self.taken -= 1


class Slot:
    """Freed once."""

    def __init__(self, of: Slots) -> None:
        self.of: Slots | None = of

    def free(self) -> None:
        of, self.of = self.of, None
        if of:
            of.give_back()


SLOTS = Slots(AT_ONCE)


class Stream:
    """Asynchronously the chunks. Whoever closes it ends the work after the page that is being read."""

    def __init__(self, chunks: Generator[bytes], slot: Slot) -> None:
        self.chunks, self.slot = chunks, slot
        self.thread: ThreadPoolExecutor | None = ThreadPoolExecutor(1, "export")
        self.ahead: asyncio.Future[bytes | None] | None = None

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        chunk = await (self.ahead or self.following())
        if chunk is None:
            self.close()
            raise StopAsyncIteration
        self.ahead = self.following()
        return chunk

    def following(self) -> asyncio.Future[bytes | None]:
        if self.thread is None:
            raise StopAsyncIteration
        return asyncio.get_running_loop().run_in_executor(self.thread, next, self.chunks, None)

    def close(self) -> None:
        """What the response calls at its end, however it ends."""
        thread, self.thread = self.thread, None
        if thread:
            thread.submit(self.end)
            thread.shutdown(wait=False)

    def end(self) -> None:
        try:
            self.chunks.close()
            connection.close()
        finally:
            self.slot.free()

    __del__ = close

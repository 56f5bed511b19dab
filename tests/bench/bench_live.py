"""The live channel as in life: Daphne, Valkey and WebSockets.

.venv/bin/python -m tests.bench.bench_live

1. From the commit of a row to the frame in the last of 50 browsers that show the overview.
2. 20 price messages a second of about 2 KB to 1 000 clients: what arrives, and how late.
3. One client that never reads: what it costs the web process. The process pays for its own queue only; what the
   kernel holds for the socket is bounded by the kernel.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ROUNDS = int(os.environ.get("BENCH_LIVE_ROUNDS", "30"))
BROWSERS, CROWD, PER_USER = 50, int(os.environ.get("BENCH_LIVE_CLIENTS", "1000")), 10
RATE, SECONDS = 20, 8
FLOOD = 600  # messages a second to the client that never reads: more than its socket holds
GOAL_LAST_MS, GOAL_STUCK_MB = 50.0, 10.0


# -- 1: the last of fifty ---------------------------------------------------------------------------------------------


async def last_of(url: str, keys: list[str], act: Callable[[str], None]) -> list[float]:
    """Milliseconds from each commit to the ribbon that shows it in the last client."""
    import aiohttp

    from monitoring.show.panels import OVERVIEW

    address = f"{url}?panels={','.join(OVERVIEW)}"
    took: list[float] = []
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sockets = [
            await stack.enter_async_context(session.ws_connect(address, headers=bearer(keys[i // PER_USER])))
            for i in range(BROWSERS)
        ]
        await asyncio.gather(*(settle(socket) for socket in sockets))
        for n in range(ROUNDS):
            state = ("halted", "active")[n % 2]
            waiting = [asyncio.create_task(shown(socket, state)) for socket in sockets]
            committed = await asyncio.to_thread(act, state)
            took.append((max(await asyncio.gather(*waiting)) - committed) * 1000)
            await asyncio.sleep(0.25)
    return took


async def shown(socket: Any, state: str) -> float:
    while f'data-switch=\\"{state}\\"' not in (await answered(socket)):
        pass
    return time.perf_counter()


async def answered(socket: Any) -> str:
    text = (await socket.receive()).data
    if '"ping"' in text:
        await socket.send_str('{"type":"pong"}')
    return text


async def settle(socket: Any) -> None:
    """The first look at all panels is over when only pings come."""
    quiet = time.monotonic()
    while time.monotonic() - quiet < 2:
        if '"ping"' not in await answered(socket):
            quiet = time.monotonic()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# -- 2: a crowd -------------------------------------------------------------------------------------------------------


class Listener(asyncio.Protocol):
    """The smallest client: shakes hands, then counts the patches and reads their age off `as_of`."""

    AS_OF = re.compile(rb'"panel":"positions","seq":\d+,"as_of":"([^"]+)Z"')

    def __init__(self, port: int, key: str) -> None:
        self.hello = (
            f"GET /ws/live/?panels=positions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {key}\r\n\r\n"
        ).encode()
        self.late: list[float] = []
        self.bytes = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.hello)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.bytes += len(data)
        for found in self.AS_OF.finditer(data):
            sent = datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC).timestamp()
            self.late.append((now - sent) * 1000)


async def crowd(port: int, keys: list[str], tell: Callable[[], int]) -> tuple[list[float], int, int]:
    """Ages on arrival in ms of all patches at all clients; how many were published; bytes received."""
    loop = asyncio.get_running_loop()
    listeners = []
    for i in range(CROWD):
        made = await loop.create_connection(lambda i=i: Listener(port, keys[i // PER_USER]), "127.0.0.1", port)
        listeners.append(made[1])
        if i % 20 == 19:
            await asyncio.sleep(0.05)
    await asyncio.sleep(4)
    for one in listeners:
        one.late.clear()
        one.bytes = 0
    published = await asyncio.to_thread(tell)
    await asyncio.sleep(2)
    for one in listeners:
        one.transport.close()
    return [ms for one in listeners for ms in one.late], published, sum(one.bytes for one in listeners)


# -- 3: one that never reads ------------------------------------------------------------------------------------------


def stuck(port: int, key: str, pid: int, tell: Callable[[], int]) -> float:
    """MB that the web process grows by while one client reads nothing of what it is sent."""
    import socket

    with socket.create_connection(("127.0.0.1", port)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(Listener(port, key).hello)
        time.sleep(3)
        before = resident(pid)
        tell()
        return max(0.0, resident(pid) - before)


def resident(pid: int) -> float:
    """MB of the process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the house --------------------------------------------------------------------------------------------------------


@contextmanager
def house() -> Iterator[tuple[int, int]]:
    """A web process of its own: its port and pid."""
    from tests.browser.conftest import ROOT, answers, free_port, stop, until, valkey

    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        os.environ |= {"QT_VAR": folder, "PORT": str(port), "DJANGO_SETTINGS_MODULE": "quantum.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        kv = valkey(Path(folder))
        command = [sys.executable, "-m", "quantum.web", "-b", "127.0.0.1", "-p", str(port), "quantum.asgi:application"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        web = subprocess.Popen(command, cwd=ROOT, **quiet)
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "daphne")
            yield port, web.pid
        finally:
            stop(web)
            stop(kv)


def act(state: str) -> float:
    """Move the switch; the moment of its commit."""
    from django.db import connections
    from django.utils import timezone

    from monitoring.control import actions
    from monitoring.control.permissions import machine
    from trading import events

    rang: list[float] = []
    publish = events.publish
    events.publish = lambda message: (rang.append(time.perf_counter()), publish(message))[1]  # type: ignore[assignment]
    try:
        actions.set_switch(state, "bench", machine("bench"), timezone.now())
    finally:
        events.publish = publish
        connections.close_all()
    return rang[0]


def prices(seconds: float, rate: float = RATE) -> int:
    """Publish marks of all held symbols, `rate` times a second; how many."""
    from django.utils import timezone

    from monitoring.watch.words import iso
    from tests.show import factories as make
    from trading import events

    began, n = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        marks = {symbol: str(Decimal(100) + Decimal(n % 50) / 100) for symbol in make.SYMBOLS}
        events.publish({"type": "prices", "at": iso(timezone.now()), "marks": marks})
        n += 1
        time.sleep(max(0.0, began + n / rate - time.monotonic()))
    return n


def main() -> None:
    with house() as (port, pid):
        from django.utils import timezone

        from monitoring.control import apikeys
        from tests.show import factories as make

        now = timezone.now()
        make.holdings(now)
        make.no_trades(now)
        users = (max(BROWSERS, CROWD) + PER_USER - 1) // PER_USER
        keys = [apikeys.create(somebody(i), now)[1] for i in range(users)]
        assert threading.current_thread() is threading.main_thread()
        url = f"ws://127.0.0.1:{port}/ws/live/"
        took = sorted(asyncio.run(last_of(url, keys, act)))
        late, published, size = asyncio.run(crowd(port, keys, lambda: prices(SECONDS)))
        grown = stuck(port, keys[0], pid, lambda: prices(SECONDS, FLOOD))
    median, p95 = statistics.median(took), took[int(len(took) * 0.95) - 1]
    print(f"BENCH commit_to_last_of_{BROWSERS}_p50 {median:.0f} ms")
    print(f"BENCH commit_to_last_of_{BROWSERS}_p95 {p95:.0f} ms")
    print(f"GOAL commit_to_last_of_{BROWSERS}_p50 {verdict(median <= GOAL_LAST_MS)} {median:.0f} {GOAL_LAST_MS:.0f}")
    arrived = sorted(late)
    print(f"BENCH crowd_{CROWD}_messages_per_second {len(late) / SECONDS:.0f} of {CROWD * published / SECONDS:.0f}")
    print(f"BENCH crowd_{CROWD}_bytes_per_message {size / max(1, len(late)):.0f} B")
    print(f"BENCH crowd_{CROWD}_late_p50 {statistics.median(arrived) if arrived else float('nan'):.0f} ms")
    print(f"BENCH crowd_{CROWD}_late_p99 {arrived[int(len(arrived) * 0.99) - 1] if arrived else float('nan'):.0f} ms")
    print(f"BENCH client_that_never_reads {grown:.1f} MB")
    print(f"GOAL client_that_never_reads {verdict(grown <= GOAL_STUCK_MB)} {grown:.1f} {GOAL_STUCK_MB:.0f}")


def somebody(i: int) -> Any:
    """A user without a password: hashing a hundred of them would be the longest part."""
    from django.contrib.auth.models import User

    from monitoring.control.permissions import VIEWER, grant

    one = User.objects.create_user(f"user-{i}")
    grant(one, [VIEWER])
    return one


def verdict(holds: bool) -> str:
    return "PASS" if holds else "FAIL"


if __name__ == "__main__":
    main()

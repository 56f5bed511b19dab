"""From the commit of a row to the frame in a client: Daphne, Valkey and a WebSocket, as in life.

.venv/bin/python -m tests.bench.bench_live
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROUNDS = 40
GOAL_MS = 1000.0


async def listen(url: str, key: str, act) -> list[float]:
    """Milliseconds from before each commit to the ribbon that shows it."""
    import aiohttp

    took: list[float] = []
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        await settle(socket)
        for n in range(ROUNDS):
            state = ("halted", "active")[n % 2]
            began = time.perf_counter()
            await asyncio.to_thread(act, state)
            while f'data-switch=\\"{state}\\"' not in (await answered(socket)):
                pass
            took.append((time.perf_counter() - began) * 1000)
    return took


async def answered(socket) -> str:
    text = (await socket.receive()).data
    if '"ping"' in text:
        await socket.send_str('{"type":"pong"}')
    return text


async def settle(socket) -> None:
    """The first look at all panels is over when only pings come."""
    quiet = time.monotonic()
    while time.monotonic() - quiet < 1.5:
        if '"ping"' not in await answered(socket):
            quiet = time.monotonic()


def main() -> None:
    from tests.browser.conftest import ROOT, answers, free_port, stop, until, valkey

    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        os.environ |= {"QT_VAR": folder, "PORT": str(port), "DJANGO_SETTINGS_MODULE": "quantum.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        kv = valkey(Path(folder))
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "quantum.asgi:application"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        web = subprocess.Popen(command, cwd=ROOT, **quiet)
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "daphne")
            took = sorted(measure(port))
        finally:
            stop(web)
            stop(kv)
    p95 = took[int(len(took) * 0.95) - 1]
    print(f"BENCH commit_to_browser_p50 {statistics.median(took):.0f} ms")
    print(f"BENCH commit_to_browser_p95 {p95:.0f} ms")
    print(f"GOAL commit_to_browser_p95 {'PASS' if p95 <= GOAL_MS else 'FAIL'} {p95:.0f} {GOAL_MS:.0f}")


def measure(port: int) -> list[float]:
    from django.db import connections
    from django.utils import timezone

    from monitoring.control import actions, apikeys
    from monitoring.control.permissions import machine
    from tests.show import factories as make

    now = timezone.now()
    make.holdings(now)
    make.no_trades(now)
    key = apikeys.create(make.user(), now)[1]

    def act(state: str) -> None:
        try:
            actions.set_switch(state, "bench", machine("bench"), timezone.now())
        finally:
            connections.close_all()

    assert threading.current_thread() is threading.main_thread()
    return asyncio.run(listen(f"ws://127.0.0.1:{port}/ws/live/", key, act))


if __name__ == "__main__":
    main()

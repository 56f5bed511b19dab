"""`manage.py stream`: the one process that listens to the venue and tells the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from trading import events, runtime, tasks
from trading.events import ring
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import Mark
from trading.feed import universe
from trading.feed.stream import Plan, Stream, db
from trading.heart import EVERY, Heart
from trading.orders import rows as order_rows
from trading.positions import rows as position_rows
from trading.positions.watch import Need, Watch

log = logging.getLogger(__name__)

RELOAD = 3.0  # seconds between two looks at the open positions
ANSWER = 5.0  # seconds that the broker has to take a task
DEAF = 60.0  # seconds after which it is asked again


class Bells:
    """Tells the workers and the browsers. What gets lost is found by beat's schedules."""

    def __init__(self, heart: Heart | None = None) -> None:
        self.heart = heart or Heart("stream")
        self.watch = Watch(position_rows.rules())
        self.loaded_at = 0.0
        self.published_at = 0.0
        self.prices: dict[str, str] = {}
        self.priced: dict[str, datetime] = {}  # when these prices were true
        self.deaf_since: float | None = None  # a bell reached nobody
        self.stood_in_at = 0.0
        self.called: dict[tuple[int, str], float] = {}  # (position, why) whose keeper is on its way, since when

    async def on_history(self) -> None:
        """There is something to learn from: the models need not wait for beat."""
        await self.bell("trading.tick", "models", "stream", queue="work")

    async def on_bar_closed(self, bar: datetime) -> None:
        if not await self.bell("trading.tick", "executor", "stream"):
            log.warning("the broker does not answer: this process does the trading itself")
            await db(runtime.run, "executor", called_by="stream")
            await db(enter_waiting)
            await db(runtime.run, "position_monitor", called_by="stream")
        await self.publish({"type": "changed", "panels": ["candles", "universe"]})

    async def on_marks(self, marks: Mapping[str, Mark]) -> None:
        """Exits and trailing first, then the browsers, once a second. That the first price came is said at once."""
        first = self.heart.work_at is None
        self.heart.worked()
        if time.monotonic() - self.loaded_at > RELOAD:
            await self.reload()
        needs = self.watch.on_marks({s: m.price for s, m in marks.items()}, timezone.now())
        await self.call_keepers(needs)
        await self.stand_in()
        if first:
            await sync_to_async(self.heart.try_to_beat, thread_sensitive=False)()
        self.prices |= {symbol: str(mark.price) for symbol, mark in marks.items()}
        self.priced |= {symbol: mark.at for symbol, mark in marks.items()}
        if time.monotonic() - self.published_at >= 1.0:
            self.published_at = time.monotonic()
            at = min(self.priced.values(), default=timezone.now())
            await self.publish({"type": "prices", "marks": self.prices, "at": at.isoformat()})
            self.prices, self.priced = {}, {}

    async def on_user(self, symbol: str) -> None:
        if not await self.bell("trading.sync", symbol):
            await db(tasks.sync, symbol)
        self.loaded_at = 0.0

    async def reload(self) -> None:
        self.loaded_at = time.monotonic()
        self.watch.load(await db(position_rows.held))
        self.watch.rules = await db(position_rows.rules)
        self.called = {key: at for key, at in self.called.items() if self.loaded_at - at < RELOAD}

    async def call_keepers(self, needs: Iterable[Need]) -> None:
        """One call at a time for a position and a reason; without a broker the monitor's sweep does it here."""
        for need in needs:
            key = (need.position_id, need.why)
            if key in self.called:
                continue
            self.called[key] = time.monotonic()
            await db(position_rows.remember_needed, need)
            if not await self.bell("trading.mind", *key):
                await db(runtime.run, "position_monitor", called_by="stream")

    async def stand_in(self) -> None:
        """While bells reach nobody, look after what is open as often as the monitor would; now and then ring again."""
        now = time.monotonic()
        if self.deaf_since is None or now - self.stood_in_at < settings.QUANTUM.QT_POSITION_MONITOR_INTERVAL:
            return
        self.stood_in_at = now
        if now - self.deaf_since < DEAF or not await self.bell("trading.tick", "position_monitor", "stream"):
            await db(runtime.run, "position_monitor", called_by="stream")

    async def bell(self, task: str, *args: object, queue: str = "trade") -> bool:
        """Ring in a thread of its own: a broker that hangs must not stop the prices."""
        ringing = sync_to_async(partial(ring, task, *args, queue=queue), thread_sensitive=False)()
        rung = False
        with contextlib.suppress(TimeoutError):
            rung = await asyncio.wait_for(ringing, ANSWER)
        self.deaf_since = None if rung else time.monotonic()
        return rung

    async def publish(self, message: dict) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sync_to_async(events.publish, thread_sensitive=False)(message), ANSWER)


def enter_waiting() -> None:
    """Send what the executor has accepted: its own tasks reach nobody."""
    for intent in order_rows.unsent_entries(timezone.now(), timedelta(0)):
        tasks.enter(intent.pk)


async def beat(heart: Heart) -> None:
    """For ever, from the event loop: one that stands still is silent."""
    while True:
        await sync_to_async(heart.try_to_beat, thread_sensitive=False)()
        await asyncio.sleep(EVERY.total_seconds())


async def listen() -> None:
    """Until SIGTERM or SIGINT."""
    from trading.exchange.gateway import configured

    heart = Heart("stream")
    beating = asyncio.ensure_future(beat(heart))
    bells = await db(Bells, heart)  # it reads the limits in force
    stream = Stream(AsyncVenue(configured()), Plan(settings.QUANTUM.timeframe), bells, universe.refresh)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stream.stop)
    await stream.run()
    beating.cancel()
    logging.shutdown()
    os._exit(0)  # not waiting for a thread that stores history: its transaction is whole or was never there


class Command(BaseCommand):
    help = "Listen to the venue: store closed candles, call the executor, watch positions on every price."
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        import trading.modules  # noqa: F401 - if the broker is gone, the executor runs here

        asyncio.run(listen())

"""The hub by itself: what a client owes, how often it may ask, and what marks move."""

import asyncio
import time

import orjson
import pytest
from django.utils import timezone

from monitoring.show import hub as hubs
from monitoring.show.guard import Visitor

PANEL = "x" * 30_000
SHOWN = [f"panel-{n}" for n in range(10)]


class Socket:
    """Notes what it is sent; `takes` is cleared by a client that takes nothing."""

    def __init__(self):
        self.frames, self.codes, self.takes = [], [], asyncio.Event()
        self.takes.set()

    async def send(self, text):
        self.frames.append(text)
        await self.takes.wait()

    async def close(self, code):
        self.codes.append(code)

    @property
    def panels(self):
        return [orjson.loads(text)["panel"] for text in self.frames if '"panel"' in text]


@pytest.fixture
async def house(monkeypatch):
    """A hub that shows ten panels, one client of it, its socket."""
    monkeypatch.setattr(hubs, "RESUME", 0.2)
    centre, socket = hubs.Hub(), Socket()
    client = hubs.Client(Visitor(1), socket.send, socket.close)
    centre.clients.add(client)
    for name in SHOWN:
        centre.latest[(client.audience, name)] = centre.broadcast("panel", name, timezone.now(), html=PANEL)
    client.waiting.clear()
    writing = asyncio.create_task(client.write())
    yield centre, client, socket
    writing.cancel()


async def turns():
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_pong_that_nobody_asked_for_settles_nothing(house):
    centre, client, socket = house
    for _ in range(600):
        centre.resume(client, 0)
        client.answered()
        await asyncio.sleep(0)
    assert client.owed == sum(len(text) for text in socket.frames) > 0
    assert not client.speaks


async def test_one_ping_is_answered_by_one_pong(house):
    centre, client, socket = house
    client.offer(hubs.Message("ping", 0, hubs.PING_TEXT))
    await turns()
    client.answered()
    assert (client.owed, client.speaks) == (0, True)
    centre.resume(client, centre.seq - 5)
    await turns()
    client.answered()
    assert client.owed > 5 * len(PANEL)


async def test_many_wishes_to_resume_are_answered_once_and_once_more_when_the_time_is_over(house):
    centre, client, socket = house
    newest = centre.seq
    for seq in (newest - 2, newest, 0, newest):
        centre.resume(client, seq)
    await turns()
    assert socket.panels == SHOWN[-2:]
    await asyncio.sleep(0.3)
    assert socket.panels == [*SHOWN[-2:], *SHOWN]
    await asyncio.sleep(0.3)
    assert len(socket.panels) == 12
    centre.resume(client, newest - 1)
    await turns()
    assert socket.panels[12:] == SHOWN[-1:]


async def test_who_left_is_answered_no_more(house):
    centre, client, socket = house
    centre.resume(client, centre.seq - 1)
    centre.resume(client, 0)
    await turns()
    centre.clients.discard(client)
    await asyncio.sleep(0.3)
    assert socket.panels == SHOWN[-1:]


async def test_who_takes_no_frame_for_ten_seconds_is_closed_however_little_it_owes(house):
    centre, client, socket = house
    socket.takes.clear()
    centre.resume(client, centre.seq - 1)
    await turns()
    await centre.mind(client, client.audience.roles)
    assert not client.clogged()
    assert socket.codes == []
    client.leaving_since -= hubs.PATIENCE + 1
    await centre.mind(client, client.audience.roles)
    assert socket.codes == [hubs.TOO_SLOW]


async def test_who_takes_everything_and_answers_is_kept_and_loses_nothing(house):
    centre, client, socket = house
    for n in range(100):
        for name in SHOWN:
            client.offer(hubs.Message(f"panel:{name}-{n}", n, PANEL))
        await turns()
        while client.asked_at is not None:
            client.answered()
            await turns()
    assert len([text for text in socket.frames if text == PANEL]) == 1000
    assert not client.too_slow(time.monotonic() + 5)


async def test_marks_leave_the_age_of_the_candles_alone(house):
    centre, client, socket = house
    centre.price({"BTC/USDT:USDT": "30000"}, timezone.now().isoformat())
    await turns()
    assert centre.marks
    assert socket.frames == []

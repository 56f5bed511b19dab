"""What the stream process tells whom."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from tests import builders
from trading import events, runtime
from trading.exchange.venue import Mark
from trading.feed import modules
from trading.feed.stream import db
from trading.management.commands import stream
from trading.management.commands.stream import Bells
from trading.models import Position, ProcessState

BTC = "BTC/USDT:USDT"


@pytest.fixture
async def rung(monkeypatch, transactional_db):
    """Tasks that were put on a queue, and messages to the browsers."""
    found = []

    def send(name, args, queue, retry):
        found.append((name, args, queue))

    monkeypatch.setattr("celery.current_app.send_task", send)
    monkeypatch.setattr(events, "publish", lambda message: found.append((message["type"],)))
    yield found
    await sync_to_async(connections.close_all)()


def marks(price: str, symbol: str = BTC) -> dict[str, Mark]:
    now = timezone.now()
    return {symbol: Mark(symbol, Decimal(price), Decimal(0), now, now)}


async def test_a_closed_bar_calls_the_executor_and_nudges_the_page(rung):
    await (await db(Bells)).on_bar_closed(timezone.now())
    assert rung == [("trading.tick", ("executor", "stream"), "practice-trade"), ("changed",)]


async def test_that_the_first_price_came_is_written_down_at_once_and_of_the_next_by_the_heartbeat(rung):
    bells = await db(Bells)
    for price in ("100", "101"):
        await bells.on_marks(marks(price))
    row = await db(ProcessState.objects.get)
    assert (row.name, row.works, bells.heart.works) == ("stream", 1, 2)


async def test_history_calls_the_models(rung):
    await (await db(Bells)).on_history()
    assert rung == [("trading.tick", ("models", "stream"), "practice-work")]


async def test_without_a_broker_the_stream_ticks_the_executor_itself(rung, monkeypatch):
    def refuse(*args, **options):
        raise OperationalError("nobody there")

    ticked = []
    monkeypatch.setattr("celery.current_app.send_task", refuse)
    monkeypatch.setattr(runtime, "run", lambda name, called_by: ticked.append((name, called_by)))
    await (await db(Bells)).on_bar_closed(timezone.now())
    assert ticked == [("executor", "stream"), ("position_monitor", "stream")]


async def test_without_a_broker_what_the_executor_accepted_is_sent_at_once(rung, monkeypatch):
    def accepted() -> int:
        now = timezone.now()
        return builders.intent(decision=builders.decision(), created_at=now, expires_at=now + timedelta(seconds=30)).pk

    intent, entered = await sync_to_async(accepted)(), []
    monkeypatch.setattr(stream, "ring", lambda *args, **options: False)
    monkeypatch.setattr(runtime, "run", lambda name, called_by: entered.append(name))
    monkeypatch.setattr(stream.tasks, "enter", entered.append)
    await (await db(Bells)).on_bar_closed(timezone.now())
    assert entered == ["executor", intent, "position_monitor"]


async def test_without_a_broker_news_of_the_account_is_read_here_and_positions_are_looked_after_till_it_is_back(
    rung, monkeypatch
):
    clock, answers, done = [1000.0], [False], []
    monkeypatch.setattr(stream, "ring", lambda *args, **options: answers[0])
    monkeypatch.setattr(stream, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(runtime, "run", lambda name, called_by: done.append(name))
    monkeypatch.setattr(stream.tasks, "sync", done.append)
    bells = await db(Bells)

    async def prices_for(seconds: int) -> list:
        done.clear()
        for _ in range(seconds):
            clock[0] += 1.0
            await bells.on_marks(marks("100"))
        return list(done)

    assert await prices_for(30) == []
    await bells.on_user(BTC)
    assert done == [BTC]
    assert await prices_for(30) == ["position_monitor"] * 3
    answers[0] = True
    assert len(await prices_for(60)) <= 4
    assert await prices_for(30) == []


async def test_prices_are_published_at_most_once_a_second(rung):
    bells = await db(Bells)
    for price in ("100", "101", "102"):
        await bells.on_marks(marks(price))
    assert rung == [("prices",)]
    assert bells.prices == {BTC: "102"}


async def test_prices_are_as_old_as_the_oldest_of_their_marks(rung, monkeypatch):
    told = []
    monkeypatch.setattr(events, "publish", told.append)
    monkeypatch.setattr(stream, "RELOAD", 1e9)
    bells = await db(Bells)
    bells.loaded_at = bells.published_at = time.monotonic()
    now = timezone.now()
    old, older = now - timedelta(seconds=7), now - timedelta(seconds=40)
    await bells.on_marks({BTC: Mark(BTC, Decimal(100), Decimal(0), now, older)})
    bells.published_at = 0.0
    eth = "ETH/USDT:USDT"
    await bells.on_marks({symbol: Mark(symbol, Decimal(101), Decimal(0), now, old) for symbol in (BTC, eth)})
    bells.published_at = 0.0
    await bells.on_marks({eth: Mark(eth, Decimal(102), Decimal(0), now, now)})
    assert [(set(message["marks"]), message["at"]) for message in told] == [
        ({BTC, eth}, old.isoformat()),
        ({eth}, now.isoformat()),
    ]


async def test_a_position_past_its_time_calls_its_keeper_once(rung):
    def held() -> Position:
        soon = timezone.now() - timedelta(seconds=1)
        decision = builders.decision()
        return builders.position(decision=decision, expires_at=soon, stop_price=Decimal(90), best_price=Decimal(100))

    position = await sync_to_async(held)()
    bells = await db(Bells)
    for _ in range(3):
        await bells.on_marks(marks("100"))
    minds = [call for call in rung if call[0] == "trading.mind"]
    assert [(args[0], queue) for _, args, queue in minds] == [(position.pk, "practice-trade")]


async def test_news_of_the_account_is_synchronised_by_symbol(rung):
    await (await db(Bells)).on_user(BTC)
    assert rung == [("trading.sync", (BTC,), "practice-trade")]


def test_a_broker_that_refuses_is_an_answer(monkeypatch):
    def refuse(*args, **options):
        raise OperationalError("nobody there")

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    assert modules.ring("trading.tick", "executor", "x") is False


class Hanging:
    """A channel layer that never answers."""

    asked = 0

    async def group_send(self, group, message):
        self.asked += 1
        await asyncio.sleep(60)


def test_a_layer_that_hangs_costs_one_nudge_its_patience_and_the_next_ones_nothing(monkeypatch):
    layer, clock = Hanging(), [1000.0]
    monkeypatch.setattr(events, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(events, "PATIENCE", 0.01)
    monkeypatch.setattr(events.hung, "until", 0.0)
    monkeypatch.setattr(events, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    for _ in range(5):
        events.publish({"type": "changed"})
    assert layer.asked == 1
    clock[0] += events.PAUSE + 1
    events.publish({"type": "changed"})
    assert layer.asked == 2

"""What the stream process tells whom."""

from datetime import timedelta
from decimal import Decimal

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
from trading.management.commands.stream import Bells
from trading.models import Position

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


async def test_prices_are_published_at_most_once_a_second(rung):
    bells = await db(Bells)
    for price in ("100", "101", "102"):
        await bells.on_marks(marks(price))
    assert rung == [("prices",)]
    assert bells.prices == {BTC: "102"}


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

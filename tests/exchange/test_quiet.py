"""The venue's silence: heard once, obeyed by every process of ours, also by one that starts later."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async

from trading.exchange import gateway as module
from trading.exchange import rows
from trading.exchange.asking import LOOK_AGAIN
from trading.exchange.connection import Connection
from trading.exchange.errors import Silenced
from trading.exchange.gateway import connect
from trading.exchange.quiet import Quiet, Told
from trading.exchange.streaming import AsyncVenue
from trading.exchange.venue import OrderRequest, OrderType, Permit
from trading.feed import stream as feed
from trading.gates.store import lift
from trading.orders import store

CONNECTION = Connection("http://127.0.0.1:1", "practice", "practice", "practice")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_ban_and_a_silence_end_each_at_its_own_time():
    quiet = Quiet()
    quiet.hear(60, banned=False, now=0)
    quiet.hear(20, banned=True, now=0)
    quiet.hear(5, banned=True, now=0)  # shortens nothing
    quiet.hear(5, banned=False, now=0)
    assert [(quiet.no("x", at, urgent=True) is None) for at in (19, 20, 59)] == [False, True, True]
    assert [(quiet.no("x", at, urgent=False) is None) for at in (19, 59, 60)] == [False, False, True]
    assert quiet.no("x", 5, urgent=False).banned and quiet.no("x", 5, urgent=False).seconds == 15
    assert not quiet.no("x", 30, urgent=False).banned and quiet.no("x", 30, urgent=False).seconds == 30


def test_what_is_stored_is_taken_once_and_lasts_no_longer_than_it_was_to():
    quiet, told = Quiet(), Told(NOW, after(30), banned=True)
    quiet.take([told], after(10), now=100)
    quiet.take([told], after(-3600), now=110)  # our clock was put back
    assert quiet.no("x", 119, urgent=True) and not quiet.no("x", 120, urgent=True)
    assert told.left(after(-3600)) == 30


class House:
    """A process of ours on the same database: its own gateway, the same clock."""

    def __init__(self, status: int = 200):
        self.at, self.status, self.sent = NOW, status, []
        self.gateway = connect(CONNECTION, self.answer, clock=lambda: self.at, known=rows.silences)

    def answer(self, method, url, headers, body):
        self.sent.append(url.split("?")[0].rpartition("/")[2])
        said = {"serverTime": round(self.at.timestamp() * 1000), "dualSidePosition": False}
        return self.status, {"Retry-After": "30"}, json.dumps(said)

    def hear(self):
        with pytest.raises(Silenced) as no:
            self.gateway.one_way()
        store.hold(no.value, self.at)

    def asks(self, urgent: bool) -> bool:
        """Whether a request leaves."""
        self.sent.clear()
        try:
            if urgent:
                with self.gateway.urgently():
                    self.gateway.one_way()
            else:
                self.gateway.one_way()
        except Silenced:
            assert self.sent == []
            return False
        return True


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "way_out"), [(429, True), (418, False)])
def test_a_process_that_starts_later_obeys_what_another_one_heard_until_its_end(status, way_out):
    House(status).hear()
    later = House()
    assert (later.asks(urgent=False), later.asks(urgent=True)) == (False, way_out)
    later.at = after(29)
    assert (later.asks(urgent=False), later.asks(urgent=True)) == (False, way_out)
    later.at = after(31)
    assert later.asks(urgent=False) and later.asks(urgent=True)


@pytest.mark.django_db
def test_a_process_that_runs_obeys_it_within_seconds_and_asks_the_database_seldom(django_assert_num_queries):
    running = House()
    assert running.asks(urgent=False)
    House(418).hear()
    with django_assert_num_queries(0):
        running.asks(urgent=True)
    running.at = after(LOOK_AGAIN)
    with django_assert_num_queries(1):
        assert not running.asks(urgent=True)


@pytest.mark.django_db
def test_what_a_person_has_lifted_is_not_obeyed_by_who_has_not_heard_it():
    House(429).hear()
    lift(rows.SILENCE, "anna", NOW)
    assert House().asks(urgent=False)


@pytest.mark.django_db
def test_how_long_the_venue_wants_silence_is_known_of_a_ban_too():
    House(418).hear()
    assert store.silence_left(after(10)) == pytest.approx(20, abs=0.1)
    assert store.silence_left(after(31)) is None


def test_a_database_that_does_not_answer_keeps_nothing_from_leaving(monkeypatch):
    def broken(**_):
        raise rows.DatabaseError("gone")

    monkeypatch.setattr(rows.Directive.objects, "filter", broken)
    assert House().asks(urgent=False)


@pytest.mark.django_db
def test_an_exit_of_a_process_that_starts_in_a_silence_may_ask_for_the_time_first():
    House(429).hear()
    later = House()
    later.gateway.offset = None
    request = OrderRequest("qt-x-1", "BTC/USDT:USDT", "sell", OrderType.MARKET, quantity=1, reduce_only=True)
    with pytest.raises(Exception, match="unreadable"):  # it answers anything
        later.gateway.place(request, Permit(1, "qt-x-1"))
    assert later.sent == ["time", "order"]


def test_the_gateway_of_a_process_knows_what_is_stored():
    assert module.venue.__wrapped__()._known is rows.silences


async def test_the_stream_obeys_what_another_process_heard(place):
    venue = AsyncVenue(place.connection, place.clock.now)
    now = place.clock.now()
    venue.obey([Told(now, now + timedelta(seconds=30), banned=False)])
    with pytest.raises(Silenced):
        await venue.set_clock()
    assert place.exchange.requests["GET /fapi/v1/time"] == 0
    await venue.close()


async def test_the_stream_looks_at_what_is_stored(place, monkeypatch):
    monkeypatch.setattr(feed, "PULSE", 0.1)
    async with place.streaming() as (stream, told):
        await told.bars.get()
        no = Silenced("x", -1003, 30, banned=True)
        await sync_to_async(store.hold)(no, place.clock.now())
        for _ in range(100):
            if stream.venue._quiet.taken:
                break
            await asyncio.sleep(0.1)
        with pytest.raises(Silenced):
            await stream.venue.bars("BTC/USDT:USDT", "1m")


async def test_a_request_of_the_stream_that_waited_for_its_turn_obeys_what_was_heard_meanwhile(place):
    venue = AsyncVenue(place.connection, place.clock.now)

    async def turn(cost=None):
        venue._quiet.hear(30, banned=False, now=time.monotonic())

    venue.client.throttle = turn
    with pytest.raises(Silenced):
        await venue.bars("BTC/USDT:USDT", "1m")
    assert place.exchange.requests["GET /fapi/v1/klines"] == 0
    await venue.close()

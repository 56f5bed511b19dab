"""The data feed's second leg, with the practice exchange's engine behind the gateway."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from trading import runtime
from trading.exchange.errors import Unreachable
from trading.exchange.gateway import connect
from trading.feed import modules, rows, universe
from trading.feed.quality import newest_closed
from trading.models import Candle
from trading.runtime import MODULES

pytestmark = pytest.mark.django_db
STEP = timedelta(minutes=1)


@pytest.fixture
def sent(monkeypatch):
    """What was put on a queue."""
    found = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, queue, retry: found.append((name, args, queue)))
    return found


@pytest.fixture
def known(venue, sent):
    universe.refresh(venue.gateway.now(), "test", venue.gateway)
    return venue


def test_both_modules_are_registered_under_the_missions_names():
    assert (MODULES["data_feed"].title, MODULES["universe"].title) == ("Data Feed", "Universe OS")
    assert MODULES["data_feed"].every <= timedelta(seconds=30)


def test_without_a_universe_there_is_nothing_to_fetch(venue, sent):
    assert modules.fill_in(venue.gateway, "1m", venue.gateway.now()).idle_reason == "no universe yet"


def test_what_the_stream_did_not_bring_is_fetched_and_the_executor_called(known, sent):
    report = modules.fill_in(known.gateway, "1m", known.gateway.now())
    assert (report.examined, report.idle_reason) == (3, "")
    assert report.actions == Candle.objects.count() > 1000
    assert sent == [("trading.tick", ("executor", "data_feed"), "practice-trade")]
    newest = set(rows.newest(rows.universe(), "1m").values())
    assert newest == {newest_closed(known.gateway.now(), STEP)}


def test_where_everything_is_there_it_is_idle_and_calls_nobody(known, sent):
    modules.fill_in(known.gateway, "1m", known.gateway.now())
    sent.clear()
    report = modules.fill_in(known.gateway, "1m", known.gateway.now())
    assert report.idle_reason.startswith("all 3 symbols have the candle of")
    assert (report.examined, report.actions, sent) == (3, 0, [])


def test_only_what_is_missing_is_asked_for(known, sent):
    modules.fill_in(known.gateway, "1m", known.gateway.now())
    before = Candle.objects.count()
    known.wait(200)
    assert modules.fill_in(known.gateway, "1m", known.gateway.now()).actions == 9
    assert Candle.objects.count() == before + 9


def test_the_stream_has_its_time_first(known, sent):
    modules.fill_in(known.gateway, "1m", known.gateway.now())
    known.wait(60 - known.ms() / 1000 % 60 + 5)
    assert modules.fill_in(known.gateway, "1m", known.gateway.now()).actions == 0
    known.wait(10)
    assert modules.fill_in(known.gateway, "1m", known.gateway.now()).actions == 3


def test_while_the_stream_beats_it_is_left_alone():
    now = timezone.now()
    assert not modules.streaming(now)
    runtime.record("data_feed", now, runtime.Report(3, 0, "loading history: 3 of 20 symbols"), "stream")
    assert runtime.run("data_feed", now).idle_reason == "the stream is at it"
    assert not modules.streaming(now)  # it does not take its own beat for the stream's


def test_a_venue_that_does_not_answer_is_an_error_not_idleness(known):
    dead = connect(known.gateway.connection, lambda *request: (502, {}, ""), clock=known.gateway.clock)
    with pytest.raises(Unreachable):
        modules.fill_in(dead, "1m", known.gateway.now())


def test_the_universes_actions_are_symbols_that_came_or_went(venue, monkeypatch):
    monkeypatch.setattr("trading.exchange.gateway.venue", lambda: venue.gateway)
    module = runtime.MODULES["universe"]
    assert [module.tick(timezone.now()).actions for _ in range(2)] == [3, 0]

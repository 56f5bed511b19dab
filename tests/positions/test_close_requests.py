"""A close that a person asked for: stored, carried out once, found by the sweep where its bell was lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders as make
from tests.positions.conftest import Venue
from trading.exchange.errors import VenueError
from trading.models import CloseRequest, CooldownClear, Position, Trade
from trading.orders.rows import last_entries
from trading.positions import closing, entering, rows
from trading.positions.guard import Side

pytestmark = pytest.mark.django_db


def ask(position: Position, venue: Venue, **changes) -> CloseRequest:
    row = {"requested_by": "anna", "reason": "lunch", "requested_at": venue.clock()}
    return CloseRequest.objects.create(position=position, **row | changes)


def test_a_requested_close_is_carried_out_once(venue: Venue):
    position = venue.enter(Side.LONG)
    request = ask(position, venue)
    assert closing.carry_out(request.pk, venue.gateway, venue.clock) == 1
    assert closing.carry_out(request.pk, venue.gateway, venue.clock) == 0
    trade = Trade.objects.get(position=position)
    assert trade.close_reason == "manual"
    intent = position.intents.get(kind="exit")
    assert (intent.requester, intent.reduce_only) == ("anna", True)
    assert intent.reason.endswith("lunch")
    assert venue.amount() == 0


def test_the_sweep_finds_a_request_whose_bell_was_lost(venue: Venue):
    position = venue.enter(Side.SHORT)
    ask(position, venue)
    venue.sweep()
    assert Trade.objects.get(position=position).close_reason == "manual"
    assert rows.closes_waiting(venue.clock()) == []


def test_the_sweep_closes_before_it_sends_entries(venue: Venue):
    """An entry that waits takes seconds, and some of them minutes: nobody who wants out waits for them."""
    position = venue.enter(Side.SHORT)
    entry = venue.accept(symbol="ETH/USDT:USDT")
    venue.wait(entering.PATIENCE.total_seconds())
    ask(position, venue)
    venue.sweep()
    assert position.intents.get(kind="exit").order.pk < entry.order.pk


def test_a_silent_venue_gives_the_request_back(venue: Venue, monkeypatch):
    position = venue.enter(Side.LONG)
    request = ask(position, venue)

    def silent(*_):
        raise VenueError("no answer for 5 s")

    with monkeypatch.context() as patch:
        patch.setattr(closing, "close", silent)
        with pytest.raises(VenueError):
            closing.carry_out(request.pk, venue.gateway, venue.clock)
    request.refresh_from_db()
    assert (request.taken_at, request.error) == (None, "no answer for 5 s")
    venue.sweep()
    request.refresh_from_db()
    assert request.error == ""
    assert Trade.objects.filter(position=position).exists()


def test_a_request_whose_worker_died_is_taken_again(venue: Venue):
    position = venue.enter(Side.LONG)
    request = ask(position, venue, taken_at=venue.clock() - timedelta(seconds=5))
    assert closing.carry_out(request.pk, venue.gateway, venue.clock) == 0
    venue.wait(60)
    assert closing.carry_out(request.pk, venue.gateway, venue.clock) == 1
    assert Position.objects.get(pk=position.pk).status == "closed"


def test_a_cleared_cooldown_is_over_and_the_next_order_starts_another():
    first = make.order(intent=make.intent(decision=make.decision()))
    symbol = first.intent.symbol
    assert last_entries([symbol]) == {symbol: (first.sent_at, first.pk)}
    CooldownClear.objects.create(
        order=first, symbol=symbol, cleared_by="anna", cleared_at=first.sent_at, reason="the news are out"
    )
    assert last_entries([symbol]) == last_entries() == {}
    second = make.order(intent=make.intent(decision=make.decision()), sent_at=first.sent_at + timedelta(seconds=9))
    assert last_entries([symbol]) == {symbol: (second.sent_at, second.pk)}
    assert last_entries(since=second.sent_at + timedelta(seconds=1)) == {}

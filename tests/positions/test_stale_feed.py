"""The feed of candles guards the way in; while it is stale every way out works."""

import pytest

from tests.positions.conftest import Venue
from trading.exchange.venue import Side
from trading.models import Candle, Position, Trade
from trading.positions import closing, keeper

SIDES = pytest.mark.parametrize("side", list(Side))


@pytest.fixture
def stale(venue: Venue) -> Venue:
    """Not a candle is stored, and the exchange tells none."""
    venue.exchange.faults.add({"kind": "stale_klines"}, venue.clock.ms())
    assert not Candle.objects.exists()
    return venue


@SIDES
def test_the_stop_trails(stale: Venue, side):
    position = stale.enter(side)
    stale.wait(8 * 3600 - 2)  # the feed has been silent for hours
    Position.objects.update(expires_at=stale.clock() + (position.expires_at - position.opened_at))
    stale.drive(stale.at(position, 2))
    keeper.trail(stale.gateway, stale.clock)
    position.refresh_from_db()
    assert position.trailing
    assert abs(position.stop_price - stale.at(position, 1)) <= 1


@SIDES
def test_a_stop_closes_the_position(stale: Venue, side):
    position = stale.enter(side)
    stale.drive(stale.at(position, -0.5), stale.at(position, -1))
    stale.sweep()
    assert Trade.objects.get(position=position).close_reason == "stop"


def test_a_stop_that_was_jumped_over_is_escalated(stale: Venue):
    position = stale.enter()
    stale.drive(stale.at(position, -6))
    stale.sweep()
    assert stale.amount() == 0
    assert Trade.objects.get(position=position).close_reason == "backstop"


def test_time_and_people_close_positions(stale: Venue):
    position = stale.enter()
    stale.wait(48 * 60 + 1)
    stale.sweep()
    assert Trade.objects.get(position=position).close_reason == "time"
    position = stale.enter()
    assert closing.close(position.pk, stale.gateway, stale.clock, "out", "anna").close_reason == "manual"
    assert stale.amount() == 0

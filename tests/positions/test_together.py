"""Several workers at the same positions at once: one entry, one set of stops, one trade."""

import threading

import pytest
from django.db import connection

from tests.positions.conftest import Venue
from trading.models import Decision, Position, Trade
from trading.positions import entering, keeper


def together(*acts) -> list[BaseException]:
    """Run all at once, each in a thread with a connection of its own; what they raised."""
    gate, raised = threading.Barrier(len(acts)), []

    def run(act):
        gate.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.fixture
def market(transactional_db) -> Venue:
    entering.one_way_seen.clear()
    return Venue()


def test_an_entry_that_four_workers_begin_is_one_order_with_one_set_of_stops(market: Venue):
    intent = market.accept()
    market.wait(6)  # so that the sweep wants to send it, too

    def enter():
        entering.enter(intent.pk, market.gateway, market.clock)

    assert together(enter, enter, market.sweep, market.sweep) == []
    market.wait(6)
    market.sweep()
    assert len(market.fills()) == 1
    assert len(market.stops()) == 3
    assert Decision.objects.get().outcome == "traded"
    assert Position.objects.get().protected_since is not None


def test_a_close_that_several_workers_see_is_booked_once(market: Venue):
    position = market.enter()
    market.drive(market.at(position, 2))

    def mind():
        keeper.mind(position.pk, market.gateway, market.clock, "trail")

    assert together(mind, mind, market.sweep) == []
    market.wait(6)
    market.sweep()
    assert len(market.stops()) == 3
    market.drive(market.at(position, 0.5))
    assert together(mind, mind, market.sweep, market.sweep) == []
    assert Trade.objects.count() == 1
    assert market.stops() == []

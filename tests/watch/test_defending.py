"""DEFENSIVE_EXIT and EMERGENCY_SHUTDOWN at a real exchange: what is in danger goes, what is safe stays."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitoring.watch import directing
from monitoring.watch.hands import Hands
from tests.positions.conftest import Venue
from trading import events
from trading.exchange import gateway
from trading.exchange.venue import Side
from trading.gates import store
from trading.gates.directives import Level
from trading.models import CloseRequest, Position, SwitchChange, Trade
from trading.orders import sender
from trading.positions import closing, entering, looking

pytestmark = pytest.mark.django_db
ETH = "ETH/USDT:USDT"


@pytest.fixture
def venue(monkeypatch) -> Venue:
    entering.one_way_seen.clear()
    venue = Venue()
    monkeypatch.setattr(gateway, "venue", lambda: venue.gateway)
    return venue


def look(venue: Venue, monkeypatch, served: bool) -> int:
    """One look of self-healing; the trading side's queue answers, or what is on it hangs."""

    def worker(task: str, *args, **options) -> bool:
        if served and task == "trading.close":
            closing.carry_out(args[0], venue.gateway, venue.clock)
        if served and task == "trading.tick":
            venue.sweep()
        return True

    monkeypatch.setattr(events, "ring", worker)
    return directing.enforce(Hands(clock=venue.clock), venue.clock())


def two(venue: Venue) -> tuple[Position, Position]:
    """One that has had no stop for a minute, one that is as it should be."""
    safe, bad = venue.enter(Side.LONG), venue.enter(Side.SHORT, symbol=ETH, quantity="0.5")
    venue.wait(60)
    Position.objects.filter(pk=bad.pk).update(unprotected_since=venue.clock.at - looking.SECOND_LOOK * 30)
    return safe, bad


@pytest.mark.parametrize("served", [True, False])
def test_a_defensive_exit_closes_what_is_in_danger_also_where_the_worker_hangs(venue: Venue, monkeypatch, served):
    safe, bad = two(venue)
    store.direct(Level.DEFENSIVE_EXIT, "UNPROTECTED:1", "no stop", "self_healing", venue.clock())
    assert look(venue, monkeypatch, served) == 1
    venue.wait(10)
    look(venue, monkeypatch, served)
    trade = Trade.objects.get()
    assert (trade.position_id, trade.close_reason) == (bad.pk, "self_healing")
    intent = bad.intents.get(kind="exit")
    assert intent.requester == "self_healing" and "no stop at the exchange for 60 s, limit 10 s" in intent.reason
    assert venue.amount(ETH) == 0 and venue.amount() != 0 and Position.objects.get(pk=safe.pk).status == "open"


@pytest.mark.parametrize("served", [True, False])
def test_an_emergency_closes_everything(venue: Venue, monkeypatch, served):
    two(venue)
    SwitchChange.objects.create(state="halted", at=venue.clock(), by="mira", reason="the way out is never blocked")
    store.direct(Level.EMERGENCY_SHUTDOWN, "EMERGENCY_SHUTDOWN", "emergency", "self_healing", venue.clock())
    assert look(venue, monkeypatch, served) == 2
    venue.wait(10)
    look(venue, monkeypatch, served)
    assert venue.amount() == venue.amount(ETH) == 0 and venue.stops() == venue.stops(ETH) == []
    assert {trade.close_reason for trade in Trade.objects.all()} == {"self_healing"}
    assert look(venue, monkeypatch, served) == 0, "nothing is left to close"


def test_a_milder_level_closes_nothing(venue: Venue, monkeypatch):
    two(venue)
    for level in (Level.ALLOW_ALL, Level.REDUCED, Level.NO_NEW_TRADES):
        store.direct(level, "k", "why", "self_healing", venue.clock())
        assert look(venue, monkeypatch, served=True) == 0
    assert not CloseRequest.objects.exists()


def test_an_emergency_cancels_entry_orders_that_rest_and_lets_none_leave(venue: Venue):
    resting, waiting = venue.accept(), venue.accept(symbol=ETH)
    type(resting).objects.filter(pk=resting.pk).update(type="LIMIT", price=round(venue.price() * Decimal("0.97"), 1))
    order = sender.send(resting.pk, venue.gateway, venue.clock)
    assert order.status == "new" and len(venue.resting()) == 1
    store.direct(Level.EMERGENCY_SHUTDOWN, "EMERGENCY_SHUTDOWN", "emergency", "self_healing", venue.clock())
    venue.wait(10)
    venue.sweep()
    order.refresh_from_db()
    assert order.status == "canceled" and venue.resting() == [] and venue.fills() == []
    waiting.decision.refresh_from_db()
    assert (waiting.decision.outcome, waiting.decision.code) == ("failed", "SELF_HEALING_NO_NEW_TRADES")

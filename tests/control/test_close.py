"""A close from the button to the booked trade: the action, its bell, the keeper at a real exchange, the answer."""

from __future__ import annotations

import pytest

from monitoring.control import actions, audit
from monitoring.control.permissions import machine
from tests.positions.conftest import Venue
from trading import events
from trading.exchange.venue import Side
from trading.positions import closing

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_the_answer_is_the_final_fill(venue: Venue, monkeypatch, django_capture_on_commit_callbacks):
    def worker(task: str, *args, **options) -> bool:
        assert task == "trading.close"
        closing.carry_out(args[0], venue.gateway, venue.clock)
        return True

    monkeypatch.setattr(events, "ring", worker)
    monkeypatch.setattr(events, "publish", lambda message: None)
    position = venue.enter(Side.LONG)
    with django_capture_on_commit_callbacks(execute=True):
        asked = actions.close_position(position.pk, "lunch", machine("anna"), venue.clock())
    assert (asked.state, asked.done) == ("waiting", False)
    done = actions.closing(position.pk, patience=0)
    assert (done.state, done.requested_by) == ("closed", "anna")
    assert done.exit_price is not None and done.net is not None
    assert venue.amount() == 0
    with pytest.raises(actions.Stale, match="closed already, by manual"):
        actions.close_position(position.pk, "again", machine("anna"), venue.clock())
    assert audit.verify().rows == 1


def test_waiting_for_the_end_is_bounded(venue: Venue, monkeypatch):
    monkeypatch.setattr(events, "ring", lambda *args, **options: True)
    position = venue.enter(Side.SHORT)
    actions.close_position(position.pk, "", machine("anna"), venue.clock())
    rests: list[float] = []
    told = actions.closing(position.pk, patience=0.01, rest=rests.append)
    assert not told.done
    assert len(rests) < 1000

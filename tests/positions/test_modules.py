"""What runs in this stage."""

import pytest

from tests.positions.conftest import Venue
from trading import runtime
from trading.exchange import gateway
from trading.models import AccountSnapshot, ModuleState
from trading.positions import modules


@pytest.fixture
def ticking(venue: Venue, monkeypatch) -> Venue:
    """The process's gateway is the one to our exchange."""
    monkeypatch.setattr(gateway, "venue", lambda: venue.gateway)
    monkeypatch.setattr(modules.timezone, "now", venue.clock)
    return venue


@pytest.mark.parametrize(
    ("name", "title", "queue"),
    [
        ("position_monitor", "Position Monitor", "trade"),
        ("trailing", "Trailing Stop Manager", "trade"),
        ("exchange", "Exchange", "work"),
    ],
)
def test_each_module_has_its_name_and_looks_every_ten_seconds(name, title, queue):
    module = runtime.MODULES[name]
    assert (module.title, module.queue, module.every.total_seconds()) == (title, queue, 10)


@pytest.mark.parametrize("name", ["position_monitor", "trailing"])
def test_without_a_position_a_module_is_idle_and_says_so(ticking: Venue, name):
    runtime.run(name, ticking.clock())
    state = ModuleState.objects.get(name=name)
    assert state.idle_reason.startswith("no open position")
    assert state.last_error == ""


@pytest.mark.parametrize("name", ["position_monitor", "trailing", "exchange"])
def test_with_a_position_every_module_has_useful_work(ticking: Venue, name):
    ticking.enter()
    runtime.run(name, ticking.clock())
    state = ModuleState.objects.get(name=name)
    assert state.examined >= 1
    assert state.last_work == ticking.clock()


def test_the_account_is_stored_as_the_venue_shows_it(ticking: Venue):
    ticking.enter()
    runtime.run("exchange", ticking.clock())
    row = AccountSnapshot.objects.latest()
    assert row.equity == row.balance + row.unrealized
    assert row.margin_used > 0
    assert row.external == []
    assert row.latency_ms is not None

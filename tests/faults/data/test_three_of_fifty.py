"""Three of fifty symbols fail: those three are denied, forty-seven go on, and the feed is half well by name."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from monitoring.watch import datawhy, healer, witness
from monitoring.watch.detectors.engine import detect
from monitoring.watch.rows import newest_closes
from monitoring.watch.truth import SHAPES, Status
from tests.faults.data.feeding import House
from trading.feed import rows
from trading.models import Decision, ModuleState
from trading.practice.traits import TRAITS

FIFTY = tuple(dict.fromkeys([*TRAITS, *(f"Q{i:02}USDT" for i in range(50))]))[:50]
FAILING = (FIFTY[7], FIFTY[21], FIFTY[42])
LATE = sorted(f"{name[:-4]}/USDT:USDT" for name in FAILING)


@pytest.fixture
async def house(transactional_db, champions, monkeypatch):
    monkeypatch.setattr("trading.practice.synthetic.MOST", len(FIFTY))
    yield House(11, FIFTY)
    await sync_to_async(connections.close_all)()


async def test_three_of_fifty_symbols_are_denied_and_named_and_the_others_go_on(house):
    await house.begin()
    bar = await house.minute()
    cycle, decided = await sync_to_async(house.decide)(bar)
    assert (cycle.symbols, len(decided), cycle.absent) == (50, 50, {})
    for name in FAILING:
        house.exchange.faults.add({"kind": "stale_klines", "match": {"symbol": name}}, house.exchange.now)
    for _ in range(2):
        bar = await house.minute()
        cycle, decided = await sync_to_async(house.decide)(bar)
        assert (cycle.evaluated, len(decided), cycle.absent) == (47, 47, {"FEED_STALE": LATE})
    await sync_to_async(named)(house)


def named(house: House) -> None:
    now = house.now()
    state = ModuleState.objects.get(name="data_feed")
    assert (state.examined, state.failed) == (47, 3)
    told = witness.read(now).modules["data_feed"]
    assert (told.status, SHAPES[told.status]) == (Status.HALF, "fail")
    assert all(symbol in told.params["why"] for symbol in LATE)
    found = [one for one in detect(healer.facts(now, now)) if one.key == "MODULE_IDLE:data_feed"]
    assert len(found) == 1 and all(symbol in str(found[0].params["why"]) for symbol in LATE)
    later = datawhy.whys(newest_closes(rows.universe(), now), rows.universe(), now)
    assert sorted(later) == LATE and all(said.startswith("stale: ") for said in later.values())
    assert not Decision.objects.filter(signal__symbol__in=LATE, at__gte=house.now()).exists()

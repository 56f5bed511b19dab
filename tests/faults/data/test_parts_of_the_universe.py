"""Where some symbols fail the others go on; what was missing is fetched, in order, before it is decided on again."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.faults.data.feeding import STEP, House
from trading.models import Candle, CandleGap, ModuleState

FAILING = ("ADAUSDT", "ETHUSDT", "SOLUSDT")


def as_symbol(name: str) -> str:
    return f"{name[:-4]}/USDT:USDT"


@pytest.fixture
async def house(transactional_db, champions):
    yield House(11)
    await sync_to_async(connections.close_all)()


async def begun(house: House) -> House:
    await house.begin()
    await house.minute()
    return house


def hit(house: House, **fault) -> list[int]:
    return [house.exchange.faults.add(fault | {"match": {"symbol": name}}, house.exchange.now).id for name in FAILING]


async def test_three_failing_symbols_are_denied_and_the_others_go_on(house):
    await begun(house)
    hit(house, kind="stale_klines")
    for _ in range(2):
        bar = await house.minute()
        cycle, decided = await sync_to_async(house.decide)(bar)
        assert cycle.absent == {"FEED_STALE": sorted(as_symbol(name) for name in FAILING)}
        assert len(decided) == cycle.evaluated == 13
        lacking = cycle.facts["lacking"]
        assert {s: one["code"] for s, one in lacking.items()} == {as_symbol(n): "FEED_STALE" for n in FAILING}
    state = await sync_to_async(ModuleState.objects.get)(name="data_feed")
    assert (state.examined, state.failed) == (13, 3)
    assert state.trouble == f"no candle of {bar:%H:%M} for ADA/USDT:USDT, ETH/USDT:USDT, SOL/USDT:USDT"


async def test_missing_candles_are_a_gap_that_is_filled_before_the_next_decision(house):
    await begun(house)
    faults = hit(house, kind="missing_klines", params={"candles": 5})
    for _ in range(6):
        bar = await house.minute()
    cycle, decided = await sync_to_async(house.decide)(bar)
    assert cycle.absent == {"INSUFFICIENT_HISTORY": sorted(as_symbol(name) for name in FAILING)}
    lack = cycle.facts["lacking"]["ETH/USDT:USDT"]
    assert (lack["value"], lack["limit"]) == (1, 220)
    gaps = await sync_to_async(lambda: list(CandleGap.objects.order_by("symbol")))()
    assert [(g.symbol, g.missing, g.last, g.filled_at) for g in gaps] == [
        (as_symbol(name), 5, bar - STEP, None) for name in FAILING
    ]
    for fault in faults:
        house.exchange.faults.end(fault)
    bar = await house.minute()
    cycle, decided = await sync_to_async(house.decide)(bar)
    assert (cycle.absent, len(decided)) == ({}, 16)
    assert await sync_to_async(CandleGap.objects.filter(filled_at=None).count)() == 0
    assert await sync_to_async(house.false)(bar - 10 * STEP, bar) == set()
    stored = await sync_to_async(Candle.objects.filter(symbol="ETH/USDT:USDT", open_time__gt=bar - 8 * STEP).count)()
    assert stored == 8

"""Candles that were stored and are gone: their symbol is not judged, they are asked for again, and judging goes on."""

from asgiref.sync import sync_to_async
from django.db import connections

from tests.faults.data.feeding import SYMBOLS, House
from trading.feed import rows
from trading.models import Candle, CandleGap

SOL = "SOL/USDT:USDT"


def take_away(count: int, back: int) -> set:
    mine = Candle.objects.filter(symbol=SOL, timeframe="1m").order_by("-open_time")
    times = set(mine.values_list("open_time", flat=True)[back : back + count])
    mine.filter(open_time__in=times).delete()
    return times


async def test_candles_that_are_taken_out_of_the_history_come_back_and_their_symbol_is_judged_again(
    transactional_db, champions
):
    house = House(11)
    await house.begin()
    bar = await house.minute()
    _, decided = await sync_to_async(house.decide)(bar)
    assert len(decided) == len(SYMBOLS)

    gone = await sync_to_async(take_away)(3, 5)
    bar = await house.minute()
    cycle, decided = await sync_to_async(house.decide)(bar)
    assert SOL not in decided and len(decided) == len(SYMBOLS) - 1
    gap = await sync_to_async(CandleGap.objects.get)(symbol=SOL, filled_at=None)
    assert (gap.first, gap.last, gap.missing) == (min(gone), max(gone), 3)

    bar = await house.minute()
    cycle, decided = await sync_to_async(house.decide)(bar)
    assert SOL in decided
    mine = Candle.objects.filter(symbol=SOL, timeframe="1m", open_time__in=gone)
    assert await sync_to_async(mine.count)() == 3
    assert not await sync_to_async(house.false)(min(gone), max(gone))
    assert not await sync_to_async(CandleGap.objects.filter(filled_at=None).exists)()
    assert set(await sync_to_async(rows.universe)()) >= decided
    await sync_to_async(connections.close_all)()

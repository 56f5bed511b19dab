"""What is wrong with a symbol's data, in a sentence with its numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.watch import datawhy
from monitoring.watch.datawhy import Aside, Missing, Symbol, why
from trading.models import CandleFault, CandleGap

NOW = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
BAR = NOW.replace(second=0) - timedelta(minutes=1)
LIMIT = timedelta(seconds=90)
FRESH = NOW.replace(second=0)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Symbol(FRESH), ""),
        (Symbol(None), "stale: it has no candle"),
        (Symbol(NOW - timedelta(hours=8.3)), "stale: its newest candle ended 29880 s ago, limit 90 s"),
        (Symbol(BAR, aside={"frozen": Aside(3, BAR)}), "frozen: 3 candles stand still, the newest of 11:59"),
        (Symbol(FRESH, aside={"frozen": Aside(3, BAR)}), ""),
        (Symbol(FRESH, Missing(5, BAR, BAR, 2)), "gap: 5 candles missing, 11:59 to 11:59, asked for 2 times"),
        (
            Symbol(FRESH, aside={"spike": Aside(1, BAR), "impossible": Aside(2, BAR)}),
            "quarantine: 3 candles put aside in the last hour (impossible 2, spike 1)",
        ),
        (
            Symbol(None, Missing(5, BAR, BAR, 0), {"nan": Aside(1, None)}),
            "stale: it has no candle; gap: 5 candles missing, 11:59 to 11:59, asked for 0 times; "
            "quarantine: 1 candles put aside in the last hour (nan 1)",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_said_with_its_number(one, said):
    assert why(one, LIMIT, NOW) == said


@pytest.mark.django_db
def test_the_rows_are_read_by_symbol():
    row = {"timeframe": "1m", "first_seen": NOW, "last_seen": NOW}
    CandleFault.objects.create(symbol=BTC, kind="impossible", open_time=BAR, **row)
    CandleFault.objects.create(symbol=BTC, kind="duplicate", open_time=BAR, **row)
    CandleGap.objects.create(symbol=ETH, timeframe="1m", first=BAR, last=BAR, missing=1, found_at=NOW)
    closes = dict.fromkeys((BTC, ETH, SOL), FRESH)
    assert datawhy.whys(closes, closes, NOW) == {
        BTC: "quarantine: 1 candles put aside in the last hour (impossible 1)",
        ETH: "gap: 1 candles missing, 11:59 to 11:59, asked for 0 times",
    }

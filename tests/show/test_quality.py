"""The panel and the API tell how good the data are: the worst thing first, with its numbers."""

from datetime import timedelta

import pytest

from monitoring.show.panels.quality import quality, verdict
from monitoring.show.scene import Scene
from monitoring.watch import data_quality
from tests.show import factories as make
from trading.models import CandleFault, CandleGap, ClockReading, Cycle

pytestmark = pytest.mark.django_db
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def reading(now, ms: int = 12, ago: int = 3) -> None:
    ClockReading.objects.create(source="stream", offset_ms=ms, round_trip_ms=8, at=now - timedelta(seconds=ago))


def gap(now, symbol: str = BTC, minutes: int = 5, **changes) -> None:
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=60)
    row = {"first": first, "last": first + timedelta(minutes=minutes - 1), "missing": minutes, "found_at": now}
    CandleGap.objects.create(symbol=symbol, timeframe="1m", **row | changes)


def refused(now, kind: str, wrong: list[str], count: int = 2) -> None:
    row = {"symbol": ETH, "timeframe": "1m", "open_time": now, "first_seen": now, "last_seen": now}
    CandleFault.objects.create(kind=kind, wrong=wrong, count=count, **row)


def standing_still(now, traded: bool, symbols: int = 1) -> None:
    make.cycle(now)
    cycle = Cycle.objects.latest("bar")
    lack = {"code": "FEED_FROZEN", "value": 3, "limit": None, "since": None, "traded": traded}
    cycle.facts = cycle.facts | {"lacking": {f"S{i}/USDT:USDT": lack for i in range(symbols)}}
    cycle.symbols = 3
    cycle.save()


def said(now) -> tuple[str, str]:
    shown = quality(Scene(now))
    return shown["sentence"], shown["tone"]


def test_where_no_bar_was_judged_nothing_is_said_to_be_whole(now):
    reading(now)
    assert said(now) == ("No bar was judged yet: nothing is known of the data.", "unknown")


def test_without_any_fault_it_says_so(now):
    make.cycle(now)
    reading(now)
    assert said(now) == ("No gap, nothing put aside, and the clocks agree.", "ok")


@pytest.mark.parametrize(
    ("ms", "ago", "state", "tone"),
    [
        (500, 3, "ok", "ok"),
        (-501, 3, "warn", "warn"),
        (2000, 3, "warn", "warn"),
        (2001, 3, "fail", "fail"),
        (-30_000, 3, "fail", "fail"),
        (0, 61, "unknown", "unknown"),
    ],
)
def test_the_clock_warns_from_half_a_second_and_denies_from_two(now, ms, ago, state, tone):
    make.cycle(now)
    reading(now, ms, ago)
    assert data_quality.read(now).clock.state(now) == state
    assert said(now)[1] == tone


def test_a_clock_that_nobody_measured_is_unknown(now):
    make.cycle(now)
    assert said(now) == ("The data are whole; the clock was not measured lately.", "unknown")


def test_a_gap_and_a_candle_put_aside_are_counted_with_the_fields(now):
    reading(now)
    gap(now)
    refused(now, "nan", ["close", "volume"])
    refused(now, "revised", ["close"], count=1)
    seen = data_quality.read(now)
    assert (seen.open_gaps, seen.missing, seen.put_aside) == (1, 5, 2)
    assert [(one.kind, dict(one.fields), one.used) for one in seen.refused] == [
        ("nan", {"close": 2, "volume": 2}, False),
        ("revised", {"close": 1}, True),
    ]
    assert said(now) == ("1 gap is open; nothing is decided on features over it.", "warn")


def test_a_filled_gap_is_told_for_a_day(now):
    gap(now, missing=0, filled_at=now)
    gap(now, ETH, missing=0, filled_at=now - timedelta(days=2))
    assert data_quality.read(now).filled == 1


def test_what_stands_still_is_a_fault_and_what_is_quiet_everywhere_is_a_pause(now):
    reading(now)
    standing_still(now, traded=True)
    assert said(now) == ("1 symbol stands still although trades are told.", "fail")
    standing_still(now + timedelta(minutes=1), traded=False, symbols=3)
    found = data_quality.read(now)
    assert (found.paused, found.frozen) == (True, [])
    assert verdict(found, "ok")[1] == "warn"


def test_the_page_shows_it_and_the_query_count_is_fixed(reader, now, django_assert_num_queries):
    make.running(now)
    gap(now)
    refused(now, "spike", ["close"])
    html = reader.get("/universe/").content.decode()
    assert 'data-panel="quality"' in html
    assert "asked for 0 times" in html
    assert "close 2" in html
    with django_assert_num_queries(5):
        data_quality.read(now)

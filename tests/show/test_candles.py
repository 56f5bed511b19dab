"""A candle chart's data: gaps, marks on their bars, the stop's way, what was not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitoring.show.candles import MOST_BARS, Drawing, Level, Mark, Stop, payload, window
from monitoring.show.drawings import of_position
from tests.show import factories as make
from trading.models import CandleFault, CandleGap

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
T = int(NOON.timestamp())


def bars(*minutes, price=100.0):
    return [(NOON + m * MINUTE, price, price + 1, price - 1, price + 0.5, 10.0) for m in minutes]


CHART = Drawing("position-1", MINUTE, bars(0, 1, 2, 3))


def at(minutes, seconds=0):
    return NOON + timedelta(minutes=minutes, seconds=seconds)


def test_without_a_candle_there_is_nothing_and_it_is_plain():
    empty = payload(replace(CHART, bars=[], words={"none": "No candles"}))
    assert empty["candles"] == []
    assert empty["words"]["none"] == "No candles"


def test_a_missing_bar_is_an_empty_place():
    shown = payload(replace(CHART, bars=bars(0, 1, 4)))["candles"]
    assert [row[0] for row in shown] == [T, T + 60, T + 120, T + 180, T + 240]
    assert [len(row) for row in shown] == [6, 6, 1, 1, 6]


def test_a_mark_belongs_to_the_bar_it_fell_into():
    entry = Mark(at(1, 42), "long", Decimal(100), "long 100")
    now = Mark(at(9), "long", Decimal(101), "out")  # the bar that is open now has no candle yet
    shown = payload(replace(CHART, entries=[entry], exits=[now]))
    assert shown["entries"][0]["t"] == T + 60
    assert shown["exits"][0]["t"] == T + 180


def test_what_was_before_the_first_candle_is_not_drawn_on_it():
    early = Mark(at(-30), "long", Decimal(100), "long 100")
    shown = payload(replace(CHART, entries=[early], links=[(early, None)]))
    assert shown["entries"] == []
    assert shown["links"] == [{"from": {"t": T, "price": 100.0}, "to": None}]


def test_a_trailed_stop_is_a_stair_to_the_newest_bar():
    stop = Stop([(at(0), Decimal(97)), (at(1, 5), Decimal(98)), (at(1, 50), Decimal(99))], resting=Decimal(99))
    shown = payload(replace(CHART, stop=stop))
    assert shown["stop"] == [[T, 97.0], [T + 60, 99.0], [T + 180, 99.0]]
    assert shown["stop_now"] == 99.0


def test_a_closed_positions_stop_ends_with_it():
    shown = payload(replace(CHART, stop=Stop([(at(0), Decimal(97))], ended=at(2))))
    assert shown["stop"][-1] == [T + 120, 97.0]
    assert shown["stop_said"] is None


def test_liquidation_is_drawn_only_where_the_candles_are():
    far, near = Level(at(0), None, Decimal(50), "liquidation 50"), Level(at(0), None, Decimal("98.8"), "liquidation")
    assert payload(replace(CHART, liquidation=far))["lines"] == []
    assert payload(replace(CHART, liquidation=near))["lines"][0]["price"] == 98.8


def test_what_came_after_the_judged_bar_is_unknown_then():
    assert payload(replace(CHART, decided=at(1)))["decided"]["unknown_from"] == T + 120
    assert payload(replace(CHART, decided=at(3)))["decided"]["unknown_from"] is None


def test_entry_stop_and_mark_stay_in_range():
    held = Mark(at(0), "long", Decimal(90), "")
    shown = payload(replace(CHART, links=[(held, None)], stop=Stop([(at(0), Decimal(80))]), mark=Decimal(120)))
    assert shown["keep"] == [80.0, 90.0, 120.0]


def test_a_window_is_bounded_and_never_in_the_future():
    since, until = window(at(0), at(1), MINUTE, 60, 20, now=at(5))
    assert (since, until) == (at(-60), at(5))
    since, until = window(at(0), at(9999), MINUTE, 60, 20, now=at(99999))
    assert (until - since) / MINUTE == MOST_BARS


def test_a_gap_is_named_and_a_bar_that_was_put_aside_is_marked():
    drawn = replace(
        CHART,
        bars=bars(0, 1, 4, 5),
        gaps=[(at(2), at(3), "gap: 2 candles"), (at(9), at(9), "gap: 1 candle"), (at(-9), at(-8), "gap: 2 candles")],
        aside=[(at(4), "put aside: a jump"), (at(-3), "put aside: no number")],
    )
    shown = payload(drawn)
    assert shown["gaps"] == [{"from": T + 120, "to": T + 180, "text": "gap: 2 candles"}], "those that lie in view"
    assert shown["aside"] == [{"t": T + 240, "text": "put aside: a jump"}]


@pytest.mark.django_db
def test_the_drawing_of_a_position_knows_its_gaps_and_lists_them(now):
    row = make.position("BTC/USDT:USDT", now, opened_at=now - timedelta(minutes=30))
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=20)
    CandleGap.objects.create(
        symbol=row.symbol, timeframe="1m", first=first, last=first + 4 * MINUTE, missing=5, found_at=now
    )
    for kind in ("spike", "impossible", "duplicate"):
        CandleFault.objects.create(
            symbol=row.symbol, timeframe="1m", open_time=first, kind=kind, first_seen=now, last_seen=now
        )
    drawn = of_position(row, None, now)
    assert drawn.gaps == [(first, first + 4 * MINUTE, "gap: 5 candles")]
    assert drawn.aside == [(first, "put aside: impossible prices, a jump that nothing bears out")]
    assert drawn.sentence.endswith(f"Missing: {first:%H:%M:%S} to {first + 4 * MINUTE:%H:%M:%S} (gap: 5 candles).")

"""Whatever is done to the market, candles are what the path was, and what was seen never changes."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from trading.practice import path as paths
from trading.practice.market import POINTS_PER_CANDLE, Kline, Market, synthetic
from trading.practice.synthetic import Synthetic
from trading.practice.tape import Segment, Tape

MINUTE = 60_000
OPEN = 1_763_800_020_000  # a whole minute
NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def fresh(seed: int = 7, start: int = OPEN) -> Market:
    return synthetic(seed, NAMES, MINUTE, start)


def folded(points: list[tuple[int, Decimal]]) -> tuple[Decimal, ...]:
    prices = [p for _, p in points]
    return prices[0], max(prices), min(prices), prices[-1]


def prices_of(kline: Kline) -> tuple[Decimal, ...]:
    return kline.open, kline.high, kline.low, kline.close


def last_candle(market: Market, now: int, symbol: str = "BTCUSDT") -> Kline:
    return market.klines(symbol, MINUTE, None, None, 1, now)[0]


# -- path and candles -------------------------------------------------------------------------------------------------
def test_a_candle_is_sixty_points_from_open_to_close_through_both_extremes():
    market = fresh()
    points = market.path("BTCUSDT", OPEN - 1, OPEN + MINUTE - 1)
    bar = market.source.bars(market.source.history, market.source.history + 1)[0, 0]
    assert len(points) == POINTS_PER_CANDLE
    assert np.allclose([float(x) for x in folded(points)], bar[:4], rtol=1e-4)
    assert points[0][0] == OPEN


def test_points_never_leave_their_bar_and_low_or_high_may_come_first():
    bars = np.tile([100.0, 110.0, 95.0, 104.0], (500, 1))
    made = paths.points(bars, np.arange(500), np.array([42], np.uint64))
    assert made.max() == 110 and made.min() == 95
    low_first = (made.argmin(axis=1) < made.argmax(axis=1)).mean()
    assert 0.55 < low_first < 0.78


def test_prices_lie_on_the_tick():
    market = fresh()
    for i, symbol in enumerate(NAMES):
        assert all(p % market.ticks[i] == 0 for _, p in market.path(symbol, OPEN, OPEN + 5 * MINUTE))


def test_price_is_the_last_point_of_the_path():
    market = fresh()
    for at in (OPEN, OPEN + 999, OPEN + 1000, OPEN + 59_999, OPEN + 61_234):
        assert market.price("ETHUSDT", at) == market.path("ETHUSDT", at - MINUTE, at)[-1][1]
        assert market.prices(at)["ETHUSDT"] == market.price("ETHUSDT", at)


def test_the_forming_candle_holds_what_was_played_so_far():
    market = fresh()
    now = OPEN + 23_456
    candle = last_candle(market, now)
    assert prices_of(candle) == folded(market.path("BTCUSDT", OPEN - 1, now))
    assert not candle.closed
    closed = market.klines("BTCUSDT", MINUTE, OPEN, OPEN, 1, OPEN + MINUTE)[0]
    assert closed.closed and 0 < candle.volume < closed.volume


def test_every_stretch_of_the_path_joins_the_next():
    market = fresh()
    whole = market.path("SOLUSDT", OPEN, OPEN + 10 * MINUTE)
    cuts = [OPEN, OPEN + 17, OPEN + 1000, OPEN + 59_999, OPEN + 4 * MINUTE, OPEN + 10 * MINUTE]
    pieces = [p for a, b in zip(cuts, cuts[1:], strict=False) for p in market.path("SOLUSDT", a, b)]
    assert pieces == whole


@pytest.mark.parametrize("minutes", [3, 5, 15, 60, 240])
def test_wider_candles_are_made_of_the_same_points(minutes):
    market, width = fresh(), minutes * MINUTE
    for candle in market.klines("BTCUSDT", width, None, OPEN - width, 5, OPEN):
        assert prices_of(candle) == folded(market.path("BTCUSDT", candle.open_time - 1, candle.open_time + width - 1))
        small = market.klines("BTCUSDT", MINUTE, candle.open_time, candle.open_time + width - 1, minutes, OPEN)
        assert abs(candle.volume - sum(k.volume for k in small)) < Decimal("0.001")
        assert candle.open_time % width == 0


def test_weeks_open_on_mondays():
    market, week = fresh(), 7 * 86_400_000
    rows = market.klines("BTCUSDT", week, None, None, 5, OPEN + 2 * week)
    assert [(k.open_time // 86_400_000 + 3) % 7 for k in rows] == [0] * len(rows)


def test_klines_are_chosen_as_the_venue_chooses_them():
    market = fresh()
    now = OPEN + 90_000
    opens = [k.open_time for k in market.klines("BTCUSDT", MINUTE, None, None, 3, now)]
    assert opens == [OPEN - MINUTE, OPEN, OPEN + MINUTE]
    from_start = market.klines("BTCUSDT", MINUTE, OPEN - 10 * MINUTE + 1, None, 2, now)
    assert [k.open_time for k in from_start] == [OPEN - 9 * MINUTE, OPEN - 8 * MINUTE]
    to_end = market.klines("BTCUSDT", MINUTE, None, OPEN - 1, 2, now)
    assert [k.open_time for k in to_end] == [OPEN - 2 * MINUTE, OPEN - MINUTE]
    assert market.klines("BTCUSDT", MINUTE, now + MINUTE, None, 5, now) == []
    oldest = market.klines("BTCUSDT", MINUTE, 0, None, 1, now)[0]
    assert oldest.open_time == market.history_start_ms


def test_history_is_three_thousand_candles_that_end_where_the_market_opened():
    market = fresh(start=OPEN + 34_567)
    rows = market.klines("BTCUSDT", MINUTE, 0, None, 10_000, OPEN)
    assert len(rows) == 3001 and rows[-1].open_time == OPEN
    assert {b.open_time - a.open_time for a, b in zip(rows, rows[1:], strict=False)} == {MINUTE}


def test_the_ticker_sums_up_a_day():
    market, now = fresh(), OPEN + 30_000
    rows = market.klines("BTCUSDT", MINUTE, None, None, 1440, now)
    ticker = market.ticker("BTCUSDT", now)
    assert ticker["highPrice"] == max(k.high for k in rows) and ticker["lowPrice"] == min(k.low for k in rows)
    assert ticker["openPrice"] == rows[0].open and ticker["lastPrice"] == market.price("BTCUSDT", now)
    assert abs(ticker["volume"] - sum(k.volume for k in rows)) < 1


def test_an_unknown_symbol_is_named():
    with pytest.raises(KeyError, match="NOPEUSDT"):
        fresh().price("NOPEUSDT", OPEN)


# -- the tape ---------------------------------------------------------------------------------------------------------
def test_speed_folds_that_many_bars_into_each_candle_from_now_on():
    market = fresh()
    before = last_candle(market, OPEN - 1)
    market.set_speed(5, OPEN)
    assert last_candle(market, OPEN - 1) == before
    candle = market.klines("BTCUSDT", MINUTE, OPEN, None, 1, OPEN + MINUTE)[0]
    bars = market.source.bars(3000, 3005)[0]
    assert len(market.path("BTCUSDT", OPEN - 1, OPEN + MINUTE - 1)) == 5 * POINTS_PER_CANDLE
    assert np.allclose(
        [float(x) for x in prices_of(candle)],
        [bars[0, 0], bars[:, 1].max(), bars[:, 2].min(), bars[-1, 3]],
        rtol=1e-4,
    )
    assert float(candle.volume) == pytest.approx(bars[:, 4].sum())
    assert "5 bars a candle" in market.describe(OPEN)


def test_a_pause_gives_flat_candles_without_volume_and_no_gap():
    market = fresh()
    market.pause(OPEN + 30_500)
    price = market.price("BTCUSDT", OPEN + 30_500)
    now = OPEN + 10 * MINUTE
    rows = market.klines("BTCUSDT", MINUTE, OPEN, None, 100, now)
    assert [k.open_time for k in rows] == [OPEN + i * MINUTE for i in range(11)]
    assert {prices_of(k) for k in rows[1:]} == {(price,) * 4}
    assert {k.volume for k in rows[1:]} == {0} and {k.trades for k in rows[1:]} == {0}
    assert market.path("BTCUSDT", OPEN + 30_500, now) == []
    market.resume(now)
    assert market.path("BTCUSDT", now, now + MINUTE)[0][1] != price or market.price("BTCUSDT", now + MINUTE) != price
    assert "paused" not in market.describe(now)


def test_advance_plays_so_much_at_once_inside_the_current_candle():
    market, other = fresh(), fresh()
    market.pause(OPEN)
    now = OPEN + 20_000
    market.advance(60, now)
    points = market.path("BTCUSDT", now, now + 1)
    assert {at for at, _ in points} == {now + 1} and len(points) == POINTS_PER_CANDLE
    assert [p for _, p in points] == [p for _, p in other.path("BTCUSDT", OPEN, OPEN + MINUTE)]
    candle = last_candle(market, OPEN + MINUTE - 1)
    assert candle.open_time == OPEN and candle.high == max(p for _, p in points)
    assert market.path("BTCUSDT", now + 1, OPEN + MINUTE) == []


def test_two_advances_in_one_millisecond_add_up():
    market = fresh()
    market.pause(OPEN)
    market.advance(60, OPEN + 5)
    market.advance(60, OPEN + 5)
    assert len(market.path("BTCUSDT", OPEN + 5, OPEN + 6)) == 2 * POINTS_PER_CANDLE


def test_only_a_paused_market_can_be_advanced():
    with pytest.raises(ValueError, match="paused"):
        fresh().advance(60, OPEN)
    paused = fresh()
    paused.pause(OPEN)
    with pytest.raises(ValueError, match="positive"):
        paused.advance(0, OPEN)


def test_what_can_be_advanced_at_once_is_bounded():
    market = fresh()
    market.pause(OPEN)
    with pytest.raises(ValueError, match="at most 8192 bars .* 43200 were asked for"):
        market.advance(30 * 86_400, OPEN)


@pytest.mark.parametrize("speed", [0, -1, 1001])
def test_speeds_out_of_range_are_refused(speed):
    with pytest.raises(ValueError, match=r"1\.\.1000"):
        fresh().set_speed(speed, OPEN)


def test_each_point_is_reached_at_the_first_millisecond_that_has_passed_it():
    tape = Tape((Segment(0, 0, 1),)).at_speed(7, 100).pause(200).advance(500, 300).resume(400)
    positions = np.arange(0, tape.position(600))
    walls = tape.walls(positions)
    assert (tape.positions(walls) >= positions).all()
    assert (tape.positions(walls - 1) < positions).all()


# -- driven prices ----------------------------------------------------------------------------------------------------
def test_a_driven_price_jumps_where_the_path_says_and_stands_still_between():
    market = fresh()
    now = OPEN + 5_500
    start = market.price("BTCUSDT", now)
    market.drive("BTCUSDT", [[10, 90_000], [20, 80_000.04], [20, 95_000]], now)
    points = market.path("BTCUSDT", now, now + 20_000)
    assert points == [
        (now + 1, start),
        (now + 10_000, Decimal("90000.0")),
        (now + 20_000, Decimal("80000.0")),
        (now + 20_000, Decimal("95000.0")),
    ]
    assert market.price("BTCUSDT", now + 9_999) == start
    assert market.price("BTCUSDT", now + 19_999) == 90_000
    candle = market.klines("BTCUSDT", MINUTE, OPEN, None, 1, now + 20_000)[0]
    assert candle.low == 80_000 and candle.close == 95_000


def test_after_a_drive_the_market_goes_on_from_its_last_level():
    market, free = fresh(), fresh()
    market.drive("BTCUSDT", [[0, 50_000]], OPEN + 30_000)
    after = OPEN + 30_001
    assert market.price("BTCUSDT", after) == 50_000
    ratio = 50_000 / float(free.price("BTCUSDT", after))
    for at in (OPEN + 31_000, OPEN + 5 * MINUTE, OPEN + 500 * MINUTE):
        assert float(market.price("BTCUSDT", at)) == pytest.approx(float(free.price("BTCUSDT", at)) * ratio, abs=0.11)
        assert market.price("ETHUSDT", at) == free.price("ETHUSDT", at)


def test_a_new_drive_takes_over_from_a_running_one():
    market = fresh()
    market.drive("BTCUSDT", [[10, 90_000], [50, 10_000]], OPEN)
    market.drive("BTCUSDT", [[5, 91_000]], OPEN + 20_000)
    prices = [p for _, p in market.path("BTCUSDT", OPEN, OPEN + 70_000)]
    assert 90_000 in prices and 91_000 in prices and 10_000 not in prices
    assert len(market.path("BTCUSDT", OPEN + 25_000, OPEN + 50_000)) == 25


def test_a_drive_that_is_replaced_before_its_first_point_leaves_no_trace():
    market = fresh()
    market.drive("BTCUSDT", [(5, 90_000)], OPEN + 500)
    market.drive("BTCUSDT", [(1, 80_000)], OPEN + 500)
    assert market.price("BTCUSDT", OPEN + 1500) == 80_000
    assert market.price("BTCUSDT", OPEN + 5600) != 90_000
    again = Market.restore(Synthetic(7, NAMES), json.loads(json.dumps(market.state())))
    assert again.path("BTCUSDT", OPEN, OPEN + MINUTE) == market.path("BTCUSDT", OPEN, OPEN + MINUTE)


def test_a_price_can_be_driven_while_the_market_is_paused():
    market = fresh()
    market.pause(OPEN)
    market.drive("BTCUSDT", [[1, 42_000]], OPEN + 1000)
    assert market.price("BTCUSDT", OPEN + 90_000) == 42_000
    flat = last_candle(market, OPEN + 5 * MINUTE)
    assert prices_of(flat) == (Decimal(42_000),) * 4


def test_the_forming_candle_of_a_paused_market_shows_each_driven_point_when_it_comes():
    market = fresh()
    market.pause(OPEN)
    market.drive("BTCUSDT", [[10, 42_000], [20, 43_000]], OPEN)
    closes = [last_candle(market, OPEN + s * 1000).close for s in (10, 19, 20)]
    assert closes == [42_000, 42_000, 43_000]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ([], "at least one"),
        ([[0]], r"path\[0\]"),
        ([[-1, 5]], "seconds must be within"),
        ([[float("nan"), 5]], "seconds must be within"),
        ([[0, 5], [3, 0]], r"path\[1\]: price must be positive"),
        ([[0, float("inf")]], "price must be positive"),
        ([[5, 1], [4, 1]], "must not go back"),
    ],
)
def test_a_drive_that_makes_no_sense_is_refused(path, words):
    with pytest.raises(ValueError, match=words):
        fresh().drive("BTCUSDT", path, OPEN)


# -- the law: history never shifts ------------------------------------------------------------------------------------
def act(market: Market, rng: random.Random, now: int) -> None:
    """Something that somebody may do at the desk."""
    choice = rng.randrange(6)
    if choice == 0:
        market.set_speed(rng.choice([1, 2, 7, 60]), now)
    elif choice == 1:
        market.pause(now)
    elif choice == 2:
        market.resume(now)
    elif choice == 3 and market.paused:
        market.advance(rng.choice([0.5, 10, 60, 200]), now)
    elif choice >= 4:
        symbol = rng.choice(market.trading(now)[:2])
        price = float(market.price(symbol, now))
        steps = sorted(rng.uniform(0, 100) for _ in range(rng.randint(1, 4)))
        market.drive(symbol, [[s, price * rng.uniform(0.9, 1.1)] for s in steps], now)


def live_through(market: Market, source: Callable[[], Any], seed: int) -> None:
    """Do random things, then hold the candles to the path and both to what was seen on the way."""
    rng, now = random.Random(seed), OPEN
    walked: dict[str, list] = {s: [] for s in market.symbols}
    closed: dict[tuple[str, int], Kline] = {}
    for _ in range(60):
        if rng.random() < 0.4:
            act(market, rng, now)
        then, now = now, now + rng.choice([1, 500, 7_777, 30_000, 61_000, 150_000])
        for symbol in market.symbols:
            walked[symbol] += market.path(symbol, then, now)
            for k in market.klines(symbol, MINUTE, OPEN, None, 1500, now):
                if k.closed:
                    assert closed.setdefault((symbol, k.open_time), k) == k
        if rng.random() < 0.1:
            market = Market.restore(source(), json.loads(json.dumps(market.state())))
    for symbol in market.symbols:
        assert market.path(symbol, OPEN, now) == walked[symbol]
        assert [(q.at, q.price) for q in market.quotes(symbol, OPEN, now)] == walked[symbol]
        candles = {k.open_time: k for k in market.klines(symbol, MINUTE, OPEN, None, 1500, now)}
        assert {at - at % MINUTE for at, _ in walked[symbol]} <= set(candles)
        for k in list(candles.values())[1:]:
            inside = [p for p in walked[symbol] if k.open_time <= p[0] < k.open_time + MINUTE]
            before = market.price(symbol, k.open_time - 1)
            assert prices_of(k) == (folded(inside) if inside else (before,) * 4)
        if walked[symbol]:
            assert market.price(symbol, now) == walked[symbol][-1][1]


@pytest.mark.parametrize("seed", range(8))
def test_candles_are_what_the_path_was_whatever_is_done_and_never_change(seed):
    live_through(fresh(seed), lambda: Synthetic(seed, NAMES), seed)


def test_a_restart_continues_exactly_and_catches_up():
    market = fresh()
    market.set_speed(3, OPEN + 10_000)
    market.drive("BTCUSDT", [[30, 99_000]], OPEN + 20_000)
    state = json.loads(json.dumps(market.state()))
    again = Market.restore(Synthetic(7, NAMES), state)
    later = OPEN + 7 * 3_600_000
    assert again.klines("BTCUSDT", MINUTE, 0, None, 10_000, later) == market.klines(
        "BTCUSDT", MINUTE, 0, None, 10_000, later
    )
    assert again.path("BTCUSDT", OPEN, later) == market.path("BTCUSDT", OPEN, later)


def test_another_source_than_the_ledgers_is_refused():
    state = fresh(7).state()
    with pytest.raises(ValueError, match="seed 7 .* not .* seed 8"):
        Market.restore(Synthetic(8, NAMES), state)


def test_a_change_that_comes_late_acts_at_the_last_moment_seen():
    market = fresh()
    seen = market.path("BTCUSDT", OPEN, OPEN + 40_000)
    market.pause(OPEN + 10_000)
    assert market.path("BTCUSDT", OPEN, OPEN + MINUTE) == seen


# -- funding ----------------------------------------------------------------------------------------------------------
def test_funding_falls_due_at_midnight_eight_and_sixteen():
    market = fresh()
    eight = 8 * 3_600_000
    due = market.next_funding_ms(OPEN)
    assert due % eight == 0 and OPEN < due <= OPEN + eight
    assert market.next_funding_ms(due) == due + eight


def test_synthetic_funding_is_small_and_has_both_signs():
    market = fresh()
    rates = [market.funding_rate("BTCUSDT", OPEN + i * 8 * MINUTE) for i in range(300)]
    assert Decimal("-0.0002") < min(rates) < 0 < max(rates) < Decimal("0.0004")
    assert rates.count(Decimal("0.00010000")) > 60

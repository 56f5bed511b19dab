"""A relayed market against a second practice exchange: what the upstream says, when it is heard, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from django.core.management import CommandError

from tests.practice.asking import algo_order, ask, isolate, market_order, position, send
from tests.practice.relaying import MINUTE, OPEN, Clock, Venue, followed, relaying, until
from trading.management.commands.practice import check_relay
from trading.practice import upstream
from trading.practice.relay import Relay, Rulebook
from trading.practice.relayed_candles import Book, Candle, folded
from trading.practice.streams import Teller, parse
from trading.practice.tables import load
from trading.practice.upstream import Budget, Unreachable, name_of, relay_problem

HOUR = 60 * MINUTE
BTC = "BTCUSDT"


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    made = Venue(Clock())
    await made.up()
    yield made
    await made.down()


def rows(x, interval: str, symbol: str = BTC, **more) -> list:
    """Klines as a client sees them, as numbers: open time, prices, volumes, trades."""
    found = ask(x, "GET", "/fapi/v1/klines", symbol=symbol, interval=interval, **more)
    return [[r[0], *map(Decimal, r[1:6]), r[6], Decimal(r[7]), r[8]] for r in found]


def last_fill(x) -> dict:
    return ask(x, "GET", "/fapi/v1/userTrades", symbol=BTC)[-1]


# -- what is relayed --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("width", "interval"), [(MINUTE, "1m"), (HOUR, "1h"), (HOUR, "1m")])
async def test_history_is_the_upstreams_own(venue, width, interval):
    one = relaying(venue, venue.clock, width)
    await one.upstream.reach()
    await one.upstream.close()
    for symbol in one.market.symbols:
        mine = rows(one.exchange, interval, symbol, limit=1000)[:-1]
        theirs = {r[0]: r for r in rows(venue.exchange, interval, symbol, limit=1500)}
        assert mine == [theirs[r[0]] for r in mine]
        assert len(mine) >= min(len(theirs) - 1, 499)


async def test_a_wider_candle_is_folded_from_the_minutes(venue):
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    await one.upstream.close()
    mine, theirs = (rows(x, "15m", limit=20)[:-1] for x in (one.exchange, venue.exchange))
    assert [r[:5] for r in mine] == [r[:5] for r in theirs]


async def test_rules_and_status_are_the_upstreams(venue):
    entry = venue.exchange.infos[BTC]
    entry["filters"][1]["stepSize"] = entry["filters"][1]["minQty"] = "0.005"
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    await one.upstream.close()
    listed = {s["symbol"]: s for s in ask(one.exchange, "GET", "/fapi/v1/exchangeInfo")["symbols"]}
    assert listed[BTC] == entry and one.exchange.engine.rules[BTC].min_quantity == Decimal("0.005")
    refused = send(one.exchange, "POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.001")
    assert refused.status == 400


async def test_a_symbol_that_the_upstream_does_not_list_is_not_there():
    venue = Venue(Clock(), ("BTCUSDT", "ETHUSDT"))
    await venue.up()
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    assert one.market.symbols == ("BTCUSDT", "ETHUSDT")
    assert send(one.exchange, "GET", "/fapi/v1/ticker/price", symbol="DOGEUSDT").body["code"] == -1121
    await one.upstream.close()
    await venue.down()


async def test_candles_prices_marks_and_funding_follow(venue):
    clock, up = venue.clock, venue.exchange.market
    async with followed(relaying(venue, clock)) as one:
        began = clock()
        await until(lambda: one.market.heard_ms(BTC, 0) > began + 2000)
        forming = rows(one.exchange, "1m", limit=1)[0]
        assert forming[0] == OPEN and forming[1] == rows(venue.exchange, "1m", limit=1)[0][1]
        mine = {one.market.price(BTC, clock()), one.market.mark(BTC, clock())}
        assert mine <= {up.price(BTC, at) for at in range(clock() - 2200, clock() + 10, 10)}
        clock.close_the_minute()
        await until(lambda: one.market.book(BTC, MINUTE).complete == OPEN)
        assert rows(one.exchange, "1m", limit=2)[0] == rows(venue.exchange, "1m", limit=2)[0]
        mine, theirs = (ask(x, "GET", "/fapi/v1/premiumIndex", symbol=BTC) for x in (one.exchange, venue.exchange))
        assert mine["lastFundingRate"] == theirs["lastFundingRate"]
        assert mine["nextFundingTime"] == theirs["nextFundingTime"]


async def test_settled_rates_are_the_upstreams(venue):
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    await one.upstream.close()
    mine, theirs = (ask(x, "GET", "/fapi/v1/fundingRate", symbol=BTC, limit=5) for x in (one.exchange, venue.exchange))
    assert [(r["fundingTime"], r["fundingRate"]) for r in mine] == [
        (r["fundingTime"], r["fundingRate"]) for r in theirs
    ]


async def test_an_order_fills_at_the_relayed_price(venue):
    async with followed(relaying(venue, venue.clock)) as one:
        isolate(one.exchange)
        filled = market_order(one.exchange, "BUY", "0.01")
        price = one.market.price(BTC, one.exchange.now)
        assert filled["status"] == "FILLED" and abs(Decimal(filled["avgPrice"]) / price - 1) < Decimal("0.0002")


async def test_the_exchange_goes_by_the_venues_clock(venue):
    def late() -> int:
        return venue.clock() - 7_000

    async with followed(relaying(venue, late)) as one:
        assert abs(one.exchange.clock_ms() - venue.clock()) < 200
        venue.clock.close_the_minute()
        await until(lambda: one.market.book(BTC, MINUTE).complete == OPEN)
        assert rows(one.exchange, "1m", limit=2)[0] == rows(venue.exchange, "1m", limit=2)[0]


async def test_half_a_candle_is_never_shown_as_a_whole_one(venue):
    async with followed(relaying(venue, venue.clock)) as one:
        await venue.down()
        assert rows(one.exchange, "1m", limit=1)[0][0] == OPEN
        venue.clock.close_the_minute()
        assert rows(one.exchange, "1m", limit=1)[0][0] == OPEN - MINUTE
        assert rows(one.exchange, "5m", limit=1)[0][0] == OPEN  # which still forms


async def test_a_stream_that_says_nothing_is_dialled_again(venue, monkeypatch):
    monkeypatch.setattr(upstream, "SILENT", 1_500)
    async with followed(relaying(venue, venue.clock)) as one:
        await until(lambda: one.market.heard_ms(BTC, 0) > OPEN + 33_000)
        fault = venue.exchange.faults.add({"kind": "mute_stream"}, venue.clock())
        await until(lambda: "silent" in one.market.trouble)
        venue.exchange.faults.end(fault.id)
        await until(lambda: not one.market.trouble)
        again = venue.clock()
        await until(lambda: one.market.heard_ms(BTC, 0) > again + 1_000)


# -- silence ----------------------------------------------------------------------------------------------------------
async def test_a_silent_upstream_leaves_old_prices_old_and_orders_waiting(venue):
    clock = venue.clock
    async with followed(relaying(venue, clock)) as one:
        x = one.exchange
        isolate(x)
        market_order(x, "BUY", "0.01")
        await venue.down()
        await until(lambda: one.market.trouble)
        heard, known = one.market.heard_ms(BTC, 0), rows(x, "1m", limit=3)
        teller, stream = Teller(x), parse("!markPrice@arr@1s", one.market.symbols)
        teller.messages(stream, 0)
        clock.forward(600)
        x.advance(clock())
        assert ask(x, "GET", "/fapi/v1/premiumIndex", symbol=BTC)["time"] == heard
        assert teller.messages(stream, 0) == []
        assert rows(x, "1m", limit=2) == known[:-1]  # and the one that was forming, half of which nobody heard
        assert "not reachable" in one.market.describe(clock())
        refused = send(x, "POST", "/fapi/v1/order", symbol=BTC, side="SELL", type="MARKET", quantity="0.01")
        assert (refused.status, refused.body["code"]) == (503, -1008)
        assert "No price of BTCUSDT was heard for 6" in refused.body["msg"]
        stop = str(one.market.price(BTC, clock()) // 2)
        assert algo_order(x, "SELL", "STOP_MARKET", stop, quantity="0.01", reduceOnly="true")["algoStatus"] == "NEW"


async def test_what_was_missed_comes_from_rest_and_stops_fill_at_what_is_known_then(venue):
    clock = venue.clock
    async with followed(relaying(venue, clock)) as one:
        x = one.exchange
        isolate(x)
        market_order(x, "BUY", "0.01")
        price = one.market.price(BTC, clock())
        trigger = price * Decimal("0.95") // 1
        algo_order(x, "SELL", "STOP_MARKET", str(trigger), quantity="0.01", reduceOnly="true", workingType="MARK_PRICE")
        await venue.down()
        venue.exchange.market.drive(BTC, [[60, float(price) * 0.8], [120, float(price)]], clock())
        clock.forward(300)
        x.advance(clock())
        back = clock()
        assert Decimal(position(x)["positionAmt"]) == Decimal("0.01")
        await venue.up()
        await until(lambda: not one.market.trouble, 20)
        x.advance(clock() + 1)
        assert [r for r in rows(x, "1m", limit=7) if r[0] < OPEN + 5 * MINUTE][1:] == [
            r for r in rows(venue.exchange, "1m", limit=7) if r[0] < OPEN + 5 * MINUTE
        ][1:]
        fill = last_fill(x)
        assert Decimal(fill["price"]) < trigger and fill["time"] >= back  # learned now, and no earlier
        assert Decimal(position(x)["positionAmt"]) == 0


# -- restarts ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("away", [300, 40 * 3600])
async def test_a_restart_catches_up_with_what_happened_while_it_was_away(venue, tmp_path, away):
    clock, ledger = venue.clock, tmp_path / "ledger.sqlite3"
    async with followed(relaying(venue, clock, HOUR, ledger)) as one:
        x = one.exchange
        isolate(x)
        market_order(x, "BUY", "0.01")
        price = one.market.price(BTC, clock())
        trigger = price * Decimal("0.95") // 1
        algo_order(x, "SELL", "STOP_MARKET", str(trigger), quantity="0.01", reduceOnly="true", workingType="MARK_PRICE")
        x.remember_market()
        x.ledger.close()
    left = clock()
    venue.exchange.market.drive(BTC, [[away / 4, float(price) * 0.8], [away / 2, float(price)]], clock())
    clock.forward(away)
    one = relaying(venue, clock, HOUR, ledger)
    assert position_of(one) == Decimal("0.01")  # nothing has happened before the upstream told of it
    await one.upstream.reach()
    await one.upstream.close()
    one.exchange.advance(clock())
    fill = last_fill(one.exchange)
    assert Decimal(fill["price"]) < trigger and left < fill["time"] < clock() - 1000 * away // 4
    assert position_of(one) == 0
    assert rows(one.exchange, "1h", limit=5)[:-1] == rows(venue.exchange, "1h", limit=5)[:-1]


def position_of(one) -> Decimal:
    return one.exchange.engine.account.position(BTC).amount


async def test_a_restart_without_a_network_goes_on_with_what_it_knows(venue, tmp_path):
    clock, ledger = venue.clock, tmp_path / "ledger.sqlite3"
    one = relaying(venue, clock, HOUR, ledger)
    await one.upstream.reach()
    await one.upstream.close()
    price = one.market.price(BTC, clock())
    one.exchange.remember_market()
    one.exchange.ledger.close()
    await venue.down()
    clock.forward(60)
    again = relaying(venue, clock, HOUR, ledger)
    with pytest.raises(Unreachable):
        await again.upstream.reach()
    await again.upstream.close()
    assert again.market.symbols == one.market.symbols and again.market.price(BTC, clock()) == price
    assert rows(again.exchange, "1h") == []
    assert (
        send(again.exchange, "POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.01").body[
            "code"
        ]
        == -1008
    )


async def test_a_ledger_of_another_venue_is_refused(venue):
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    await one.upstream.close()
    with pytest.raises(ValueError, match="account of the venue"):
        Relay.restore(one.market.state(), "another", [BTC], OPEN)


# -- the path, by hand ------------------------------------------------------------------------------------------------
def candle(minute: int, o: float, high: float, low: float, c: float, *, closed: bool = False) -> Candle:
    return Candle(OPEN + minute * MINUTE, o, high, low, c, "1", "100", 1, closed)


def heard(*told: tuple[int, Candle]) -> Relay:
    """A relay that has heard these candles at these seconds after OPEN."""
    relay = Relay("the venue", MINUTE, OPEN)
    relay.learn(load().symbol_info(BTC, Decimal(100)))
    for at, one in told:
        relay.hear_candle(BTC, MINUTE, one, OPEN + at * 1000)
    relay._list()
    return relay


def test_an_extreme_between_two_messages_is_a_point_of_the_path():
    relay = heard(
        (0, candle(0, 100, 100, 100, 100)), (1, candle(0, 100, 101, 90, 100.5)), (2, candle(0, 100, 101, 90, 99))
    )
    assert [(at - OPEN, float(p)) for at, p in relay.path(BTC, OPEN, OPEN + 9000)] == [
        (1000, 90), (1000, 101), (1000, 100.5), (2000, 99)
    ]  # fmt: skip


def test_what_was_seen_never_changes():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    assert relay.price(BTC, OPEN + 5000) == 100
    relay.hear_candle(BTC, MINUTE, candle(0, 100, 100, 80, 80), OPEN + 3000)
    assert relay.price(BTC, OPEN + 5000) == 100
    assert [at for at, _ in relay.path(BTC, OPEN + 5000, OPEN + 9000)] == [OPEN + 5001]


def test_of_the_minute_in_which_it_ended_only_the_close_counts_after_a_restart():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    again = Relay.restore(relay.state(), "the venue", [BTC], OPEN + 30_000)
    again.catch_up(BTC, MINUTE, [candle(0, 100, 130, 70, 99, closed=True)], {}, OPEN + 2 * MINUTE)
    assert [float(p) for _, p in again.path(BTC, OPEN + 30_000, OPEN + 2 * MINUTE)] == [99]


def test_whole_minutes_are_walked_through_their_extremes_with_their_marks():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    missed = [candle(1, 100, 120, 80, 110, closed=True)]
    marks = {OPEN + MINUTE: candle(1, 100, 119, 81, 109)}
    relay.catch_up(BTC, MINUTE, missed, marks, OPEN + 3 * MINUTE)
    path = relay.quotes(BTC, OPEN, OPEN + 3 * MINUTE)
    assert len(path) == 60 and (path[0].price, path[-1].price) == (100, 110)
    assert (min(p.price for p in path), max(p.price for p in path)) == (80, 120)
    assert (min(p.mark for p in path), max(p.mark for p in path)) == (81, 119)
    assert [p.at for p in path] == [OPEN + MINUTE + 1000 * i for i in range(60)]


def test_many_missed_minutes_are_walked_by_their_four_known_prices():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    relay.catch_up(BTC, MINUTE, [candle(i, 100, 120, 80, 110, closed=True) for i in range(1, 1001)], {}, OPEN + HOUR)
    path = relay.path(BTC, OPEN, OPEN + 1001 * MINUTE)
    assert len(path) == 4000 and {float(p) for _, p in path} == {100, 120, 80, 110}


def test_points_are_forgotten_only_when_they_were_walked():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    for i in range(30_000):
        relay.hear_mark(BTC, Decimal(100 + i % 7), Decimal(0), OPEN + HOUR, OPEN + i)
    assert len(relay.points[BTC]) > 30_000
    assert len(relay.quotes(BTC, OPEN, OPEN + 30_000)) >= 29_999
    relay.hear_mark(BTC, Decimal(100), Decimal(0), OPEN + HOUR, OPEN + 30_001)
    assert len(relay.points[BTC]) <= 10_000


def test_a_candle_that_the_upstream_lacks_stays_missing_and_is_in_no_wider_one():
    book = Book(MINUTE)
    book.fill([candle(i, 100, 101, 99, 100, closed=True) for i in (0, 1, 2, 3, 5, 6, 7, 8, 9)])
    assert [c.open_time for c in book.rows] == [OPEN + i * MINUTE for i in (0, 1, 2, 3, 5, 6, 7, 8, 9)]
    assert [c.open_time for c in folded(book.rows, MINUTE, 5 * MINUTE)] == [OPEN + 5 * MINUTE]
    assert not book.lacks(OPEN + 10 * MINUTE) and book.lacks(OPEN + 11 * MINUTE)


def test_a_closed_candle_never_opens_again():
    book = Book(MINUTE)
    book.put(candle(0, 100, 101, 99, 100, closed=True))
    book.put(candle(0, 100, 100, 99, 99.5))
    assert book.rows[0].closed and book.rows[0].close == 100


@pytest.mark.parametrize("change", [{"s": BTC}, {"k": {}}, {"k": None}, {"E": None}, {"e": "kline", "k": {"i": "9x"}}])
async def test_what_can_not_be_read_is_as_good_as_not_said(venue, change):
    async with followed(relaying(venue, venue.clock)) as one:
        k = {"t": OPEN, "i": "1m", "o": "1", "c": "1", "h": "nan", "l": "1", "v": "1", "q": "1", "n": 1, "x": False}
        before = one.market.book(BTC, MINUTE).rows[-1]
        with pytest.raises((KeyError, TypeError, ValueError)):
            one.upstream.hear({"data": {"e": "kline", "s": BTC, "E": venue.clock() + 5000, "k": k} | change})
        assert one.market.book(BTC, MINUTE).rows[-1].open == before.open


# -- funding ----------------------------------------------------------------------------------------------------------
def test_each_symbol_is_funded_at_its_own_hours():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    relay.hear_settled(BTC, {OPEN - 8 * HOUR: Decimal("0.0002"), OPEN - 4 * HOUR: Decimal("0.0003")})
    relay.hear_mark(BTC, Decimal(100), Decimal("0.0001"), OPEN, OPEN - MINUTE)
    assert relay.next_funding_ms(OPEN - 9 * HOUR, BTC) == OPEN - 8 * HOUR
    assert relay.next_funding_ms(OPEN - HOUR, BTC) == relay.next_funding_ms(OPEN - HOUR) == OPEN
    assert relay.next_funding_ms(OPEN + HOUR, BTC) == OPEN + 4 * HOUR
    assert relay.funding_rate(BTC, OPEN - 4 * HOUR) == Decimal("0.0003")
    relay.hear_mark(BTC, Decimal(100), Decimal("0.0004"), OPEN + 4 * HOUR, OPEN + MINUTE)
    assert (relay.funding_rate(BTC, OPEN), relay.funding_rate(BTC, OPEN + MINUTE)) == (
        Decimal("0.0001"), Decimal("0.0004")
    )  # fmt: skip


async def test_only_the_symbols_that_are_due_pay_funding(venue):
    async with followed(relaying(venue, venue.clock)) as one:
        x = one.exchange
        isolate(x)
        market_order(x, "BUY", "0.01")
        isolate(x, symbol="ETHUSDT")
        market_order(x, "BUY", "0.1", "ETHUSDT")
    soon = (venue.clock() // 1000 + 60) * 1000
    for symbol, at in ((BTC, soon), ("ETHUSDT", soon + 4 * HOUR)):
        mark = one.market.mark(symbol, venue.clock())
        one.market.hear_mark(symbol, mark, Decimal("0.0001"), at, venue.clock())
    venue.clock.forward(120)
    x.advance(venue.clock())
    paid = ask(x, "GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert [(row["symbol"], row["time"]) for row in paid] == [(BTC, soon)]


# -- what can't be done, and where it may listen ----------------------------------------------------------------------
def test_nobody_can_drive_pause_or_speed_up_a_venue():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    for act in (
        lambda: relay.drive(BTC, [[1, 5]], OPEN),
        lambda: relay.pause(OPEN),
        lambda: relay.resume(OPEN),
        lambda: relay.set_speed(2, OPEN),
        lambda: relay.advance(1, OPEN),
    ):
        with pytest.raises(ValueError, match="its prices are the venue's"):
            act()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://fapi.binance.com", True),
        ("http://127.0.0.1:8200", True),
        ("http://localhost:8200/", True),
        ("http://fapi.binance.com", False),
        ("https://fapi.binance.com.evil.example", False),
        ("https://u:p@fapi.binance.com", False),
        ("http://10.0.0.1:8200", False),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:x", False),
    ],
)
def test_it_relays_from_the_venue_or_from_this_machine(url, fine):
    assert (relay_problem(url) == "") == fine


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"relay": "http://fapi.binance.com"}, "--relay must be https://fapi.binance.com"),
        ({"data": "folder"}, "follows a venue as it goes"),
        ({"speed": 2}, "follows a venue as it goes"),
        ({"start": 1}, "follows a venue as it goes"),
    ],
)
def test_the_command_refuses_what_does_not_go_together(options, says):
    usual = {"relay": "https://fapi.binance.com", "data": "", "start": None, "speed": 1}
    check_relay(usual)
    with pytest.raises(CommandError, match=says):
        check_relay(usual | options)


def test_the_venue_has_a_name():
    assert name_of("https://fapi.binance.com") == "Binance USD-M futures"
    assert name_of("http://127.0.0.1:8200") == "the stand-in at 127.0.0.1:8200"


async def test_the_budget_waits_for_the_next_minute_and_when_it_is_told_to():
    budget = Budget()
    await budget.wait(10)
    budget.hear(200, {"X-MBX-USED-WEIGHT-1M": "1195"})
    assert budget._pause(5) == 0 and 0 < budget._pause(10) <= 60.1
    budget = Budget()
    budget.hear(429, {"Retry-After": "7"})
    assert 6 < budget._pause(1) <= 7


async def test_holes_are_asked_for(venue):
    one = relaying(venue, venue.clock)
    await one.upstream.reach()
    venue.clock.forward(180)
    assert one.market.book(BTC, MINUTE).lacks(venue.clock())
    await one.upstream.fill_holes()
    assert not one.market.book(BTC, MINUTE).lacks(venue.clock())
    await one.upstream.close()
    await asyncio.sleep(0)
    assert rows(one.exchange, "1m", limit=4)[:-1] == rows(venue.exchange, "1m", limit=4)[:-1]


def test_the_rulebook_takes_brackets_and_errors_from_the_table():
    relay = heard((0, candle(0, 100, 100, 100, 100)))
    book = Rulebook(relay, load())
    assert book.brackets(BTC) == load().brackets(BTC) and book.error(-1008)[0] == load().error(-1008)[0]

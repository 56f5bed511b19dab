"""What the exchange can be made to tell of candles and prices; what trades on it is untouched."""

import json

import pytest

from tests.practice.asking import ask
from tests.practice.hand_market import Clock
from trading.practice import candle_faults, market, tables
from trading.practice.exchange import Exchange
from trading.practice.faults import BadFault
from trading.practice.ledger import Ledger
from trading.practice.server import Server
from trading.practice.streams import parse

WIDTH = 60_000
NOW = 1_770_000_000_000 // WIDTH * WIDTH + 30_000
FIRST = NOW - NOW % WIDTH  # opens the candle that forms when the fault begins


class Faulty:
    """An exchange of two symbols, one fault on the first, and what is told of it over the next minutes."""

    def __init__(self, kind: str, **params) -> None:
        self.clock = Clock(NOW)
        self.x = Exchange(
            market.synthetic(7, ("BTCUSDT", "ETHUSDT"), WIDTH, NOW - 30_000),
            tables.load(),
            Ledger(),
            self.clock,
            {"practice": "practice"},
        )
        self.stream = parse("btcusdt@kline_1m", self.x.market.symbols)
        self.teller = Server(self.x).teller
        self.teller.begin(self.stream)
        self.x.faults.add({"kind": kind, "match": {"symbol": "BTCUSDT"}, "params": params}, NOW)

    def events(self, minutes: int = 2) -> list[dict]:
        told = []
        for second in range(minutes * 60):
            self.x.advance(NOW + second * 1000)
            told += [json.loads(text)["k"] for text in self.teller.messages(self.stream, self.x.now // 1000)]
        return told

    def rows(self, seconds: int = 120, symbol: str = "BTCUSDT") -> list[list]:
        """The newest candles, the forming one included, so many seconds after the fault began."""
        self.clock.now = NOW + seconds * 1000
        return ask(self.x, "GET", "/fapi/v1/klines", symbol=symbol, interval="1m", limit="6")


def row_of(rows: list[list], opened: int = FIRST) -> list:
    return next(row for row in rows if row[0] == opened)


def test_stale_klines_tell_nothing_new():
    house = Faulty("stale_klines")
    assert house.rows()[-1][0] == FIRST - WIDTH
    assert house.events() == []


def test_missing_klines_leave_some_out_and_tell_the_next():
    house = Faulty("missing_klines", candles=1)
    told = {row[0] for row in house.rows(180)}
    assert FIRST not in told
    assert {FIRST - WIDTH, FIRST + WIDTH, FIRST + 2 * WIDTH} <= told
    assert FIRST not in {k["t"] for k in house.events()}


@pytest.mark.parametrize("quiet", [False, True])
def test_a_frozen_price_stands_still_in_candles_and_marks(quiet):
    house = Faulty("frozen_price", quiet=quiet)
    mark = ask(house.x, "GET", "/fapi/v1/premiumIndex", symbol="BTCUSDT")
    row = row_of(house.rows(), FIRST + WIDTH)
    assert len(set(row[1:5])) == 1
    assert (float(row[5]) == 0) is quiet
    later = ask(house.x, "GET", "/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert later["markPrice"] == mark["markPrice"]
    assert later["time"] > mark["time"]
    assert len({row[4] for row in house.rows(symbol="ETHUSDT")}) > 1


@pytest.mark.parametrize("damage", candle_faults.DAMAGES)
def test_every_damage_is_told_in_answers_and_what_came_before_is_not_touched(damage):
    house = Faulty("bad_kline", damage=damage, candles=1)
    after = 20 if damage == "unclosed" else 120  # seconds: only a forming candle can be called closed too early
    rows = house.rows(after)
    house.x.faults.end(1)
    right = house.rows(after)
    assert rows != right
    assert sorted(row for row in rows if row[0] < FIRST) == [row for row in right if row[0] < FIRST]


@pytest.mark.parametrize("damage", candle_faults.DAMAGES)
def test_every_damage_is_told_in_the_stream(damage):
    faulty, sound = Faulty("bad_kline", damage=damage, candles=1), Faulty("bad_kline", damage=damage, candles=1)
    sound.x.faults.end(1)
    told, right = faulty.events(), sound.events()
    assert told != right
    assert [k for k in told if k["t"] == FIRST + WIDTH] == [k for k in right if k["t"] == FIRST + WIDTH]


@pytest.mark.parametrize("where", ["rest", "stream"])
def test_a_damage_may_be_told_in_one_place_alone(where):
    house = Faulty("bad_kline", damage="text", where=where)
    assert (row_of(house.rows())[4] == "abc") is (where == "rest")
    assert any(k["c"] == "abc" for k in house.events() if k["x"]) is (where == "stream")


@pytest.mark.parametrize(
    ("kind", "params", "wrong"),
    [
        ("bad_kline", {"damage": "smell"}, "params.damage"),
        ("bad_kline", {"damage": "nan", "field": "smell"}, "params.field"),
        ("missing_klines", {"candles": 0}, "params.candles"),
        ("missing_klines", {"candles": 1.5}, "params.candles"),
        ("frozen_price", {"quiet": "yes"}, "params.quiet"),
        ("stale_klines", {"where": "nowhere"}, "params.where"),
        ("stale_klines", {"candles": 3}, "params.candles"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(kind, params, wrong):
    with pytest.raises(BadFault) as no:
        Faulty(kind, **params)
    assert no.value.field == wrong


def test_they_stand_for_a_time_and_are_never_used_up():
    house = Faulty("stale_klines")
    with pytest.raises(BadFault, match="stands for some seconds"):
        house.x.faults.add({"kind": "bad_kline", "params": {"damage": "nan"}, "times": 2}, NOW)

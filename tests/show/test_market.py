"""The universe's page: who is in and who is out, how old each candle is, what was wrong with some."""

import re
from datetime import timedelta

import pytest

from monitoring.show import market
from monitoring.show.scene import Scene
from tests.show import factories as make
from tests.show.test_pages import text
from trading.models import Candle, CandleFault, UniverseSnapshot

pytestmark = pytest.mark.django_db


def fault(symbol, now, kind="gap", count=3, **changes):
    row = {"timeframe": "1m", "open_time": now, "count": count, "first_seen": now, "last_seen": now}
    return CandleFault.objects.create(symbol=symbol, kind=kind, **row | changes)


def test_a_fresh_house_says_when_the_first_snapshot_comes(reader):
    page = text(reader.get("/universe/"))
    assert "No universe yet." in page
    assert "The universe is read from the exchange at the start" in page


def test_all_fresh_is_said_in_one_sentence(reader, now):
    make.running(now)
    assert "12 symbols are in, all with a fresh candle." in text(reader.get("/universe/"))


def test_a_late_symbol_comes_first_and_is_the_headline(reader, now):
    make.running(now)
    Candle.objects.filter(symbol="UNI/USDT:USDT").delete()
    make.candles("UNI/USDT:USDT", now, late=6)
    html = reader.get("/universe/").content.decode()
    assert "1 of 12 symbols has no candle younger than 90\u00a0s." in html
    assert re.findall(r'<tr data-key="([^"]+)" data-shape="(\w+)"', html)[0] == ("UNI/USDT:USDT", "fail")


def test_who_is_out_stands_last_and_says_why(now):
    make.running(now)
    taken = UniverseSnapshot.objects.get()
    taken.symbols += [{"symbol": "LUNA/USDT:USDT", "rank": None, "status": "out", "why": "the venue stopped it"}]
    taken.save()
    last = market.listed(Scene(now))[-1]
    assert (last.symbol, last.inside, last.why, last.closed_at) == (
        "LUNA/USDT:USDT",
        False,
        "the venue stopped it",
        None,
    )


def test_a_symbol_without_a_candle_is_told_as_such_and_never_as_fresh(reader, now):
    make.running(now)
    Candle.objects.filter(symbol="ADA/USDT:USDT").delete()
    one = next(row for row in market.listed(Scene(now)) if row.symbol == "ADA/USDT:USDT")
    assert (one.shape, one.last, one.line) == ("fail", None, None)
    assert "no candle" in text(reader.get("/universe/"))


def test_faults_of_the_last_day_are_counted_by_kind_and_symbol(reader, now):
    make.running(now)
    fault("BTC/USDT:USDT", now)
    fault("ETH/USDT:USDT", now, count=2)
    fault("ETH/USDT:USDT", now, kind="spike", count=1)
    fault("ETH/USDT:USDT", now, kind="nan", count=9, last_seen=now - timedelta(days=2))
    assert [(one.kind, one.count, one.symbols) for one in market.faults(Scene(now))] == [("gap", 5, 2), ("spike", 1, 1)]
    rows = {row.symbol: row.faults for row in market.listed(Scene(now))}
    assert (rows["BTC/USDT:USDT"], rows["ETH/USDT:USDT"], rows["SOL/USDT:USDT"]) == (3, 3, 0)
    assert "gap: a bar is missing" in text(reader.get("/universe/"))


def test_an_old_snapshot_says_so_and_can_be_refreshed(reader, now):
    make.running(now)
    UniverseSnapshot.objects.update(at=now - timedelta(hours=1))
    html = reader.get("/universe/").content.decode()
    assert re.search(r'data-panel="snapshot" data-age="stale"', html)
    assert "its limit is 15" in html
    assert 'action="/control/universe/"' in html


def test_the_page_makes_a_fixed_number_of_queries_whatever_the_symbols(reader, now, django_assert_max_num_queries):
    make.running(now)
    with django_assert_max_num_queries(28):
        reader.get("/universe/")

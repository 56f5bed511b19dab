from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading.exchange.venue import Filters
from trading.feed import rows, universe
from trading.models import UniverseSnapshot

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def rules(*names: str) -> dict[str, Filters]:
    one = Decimal(1)
    made = [Filters(universe.as_symbol(n), one, one, one, one, one, one) for n in names]
    return {f.symbol: f for f in made}


@pytest.mark.parametrize("name", ["BTC", "btc", "BTCUSDT", "btcusdt", "BTC/USDT", "BTC/USDT:USDT", " BTC/USDT:USDT "])
def test_a_symbol_may_be_written_in_any_usual_way(name):
    assert universe.as_symbol(name) == "BTC/USDT:USDT"


def test_the_explicit_list_wins_in_its_order_and_names_strangers():
    lines = universe.choose(rules("BTC", "ETH", "SOL"), {}, universe.wanted("SOLUSDT, XYZ,ETH,SOL,"))
    assert [(x.symbol, x.rank, x.status) for x in lines] == [
        ("SOL/USDT:USDT", 1, "in"),
        ("ETH/USDT:USDT", 2, "in"),
        ("XYZ/USDT:USDT", None, "unknown"),
    ]
    assert lines[-1].why == "the venue has no such symbol"


def test_without_a_list_the_largest_are_taken_and_the_rest_say_why_not():
    known = rules("BTC", "ETH", "SOL", "BTC/USDC:USDC")
    known["SOL/USDT:USDT"] = replace(known["SOL/USDT:USDT"], trading=False)
    volumes = {"ETH/USDT:USDT": Decimal(5), "BTC/USDT:USDT": Decimal(9), "SOL/USDT:USDT": Decimal(99)}
    lines = universe.choose(known, volumes, [], most=1)
    assert [(x.symbol, x.status, x.why) for x in lines] == [
        ("BTC/USDT:USDT", "in", ""),
        ("SOL/USDT:USDT", "out", "the venue does not trade it now"),
        ("ETH/USDT:USDT", "out", "not among the 1 largest"),
    ]


@pytest.mark.django_db
def test_a_refresh_stores_what_the_venue_trades(venue):
    made = universe.refresh(NOW, "anna", venue.gateway)
    assert (made.at, made.requested_by) == (NOW, "anna")
    assert sorted(rows.universe()) == ["BTC/USDT:USDT", "DOGE/USDT:USDT", "ETH/USDT:USDT"]
    assert all(line["rank"] and line["status"] == "in" and line["why"] == "" for line in made.symbols)


@pytest.mark.django_db
def test_snapshots_are_kept_within_bounds(venue, monkeypatch):
    monkeypatch.setattr(universe, "KEEP", 3)
    for minute in range(6):
        universe.refresh(NOW + timedelta(minutes=minute), "beat", venue.gateway)
    assert UniverseSnapshot.objects.count() == 3
    assert rows.snapshot().at == NOW + timedelta(minutes=5)

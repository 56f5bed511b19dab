"""The first page's tiles and problems: figures with an age, and what is wrong."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from monitoring.models import Incident
from monitoring.show import tiles
from monitoring.show.audience import Audience
from monitoring.show.panels import render
from monitoring.show.probed import known
from monitoring.show.scene import Scene, midnight
from monitoring.watch import history
from tests.show import factories as make
from trading.gates import store
from trading.gates.directives import Level
from trading.models import ModuleState

pytestmark = pytest.mark.django_db


def by_name(now):
    return {tile.name: tile for tile in tiles.tiles(Scene(now))}


def words(name, now, roles=frozenset()):
    html = render([name], now, Scene(now, audience=Audience(roles=roles)))[0].html
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


class TestTiles:
    def test_an_empty_house_claims_nothing(self, now):
        found = by_name(now)
        assert found["protected"].figure == "None open" and found["protected"].shape == ""
        assert (found["data"].figure, found["money"].figure) == ("No data", "No data")
        assert (found["execution"].figure, found["execution"].shape) == ("Held", "warn")
        assert "no order yet" in words("tiles", now)

    def test_a_stop_that_is_not_confirmed_is_not_counted_and_the_oldest_word_is_its_age(self, now):
        make.holdings(now)
        tile = by_name(now)["protected"]
        assert (tile.figure, tile.shape) == ("3 of 4", "warn")
        assert tile.at == now - timedelta(seconds=38)

    def test_a_naked_position_is_red(self, now):
        make.position("BTC/USDT:USDT", now, unprotected_since=now, protected_since=None)
        tile = by_name(now)["protected"]
        assert (tile.figure, tile.shape) == ("0 of 1", "fail")

    def test_data_that_is_too_old_holds_execution(self, now):
        make.policy(now)
        make.champion("lightgbm", now)
        make.universe(now, ["BTC/USDT:USDT"])
        make.candles("BTC/USDT:USDT", now, late=10)
        found = by_name(now)
        assert found["data"].shape == "fail" and found["data"].note == "0 of 1 symbol fresh"
        assert (found["execution"].figure, found["execution"].note) == ("Held", "the data is too old")

    def test_execution_says_who_switched_what_stands_and_the_last_order(self, now):
        make.running(now)
        assert (by_name(now)["execution"].figure, by_name(now)["execution"].shape) == ("On", "ok")
        store.direct(Level.REDUCED, "x", "volatile", "self_healing", now)
        assert by_name(now)["execution"].note == "Entries at half their size"
        store.direct(Level.NO_NEW_TRADES, "y", "The stream is silent", "self_healing", now)
        assert (by_name(now)["execution"].figure, by_name(now)["execution"].note) == ("Held", "The stream is silent")
        make.switch("halted", now)
        assert by_name(now)["execution"].figure == "Off" and "mira" in by_name(now)["execution"].note
        order = make.guard(make.position("BTC/USDT:USDT", now), "stop", "95", now)
        assert by_name(now)["execution"].at == order.sent_at

    def test_execution_that_is_off_in_the_environment_is_off(self, now, settings):
        make.running(now)
        settings.QUANTUM = settings.QUANTUM.model_copy(update={"QT_ENABLE_EXECUTION": False})
        assert by_name(now)["execution"].note == "QT_ENABLE_EXECUTION is false"

    def test_money_is_todays_change_and_nears_its_limit_in_yellow(self, now, settings):
        make.snapshot(midnight(now), 10_000)
        make.snapshot(now, 9_900)
        tile = by_name(now)["money"]
        assert tile.money == Decimal("-100") and "of 3\u00a0%" in tile.note
        make.position("BTC/USDT:USDT", now, unrealized=Decimal("-270"))
        assert by_name(now)["money"].shape == "warn"
        make.position("ETH/USDT:USDT", now, unrealized=Decimal("-100"))
        assert by_name(now)["money"].shape == "fail"

    def test_health_is_the_score_with_its_cap(self, now):
        make.no_trades(now)
        tile = by_name(now)["health"]
        assert int(tile.figure) <= 50 and tile.note == "held at 50 by Event Driven Executor"


def test_the_score_from_the_pages_rows_is_the_score_from_its_own(now):
    make.holdings(now)
    make.no_trades(now)
    shared, own = history.measure(now, known(Scene(now))), history.measure(now)
    assert history.standing(shared) == history.standing(own)
    assert [one.gone for one in shared.components] == [one.gone for one in own.components]


class TestProblems:
    def incident(self, now, key, severity, **changes):
        params = {"symbols": 12, "of": 12, "symbol": "BTC/USDT:USDT", "seconds": 120, "limit": 90}
        row = {"code": "FEED_STALE", "subsystem": "data_feed", "severity": severity, "params": params}
        return Incident.objects.create(key=key, first_seen=now, last_seen=now, **row | changes)

    def test_before_the_first_look_it_teaches_and_later_it_is_quiet(self, now):
        assert "Self-healing has not looked yet." in words("problems", now)
        make.beat("self_healing", now)
        assert "No open incident." in words("problems", now)

    def test_the_worst_incident_is_named_and_the_rest_is_counted(self, now):
        for i in range(5):
            self.incident(now, f"k{i}", "low")
        self.incident(now, "worst", "critical")
        said = words("problems", now, frozenset({"operator"}))
        assert "6 open incidents" in said and "critical:" in said and "low:" not in said and "Acknowledge" in said

    def test_what_the_diagnosis_ranks_first_is_one_click_from_its_cause(self, now):
        make.running(now)
        ModuleState.objects.filter(name="portfolio_balancer").delete()
        html = render(["problems"], now)[0].html
        assert 'href="/diagnosis/#module-never-called-portfolio-balancer"' in html
        assert "Portfolio Balancer was never called" in html

    def test_who_may_not_acknowledge_sees_no_button(self, now):
        self.incident(now, "one", "high")
        assert "Acknowledge" not in words("problems", now, frozenset({"viewer"}))


def test_modules_name_what_needs_a_look_and_count_the_rest(now):
    make.running(now)
    make.beat("trailing", now, ago=0, last_error="KeyError: 'mark'", last_error_at=now)
    said = words("modules", now)
    well, of = map(int, re.search(r"(\d+) of (\d+) well", said).groups())
    assert (of - well, f"{well} others beat and work." in said, "Trailing Stop Manager" in said) == (1, True, True)
    assert "Position Monitor" not in said

"""The diagnosis: the page, its panels, and what another value would have given."""

import re
from datetime import timedelta

import pytest
from django.utils.html import strip_tags

from monitoring.show import panels, waterfall
from monitoring.show.scene import Scene
from monitoring.show.waterfall import WINDOWS
from monitoring.watch.funnel import funnel
from tests.show import factories as make

pytestmark = pytest.mark.django_db


def text(response):
    return " ".join(strip_tags(response.content.decode()).split())


def drawn(name, now):
    return panels.one(panels.PANELS[name], Scene(now)).html


@pytest.fixture
def busy(now):
    make.no_trades(now)


# -- the waterfall ----------------------------------------------------------------------------------------------------


def test_every_code_has_its_signals_and_its_symbols_and_leads_to_its_decisions(busy, now):
    found = {one.code: one for one in waterfall.steps(funnel(timedelta(hours=1), now))}
    assert (found["COOLDOWN_ACTIVE"].n, found["COOLDOWN_ACTIVE"].symbols) == ("171", "12 symbols")
    assert found["COOLDOWN_ACTIVE"].first and not found["LOW_CONFIDENCE"].first
    assert found["COOLDOWN_ACTIVE"].href.startswith("/decisions/?code=COOLDOWN_ACTIVE&outcome=rejected&since=20")
    assert (found["FLAT"].n, found["PENDING"].n, found["TRADED"].n) == ("498", "2", "0")
    assert sum(one.share for one in found.values() if one.kind not in ("absent", "flat")) == pytest.approx(1, abs=0.001)


def test_symbols_that_were_not_judged_have_their_codes_too(now):
    names = ["DASH/USDT:USDT", "ZEC/USDT:USDT"]
    make.cycle(now, evaluated=0, flat=0, not_evaluated={"FEED_STALE": 2}, absent={"FEED_STALE": names}, symbols=2)
    (one,) = waterfall.steps(funnel(timedelta(hours=1), now))
    assert (one.kind, one.code, one.symbols, one.share, one.first) == ("absent", "FEED_STALE", "2 symbols", 1.0, True)
    assert one.sentence


@pytest.mark.parametrize("window", WINDOWS)
def test_each_window_has_a_page_and_a_panel_of_its_own(reader, busy, window):
    page = reader.get(f"/diagnosis/?window={window}")
    assert page.status_code == 200
    html = page.content.decode()
    assert f'data-panel="waterfall_{window}"' in html
    assert re.search(rf'href="/diagnosis/\?window={window}#waterfall" aria-current="true"', html)


def test_a_short_window_counts_less_than_a_long_one(busy, now):
    short, long = (funnel(WINDOWS[name][0], now).signals for name in ("15m", "7d"))
    assert 0 < short < long == 198


def test_every_window_makes_four_queries(busy, now, django_assert_num_queries):
    with django_assert_num_queries(4):
        drawn("waterfall_7d", now)


def test_an_empty_window_says_so(reader, now):
    make.running(now)
    assert "No bar was judged in this window." in text(reader.get("/diagnosis/?window=15m"))


@pytest.mark.parametrize("query", ["window=2h", "window=1h&window=4h", "limit=3", "setting=" + "x" * 61])
def test_a_senseless_question_is_refused_and_names_the_field(reader, query):
    page = reader.get(f"/diagnosis/?{query}")
    assert page.status_code == 400 and query.split("=")[0] in text(page)


# -- what does not run, and what is old --------------------------------------------------------------------------------


def test_a_module_that_is_built_and_never_called_is_named(now):
    make.running(now)
    from trading.models import ModuleState

    ModuleState.objects.filter(name="portfolio_balancer").delete()
    html = drawn("not_running", now)
    assert re.search(
        r'data-key="portfolio_balancer".*?never called',
        html,
        re.DOTALL,
    )


def test_a_module_that_is_called_and_does_nothing_is_named(now):
    make.running(now)
    make.beat("portfolio_balancer", now, worked=None)
    assert "No useful work yet; due every" in drawn("not_running", now)


def test_symbols_with_an_old_candle_are_counted_and_named_with_their_age(now):
    make.running(now)
    from trading.models import Candle

    Candle.objects.filter(symbol__in=["DOT/USDT:USDT", "LTC/USDT:USDT"]).delete()
    make.candles("DOT/USDT:USDT", now, late=498)
    html = drawn("stale", now)
    assert "1 of 12 symbols is late: DOT/USDT." in html and "1 of 12 symbols has none: LTC/USDT." in html
    assert re.search(r'data-shape="fail".*?Candles.*?8(\xa0|&nbsp;)h 18', html, re.DOTALL)


def test_fresh_sources_are_told_with_their_limits(now):
    make.running(now)
    make.snapshot(now - timedelta(seconds=2), 10_000)
    html = drawn("stale", now)
    assert "none is too old" in html and "all of 12 symbols" in html and html.count("Fresh:") == 3


# -- another value -----------------------------------------------------------------------------------------------------


def test_the_form_lists_every_limit_with_its_value_and_range(reader, busy):
    page = reader.get("/diagnosis/").content.decode()
    assert "QT_MAX_POSITIONS (6; 1 – " in page and "QT_STOP_ATR" not in page.split('id="what-if"')[1]


def test_where_no_desk_was_kept_the_answer_says_so_and_nothing_is_changed(reader, busy):
    from trading.models import TunedSetting

    page = text(reader.get("/diagnosis/?setting=QT_MAX_POSITIONS&value=8"))
    assert "Nothing can be judged again: no bar of this window has kept its desk." in page
    assert not TunedSetting.objects.exists()


def test_a_value_out_of_its_range_says_what_it_may_be(reader, busy):
    page = text(reader.get("/diagnosis/?setting=QT_MAX_POSITIONS&value=0"))
    assert "0: must be a whole number from 1 to" in page


def test_only_get_is_answered(reader):
    assert reader.post("/diagnosis/").status_code == 405


def test_over_http_it_is_the_same(reader, busy):
    told = reader.get("/api/v1/diagnosis/what-if?setting=QT_MAX_POSITIONS&value=8&window=4h").json()
    assert (told["setting"], told["value"], told["in_force"], told["would_have_passed"]) == (
        "QT_MAX_POSITIONS",
        8,
        6,
        0,
    )
    assert told["bars_without_desk"] == 58


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("value=8", "setting"),
        ("setting=QT_MAX_POSITIONS", "value"),
        ("setting=QT_STOP_ATR&value=2", "setting"),
        ("setting=QT_MAX_POSITIONS&value=99999", "value"),
        ("setting=QT_MAX_POSITIONS&value=8&window=1y", "window"),
    ],
)
def test_over_http_a_senseless_question_names_its_field(reader, query, field):
    no = reader.get(f"/api/v1/diagnosis/what-if?{query}")
    assert no.status_code == 400 and field in no.json()["error"]["fields"]


def test_the_funnel_over_http_counts_symbols_too(reader, busy):
    seen = reader.get("/api/v1/funnel").json()
    assert seen["symbols_by_code"]["COOLDOWN_ACTIVE"] == 12 == seen["symbols_with_signals"]

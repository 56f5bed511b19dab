"""The morning that this system was built for: the diagnosis names each thing that was wrong, with its cause."""

import html
import re

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from monitoring.models import AuditEntry
from tests.show import mission
from trading.models import TunedSetting

pytestmark = pytest.mark.django_db


@pytest.fixture
def morning(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("QT_ENV_FILE", str(mission.settings_file(tmp_path / "env", "false")))
    mission.build(timezone.now())
    return reader


def text(page):
    return " ".join(html.unescape(strip_tags(page.content.decode())).split())


@pytest.fixture
def told(morning):
    return morning.get("/api/v1/diagnosis").json()


def the(told, code):
    return next(one for one in told["problems"] if one["code"] == code)


def test_the_verdict_says_that_198_signals_gave_no_trade(told):
    assert told["verdict"] == "198 signals in the last hour, 0 trades."


def test_the_slots_come_first_with_limit_setting_who_changed_it_and_another_value(told):
    first = told["reasons"][0]
    assert (first["code"], first["n"], first["of"], first["symbols"]) == ("MAX_POSITIONS", 193, 198, 193)
    assert re.match(r"5 positions with it, at most 4; ranked \d+ for 0 free\.", first["sentence"])
    assert "QT_MAX_POSITIONS is 4; its default is 6. j.berg changed it at" in first["setting"]
    assert first["otherwise"].startswith(
        "With QT_MAX_POSITIONS at 5 instead of 4, 1 of the 198 rejected would have passed;"
    )
    assert "their mean was +2.40 R (1 known to the end, too few for an interval)." in first["otherwise"]


def test_the_trend_filter_is_named_with_its_numbers(told):
    trend = told["reasons"][1]
    assert (trend["code"], trend["n"]) == ("AGAINST_TREND_SHORT", 5)
    assert "103.00\u00a0%" in trend["sentence"] and "102.00\u00a0%" in trend["sentence"]


def test_the_symbols_with_an_old_feed_are_counted_with_their_age(told):
    old = the(told, "CANDLES_STALE")
    assert "12 of 214 symbols" in old["cause"] and "8\u00a0h 18\u00a0min old" in old["cause"]
    absent = next(one for one in told["reasons"] if not one["judged"])
    assert (absent["code"], absent["symbols"]) == ("FEED_STALE", 12)


def test_the_balancer_that_nobody_called_is_named_and_can_be_rung_for(told):
    never = the(told, "MODULE_NEVER_CALLED")
    assert never["title"] == "Portfolio Balancer was never called"
    assert (never["action"]["control"], never["action"]["target"]) == ("tick_module", "portfolio_balancer")


def test_the_flag_that_contradicts_the_mode_is_named_before_it_refuses_the_next_start(told):
    refused = the(told, "START_REFUSED")
    assert "QT_PAPER_TRADING=false contradicts QT_MODE=practice" in refused["cause"]
    assert refused["severity"] == "high"


def test_a_settings_file_that_fits_says_nothing(morning, tmp_path):
    mission.settings_file(tmp_path / "env")
    assert "START_REFUSED" not in [one["code"] for one in morning.get("/api/v1/diagnosis").json()["problems"]]


def test_problems_are_numbered_and_complete(told):
    assert [one["rank"] for one in told["problems"]] == list(range(1, len(told["problems"]) + 1))
    for one in told["problems"]:
        assert (
            one["title"] and one["cause"] and one["steps"] and one["severity"] in ("critical", "high", "medium", "low")
        )


def test_the_page_shows_all_of_it_and_offers_the_ring(morning):
    page = morning.get("/diagnosis/")
    said, source = text(page), page.content.decode()
    for words in (
        "198 signals in the last hour, 0 trades.",
        "With QT_MAX_POSITIONS at 5 instead of 4, 1 of the 198 rejected would have passed;",
        "103.00\u00a0%".replace("\u00a0", " "),
        "Candles are old",
        "12 of 214 symbols are late: OLD01/USDT, OLD02/USDT, OLD03/USDT and 9 more.",
        "Portfolio Balancer was never called",
        "QT_PAPER_TRADING=false contradicts QT_MODE=practice",
        "It would be refused: the settings contradict each other.",
    ):
        assert words in said, words
    assert re.search(
        r'data-code="MODULE_NEVER_CALLED".*?action="/control/tick/".*?value="portfolio_balancer"', source, re.S
    )


def test_from_the_overview_it_is_one_click_to_the_cause(morning):
    source = morning.get("/").content.decode()
    assert 'href="/diagnosis/#cause"' in source.split('data-panel="verdict"')[1].split("</section>")[0]
    cause = morning.get("/diagnosis/").content.decode()
    assert re.search(r'data-panel="diagnosis"[^>]*id="cause"', cause)


def test_asking_about_another_value_changes_nothing(morning):
    before = list(TunedSetting.objects.values()), AuditEntry.objects.count()
    said = text(morning.get("/diagnosis/?setting=QT_MAX_POSITIONS&value=5"))
    answer = said[said.index("Judge again") :]
    assert "With QT_MAX_POSITIONS at 5 instead of 4, 1 of the 198 rejected would have passed;" in answer
    assert re.search(r"COIN006/USDT short ?would have passed ?\d\d:\d\d:\d\d \+2.40 R", answer)
    assert before == (list(TunedSetting.objects.values()), AuditEntry.objects.count())


def test_what_nobody_can_measure_any_more_is_said_to_be_so(morning):
    said = text(morning.get("/diagnosis/?setting=QT_MAX_POSITIONS&value=8"))
    assert "With QT_MAX_POSITIONS at 8 instead of 4, 1 of the 198 rejected would have passed;" in said
    assert "Of 192 the correlation can't be measured any more." in said

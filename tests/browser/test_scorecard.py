"""The score as a person sees it: the page's largest figure, its cap, and details that a refresh leaves as they are."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.watch import validator
from tests.browser.test_live_page import enter
from tests.show import factories as make
from trading import events

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def lively():
    now = timezone.now()
    make.no_trades(now)
    make.holdings(now)
    validator.store(validator.validate(now))
    return make.user()


def test_the_score_is_the_largest_figure_and_the_worst_is_open(site, window):
    site.aside(lively)
    page = enter(site, window)
    panel = page.locator('[data-panel="scorecard"]')
    assert panel.locator(".score").inner_text().startswith("50")
    expect(panel.locator(".score")).to_have_css("font-size", "44px")
    assert "198 signals and no executed order" in panel.locator(".cap-line").first.inner_text()
    assert panel.locator("details[open]").count() == 1
    assert panel.locator('[data-component="executor"] .reasons').is_visible()
    assert window.complaints == []


def test_what_was_opened_and_shut_stays_so_when_the_score_moves(site, window):
    site.aside(lively)
    page = enter(site, window)
    page.locator('[data-component="executor"] summary').click()
    page.locator('[data-component="model_supervisor"] summary').click()
    before = page.locator('[data-panel="scorecard"]').get_attribute("data-coverage")

    def more():
        make.snapshot(timezone.now(), 10_400, latency_ms=40)
        events.changed("scorecard")
        return True

    site.aside(more)
    page.locator("h1").hover()  # a panel under the pointer or with the focus waits
    page.evaluate("document.activeElement.blur()")
    expect(page.locator('[data-panel="scorecard"]')).not_to_have_attribute("data-coverage", before, timeout=15_000)
    assert page.locator('[data-component="model_supervisor"]').get_attribute("open") is not None
    assert page.locator('[data-component="executor"]').get_attribute("open") is None


def test_a_phone_shows_one_column(site, window):
    site.aside(lively)
    window.page.set_viewport_size({"width": 390, "height": 844})
    page = enter(site, window)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    groups = page.locator('[data-panel="scorecard"] .group')
    lefts = {round(box["x"]) for i in range(groups.count()) if (box := groups.nth(i).bounding_box())}
    assert len(lefts) == 1

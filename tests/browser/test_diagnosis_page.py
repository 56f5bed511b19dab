"""The diagnosis in the browser: one click from verdict to cause, by mouse and by keys; live; in order for axe."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.browser.conftest import Site
from tests.browser.test_every_page import objections, still
from tests.show import factories as make
from tests.show import mission
from trading import events
from trading.models import ModuleState

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def morning() -> Any:
    mission.build(timezone.now())
    return make.user(is_staff=True, is_superuser=True)


def entered(site: Site, page: Any, house: Any = morning) -> Any:
    site.aside(house)
    page.goto(f"{site.url}/login/")
    page.fill("[name=username]", "mira")
    page.fill("[name=password]", "a-long-password")
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.url}/")
    page.wait_for_selector("body[data-connection=open]")
    return page


def in_view(page: Any, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    return box is not None and 0 <= box["y"] < page.viewport_size["height"]


def test_one_click_leads_from_the_verdict_to_the_cause(site, window):
    page = entered(site, window.page)
    page.click("[data-panel=verdict] a.button.primary")
    page.wait_for_url("**/diagnosis/#cause")
    assert in_view(page, "#cause h2")
    assert page.locator("#cause .stopped li").first.get_attribute("data-code") == "MAX_POSITIONS"
    assert "With QT_MAX_POSITIONS at 5 instead of 4" in page.inner_text("#cause .stopped li:first-child")
    assert window.complaints == []


def test_one_click_leads_from_a_problem_of_the_first_page_to_that_problem(site, window):
    page = entered(site, window.page)
    page.click("[data-panel=problems] a[href$='#module-never-called-portfolio-balancer']")
    page.wait_for_url("**/diagnosis/#module-never-called-portfolio-balancer")
    assert in_view(page, "li#module-never-called-portfolio-balancer h4")


def test_keys_lead_there_and_to_another_window(site, window):
    page = entered(site, window.page)
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/diagnosis/")
    page.focus(".windows a[href*='4h']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/diagnosis/?window=4h#waterfall")
    assert page.locator("[data-panel=waterfall_4h] .windows [aria-current]").inner_text() == "4 h"


def test_a_problems_button_opens_its_control(site, window):
    page = entered(site, window.page)
    page.goto(f"{site.url}/diagnosis/")
    page.click("li[data-code=MODULE_NEVER_CALLED] [data-control]")
    page.wait_for_selector("dialog#control[open]")
    assert "Portfolio Balancer" in page.inner_text("dialog#control")


def test_another_value_is_asked_by_the_form(site, window):
    page = entered(site, window.page)
    page.goto(f"{site.url}/diagnosis/")
    page.select_option(".asking [name=setting]", "QT_MAX_POSITIONS")
    page.fill(".asking [name=value]", "5")
    page.keyboard.press("Enter")
    page.wait_for_url("**/diagnosis/?window=1h&setting=QT_MAX_POSITIONS&value=5*")
    assert "With QT_MAX_POSITIONS at 5 instead of 4, 1 of the 198 rejected would have passed" in page.inner_text(
        ".answer"
    )
    assert page.locator(".passed tbody tr").count() == 1


def test_what_begins_to_run_leaves_the_page_by_itself(site, window):
    page = entered(site, window.page)
    page.goto(f"{site.url}/diagnosis/")
    page.wait_for_selector("body[data-connection=open]")
    page.wait_for_selector("[data-panel=not_running] li[data-key=portfolio_balancer]")
    site.aside(rung)
    page.wait_for_selector("[data-panel=not_running] li[data-key=portfolio_balancer]", state="detached")
    page.wait_for_selector("li[data-code=MODULE_NEVER_CALLED]", state="detached", timeout=25_000)


def rung() -> bool:
    make.beat("portfolio_balancer", timezone.now(), ago=0, worked=0)
    events.changed("modules")
    return ModuleState.objects.filter(name="portfolio_balancer").exists()


@pytest.mark.parametrize("language", ["en", "nb"])
def test_axe_finds_nothing_and_nothing_sticks_out(site, window, language):
    window.page.emulate_media(reduced_motion="reduce")  # a colour on its way is no colour
    window.page.route_web_socket("**/ws/live/**", still)
    page = entered(site, window.page)
    page.context.add_cookies([{"name": "language", "value": language, "url": site.url}])
    page.goto(f"{site.url}/diagnosis/?setting=QT_MAX_POSITIONS&value=5")
    page.wait_for_selector("body[data-connection=open]")
    assert objections(page) == []
    for width in (1440, 1100, 640, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0

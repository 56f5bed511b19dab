"""The first page in a real browser: what a person sees first, at every width; and breaking the exchange on purpose."""

import pytest
from playwright.sync_api import expect

from tests.browser import houses
from tests.browser.test_live_page import WAIT, enter
from tests.practice.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOPS = """(names) => names.map((name) =>
  Math.round(document.querySelector(`[data-panel="${name}"]`).getBoundingClientRect().top + scrollY))"""
INSIDE = """() => {
  const panel = document.querySelector('[data-panel=positions]').getBoundingClientRect();
  return [...document.querySelectorAll('[data-panel=positions] td')].filter((n) => n.offsetParent)
    .map((n) => n.getBoundingClientRect()).filter((box) => box.right > panel.right + 1).length;
}"""


def tops(page, *panels):
    """How far down each panel begins, at one moment: a panel that is swapped is nowhere."""
    return page.evaluate(TOPS, list(panels))


@pytest.mark.parametrize("width", [1440, 1320, 1100, 640, 390])
def test_positions_stay_within_their_panel_and_the_page_within_its_window(site, window, width):
    site.aside(houses.lively)
    window.page.set_viewport_size({"width": width, "height": 900})
    page = enter(site, window)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(INSIDE) == 0
    assert page.locator(".tile").count() == 5
    assert window.complaints == []


def test_the_first_screen_has_the_verdict_the_tiles_and_the_funnel(site, window):
    site.aside(houses.lively)
    page = enter(site, window)
    verdict, tiles, funnel = tops(page, "verdict", "tiles", "funnel")
    assert verdict < tiles < funnel < 560
    assert page.locator(".first-steps li").first.is_hidden()
    page.click(".first-steps summary")
    assert page.locator(".first-steps li").count() == 6 and page.locator(".first-steps li").first.is_visible()


def test_on_a_phone_problems_come_right_after_the_headline_and_the_switch_is_under_the_thumb(site, window):
    site.aside(houses.lively)
    window.page.set_viewport_size({"width": 390, "height": 844})
    page = enter(site, window)
    order = ["verdict", "equity", "problems", "tiles", "funnel", "scorecard", "positions", "decisions", "modules"]
    places = tops(page, *order)
    assert places == sorted(places)
    box = "(({ y, height }) => [y, height])(document.querySelector('.ribbon .switch').getBoundingClientRect())"
    top, height = page.evaluate(box)
    assert top > 750 and height >= 44


def test_breaking_the_exchange_shows_it_and_ends_it(site, window, tmp_path):
    site.aside(houses.empty)
    port = site.practice_url.rsplit(":", 1)[1]
    with Running(tmp_path, "--port", port) as exchange:
        page = enter(site, window)
        page.click(".first-steps summary")
        page.click('.first-steps a[href="/incidents/#try"]')
        page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
        page.click('#try button:has-text("Mute the market data")')
        expect(page.locator("#control [data-consequence]")).to_contain_text("keeps its stops at the exchange")
        page.click("#control button[value=go]")
        expect(page.locator("#try")).to_contain_text("The streams are mute", timeout=WAIT)
        assert [f["kind"] for f in exchange.desk("GET", "faults")[1]["items"]] == ["mute_stream"]
        page.click('#try button:has-text("End all of it now")')
        page.click("#control button[value=go]")
        expect(page.locator("#try")).not_to_contain_text("The streams are mute", timeout=WAIT)
        assert exchange.desk("GET", "faults")[1]["items"] == []
    assert window.complaints == []

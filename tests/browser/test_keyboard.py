"""Without a mouse: where g leads, how rows are walked, what Tab reaches and how it looks, what a swap leaves alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import houses
from tests.browser.conftest import until
from tests.browser.test_live_page import WAIT, enter, house, reject_once_more

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GOES = {
    "o": "/",
    "d": "/decisions/",
    "p": "/positions/",
    "t": "/trades/",
    "m": "/modules/",
    "u": "/universe/",
    "i": "/incidents/",
    "s": "/settings/",
}
ROWS = ("/", "/decisions/", "/positions/", "/orders/", "/trades/", "/modules/", "/universe/", "/settings/", "/audit/")
STOP = """() => {
  const n = document.activeElement, box = n.getBoundingClientRect(), style = getComputedStyle(n);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  return { end: n === document.body, ring, seen, what: n.outerHTML.slice(0, 120) };
}"""
SMALL = """() => [...document.querySelectorAll('button, .button, select, summary, input:not([type=hidden])')]
  .filter((n) => n.checkVisibility() && !n.closest('dialog:not([open])'))
  .map((n) => [n.getBoundingClientRect(), n])
  .filter(([box]) => box.width > 0 && box.height < 43.5)
  .map(([box, n]) => `${Math.round(box.height)} ${n.outerHTML.slice(0, 100)}`)"""


def visit(site, page, path: str) -> None:
    page.goto(site.url + path)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)


def test_g_and_a_letter_lead_to_each_page(site, window):
    site.aside(house)
    page = enter(site, window)
    for letter, path in reversed(GOES.items()):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(site.url + path, timeout=WAIT)
        page.wait_for_selector("body[data-connection]", timeout=WAIT)
    page.keyboard.press("?")
    for letter in GOES:
        expect(page.locator("#keys dl")).to_contain_text(f"g {letter}")
    assert window.complaints == []


def test_j_and_k_walk_the_rows_of_every_page_that_has_some(site, window):
    site.aside(houses.lively)
    page = enter(site, window)
    for path in ROWS:
        visit(site, page, path)
        walked = []
        for key in "jjjkk":
            page.keyboard.press(key)
            assert page.locator(".is-at").count() == 1, path
            walked.append(page.get_attribute(".is-at", "data-key"))
            assert page.evaluate("document.activeElement.closest('.is-at') !== null"), path
        assert walked[3:] == [walked[1], walked[0]], path
        assert len(set(walked)) == 3, path
    assert window.complaints == []


def test_tab_begins_with_the_way_past_the_menus_and_every_stop_is_seen(site, window):
    site.aside(houses.lively)
    page = enter(site, window)
    visit(site, page, "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("document.activeElement.blur()")
    page.mouse.click(2, 2)
    stops = []
    for _ in range(160):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["end"]:
            break
        stops.append(stop)
    assert len(stops) > 30
    assert [stop for stop in stops if not stop["ring"]] == []
    assert [stop for stop in stops if not stop["seen"]] == []


def test_a_swap_keeps_the_focus_and_what_is_selected(site, window):
    site.aside(house)
    page = enter(site, window)
    other = page.locator('[data-panel="funnel"] h2')
    words = other.inner_text()
    page.focus('[data-panel="decisions"] .note a[href="/decisions/"]')
    choose = "(n) => { getSelection().selectAllChildren(n); return getSelection().toString(); }"
    until(lambda: other.evaluate(choose) == words, "the selection in a heading that is not being swapped")
    page.focus('[data-panel="decisions"] .note a[href="/decisions/"]')
    fresh = site.aside(reject_once_more)
    page.mouse.move(3, 3)
    page.wait_for_selector(f'[data-panel="decisions"] li[data-key="{fresh}"]', timeout=WAIT)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/decisions/"
    assert page.evaluate("getSelection().toString()") == words
    assert page.locator('[data-panel="funnel"][data-waiting]').count() == 1
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator('[data-panel="funnel"]')).to_contain_text("MAX_POSITIONS", timeout=WAIT)


def test_a_list_that_is_walked_waits_until_the_focus_leaves_it(site, window):
    site.aside(house)
    page = enter(site, window)
    page.mouse.move(3, 3)
    page.focus('[data-panel="decisions"] .feed a[href]')
    rows = page.locator('[data-panel="decisions"] .feed > li')
    before = [row.get_attribute("data-key") for row in rows.all()]
    fresh = site.aside(reject_once_more)
    page.wait_for_selector('[data-panel="decisions"][data-waiting]', timeout=WAIT)
    assert [row.get_attribute("data-key") for row in rows.all()] == before
    page.focus("#main")
    page.wait_for_selector(f'[data-panel="decisions"] li[data-key="{fresh}"]', timeout=WAIT)


def test_what_a_finger_presses_is_large_enough(site, window, chromium):
    site.aside(houses.lively)
    enter(site, window)
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True,
        storage_state=window.page.context.storage_state(),
    )  # fmt: skip
    page = context.new_page()
    found = {}
    for path in ("/", *GOES.values(), "/orders/", "/models/", "/policy/", "/setup/", "/audit/"):
        visit(site, page, path)
        found[path] = page.evaluate(SMALL)
    context.close()
    assert {path: small for path, small in found.items() if small} == {}

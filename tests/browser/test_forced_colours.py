"""With the reader's own few colours (forced colours): states told apart by shape and word, the focus in sight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import houses
from tests.browser.conftest import Site
from tests.browser.test_every_page import places
from tests.browser.test_live_page import WAIT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATHS = ("/", "/positions/", "/decisions/{rejected}/")

NAMELESS = """() => [...document.querySelectorAll('main svg.shape')].filter((svg) => {
  if (!svg.getClientRects().length) return false;
  const name = svg.getAttribute('aria-label') || svg.querySelector('title')?.textContent || '';
  return !name && !svg.closest('p, li, td, span, div, summary, a, button')?.textContent.trim();
}).map((svg) => svg.outerHTML)"""
MERGED = """() => [...document.querySelectorAll('main svg.shape use, .ribbon svg.shape use')]
  .filter((use) => use.closest('svg').getClientRects().length)
  .map((use) => ({ shape: use.getAttribute('href'), ink: getComputedStyle(use.closest('svg')).color,
                   ground: getComputedStyle(document.body).backgroundColor }))
  .filter(({ ink, ground }) => ink === ground)"""
UNSEEN = """() => [...document.querySelectorAll('.bars .track, .pips i:not(.off), .reach .rail, .hundred span')]
  .filter((node) => node.getClientRects().length)
  .filter((node) => {
    const own = [null, '::before', '::after'].map((part) => getComputedStyle(node, part));
    const ground = getComputedStyle(document.body).backgroundColor;
    const seen = (s) => (s.backgroundColor !== 'rgba(0, 0, 0, 0)' && s.backgroundColor !== ground)
      || s.backgroundImage !== 'none' || s.outlineStyle === 'solid'
      || (parseFloat(s.borderTopWidth) > 0 && s.borderTopStyle !== 'none');
    return !own.some(seen);
  }).map((node) => `${node.parentElement.className} > ${node.className}`)"""
FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  return { who: document.activeElement.outerHTML.slice(0, 80), style: style.outlineStyle,
           width: parseFloat(style.outlineWidth), same: style.outlineColor === style.backgroundColor };
}"""


@pytest.fixture
def forced(site: Site, chromium: Any) -> Iterator[Any]:
    """A reader's page in a browser that forces colours, and the rows of a lively house."""
    site.aside(houses.lively)
    rows = site.aside(places)
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, forced_colors="active", reduced_motion="reduce", timezone_id="UTC"
    )
    page = context.new_page()
    page.goto(f"{site.url}/login/")
    page.fill("[name=username]", "mira")
    page.fill("[name=password]", "a-long-password")
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.url}/")
    yield page, rows
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_states_are_told_apart_without_colours_of_ours(site, forced, path):
    page, rows = forced
    page.goto(site.url + path.format(**rows))
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(MERGED) == []
    assert page.evaluate(UNSEEN) == []
    chosen = page.locator(".switch [aria-checked=true]")
    other = page.locator(".switch [aria-checked=false]").first
    ground = "n => getComputedStyle(n).backgroundColor"
    assert chosen.evaluate(ground) != other.evaluate(ground)
    here = page.locator("nav.pages [aria-current=page]")
    assert here.evaluate("n => getComputedStyle(n).borderBottomStyle") == "solid"


@pytest.mark.parametrize("path", PATHS)
def test_the_focus_is_in_sight(site, forced, path):
    page, rows = forced
    page.goto(site.url + path.format(**rows))
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    for _ in range(25):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        assert found["style"] != "none" and found["width"] >= 1 and not found["same"], found

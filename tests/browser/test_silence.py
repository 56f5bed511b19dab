"""A server that hangs: the socket stays open and says nothing. The page tells within three seconds, and comes back."""

from __future__ import annotations

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.test_live_page import WAIT, enter, house, prices, reject_once_more

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def frozen(site):
    """Stops the web process in its tracks; it goes on at the end in any case."""
    yield lambda: os.kill(site.pid, signal.SIGSTOP)
    os.kill(site.pid, signal.SIGCONT)


def test_a_silent_server_is_told_within_three_seconds_and_takes_the_controls(site, window, frozen):
    site.aside(house)
    page = enter(site, window)
    page.goto(f"{site.url}/positions/")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    page.evaluate("window.stayed = true")
    page.locator("tr [data-control]").first.click()
    page.wait_for_selector("#control[open]")

    frozen()
    page.evaluate("window.went = performance.now()")
    page.wait_for_selector("body[data-connection=lost]", timeout=WAIT)
    assert page.evaluate("performance.now() - window.went") < 3900  # three seconds, and the box's own slowness
    words = page.inner_text(".link .word").replace("\u00a0", " ")
    assert re.fullmatch(r"Not connected for \d+ s\. Numbers are from \d\d:\d\d:\d\d\.", words)
    assert page.is_disabled("#control [value=go]")
    page.keyboard.press("Escape")
    assert page.locator("main [data-control]:enabled, .switch button:enabled").count() == 0
    dimmed = "getComputedStyle(document.querySelector('[data-panel=positions] .table-wrap')).opacity"
    assert page.evaluate(dimmed) == "0.55"
    stamp = "(name) => getComputedStyle(document.querySelector('[data-panel=positions] .stamp')).color"
    warn = "(() => { const n = document.createElement('i'); n.style.color = 'var(--warn)'; document.body.append(n);"
    assert page.evaluate(stamp) == page.evaluate(f"{warn} return getComputedStyle(n).color }})()")

    os.kill(site.pid, signal.SIGCONT)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert page.locator("main [data-control]:disabled, .switch button:disabled").count() == 0
    assert page.evaluate(dimmed) == "1"
    site.aside(prices, "30111.1")
    expect(page.locator('tr[data-symbol="BTC/USDT:USDT"] [data-cell="mark"]')).to_have_text("30,111.1", timeout=WAIT)
    assert page.evaluate("window.stayed") is True


def test_what_happened_meanwhile_is_there_when_the_server_is_back(site, window, frozen):
    site.aside(house)
    page = enter(site, window)
    frozen()
    page.wait_for_selector("body[data-connection=lost]", timeout=WAIT)
    key = site.aside(reject_once_more)
    os.kill(site.pid, signal.SIGCONT)
    page.wait_for_selector(f'[data-panel="decisions"] li[data-key="{key}"]', timeout=WAIT)
    assert page.evaluate("window.stayed") is True

"""What a cold overview costs: bytes as they travel, and requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import houses
from tests.browser.conftest import until
from tests.browser.test_every_page import SETTLED, WAIT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_BYTES, MOST_REQUESTS = 1_500_000, 25


def log_in(page: Any, url: str) -> None:
    page.goto(f"{url}/login/")
    page.fill("[name=username]", "mira")
    page.fill("[name=password]", "a-long-password")
    page.click("button[type=submit]")
    page.wait_for_url(f"{url}/")


def cold(page: Any, url: str) -> tuple[list[str], int]:
    """Load with an empty cache: the addresses asked for, and the bytes that came over the wire, sockets left out."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    asked: list[str] = []
    size = [0]
    session.on("Network.requestWillBeSent", lambda e: asked.append(e["request"]["url"]))
    session.on("Network.loadingFinished", lambda e: size.__setitem__(0, size[0] + int(e["encodedDataLength"])))
    page.goto(f"{url}/", wait_until="load")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    until(lambda: page.evaluate(SETTLED), "the charts")
    page.wait_for_timeout(1000)
    session.detach()
    return [one for one in asked if one.startswith("http")], size[0]


def test_a_cold_overview_is_small_and_asks_little(site, window):
    site.aside(houses.lively)
    log_in(window.page, site.url)
    asked, size = cold(window.page, site.url)
    assert len(asked) <= MOST_REQUESTS, asked
    assert size <= MOST_BYTES
    assert window.complaints == []

"""Controls in a real browser: the dialog, its reason, the toast, a page that is not so any more, a lost connection."""

from __future__ import annotations

import pytest
from django.utils import timezone

from monitoring.control import actions
from monitoring.control.permissions import machine
from monitoring.models import AuditEntry
from tests.show import factories as make
from trading.models import CloseRequest, Position, TunedSetting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WAIT = 12_000
BUTTON = 'tr[data-key="{}"] [data-control]'


def come_in(window, site, address: str) -> None:
    """Log in as somebody with all roles, and open a page that hears the server."""
    site.aside(lambda: make.user().pk)
    page = window.page
    page.goto(f"{site.url}/login/?next={address}")
    page.fill("[name=username]", "mira")
    page.fill("[name=password]", "a-long-password")
    page.click("button[type=submit]")
    page.wait_for_selector('body[data-connection="open"]', timeout=WAIT)
    page.set_default_timeout(WAIT)


def test_a_limit_is_tightened_and_the_page_follows(site, window):
    come_in(window, site, "/settings/")
    page = window.page
    page.click(BUTTON.format("QT_MAX_POSITIONS"))
    dialog = page.locator("#control")
    assert dialog.locator("h2").inner_text() == "Change QT_MAX_POSITIONS?"
    assert (
        "It is 6; the environment says 6, and it may be from 1 to 100."
        in dialog.locator("[data-consequence]").inner_text()
    )
    dialog.locator("[name=value]").fill("4")
    dialog.locator("[value=go]").click()
    page.wait_for_selector(".toast >> text=QT_MAX_POSITIONS went from 6 to 4.")
    page.mouse.move(3, 3)  # a table under the pointer waits
    page.wait_for_selector('[data-value="QT_MAX_POSITIONS"] >> text=4')
    assert not dialog.is_visible()
    assert site.aside(lambda: AuditEntry.objects.get().action) == "limits.tighten"
    assert window.complaints == []


def test_loosening_asks_why_before_it_is_sent(site, window):
    come_in(window, site, "/settings/")
    page = window.page
    page.click(BUTTON.format("QT_MAX_POSITIONS"))
    page.fill("#control [name=value]", "9")
    page.click("#control [value=go]")
    assert page.locator("#control").is_visible()
    assert page.evaluate("document.querySelector('#control [name=reason]').validity.valueMissing")
    page.fill("#control [name=reason]", "more markets now")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast >> text=went from 6 to 9")
    assert site.aside(lambda: TunedSetting.objects.get().reason) == "more markets now"


def test_what_changed_meanwhile_is_said_and_nothing_is_done(site, window):
    come_in(window, site, "/settings/")
    page = window.page
    page.click(BUTTON.format("QT_MAX_POSITIONS"))
    site.aside(lambda: actions.tune({"QT_MAX_POSITIONS": 3}, "", machine("somebody"), timezone.now()) and True)
    page.fill("#control [name=value]", "5")
    page.fill("#control [name=reason]", "x")
    page.click("#control [value=go]")
    page.wait_for_selector("#control .wrong >> text=QT_MAX_POSITIONS is 3 by now, and was 6 on the page.")
    assert site.aside(lambda: TunedSetting.objects.get().value) == "3"
    page.keyboard.press("Escape")
    assert not page.locator("#control").is_visible()


def test_a_position_is_closed_from_its_row(site, window):
    def prepare() -> int:
        now = timezone.now()
        make.running(now)
        return make.holdings(now)[0].pk

    number = site.aside(prepare)
    come_in(window, site, "/positions/")
    page = window.page
    page.click(f'tr[data-key="{number}"] [data-control]')
    assert "0.12 are closed at market" in page.inner_text("#control [data-consequence]")
    page.click("#control [value=stay]")
    assert not site.aside(lambda: [CloseRequest.objects.exists()])[0]
    page.click(f'tr[data-key="{number}"] [data-control]')
    page.click("#control [value=go]")
    page.wait_for_selector(".toast >> text=BTC/USDT: accepted, pending.", timeout=15_000)
    assert site.aside(lambda: CloseRequest.objects.get().position_id) == number
    assert site.aside(lambda: Position.objects.get(pk=number).status) == "open"


def test_a_lost_connection_takes_the_controls_away(site, window):
    come_in(window, site, "/settings/")
    page = window.page
    page.evaluate("document.body.dataset.connection = 'lost'")
    page.wait_for_selector(BUTTON.format("QT_MAX_POSITIONS") + ":disabled")
    page.evaluate("document.body.dataset.connection = 'open'")
    page.wait_for_selector(BUTTON.format("QT_MAX_POSITIONS") + ":not(:disabled)")

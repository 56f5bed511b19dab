"""What scripts say is said in Norwegian too: the switch, a lost connection, ages."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_live_page import WAIT, enter, house

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def norwegian(site, window):
    site.aside(house)
    window.page.context.add_cookies([{"name": "language", "value": "nb", "url": site.url}])
    return enter(site, window)


def test_the_switch_asks_and_answers_in_norwegian(site, window):
    page = norwegian(site, window)
    expect(page.locator(".link .word").first).to_have_text("Tilkoblet", timeout=WAIT)
    page.click(".switch button[value=halted]")
    expect(page.locator(".toast").last).to_have_text(
        "Bryteren står på stanset. Ingen innganger, og ventende kanselleres.", timeout=WAIT
    )
    expect(page.locator("h1")).to_have_text("Handelen er stanset med vilje.", timeout=WAIT)
    page.click(".switch button[value=active]")
    dialog = page.locator("#resume")
    expect(dialog.locator("h2")).to_have_text("Tillate innganger igjen?")
    said = "Bryteren går fra stanset til aktiv. 4 posisjoner er åpne. Neste stolpe kan sende ordrer."
    expect(dialog.locator("[data-consequence]")).to_have_text(said)
    expect(dialog.locator("button[value=stay]")).to_have_text("Bli på stanset")
    expect(dialog.locator("button[value=go]")).to_have_text("Gå til aktiv")
    dialog.locator("[name=reason]").fill("på vakt: æøå")
    dialog.locator("button[value=go]").click()
    expect(page.locator("h1")).to_contain_text("198 signaler den siste timen, 0 handler.", timeout=WAIT)
    assert window.complaints == []


def test_a_lost_connection_is_said_in_norwegian(site, window):
    page = norwegian(site, window)
    page.context.set_offline(True)
    page.wait_for_selector("body[data-connection=lost]", timeout=WAIT)
    expect(page.locator(".link .word").first).to_contain_text("Ikke tilkoblet på")
    expect(page.locator(".stamp [data-ago]").first).to_contain_text("siden")
    page.context.set_offline(False)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)

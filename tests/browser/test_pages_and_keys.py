"""The pages of modules, models, policy and universe in a real browser, and the keyboard on all of them."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.test_live_page import WAIT, enter, house, reject_once_more
from tests.show import factories as make
from trading import events
from trading.models import Cycle, Decision, ModelVersion, UniverseSnapshot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("/modules/", "/models/", "/policy/", "/universe/", "/decisions/")


def visit(site, page, path):
    page.goto(f"{site.url}{path}")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    page.evaluate("window.stayed = true")


def fail_a_module():
    now = timezone.now()
    make.beat("executor", now, ago=0, last_error="KeyError: 'mark'", last_error_at=now)
    events.changed("modules")
    return True


def quarantine():
    ModelVersion.objects.filter(kind="xgboost").update(status="quarantined", alarm="81 % long")
    events.changed("models", "verdict")
    return True


def reject_once_more_elsewhere():
    of = Cycle.objects.order_by("-bar")[1]
    Cycle.objects.filter(pk=of.pk).update(flat=of.flat - 1, signals=of.signals + 1)
    free = next(symbol for symbol in make.SYMBOLS if not of.rows.filter(symbol=symbol).exists())
    make.rejected(make.signal(of, free), make.low(0.41, 0.5))
    events.changed("decisions", "funnel")
    return True


def drop_a_symbol():
    now = timezone.now()
    newest = UniverseSnapshot.objects.latest("at")
    rows = [
        row | ({"status": "out", "why": "stopped by the venue"} if row["symbol"].startswith("UNI") else {})
        for row in newest.symbols
    ]
    UniverseSnapshot.objects.create(at=now, symbols=rows, source="exchangeInfo", requested_by="mira")
    events.changed("universe")
    return True


def test_each_page_changes_without_a_reload_and_nothing_complains(site, window):
    site.aside(house)
    page = enter(site, window)

    visit(site, page, "/modules/")
    site.aside(fail_a_module)
    expect(page.locator('tr[data-key="executor"]')).to_contain_text("KeyError: 'mark'", timeout=WAIT)
    assert page.evaluate("window.stayed") is True

    visit(site, page, "/models/")
    site.aside(quarantine)
    expect(page.locator("h1")).to_have_text("1 model may not vote: XGBoost.", timeout=WAIT)
    assert page.evaluate("window.stayed") is True

    visit(site, page, "/policy/")
    assert "MAX_POSITIONS" not in page.inner_text('[data-panel="guard"] .gates')
    site.aside(reject_once_more)
    expect(page.locator('[data-panel="guard"] .gates')).to_contain_text("MAX_POSITIONS", timeout=WAIT)
    expect(page.locator('[data-panel="brake"]')).to_contain_text("199 signals were asked about", timeout=WAIT)
    page.wait_for_selector('[data-panel="codes"] .canvas[data-state="drawn"]', timeout=WAIT)

    page.click('[data-panel="guard"] details summary')
    site.aside(reject_once_more_elsewhere)
    expect(page.locator('[data-panel="brake"]')).to_contain_text("200 signals were asked about", timeout=WAIT)
    expect(page.locator('[data-panel="guard"] details')).to_have_attribute("open", "", timeout=WAIT)

    visit(site, page, "/universe/")
    site.aside(drop_a_symbol)
    row = page.locator('tr[data-key="UNI/USDT:USDT"]')
    expect(row).to_contain_text("stopped by the venue", timeout=WAIT)
    assert page.evaluate("window.stayed") is True
    assert window.complaints == []


def test_the_keyboard_finds_goes_walks_opens_and_turns(site, window):
    site.aside(house)
    page = enter(site, window)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/decisions/", timeout=WAIT)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)

    rows = page.locator(".feed > li")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    second = rows.nth(1).get_attribute("data-key")
    expect(rows.nth(1)).to_have_class("is-at")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/decisions/{second}/", timeout=WAIT)
    before = page.get_attribute("main a[rel=prev]", "href")
    page.keyboard.press("[")
    page.wait_for_url(f"**{before}", timeout=WAIT)
    page.keyboard.press("]")
    page.wait_for_url(f"**/decisions/{second}/", timeout=WAIT)

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert "No single key trades" in page.inner_text("#keys")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()

    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_visible()
    page.keyboard.type("ethusd")
    expect(page.locator("#found li").first).to_contain_text("ETH/USDT", timeout=WAIT)
    page.keyboard.press("Enter")
    page.wait_for_url("**/decisions/?symbol=ETHUSDT", timeout=WAIT)
    assert window.complaints == []


def test_the_groups_of_pages_are_opened_by_key_closed_and_followed(site, window):
    site.aside(house)
    page = enter(site, window)
    visit(site, page, "/orders/")
    assert page.locator("nav.pages [role=group] [aria-current=page]").inner_text() == "Orders"
    insight = page.locator("nav.pages summary", has_text="Insight")
    policy = page.locator("nav.pages a[href='/policy/']")
    expect(policy).to_be_hidden()
    insight.focus()
    page.keyboard.press("Enter")
    expect(policy).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(policy).to_be_hidden()
    expect(insight).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("nav.pages summary", has_text="System").click()
    expect(policy).to_be_hidden()
    page.click("h1")
    assert page.locator("nav.pages details[open]").count() == 0
    insight.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/policy/", timeout=WAIT)
    assert window.complaints == []


def test_on_a_phone_every_page_is_reached_from_the_menu(site, window):
    site.aside(house)
    page = enter(site, window)
    page.set_viewport_size({"width": 390, "height": 844})
    visit(site, page, "/orders/")
    page.click("a.menu")
    for group in page.locator("nav.pages summary").all():
        group.click()
    for link in page.locator("nav.pages .drop a").all()[-2:]:
        expect(link).to_be_visible()
        link.scroll_into_view_if_needed()
    page.locator("nav.pages summary", has_text="Insight").click()
    page.click("nav.pages a[href='/models/']")
    page.wait_for_url("**/models/", timeout=WAIT)
    assert window.complaints == []


def test_letters_that_are_typed_into_a_field_are_no_keys(site, window):
    site.aside(house)
    page = enter(site, window)
    visit(site, page, "/decisions/")
    page.focus("[name=symbol]")
    page.keyboard.type("gm/?j")
    assert page.input_value("[name=symbol]") == "gm/?j"
    assert page.url.endswith("/decisions/")
    expect(page.locator("#find")).not_to_be_visible()
    before = site.aside(lambda: list(Decision.objects.values_list("pk", "outcome")))
    page.evaluate("document.activeElement.blur()")
    for key in "abcefhilmnopqrstuvwxyz0123456789":
        page.keyboard.press(key)
    assert page.url.endswith("/decisions/")
    assert site.aside(lambda: list(Decision.objects.values_list("pk", "outcome"))) == before
    assert page.locator(".switch").get_attribute("data-switch") == "active"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_no_page_is_wider_than_its_window(site, window, width, height):
    site.aside(house)
    page = enter(site, window)
    page.set_viewport_size({"width": width, "height": height})
    for path in PAGES:
        visit(site, page, path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path

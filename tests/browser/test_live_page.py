"""The page in a real browser: what changes in the rows is seen without a reload, and nothing breaks the policy."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.control import login as links
from tests.show import factories as make
from trading import events
from trading.models import Candle, Cycle, Decision

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WAIT = 15_000


def enter(site, window):
    """Log in by name and password, and wait until the page hears the server."""
    page = window.page
    page.goto(f"{site.url}/login/")
    page.fill("[name=username]", "mira")
    page.fill("[name=password]", "a-long-password")
    page.click("button[type=submit]")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    page.evaluate("window.stayed = true")
    return page


def house():
    now = timezone.now()
    make.holdings(now)
    make.no_trades(now)
    return make.user()


def reject_once_more():
    """One signal more, rejected for a reason that the page has not shown yet."""
    of = Cycle.objects.order_by("bar").last()
    Cycle.objects.filter(pk=of.pk).update(flat=of.flat - 1, signals=of.signals + 1)
    s = make.signal(of, "UNI/USDT:USDT", confidence=0.51)
    d = make.rejected(s, make.no(make.Code.MAX_POSITIONS, 7, 6, "QT_MAX_POSITIONS"))
    events.changed("decisions", "funnel", "verdict")
    return d.pk


def trade_one():
    d = Decision.objects.filter(outcome="pending").first()
    Decision.objects.filter(pk=d.pk).update(outcome="traded", code="", sentence="1.2 at 8.31.")
    events.changed("decisions", "funnel", "verdict")
    return d.pk


def prices(mark):
    events.publish({"type": "prices", "marks": {"BTC/USDT:USDT": mark}, "at": timezone.now().isoformat()})
    return True


def test_a_new_reason_a_price_and_the_verdict_change_without_a_reload(site, window):
    site.aside(house)
    page = enter(site, window)
    assert page.inner_text("h1").startswith("198 signals in the last hour, 0 trades.")
    assert page.title().startswith("198 signals")
    assert "MAX_POSITIONS" not in page.inner_text('[data-panel="decisions"]')

    key = site.aside(reject_once_more)
    page.wait_for_selector(f'[data-panel="decisions"] li[data-key="{key}"]', timeout=WAIT)
    assert "MAX_POSITIONS" in page.inner_text(f'li[data-key="{key}"]')
    expect(page.locator('[data-panel="funnel"]')).to_contain_text("MAX_POSITIONS", timeout=WAIT)

    cell = 'tr[data-symbol="BTC/USDT:USDT"] [data-cell="mark"]'
    assert page.inner_text(cell) == "30,318.4"
    site.aside(prices, "30111.1")
    expect(page.locator(cell)).to_have_text("30,111.1", timeout=WAIT)
    assert "\u221212.41" in page.inner_text('tr[data-symbol="BTC/USDT:USDT"] [data-cell="unrealized"]')

    site.aside(trade_one)
    expect(page.locator("h1")).to_have_text("199 signals in the last hour, 1 trade.", timeout=WAIT)
    assert page.title().startswith(page.inner_text("h1"))
    assert page.evaluate("window.stayed") is True
    assert window.complaints == []


def test_fresh_prices_make_no_old_candle_young(site, window):
    def dead_candles():
        house()
        Candle.objects.all().delete()
        for symbol in make.SYMBOLS:
            make.candles(symbol, timezone.now(), late=500)
        return True

    site.aside(dead_candles)
    page = enter(site, window)
    old = page.locator(".ribbon .data-age.is-late")
    expect(old).to_contain_text("data 8\u00a0h", timeout=WAIT)
    for mark in ("30111.1", "30222.2"):
        site.aside(prices, mark)
        shown = f"{mark[:2]},{mark[2:]}"
        expect(page.locator('tr[data-symbol="BTC/USDT:USDT"] [data-cell="mark"]')).to_have_text(shown, timeout=WAIT)
    expect(old).to_contain_text("data 8\u00a0h")
    page.wait_for_timeout(1500)  # the ages have ticked since
    expect(old).to_contain_text("data 8\u00a0h")
    assert window.complaints == []


def test_a_price_that_is_old_when_it_comes_is_shown_as_old(site, window):
    site.aside(house)
    page = enter(site, window)
    since = timezone.now() - timezone.timedelta(minutes=3)
    prices_of = {"type": "prices", "marks": dict.fromkeys(make.SYMBOLS, "101"), "at": since.isoformat()}
    site.aside(lambda: events.publish(prices_of) or True)
    page.wait_for_selector(f'[data-cell="mark"][data-as-of^="{since:%Y-%m-%dT%H:%M:%S}"]', timeout=WAIT)
    assert window.complaints == []


def test_a_headline_that_rests_on_a_silent_module_turns_unknown_and_looks_old(site, window):
    def soon_silent():
        now = timezone.now()
        make.running(now)
        make.beat("self_healing", now, ago=50, worked=50)
        make.user()
        return True

    site.aside(soon_silent)
    page = enter(site, window)
    page.goto(f"{site.url}/incidents/")
    head = page.locator('[data-panel="incidents_said"]')
    expect(head).to_have_attribute("data-tone", "ok")
    expect(head).to_have_attribute("data-age", "fresh")
    quiet = page.evaluate("getComputedStyle(document.querySelector('.headline [data-ago]')).fontWeight")
    expect(head).to_have_attribute("data-age", "ageing", timeout=WAIT)
    assert page.evaluate("getComputedStyle(document.querySelector('.headline [data-ago]')).fontWeight") > quiet
    expect(head).to_have_attribute("data-tone", "unknown", timeout=WAIT)
    expect(head.locator("h1")).to_have_text("Self-healing has not looked for more than a minute.")
    expect(head).to_have_attribute("data-age", "ageing")
    assert window.complaints == []


def test_a_stop_that_nobody_confirms_stops_looking_protected_by_itself(site, window):
    def nearly_late():
        now = timezone.now()
        make.running(now)
        p = make.position("BTC/USDT:USDT", now, mark_price=Decimal(101))
        make.guard(p, "stop", "98.5", now - timezone.timedelta(seconds=17))
        make.user()
        return p.pk

    site.aside(nearly_late)
    page = enter(site, window)
    page.wait_for_selector(".of-stop .stop.is-warn", timeout=WAIT)
    assert "limit 20" in page.inner_text(".of-stop").replace("\u00a0", " ")


def test_halting_is_one_click_and_coming_back_asks_why(site, window):
    site.aside(house)
    page = enter(site, window)
    page.click(".switch button[value=halted]")
    page.wait_for_selector('[data-switch="halted"]', timeout=WAIT)
    expect(page.locator("h1")).to_have_text("Trading is halted on purpose.", timeout=WAIT)
    page.click(".switch button[value=active]")
    dialog = page.locator("#resume")
    assert "4 positions are open" in dialog.inner_text()
    dialog.locator("[name=reason]").fill("release is out")
    dialog.locator("button[value=go]").click()
    page.wait_for_selector('[data-switch="active"]', timeout=WAIT)
    expect(page.locator("h1")).to_contain_text("198 signals", timeout=WAIT)
    assert window.complaints == []


def test_a_lost_connection_is_said_within_three_seconds_and_found_again(site, window):
    site.aside(house)
    page = enter(site, window)
    context = page.context
    context.set_offline(True)
    page.evaluate("window.went = performance.now()")
    page.wait_for_selector("body[data-connection=lost]", timeout=WAIT)
    assert page.evaluate("performance.now() - window.went") < 3900  # three seconds, and the box's own slowness
    assert re.search(r"Not connected", page.inner_text(".link"))
    assert page.is_disabled(".switch button[value=halted]")
    context.set_offline(False)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert page.is_enabled(".switch button[value=halted]")
    key = site.aside(reject_once_more)
    page.wait_for_selector(f'li[data-key="{key}"]', timeout=WAIT)


def test_a_login_link_opens_the_page_once_and_leaves_no_token_in_the_address(site, window):
    token = site.aside(lambda: links.issue(make.user(), timezone.now()))
    page = window.page
    page.goto(f"{site.url}/login/#token={token}")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert page.url == f"{site.url}/"
    assert token not in page.content()


def test_a_list_that_is_read_waits_and_comes_when_the_pointer_leaves(site, window):
    site.aside(house)
    page = enter(site, window)
    page.hover('[data-panel="decisions"] .feed li:nth-child(3)')
    key = site.aside(reject_once_more)
    page.wait_for_selector('[data-panel="decisions"][data-waiting]', timeout=WAIT)
    assert not page.query_selector(f'li[data-key="{key}"]')
    page.mouse.move(5, 5)
    page.wait_for_selector(f'li[data-key="{key}"]', timeout=WAIT)


def test_every_page_is_drawn_without_a_word_of_complaint(site, window):
    site.aside(house)
    site.aside(lambda: User.objects.update(is_staff=True, is_superuser=True))
    page = enter(site, window)
    page.click('[data-panel="decisions"] .feed li:first-child .what')
    page.wait_for_selector("[data-gate]", timeout=WAIT)
    paths = ("/", "/decisions/", "/decisions/?code=CORRELATION", "/api/v1/docs", "/admin/", "/admin/trading/decision/")
    for path in paths:
        page.goto(site.url + path, wait_until="load")
    page.goto(f"{site.url}/")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert window.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_no_page_is_wider_than_its_window(site, window, width, height):
    site.aside(house)
    page = enter(site, window)
    number = site.aside(lambda: Decision.objects.filter(code="CORRELATION").first().pk)
    page.set_viewport_size({"width": width, "height": height})
    for path in ("/", "/decisions/", f"/decisions/{number}/"):
        page.goto(site.url + path)
        page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path

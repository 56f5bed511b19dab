"""Positions, orders and trades in a real browser: charts are drawn, rows come by themselves, the console is clean."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import until
from tests.browser.test_live_page import WAIT, enter, prices
from tests.show import factories as make
from tests.show import ledgers
from trading import events
from trading.models import Candle, Intent, Order, Position, Trade

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DRAWN = '.canvas[data-state="drawn"]'


def books():
    ledgers.books(timezone.now())
    return make.user()


def visit(site, window, path):
    page = enter(site, window)
    page.goto(site.url + path)
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    page.evaluate("window.stayed = true")
    return page


def test_a_positions_candles_are_drawn_and_walked_by_keyboard(site, window):
    site.aside(books)
    page = visit(site, window, "/positions/")
    page.wait_for_selector(f'[data-panel="candles"] {DRAWN}', timeout=WAIT)
    assert page.locator('[data-panel="candles"] canvas').count() >= 2
    expect(page.locator('[data-panel="candles"] [data-sentence]')).to_contain_text("BTC/USDT long from 30,214.5")
    page.focus('[data-panel="candles"] .canvas')
    newest = page.inner_text(".readout")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".readout") != newest
    page.click('[data-panel="candles"] summary')
    until(lambda: page.locator('[data-panel="candles"] .as-table tbody tr').count() > 50, "the candles as a table")
    page.click('[data-panel="candles"] .tabs a:nth-child(3)')
    expect(page.locator('[data-panel="candles"] [data-sentence]')).to_contain_text("SOL/USDT short", timeout=WAIT)
    expect(page.locator('[data-panel="timeline"]')).to_contain_text("SOL/USDT short")
    page.click("[data-set-theme=light]")
    assert window.complaints == []


def move_stop():
    """A new candle, and the stop replaced by a tighter one."""
    now = timezone.now()
    p = Position.objects.get(symbol="BTC/USDT:USDT", status="open")
    Order.objects.filter(intent__position=p, intent__kind="stop", status="new").update(status="canceled")
    guard = make.guard(p, Intent.STOP, "30011.0", now, sent_at=now)
    Candle.objects.filter(symbol=p.symbol).order_by("open_time").first().delete()
    events.changed("positions", "orders", "candles")
    return guard.pk


def test_a_moved_stop_arrives_on_the_drawn_chart_and_in_the_story(site, window, monkeypatch):
    monkeypatch.setattr(make, "guard", guard_again)
    site.aside(books)
    page = visit(site, window, "/positions/")
    page.wait_for_selector(f'[data-panel="candles"] {DRAWN}', timeout=WAIT)
    page.evaluate("document.querySelector('[data-panel=candles] canvas').dataset.same = 'yes'")
    cell = 'tr[data-symbol="BTC/USDT:USDT"] [data-cell="mark"]'
    site.aside(prices, "30402.5")
    expect(page.locator(cell)).to_have_text("30,402.5", timeout=WAIT)
    with page.expect_response("**/charts/positions/**", timeout=WAIT) as told:
        site.aside(move_stop)
    assert told.value.json()["stop_now"] == 30011.0
    expect(page.locator('[data-panel="timeline"]')).to_contain_text("30,011", timeout=WAIT)
    assert page.locator("canvas[data-same=yes]").count() == 1  # drawn on, not drawn anew
    assert page.evaluate("window.stayed") is True
    assert window.complaints == []


real_guard = make.guard


def guard_again(position, kind, trigger, verified_at, **changes):
    """A second stop of a position has another client id."""
    first = Intent.objects.filter(position=position, kind=kind)
    first.filter(client_order_id=f"q-{kind}-{position.pk}").update(client_order_id=f"q-was-{kind}-{position.pk}")
    return real_guard(position, kind, trigger, verified_at, **changes)


def refuse():
    p = Position.objects.get(symbol="XRP/USDT:USDT", status="open")
    made = ledgers.refused(p, -2019, "Margin is insufficient.", timezone.now())
    events.changed("orders")
    return made.intent_id


def test_a_new_order_comes_to_the_whole_list_and_to_the_filtered_one(site, window):
    site.aside(books)
    page = visit(site, window, "/orders/?status=refused")
    assert page.locator('[data-panel="orders"] tbody tr').count() == 1
    key = site.aside(refuse)
    page.wait_for_selector(f'tr[data-key="{key}"]', timeout=WAIT)
    assert page.locator('[data-panel="orders"] tbody tr').count() == 2  # still only the refused ones
    expect(page.locator('[data-panel="outstanding"]')).to_contain_text("refused 2 orders", timeout=WAIT)
    page.goto(f"{site.url}/orders/")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    page.click(f'tr[data-key="{key}"] summary')
    key = site.aside(refuse_other)
    page.mouse.move(5, 5)
    page.wait_for_selector(f'tr[data-key="{key}"]', timeout=WAIT)
    assert page.locator("details.open, details[open]").count() == 1  # what the reader opened stays open
    assert window.complaints == []


def refuse_other():
    p = Position.objects.get(symbol="ETH/USDT:USDT", status="open")
    made = ledgers.refused(p, -2021, "Order would immediately trigger.", timezone.now())
    events.changed("orders")
    return made.intent_id


def close_one():
    now = timezone.now()
    t = make.closed_trade("UNI/USDT:USDT", now, net="71.00")
    Trade.objects.filter(pk=t.pk).update(closed_at=now - timedelta(seconds=1), gross=Decimal("71.92"))
    events.changed("positions", "trades", "account", "equity", "orders")
    return t.pk


def test_a_closed_trade_changes_the_sums_the_list_and_the_drawn_chart(site, window):
    site.aside(books)
    page = visit(site, window, "/trades/")
    expect(page.locator(f'[data-panel="performance"] {DRAWN}')).to_have_count(2, timeout=WAIT)
    assert page.locator('[data-panel="performance"] .main-svg').count() >= 2
    page.evaluate("document.querySelector('.js-plotly-plot').dataset.same = 'yes'")
    assert "61 closed trades" in page.inner_text("h1")
    key = site.aside(close_one)
    page.wait_for_selector(f'[data-panel="trades"] tr[data-key="{key}"]', timeout=WAIT)
    expect(page.locator("h1")).to_contain_text("62 closed trades", timeout=WAIT)
    assert page.locator("[data-same=yes]").count() == 1
    page.click('[data-name="daily-profit"] summary')
    until(lambda: page.locator('[data-name="daily-profit"] .as-table tbody tr').count() >= 6, "the days as a table")
    before = page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    page.click("[data-set-theme=light]")
    until(
        lambda: page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill") != before, "new colours"
    )
    assert page.evaluate("window.stayed") is True
    assert window.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_no_page_of_the_books_is_wider_than_its_window(site, window, width, height):
    site.aside(books)
    page = enter(site, window)
    page.set_viewport_size({"width": width, "height": height})
    number = site.aside(lambda: Trade.objects.order_by("pk").last().pk)
    for path in ("/positions/", "/orders/", "/trades/", f"/trades/{number}/"):
        page.goto(site.url + path)
        page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
    assert window.complaints == []


def test_a_page_without_rows_is_drawn_without_a_word_of_complaint(site, window):
    site.aside(make.user)
    page = enter(site, window)
    for path in ("/positions/", "/orders/", "/trades/"):
        page.goto(site.url + path)
        page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert window.complaints == []

"""A decision's candles go on while they are looked at: a new bar arrives without a reload."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import timezone

from tests.browser.conftest import until
from tests.browser.test_live_page import WAIT, enter, house
from tests.show import factories as make
from trading.models import Candle, Decision

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def decided() -> dict[str, object]:
    """A fresh decision, and candles up to two bars ago."""
    house()
    row = Decision.objects.filter(outcome="rejected").order_by("-signal__cycle__bar").first()
    Candle.objects.filter(symbol=row.signal.symbol).delete()
    make.candles(row.signal.symbol, timezone.now(), bars=30, late=2)
    return {"number": row.pk, "symbol": row.signal.symbol}


def next_bar(symbol: str) -> bool:
    last = Candle.objects.filter(symbol=symbol).latest("open_time")
    last.pk, last.open_time = None, last.open_time + settings.QUANTUM.bar
    last.save()
    return True


def test_a_new_bar_arrives_without_a_reload(site, window):
    told = site.aside(decided)
    page = enter(site, window)
    page.goto(f"{site.url}/decisions/{told['number']}/")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    figure = page.locator('[data-chart="candles"][data-name="moment"]')
    figure.scroll_into_view_if_needed()
    page.wait_for_selector('[data-name="moment"] .canvas[data-state="drawn"]', timeout=WAIT)
    assert 5 <= int(figure.get_attribute("data-every")) <= 30
    figure.locator("details.as-table summary").click()
    rows = figure.locator("tbody tr")
    until(lambda: rows.count() == 30, "the bars as a table")
    site.aside(next_bar, told["symbol"])
    page.evaluate("document.querySelector('[data-name=moment]').dataset.every = 1")
    figure.locator(".canvas").scroll_into_view_if_needed()
    until(lambda: rows.count() == 31, "the new bar")
    assert window.complaints == []

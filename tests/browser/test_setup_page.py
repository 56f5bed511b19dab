"""The way to a venue in a real browser: keys typed, checks pressed for, answers that come in without a reload."""

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.test_live_page import WAIT, enter
from tests.show import factories as make
from trading import events
from trading.exchange import checks
from trading.models import PreflightRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEY, SECRET = "K" * 60 + "last", "S" * 64


def answered(*names: str) -> int:
    """What a worker would store: these checks have answered, the key with a no."""
    run = PreflightRun.objects.get()
    run.checks = [
        {"check": name, "answer": "fail", "code": "secret_wrong", "facts": {"message": "x"}, "took_ms": 1}
        if name == "key"
        else {"check": name, "answer": "ok", "code": "ok", "facts": {"took": 0.1, "seconds": 0.2, "limit": 2.0}}
        for name in names
    ]
    run.beat_at = timezone.now()
    run.save()
    events.changed("preflight")
    return run.pk


def ended() -> int:
    PreflightRun.objects.update(finished_at=timezone.now(), passed=False)
    events.changed("preflight")
    return 1


def rounds() -> list[tuple[str, bool]]:
    return list(PreflightRun.objects.values_list("requested_by", "full"))


def test_keys_are_typed_checks_are_pressed_for_and_answers_come_in(site, window):
    site.aside(make.user)
    page = enter(site, window)
    page.goto(f"{site.url}/setup/")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert page.inner_text("h1") == "This house runs in practice mode. No money is in reach."
    assert page.get_by_role("button", name="Run the checks").count() == 0

    page.fill("[name=key]", KEY)
    page.fill("[name=secret]", SECRET)
    page.click("text=Keep these keys")
    page.wait_for_url("**/setup/#checks")
    page.wait_for_selector("body[data-connection=open]", timeout=WAIT)
    assert SECRET not in page.content() and KEY not in page.content()
    assert (site.var / "keys" / "testnet.secret").read_text().strip() == SECRET

    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Run the checks").click()
    dialog = page.locator("dialog#control")
    expect(dialog).to_contain_text("From this mode they only read")
    expect(dialog.locator("input[name=value]")).to_be_hidden()
    dialog.locator("[value=go]").click()
    expect(page.locator('[data-panel="preflight"]')).to_contain_text("0 of 11 answered", timeout=WAIT)
    assert site.aside(rounds) == [("mira", False)]
    expect(page.get_by_role("button", name="Run the checks")).to_have_count(0, timeout=WAIT)

    site.aside(answered, "address", "clock", "key")
    panel = page.locator('[data-panel="preflight"]')
    expect(panel).to_contain_text("3 of 11 answered", timeout=WAIT)
    expect(panel.locator('[data-key="key"][data-answer="fail"]')).to_contain_text("The secret is shown only once")
    site.aside(answered, *checks.CHECKS[:4])
    site.aside(ended)
    expect(panel).to_contain_text("3 of 11 passed, asked by mira", timeout=WAIT)
    expect(page.get_by_role("button", name="Run the checks")).to_have_count(1, timeout=WAIT)
    assert page.evaluate("window.stayed") is True
    assert window.complaints == []
    assert settings.QUANTUM.mode == "practice"


def test_without_a_script_a_control_is_a_page_of_its_own(site, window):
    site.aside(make.user)
    page = enter(site, window)
    page.goto(f"{site.url}/control/venue_stop/")
    assert page.inner_text("h1").startswith("Stop entries at")
    assert "Open positions keep their stops" in page.inner_text("main")
    assert window.complaints == []

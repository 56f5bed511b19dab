"""Controls in a real browser: the dialog, its reason, the toast, a page that is not so any more, a lost connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.control import actions
from monitoring.control.permissions import machine
from monitoring.models import AuditEntry
from tests.browser import houses
from tests.browser.conftest import until
from tests.show import factories as make
from trading import events
from trading.models import CloseRequest, ModuleCall, Order, Position, TrainingRun, TrimProposal, TunedSetting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WAIT = 12_000
BUTTON = 'tr[data-key="{}"] [data-control]'


def come_in(window, site, address: str, known: bool = False) -> None:
    """Log in as somebody with all roles, and open a page that hears the server."""
    if not known:
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


def beaten(name: str):
    """A worker that hears the bell: the module beats, called by who asked."""

    def work() -> None:
        now = timezone.now()
        make.beat(name, now, ago=0, worked=0, examined=12, actions=3, called_by="mira")
        ModuleCall.objects.create(name=name, caller="mira", minute=now.replace(second=0, microsecond=0), ticks=1)
        if name == "universe":
            make.universe(now, at=now, requested_by="mira")
        events.changed(name, "modules")

    return work


@dataclass(frozen=True)
class Case:
    """One control: where it is, what its dialog says, what is said and seen when it is done."""

    page: str
    button: str
    title: str
    consequence: str
    toast: str
    audit: str
    seen: str  # on the page, when its panel came anew
    gone: bool = False  # what was seen is no more
    why: bool = False  # a reason is asked for
    work: Callable[[], None] | None = None  # what a worker does meanwhile


CASES = {
    "cooldown": Case(
        "/policy/", '[data-panel="cooldowns"] li[data-key="BTC/USDT:USDT"] [data-control]',
        "Clear the cooldown of BTC/USDT?", "The next signal on BTC/USDT may send an order at once.",
        "BTC/USDT may be entered again,", "cooldown.clear",
        '[data-panel="cooldowns"] li[data-key="BTC/USDT:USDT"]', gone=True, why=True,
    ),
    "universe": Case(
        "/universe/", '[action="/control/universe/"] [data-control]',
        "Ask the exchange what it trades?", "10 symbols are in,",
        "Universe OS ran: 12 examined, 3 acted on.", "universe.refresh",
        '[data-panel="snapshot"] >> text=12 symbols in', work=beaten("universe"),
    ),
    "module": Case(
        "/modules/", 'tr[data-key="executor"] [data-control]',
        "Run Event Driven Executor now?", "its beat names you as the caller",
        "Event Driven Executor ran: 12 examined, 3 acted on.", "module.tick",
        'tr[data-key="executor"] >> text=mira', work=beaten("executor"),
    ),
    "retrain": Case(
        "/models/", '[data-panel="training"] [data-control]',
        "Train new models now?", "they go on voting meanwhile",
        "is queued; its progress is on the models' page.", "model.retrain",
        '[data-panel="training"] >> text=asked for by mira',
    ),
    "acknowledge": Case(
        "/incidents/", '[data-panel="incidents"] [data-control]',
        "Acknowledge this incident?", "closes by itself when it is over",
        "Acknowledged; it closes by itself when it is over.", "incident.acknowledge",
        '[data-panel="incidents"] >> text=acknowledged by mira',
    ),
    "lift": Case(
        "/incidents/", '[data-panel="directives"] [data-control]',
        "Let the gates judge entries again?", "Once lifted it does not come back for this fault",
        "NO_NEW_TRADES was lifted;", "directive.lift",
        '[data-panel="directives"] li', gone=True, why=True,
    ),
    "dismiss": Case(
        "/positions/", """[data-panel="balance"] .trims [data-control*='"dismiss"']""",
        "Leave BTC/USDT as it is?", "does not come again for this position",
        "BTC/USDT stays as it is.", "trim.dismiss",
        '[data-panel="balance"] .trims', gone=True,
    ),
    "trim": Case(
        "/positions/", """[data-panel="balance"] .trims [data-control*='"trim"']""",
        "of BTC/USDT?", "are closed at market, reduce-only",
        "BTC/USDT: accepted, pending.", "trim.apply",
        '[data-panel="balance"] .trims', gone=True,
    ),
    "alert": Case(
        "/alerts/", '[data-panel="alerts_said"] [data-control]',
        "Send a test message?", "gets one message that says that nothing is wrong",
        "It is sent within seconds;", "alert.test",
        '[data-panel="alerts"] >> text=A test: alerts arrive here',
    ),
}  # fmt: skip


def furnished() -> None:
    houses.lively()
    TrainingRun.objects.update(outcome="done", finished_at=timezone.now())
    Order.objects.filter(intent__kind="entry", intent__symbol="BTC/USDT:USDT").update(sent_at=timezone.now())


@pytest.mark.parametrize("name", CASES)
def test_a_control_says_what_follows_and_the_page_shows_that_it_did(site, window, name):
    """By keyboard alone: Enter opens, Esc leaves everything as it is, Enter again does it."""
    case, page = CASES[name], window.page
    site.aside(lambda: furnished() or True)
    come_in(window, site, case.page, known=True)
    button, dialog = page.locator(case.button).first, page.locator("#control")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog.locator("h2")).to_contain_text(case.title)
    expect(dialog.locator("[data-consequence]")).to_contain_text(case.consequence)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    until(lambda: page.evaluate("document.activeElement.matches('[data-control]')"), "the focus, back where it was")
    assert site.aside(lambda: AuditEntry.objects.filter(action=case.audit, who="mira").count()) == 0

    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    if case.why:
        page.click("#control [value=go]")
        assert page.evaluate("document.querySelector('#control [name=reason]').validity.valueMissing")
        page.locator("#control [name=reason]").press_sequentially("the release is out")
    while not page.evaluate("document.activeElement.matches('#control [value=go]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    if case.work:
        until(
            lambda: site.aside(lambda: AuditEntry.objects.filter(action=case.audit, who="mira").count()) == 1,
            "the audit row",
        )
        site.aside(lambda: case.work() or True)
    page.wait_for_selector(f".toast >> text={case.toast}")
    expect(dialog).to_be_hidden()
    row = site.aside(lambda: AuditEntry.objects.get(action=case.audit, who="mira"))
    assert row.reason == ("the release is out" if case.why else "")
    page.mouse.move(3, 3)
    expect(page.locator(case.seen)).to_have_count(0) if case.gone else page.wait_for_selector(case.seen)
    assert window.complaints == []


def reduced(number: int) -> bool:
    """Half of the position is gone before the person decides."""
    Position.objects.filter(pk=number).update(quantity="0.060")
    return True


def test_a_position_that_is_no_longer_as_shown_is_not_closed(site, window):
    def prepare() -> int:
        now = timezone.now()
        make.running(now)
        return make.holdings(now)[0].pk

    number = site.aside(prepare)
    come_in(window, site, "/positions/")
    page = window.page
    page.click(BUTTON.format(number))
    site.aside(reduced, number)
    with page.expect_response("**/control/close/") as answer:
        page.click("#control [value=go]")
    assert answer.value.status == 409
    page.wait_for_selector("#control .wrong >> text=0.06")
    assert not site.aside(lambda: [CloseRequest.objects.exists()])[0]
    assert page.is_enabled("#control [value=go]")


def test_the_switch_is_a_radio_group(site, window):
    come_in(window, site, "/")
    page = window.page
    page.focus(".switch [aria-checked=true]")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") == "reducing"
    assert page.get_attribute(".switch", "data-switch") == "active"  # an arrow moves the focus alone
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector('.switch[data-switch="halted"]')
    page.wait_for_selector(".toast >> text=halted")
    page.focus(".switch [value=halted]")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    dialog = page.locator("#resume")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert site.aside(lambda: AuditEntry.objects.filter(action="switch").count()) == 1


def test_a_lost_connection_takes_the_controls_away(site, window):
    come_in(window, site, "/settings/")
    page = window.page
    page.evaluate("document.body.dataset.connection = 'lost'")
    page.wait_for_selector(BUTTON.format("QT_MAX_POSITIONS") + ":disabled")
    page.evaluate("document.body.dataset.connection = 'open'")
    page.wait_for_selector(BUTTON.format("QT_MAX_POSITIONS") + ":not(:disabled)")


def test_a_swap_leaves_the_focus_on_the_same_button_of_a_row(site, window):
    """Two buttons stand side by side: whoever is about to leave a trim alone must not find the other under Enter."""
    case, page = CASES["dismiss"], window.page
    site.aside(lambda: furnished() or True)
    come_in(window, site, case.page, known=True)
    page.locator(case.button).first.focus()
    page.evaluate("document.activeElement.dataset.old = 'yes'")
    page.mouse.move(3, 3)
    site.aside(lambda: TrimProposal.objects.update(share=0.39) and (events.changed("balance") or True))
    until(lambda: page.locator("[data-old]").count() == 0, "the panel drawn anew")
    until(lambda: page.evaluate("document.activeElement.matches('[data-control]')"), "the focus, on a control")
    assert '"dismiss"' in page.evaluate("document.activeElement.dataset.control")

"""Every page, on a lively house and on an empty one: whole, quiet, within its window, and in order for axe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser import houses
from tests.browser.conftest import Site, until
from trading.models import Decision, Position, Trade

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
WIDTHS = (1440, 1100, 640, 390)
THEMES = ("dark", "light")
NOISE = ("error", "warning")
WAIT = 20_000

BOTH = {
    "/": 200,
    "/decisions/": 200,
    "/positions/": 200,
    "/orders/": 200,
    "/trades/": 200,
    "/reconciliation/": 200,
    "/modules/": 200,
    "/models/": 200,
    "/policy/": 200,
    "/universe/": 200,
    "/diagnosis/": 200,
    "/diagnosis/?window=24h&setting=QT_MAX_POSITIONS&value=8": 200,
    "/incidents/": 200,
    "/drills/": 200,
    "/alerts/": 200,
    "/audit/": 200,
    "/audit/?who=nobody&verify=all": 200,
    "/drills/stop-cancelled/": 200,
    "/reliability/": 200,
    "/settings/": 200,
    "/setup/": 200,
    "/replay/": 200,
    "/replay/?play=198": 200,
    "/control/tick/?target=executor": 200,
    "/control/tune/?target=QT_MAX_POSITIONS": 200,
    "/no-such-page/": 404,
    "/login/": 200,
}
LIVELY = {
    "/decisions/?code=CORRELATION": 200,
    "/decisions/{rejected}/": 200,
    "/decisions/{traded}/": 200,
    "/trades/{trade}/": 200,
    "/control/close/?target={position}": 200,
}
PATHS = {"empty": BOTH, "lively": BOTH | LIVELY}


@dataclass
class House:
    """A house with its reader's window, and a stranger's for the page that is for strangers."""

    site: Site
    reader: Any
    stranger: Any
    rows: dict[str, int]
    complaints: list[str]

    def address(self, path: str) -> str:
        return self.site.url + path.format(**self.rows)


@pytest.fixture
def house(request: pytest.FixtureRequest, site: Site, chromium: Any) -> Iterator[House]:
    site.aside(getattr(houses, request.param))
    rows = site.aside(places) if request.param == "lively" else {}
    complaints: list[str] = []
    contexts = [
        chromium.new_context(viewport={"width": 1440, "height": 900}, timezone_id="UTC", reduced_motion="reduce")
        for _ in range(2)
    ]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(WAIT)
        page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in NOISE else None)
        page.on("pageerror", lambda e: complaints.append(f"error: {e}"))
    pages[0].goto(f"{site.url}/login/")
    pages[0].fill("[name=username]", "mira")
    pages[0].fill("[name=password]", "a-long-password")
    pages[0].click("button[type=submit]")
    pages[0].wait_for_url(f"{site.url}/")
    yield House(site, *pages, rows, complaints)
    for context in contexts:
        context.close()


def places() -> dict[str, int]:
    return {
        "rejected": Decision.objects.filter(code="CORRELATION").first().pk,
        "traded": Decision.objects.filter(outcome="traded").first().pk,
        "trade": Trade.objects.latest("closed_at").pk,
        "position": Position.objects.filter(status="open").first().pk,
    }


def opened(house: House, path: str, language: str = "en") -> tuple[Any, int]:
    """The page, settled, and its status."""
    page = house.stranger if path == "/login/" else house.reader
    page.context.add_cookies([{"name": "language", "value": language, "url": house.site.url}])
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    house.complaints.clear()
    answer = page.goto(house.address(path))
    if page.locator("nav.pages").count():
        page.wait_for_selector("body[data-connection=open]")
        until(lambda: page.evaluate(SETTLED), "the charts")
    return page, answer.status


SETTLED = """() => [...document.querySelectorAll('[data-chart] .canvas')].every((n) =>
  n.dataset.state !== 'waiting' || n.getBoundingClientRect().top > innerHeight + 300 || !n.offsetParent)"""
WIDER = """() => {
  const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return null;
  const out = [...document.querySelectorAll('body *')]
    .filter((n) => n.getBoundingClientRect().right > root.clientWidth + 1)
    .map((n) => `${n.localName}.${n.className} "${n.textContent.trim().slice(0, 30)}"`);
  return `${over}px: ${out.slice(0, 4).join(', ')}`;
}"""


UNREADABLE = r"""() => [...document.querySelectorAll('[style], [data-limit]')]
  .filter((n) => /:\s*-?\d+,/.test(n.getAttribute('style') || '') || isNaN(Number(n.dataset.limit || 0)))
  .map((n) => n.outerHTML.slice(0, 120))"""


def too_wide(page: Any) -> list[str]:
    """Where the page scrolls sideways: width, theme, and what sticks out."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            over = page.evaluate(WIDER)
            if over:
                found.append(f"{width} {theme} {over}")
    return found


def unexpected(complaints: list[str], status: int) -> list[str]:
    """What the console said; that a page is not there is what it should say of that page itself."""
    return [said for said in complaints if not (status == 404 and "status of 404" in said)]


@pytest.mark.parametrize(
    ("house", "language"), [("lively", "en"), ("lively", "nb"), ("empty", "en")], indirect=["house"]
)
def test_every_page_is_whole_and_quiet_and_fits_every_window(request, house, language):
    found = {path: faults(house, path, language, status) for path, status in PATHS[chosen(request)].items()}
    assert {path: said for path, said in found.items() if said} == {}


def chosen(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["house"]


def faults(house: House, path: str, language: str, wanted: int) -> list[str]:
    page, status = opened(house, path, language)
    heads = [head.inner_text().strip() for head in page.locator("h1").all()]
    told = {
        f"answered {status}": status == wanted,
        f"in {page.get_attribute('html', 'lang')}": page.get_attribute("html", "lang") == language,
        f"headed {heads}": len(heads) == 1 and all(heads),
        f"titled {page.title()}": page.title().removesuffix("Quantum").strip(" ·") != "",
    }
    told |= {f"number {said}": False for said in page.evaluate(UNREADABLE)}
    return [said for said, right in told.items() if not right] + too_wide(page) + unexpected(house.complaints, status)


@pytest.mark.parametrize("house", ["lively", "empty"], indirect=True)
def test_axe_finds_nothing_on_any_page_in_either_theme(request, house):
    house.reader.route_web_socket("**/ws/live/**", still)
    found = {path: objections(opened(house, path)[0]) for path in PATHS[chosen(request)]}
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize("house", ["empty"], indirect=True)
def test_axe_finds_a_fault_where_there_is_one(house):
    page, _ = opened(house, "/login/")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(60, 60, 60)'")
    page.evaluate(
        "document.querySelector('[name=username]').closest('label').replaceWith(document.createElement('input'))"
    )
    found = " ".join(objections(page))
    assert "color-contrast" in found and "label:" in found


@pytest.mark.parametrize("house", ["lively"], indirect=True)
def test_axe_finds_nothing_in_an_open_dialog(house):
    house.reader.route_web_socket("**/ws/live/**", still)
    page, _ = opened(house, "/settings/")
    found = {}
    for name, press in DIALOGS.items():
        press(page)
        page.wait_for_selector(f"dialog#{name}[open]")
        found[name] = objections(page)
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.keyboard.press("Escape")
        page.wait_for_selector(f"dialog#{name}", state="hidden")
    assert {name: said for name, said in found.items() if said} == {}


def halt(page: Any) -> None:
    page.click(".switch [value=halted]")
    page.wait_for_selector('.switch[data-switch="halted"]')


DIALOGS = {
    "find": lambda page: page.keyboard.press("/"),
    "keys": lambda page: page.keyboard.press("?"),
    "control": lambda page: page.click('tr[data-key="QT_MAX_POSITIONS"] [data-control]'),
    "resume": lambda page: halt(page) or page.click(".switch [value=active]"),
}


def still(socket: Any) -> None:
    """Everything but changes of the page, which axe takes for a fault of its own while it reads."""
    server = socket.connect_to_server()
    server.on_message(lambda text: socket.send(text) if json.loads(text)["type"] in ("hello", "ping") else None)


def objections(page: Any) -> list[str]:
    page.evaluate(AXE.read_text())
    found = []
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
            found += [f"{width} {theme} {said}" for said in violations(page)]
    return found


def violations(page: Any) -> list[str]:
    """What axe objects to: the rule, where, and what it measured."""
    answer = page.evaluate("(rules) => axe.run(document, JSON.parse(rules))", json.dumps(RULES))
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]} {measured(node)}"
        for rule in answer["violations"]
        for node in rule["nodes"][:4]
    ]


def measured(node: dict) -> str:
    data = [check.get("data") for check in node["any"] if isinstance(check.get("data"), dict)]
    return ", ".join(f"{d.get('fgColor')} on {d.get('bgColor')}: {d.get('contrastRatio')}" for d in data)

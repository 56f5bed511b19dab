"""The overview as a person waits for it: a real web process, a real browser.

.venv/bin/python -m tests.bench.bench_page

1. Cold loads: bytes over the wire, requests, and the time until the first row is on screen.
2. How old the price on screen is while marks are published ten times a second.
"""

from __future__ import annotations

import os
import statistics
import threading
from typing import Any

from tests.bench.bench_live import house, prices, verdict

LOADS, RATE, SECONDS = 5, 10, 20
GOAL_BYTES, GOAL_REQUESTS, GOAL_ROW_MS, GOAL_PRICE_MS = 1_500_000, 25, 2000.0, 1000.0
ROW = """new MutationObserver((_, watcher) => {
  if (!document.querySelector('main tr[data-key], main li[data-key]')) return;
  watcher.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstRow = performance.now(); }));
}).observe(document, { childList: true, subtree: true });"""
AGES = """(seconds) => new Promise((done) => {
  const ages = [], began = performance.now();
  const look = setInterval(() => {
    for (const cell of document.querySelectorAll('[data-panel=positions] [data-cell=mark][data-as-of]')) {
      ages.push(Date.now() - Date.parse(cell.dataset.asOf));
    }
    if (performance.now() - began > seconds * 1000) { clearInterval(look); done(ages); }
  }, 50);
})"""


def loads(browser: Any, url: str) -> list[tuple[int, int, float]]:
    """Requests, bytes, and milliseconds to the first row, of each cold load."""
    from tests.browser.test_page_budget import cold, log_in

    found = []
    for _ in range(LOADS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        log_in(page, url)
        page.add_init_script(ROW)
        asked, size = cold(page, url)
        found.append((len(asked), size, page.evaluate("window.firstRow")))
        context.close()
    return found


def ages(browser: Any, url: str) -> list[float]:
    """Ages in ms of the marks on screen, looked at every 50 ms, once the first of them have come."""
    from tests.browser.test_page_budget import log_in

    page = browser.new_page(viewport={"width": 1440, "height": 900})
    log_in(page, url)
    page.wait_for_selector("body[data-connection=open]")
    publishing = threading.Thread(target=prices, args=(SECONDS + 3, RATE))
    publishing.start()
    page.wait_for_timeout(1500)
    found = page.evaluate(AGES, SECONDS)
    publishing.join()
    page.close()
    return sorted(found)


def main() -> None:
    from tests.browser.conftest import CHROMIUM, FLAGS

    with house() as (port, _):
        from playwright.sync_api import sync_playwright

        from tests.browser import houses

        houses.lively()
        url = f"http://127.0.0.1:{port}"
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the browser's driver keeps a loop in this thread
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            loaded = loads(browser, url)
            old = ages(browser, url)
            browser.close()
    requests, size = max(n for n, _, _ in loaded), max(size for _, size, _ in loaded)
    row = statistics.median(ms for _, _, ms in loaded)
    p95 = old[int(len(old) * 0.95) - 1]
    print(f"BENCH cold_overview_bytes {size} B")
    print(f"BENCH cold_overview_requests {requests}")
    print(f"BENCH cold_overview_first_row_p50 {row:.0f} ms")
    print(f"BENCH price_on_screen_age_p50 {statistics.median(old):.0f} ms of {len(old)} looks")
    print(f"BENCH price_on_screen_age_p95 {p95:.0f} ms")
    print(f"GOAL cold_overview_bytes {verdict(size <= GOAL_BYTES)} {size} {GOAL_BYTES}")
    print(f"GOAL cold_overview_requests {verdict(requests <= GOAL_REQUESTS)} {requests} {GOAL_REQUESTS}")
    print(f"GOAL cold_overview_first_row_p50 {verdict(row <= GOAL_ROW_MS)} {row:.0f} {GOAL_ROW_MS:.0f}")
    print(f"GOAL price_on_screen_age_p95 {verdict(p95 <= GOAL_PRICE_MS)} {p95:.0f} {GOAL_PRICE_MS:.0f}")


if __name__ == "__main__":
    main()

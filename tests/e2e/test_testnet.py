"""A testnet house against a second practice exchange: from keys over checks to a start, as a person would go."""

import json
import os
import re
import signal
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

import pytest

from tests.e2e.house import House, wait_for
from tests.practice.running import Running

pytestmark = pytest.mark.slow
KEYS = {"QT_API_KEY": "demo-key", "QT_API_SECRET": "demo-secret"}


class Person:
    """Somebody with a browser's cookies."""

    def __init__(self, house: House) -> None:
        self.base = f"http://127.0.0.1:{house.port}"
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        told = dict(line.split(": ", 1) for line in (house.var / "first-login.txt").read_text().splitlines())
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page("/login/")).group(1)
        self.send("/login/", f"username={told['user']}&password={told['password']}&csrfmiddlewaretoken={token}")

    def page(self, path: str) -> str:
        with self.opener.open(self.base + path, timeout=10) as answer:
            return answer.read().decode()

    def send(self, path: str, body: str, kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
        request = urllib.request.Request(self.base + path, body.encode(), {"Content-Type": kind})
        request.add_header("Referer", self.base)
        token = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), "")
        request.add_header("X-CSRFToken", token or "")
        if kind == "application/json":
            request.add_header("Accept", kind)
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def press(self, action: str, **body: object) -> tuple[int, str]:
        return self.send(f"/control/{action}/", json.dumps(body), "application/json")


@pytest.fixture
def second(tmp_path):
    with Running(tmp_path / "second", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT", **KEYS) as exchange:
        yield exchange


@pytest.fixture
def house(tmp_path, second):
    (tmp_path / "house").mkdir()
    house = House(
        tmp_path / "house", QT_MODE="testnet", QT_TESTNET_URL=second.url, QT_TIMEFRAME="1m",
        DATABASE_URL="", REDIS_URL="", **KEYS,
    )  # fmt: skip
    yield house
    house.close()


def test_a_testnet_house_waits_is_checked_and_is_started_by_a_person(house, second):
    supervisor = house.open()
    assert house.api("system")["mode"] == "testnet"
    assert (house.var / f"testnet-stand-in-{second.port}.sqlite3").exists()

    person = Person(house)
    assert "No entries at" in person.page("/") and "/setup/" in person.page("/")
    assert "has not been checked with this key yet" in person.page("/setup/")
    assert person.press("venue_start", reason="too early")[0] == 400

    assert person.press("venue_check")[0] == 202
    wait_for("the checks", lambda: "All that is needed has passed" in person.page("/setup/"), 90)
    state = second.state()
    assert state["requests"]["POST /fapi/v1/algoOrder"] == state["requests"]["DELETE /fapi/v1/algoOrder"] == 1
    assert state["orders"] == state["algo_orders"] == state["fills"] == []

    status, said = person.press("venue_start", reason="a rehearsal")
    assert status == 200, said
    assert "Entries are allowed at" in person.page("/setup/")
    assert "No entries at" not in person.page("/")
    assert "demo-secret" not in person.page("/setup/") + (house.var / "house.out").read_text()

    os.kill(supervisor.pid, signal.SIGINT)
    supervisor.wait(timeout=15)
    assert house.processes() == [] and supervisor.returncode == 0
    told = (house.var / "house.out").read_text()
    assert "no entries yet: " in told and "/setup/" in told

"""A paper house whose prices come from a second practice exchange; and one whose upstream comes late."""

import os
import signal

import pytest

from tests.e2e.house import House, free_port, wait_for
from tests.practice.running import Running

pytestmark = pytest.mark.slow


@pytest.fixture
def upstream(tmp_path):
    with Running(tmp_path / "upstream", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT") as exchange:
        yield exchange


@pytest.fixture
def house(tmp_path, request):
    """A paper house that relays from the address it is told."""
    (tmp_path / "house").mkdir()
    opened: list[House] = []

    def build(relay_from: str) -> House:
        paper = {"QT_MODE": "paper", "QT_RELAY_URL": relay_from, "QT_TIMEFRAME": "1m"}
        opened.append(House(tmp_path / "house", DATABASE_URL="", REDIS_URL="", **paper))
        return opened[0]

    yield build
    for one in opened:
        one.close()


def judged(house: House) -> dict | None:
    """The funnel, once a bar of every symbol was judged."""
    funnel = house.api("funnel?window=1h")
    return funnel if funnel["evaluated"] or funnel["signals"] else None


def test_a_paper_house_judges_the_prices_that_are_relayed(house, upstream):
    house = house(upstream.url)
    house.open_exchange()
    supervisor = house.open()
    system = house.api("system")
    assert (system["mode"], system["data_source"], system["venue"]) == ("paper", "stand-in", "practice exchange")
    assert (house.var / f"paper-stand-in-{upstream.port}-1m.sqlite3").exists()
    assert "the stand-in at" in house.desk()["market"] and "not reachable" not in house.desk()["market"]

    funnel = wait_for("a judged bar", lambda: judged(house), 240)
    assert funnel["law_holds"] and funnel["evaluated"] <= funnel["symbols"]
    candles = house.items("candles?symbol=BTCUSDT&timeframe=1m&limit=5")
    theirs = upstream.request("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=20")[1]
    closes = {row[0]: float(row[4]) for row in theirs}
    for row in candles:
        assert float(row["close"]) in closes.values()
    assert {row["data_source"] for row in house.items("models")} == {"stand-in"}

    os.kill(supervisor.pid, signal.SIGINT)
    assert supervisor.wait(20) == 0


def test_without_its_upstream_a_paper_house_says_so_goes_on_and_finds_it_later(house, tmp_path):
    port = free_port()
    house = house(f"http://127.0.0.1:{port}")
    supervisor = house.spawn("run")
    wait_for("the page", lambda: (house.var / "first-login.txt").exists() and house.desk(), 90)
    said = house.var / "house.out"
    wait_for("its words", lambda: "entries wait for fresh prices" in said.read_text(), 60)
    log = house.var / "log" / "stream.log"
    wait_for("the stream's words", lambda: log.exists() and "waiting for the venue" in log.read_text(), 60)
    assert "not reachable now" in house.desk()["market"]
    assert house.api("funnel?window=1h")["signals"] == 0
    with Running(tmp_path / "upstream", "--symbols", "BTCUSDT,ETHUSDT", "--port", str(port)):
        wait_for("the upstream's prices", lambda: "not reachable" not in house.desk()["market"], 60)
        assert wait_for("a judged bar", lambda: judged(house), 240)["law_holds"]
        assert {row["symbol"] for row in house.api("universe")["symbols"]} == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert supervisor.poll() is None
    os.kill(supervisor.pid, signal.SIGINT)
    assert supervisor.wait(20) == 0
    assert "is given up" not in said.read_text()

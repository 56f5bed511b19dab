"""From an empty folder to explained decisions and protected orders; then a kill, a fall in price, a second start."""

import os
import signal
import time

import psycopg
import pytest

from tests.e2e.house import House, wait_for

pytestmark = pytest.mark.services
SYMBOLS = "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,DOGEUSDT,BNBUSDT,ADAUSDT,TRXUSDT,LTCUSDT,BCHUSDT,AAVEUSDT,UNIUSDT"


@pytest.fixture
def settings_of_the_house(tmp_path):
    """What the suite runs on, the house runs on: embedded, or a database of its own on the PostgreSQL at hand."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        yield {"DATABASE_URL": "", "REDIS_URL": ""}
        return
    server, name = url.rsplit("/", 1)
    own = f"quantum_e2e_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {own}")
    yield {"DATABASE_URL": f"{server}/{own}", "REDIS_URL": os.environ.get("REDIS_URL", "")}
    with psycopg.connect(f"{server}/{name}", autocommit=True) as db:
        db.execute(f"DROP DATABASE {own} WITH (FORCE)")


@pytest.fixture
def house(tmp_path, settings_of_the_house):
    house = House(tmp_path, QT_SYMBOLS=SYMBOLS, QT_PRACTICE_SEED="7", **settings_of_the_house)
    yield house
    house.close()


def resting(house: House, symbol: str) -> list[dict]:
    state = house.desk()
    return [o for o in state["algo_orders"] + state["orders"] if o["symbol"] == symbol]


def open_positions(house: House) -> list[dict]:
    return [p for p in house.items("positions") if p["stop"] and p["backstop"]]


def at_venue(house: House) -> dict[str, float]:
    rows = house.desk()["positions"]
    return {p["symbol"]: float(p["positionAmt"]) for p in rows if float(p["positionAmt"])}


def test_first_light(house):
    house.open_exchange()
    supervisor = house.open()

    # decisions with reasons
    decisions = wait_for("decisions", lambda: house.items("decisions"), 180)
    assert all(d["sentence"] and (d["outcome"] in ("traded", "pending") or d["code"]) for d in decisions)
    funnel = house.api("funnel?window=1h")
    assert funnel["law_holds"]
    assert funnel["signals"] == sum(funnel[k] for k in ("traded", "rejected", "failed", "pending"))
    votes = house.items("signals")[0]["votes"]
    assert len({v["model"] for v in votes}) == 4

    # a protected position, and the exchange says the same
    position = wait_for("a protected position", lambda: open_positions(house), 300)[0]
    market = position["symbol"].replace("/", "").split(":")[0]
    wait_for("stop, backstop and target", lambda: len(resting(house, market)) == 3, 5)
    kinds = {o["orderType"]: o for o in resting(house, market)}
    assert set(kinds) == {"STOP", "STOP_MARKET", "TAKE_PROFIT_MARKET"}
    assert str(kinds["STOP"]["algoId"]) == position["stop"]["order_id"]
    assert str(kinds["STOP_MARKET"]["algoId"]) == position["backstop"]["order_id"]
    assert float(kinds["STOP"]["triggerPrice"]) == float(position["stop"]["price"])
    assert float(kinds["STOP_MARKET"]["triggerPrice"]) == float(position["backstop"]["price"])
    assert position["stop"]["seconds_unprotected"] < 5

    # everything that trades is killed: no orphans, and the protection stays where it is
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_for("the house is empty", lambda: not house.processes(), 20)
    assert len(resting(house, market)) >= 3
    side = 1 if position["side"] == "long" else -1
    assert at_venue(house)[market] * side > 0

    # the price goes through both stops while nobody is there
    beyond = float(position["backstop"]["price"]) * (1 - 0.03 * side)
    house.drive(market, [[1, float(position["stop"]["price"]) * (1 - 0.001 * side)], [3, beyond], [600, beyond]])
    wait_for("the stop closed it", lambda: market not in at_venue(house), 30)

    # the second start keeps what was, and books what happened meanwhile
    before = {d["id"] for d in decisions}
    supervisor = house.open()
    trade = wait_for(
        "the trade is booked", lambda: [t for t in house.items("trades") if t["symbol"] == position["symbol"]], 90
    )[0]
    assert trade["close_reason"] in ("stop", "backstop", "trailing")
    assert before <= {d["id"] for d in house.items("decisions?limit=1000")}
    wait_for("its other orders are cancelled", lambda: not resting(house, market), 15)

    # Ctrl-C ends all of it
    began = time.monotonic()
    os.kill(supervisor.pid, signal.SIGINT)
    supervisor.wait(timeout=10)
    assert house.processes() == []
    assert supervisor.returncode == 0, f"stopped with {supervisor.returncode} after {time.monotonic() - began:.0f} s"

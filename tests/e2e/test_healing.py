"""Break something and watch it heal: the exchange's fault desk mutes the stream; the house finds out, and recovers."""

import json

import pytest

from tests.e2e.house import House, fetch, wait_for

pytestmark = pytest.mark.slow
MUTE = 75  # seconds: longer than the house needs to find out, and to try a remedy in vain


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path, QT_SYMBOLS="BTCUSDT,ETHUSDT,SOLUSDT", DATABASE_URL="", REDIS_URL="")
    yield house
    house.close()


def of(house: House, code: str, status: str) -> dict | None:
    found = [row for row in house.items(f"incidents?status={status}") if row["code"] == code]
    return found[0] if found else None


def report(house: House) -> dict:
    return json.loads((house.var / "self_healing_report.json").read_text())


def test_a_muted_stream_is_found_healed_and_proven(house):
    house.open_exchange()
    house.open()
    wait_for("a first report without an issue", lambda: healthy(house), 120)
    fetch(f"http://127.0.0.1:{house.practice_port}/practice/faults", body={"kind": "mute_stream", "seconds": MUTE})

    found = wait_for("the incident", lambda: of(house, "STREAM_SILENT", "open"), 45)
    assert found["severity"] == "critical" and found["params"]["seconds"] >= 20
    wait_for("the report", lambda: report(house)["current_safety_policy"] == "NO_NEW_TRADES", 10)
    wait_for("a remedy", lambda: (of(house, "STREAM_SILENT", "open") or {}).get("attempts"), 15)

    healed = wait_for("the proof", lambda: of(house, "STREAM_SILENT", "closed"), MUTE + 45)
    assert healed["id"] == found["id"] and healed["verified"] and healed["evidence"]["heard_at"]
    wait_for("entries again", lambda: report(house)["current_safety_policy"] == "ALLOW_ALL", 60)


def healthy(house: House) -> bool:
    path = house.var / "self_healing_report.json"
    return path.exists() and report(house)["subsystem_health"]["data_feed"] == "HEALTHY"

"""Break something and watch it heal: the exchange's fault desk mutes the stream; the house finds out, and recovers."""

import json
import os
import signal
from pathlib import Path

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

    # a stream that has just begun is given 45 s to load its history; from then on it is looked at every 5 s
    found = wait_for("the incident", lambda: of(house, "STREAM_SILENT", "open"), 70)
    assert found["severity"] == "critical" and found["params"]["seconds"] >= 20
    wait_for("the report", lambda: report(house)["current_safety_policy"] == "NO_NEW_TRADES", 10)
    wait_for("a remedy", lambda: (of(house, "STREAM_SILENT", "open") or {}).get("attempts"), 15)

    healed = wait_for("the proof", lambda: of(house, "STREAM_SILENT", "closed"), MUTE + 45)
    assert healed["id"] == found["id"] and healed["verified"] and healed["evidence"]["heard_at"]
    wait_for("entries again", lambda: report(house)["current_safety_policy"] == "ALLOW_ALL", 60)


def healthy(house: House) -> bool:
    path = house.var / "self_healing_report.json"
    return path.exists() and report(house)["subsystem_health"]["data_feed"] == "HEALTHY"


def trainer(house: House) -> int:
    """The process that serves the work queue."""
    for pid in house.processes():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if any(word.startswith(b"trainer@") for word in words):
            return pid
    raise AssertionError("no trainer runs")


def test_a_work_queue_that_hangs_is_found_by_another_process_restarted_and_proven(house):
    """Stopped, not killed: it holds its queue, and self-healing's tick with it."""
    house.open_exchange()
    house.open()
    wait_for("a first report without an issue", lambda: healthy(house), 120)
    hung = trainer(house)
    os.kill(hung, signal.SIGSTOP)
    found = wait_for("the incident", lambda: of(house, "PROCESS_SILENT", "open"), 90)
    assert found["key"] == "PROCESS_SILENT:trainer" and found["severity"] == "critical"
    assert house.api("safety")["level"] == "NO_NEW_TRADES"
    healed = wait_for("the proof", lambda: of(house, "PROCESS_SILENT", "closed"), 90)
    assert healed["id"] == found["id"] and healed["evidence"]["modules"] >= 1
    assert trainer(house) != hung
    restarts = house.api("safety")["restarts"]
    assert restarts["used"] == healed["attempts"] <= restarts["most"]
    wait_for("entries again", lambda: report(house)["current_safety_policy"] == "ALLOW_ALL", 60)

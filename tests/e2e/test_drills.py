"""Real drills in a real house: what takes seconds is broken and healed on both profiles, with times of the rows."""

import json
import subprocess
import sys

import pytest

from tests.e2e.house import ROOT, House, fetch, wait_for
from tests.e2e.test_first_light import SYMBOLS, settings_of_the_house  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.services]
DRILLS = ("stop-cancelled", "both-stops-cancelled", "stop-answer-lost", "queues-emptied", "stream-killed")


@pytest.fixture
def house(tmp_path, settings_of_the_house):  # noqa: F811 - the fixture
    house = House(tmp_path, QT_SYMBOLS=SYMBOLS, **settings_of_the_house)
    yield house
    house.close()


def test_five_drills_pass_in_a_real_house(house):
    house.open_exchange()
    house.open()
    wait_for("a protected position", lambda: protected(house), 240)
    done = subprocess.run(
        [sys.executable, "manage.py", "drill", *DRILLS, "--json"],
        cwd=ROOT, env=house.env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    runs = json.loads(done.stdout)
    assert [(run["name"], run["outcome"], run["said"]) for run in runs] == [(name, "passed", "") for name in DRILLS]
    assert done.returncode == 0
    for run in runs:
        assert 0 <= run["detected_s"] <= 30 and 0 <= run["verified_s"] <= 60
        assert run["evidence"]["laws"] == [] and run["evidence"]["facts"]
    listed = {item["name"]: item for item in house.items("drills")}
    assert all(listed[name]["last"]["outcome"] == "passed" for name in DRILLS)
    assert house.api("funnel?window=1h")["law_holds"]
    started_from_outside(house, "queues-emptied")


def started_from_outside(house: House, name: str) -> None:
    """A drill that the page or the API starts is carried out by a process of its own."""
    asked = fetch(f"http://127.0.0.1:{house.port}/api/v1/drills", house.key, {"name": name})
    assert asked["outcome"] == "queued"
    run = wait_for("its end", lambda: over(house, asked["id"]), 90)
    assert (run["outcome"], run["by"]) == ("passed", "admin")


def over(house: House, number: int) -> dict | None:
    run = next(one for one in house.items("drills/runs?limit=5") if one["id"] == number)
    return run if run["ended_at"] else None


def protected(house: House) -> bool:
    return any(one["stop"] and one["backstop"] for one in house.items("positions"))

"""A real house, six real faults: what does not run is said not to run within 15 s, and nobody else is blamed."""

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.e2e.house import House, fetch, wait_for

pytestmark = pytest.mark.slow
LIMIT = 15.0  # seconds from the fault to the right status
POLL = 0.25
FAILS = '''
import importlib.abc, sys

class Broken(importlib.abc.MetaPathFinder):
    """As if a library that this one file needs were missing."""

    def find_spec(self, name, path=None, target=None):
        if name == "trading.gates.modules":
            raise ImportError("No module named 'talib'")

sys.meta_path.insert(0, Broken())
'''
HANGS = """
import os, threading, time

def hang_when_told():
    while not os.path.exists(os.environ["HANG_FILE"]):
        time.sleep(0.1)
    from trading.runtime import MODULES
    MODULES["trailing"].tick = lambda now: time.sleep(3600)

threading.Thread(target=hang_when_told, daemon=True).start()
"""
HALF = """
import os, threading, time

def break_when_told():
    while not os.path.exists(os.environ["HALF_FILE"]):
        time.sleep(0.1)
    from trading.runtime import MODULES, Report
    whole = MODULES["exchange"].tick
    MODULES["exchange"].tick = lambda now: Report(examined=3, failed=1, trouble="funding could not be asked for")

threading.Thread(target=break_when_told, daemon=True).start()
"""


def opened(tmp_path: Path, customize: str = "", **settings: str) -> House:
    """A house whose processes run `customize` as they start, as an installation's own sitecustomize would."""
    (tmp_path / "sitecustomize.py").write_text(customize)
    house = House(
        tmp_path,
        QT_SYMBOLS="BTCUSDT,ETHUSDT,SOLUSDT",
        DATABASE_URL="",
        REDIS_URL="",
        PYTHONPATH=str(tmp_path),
        **settings,
    )
    house.open_exchange()
    house.open()
    return house


@pytest.fixture
def close():
    houses: list[House] = []
    yield houses.append
    for house in houses:
        house.close()


def statuses(house: House) -> dict[str, str]:
    return {one["name"]: one["status"] for one in house.items("modules")}


def up(house: House, *names: str) -> set[str]:
    return {name for name, one in statuses(house).items() if name in names and one in ("running", "idle")}


def beating(house: House) -> dict[str, str]:
    return {one["name"]: one["liveness"] for one in house.items("processes")}


def all_well(house: House) -> bool:
    """Every module has run, and none is an alarm."""
    seen = house.items("modules")
    return not any(one["alarm"] or one["status"] in ("never_ran", "starting", "late") for one in seen)


def pid_of(house: House, name: str) -> int:
    return next(one["pid"] for one in house.items("processes") if one["name"] == name)


def seconds_until(what: str, ask, began: float) -> float:
    """How long after `began` it became true; a failure where that took longer than the limit."""
    while not ask():
        taken = time.monotonic() - began
        assert taken <= LIMIT, f"{what}: not within {LIMIT:.0f} s"
        time.sleep(POLL)
    taken = time.monotonic() - began
    print(f"\n{what}: {taken:.1f} s")
    return taken


def test_a_stopped_a_killed_a_hung_a_half_and_a_switched_off_one(tmp_path, close):
    """One house, one fault after the other; each is healed before the next."""
    hang, half = tmp_path / "hang", tmp_path / "half"
    house = opened(tmp_path, HANGS + HALF, HANG_FILE=str(hang), HALF_FILE=str(half))
    close(house)
    wait_for("a house in which all is well", lambda: all_well(house), 180)

    # stopped: the process lives and does nothing
    worker = pid_of(house, "worker")
    began = stop_between_transactions(house, worker)
    try:
        seconds_until("stopped worker is down", lambda: beating(house)["worker"] == "down", began)
        told = statuses(house)
        assert {told[name] for name in ("executor", "position_monitor", "trailing")} == {"down"}
        assert told["universe"] in ("running", "idle"), "the trainer's modules are not blamed"
    finally:
        os.kill(worker, signal.SIGCONT)
    wait_for("the worker again", lambda: all_well(house), 90)

    # dead: the scheduler is killed, and kept from coming back for as long as the limit
    beat = pid_of(house, "beat")
    os.kill(beat, signal.SIGSTOP)
    began = time.monotonic()
    seconds_until("stopped scheduler is down", lambda: beating(house)["beat"] == "down", began)
    # one that it called in its last moment is up until it is late itself
    seconds_until("nobody is up without it", lambda: not up(house, "exchange", "trailing"), began)
    os.kill(beat, signal.SIGKILL)
    wait_for("another scheduler", lambda: pid_of(house, "beat") != beat and all_well(house), 120)

    # idle: a person switches one off
    switch(house, "universe", "False")
    seconds_until("switched off", lambda: statuses(house)["universe"] == "off", time.monotonic())
    switch(house, "universe", "True")
    wait_for("switched on", lambda: all_well(house), 60)

    # half-working: its next run leaves a part undone
    half.touch()
    began = time.monotonic()
    seconds_until("half working", lambda: statuses(house)["exchange"] == "half", began)
    assert "funding could not be asked for" in of(house, "exchange")["why"]

    # hung: called, and not back
    hang.touch()
    began = wait_for("a call that hangs", lambda: claimed_at(house), 30)
    seconds_until("stuck", lambda: statuses(house)["trailing"] == "stuck", began)


def test_a_file_that_can_not_be_imported_is_shown_and_no_entry_is_let_in(tmp_path, close):
    """The house starts, says what is broken, trades nothing, and looks after what is open."""
    house = opened(tmp_path, FAILS)
    close(house)
    began = wait_for("the worker's heartbeat", lambda: "worker" in beating(house) and time.monotonic(), 60)
    gone = ("risk_guard", "policy", "portfolio_balancer")
    seconds_until("not loaded", lambda: {statuses(house)[name] for name in gone} == {"failed"}, began)
    assert of(house, "risk_guard")["why"].endswith("ImportError: No module named 'talib'")
    assert (of(house, "risk_guard")["built"], of(house, "executor")["built"]) == (False, True)
    wait_for("position monitor", lambda: statuses(house)["position_monitor"] in ("running", "idle"), 60)
    found = wait_for("the incident", lambda: incident(house, "MODULE_NOT_LOADED:risk_guard"), 90)
    assert found["severity"] == "critical"
    assert fetch(f"http://127.0.0.1:{house.port}/api/v1/decisions?outcome=traded", house.key)["items"] == []


def test_a_module_that_was_never_started_is_never_said_to_run(tmp_path, close):
    """Without a worker its modules have never been called; the rest of the house runs on."""
    (tmp_path / "sitecustomize.py").write_text("")
    house = House(tmp_path, QT_SYMBOLS="BTCUSDT", DATABASE_URL="", REDIS_URL="")
    close(house)
    house.open_exchange()
    house.spawn("run", "--only", "web,beat,stream")
    wait_for("page", lambda: fetch(f"http://127.0.0.1:{house.port}/healthz"), 90)
    began = time.monotonic()
    seconds_until("never ran", lambda: statuses(house)["position_monitor"] == "never_ran", began)
    assert not {"running", "idle"} & {one for name, one in statuses(house).items() if name != "data_feed"}


def stop_between_transactions(house: House, pid: int) -> float:
    """Stop it where it holds no lock: on SQLite one that sleeps on the lock silences every other process too."""
    path = next(house.var.glob("practice*.sqlite3"))
    for _ in range(50):
        began = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        database = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        with contextlib.closing(database), contextlib.suppress(sqlite3.OperationalError):
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
            return began
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
    raise AssertionError("the worker held the database's lock all the time")


def of(house: House, name: str) -> dict:
    return next(one for one in house.items("modules") if one["name"] == name)


def incident(house: House, key: str) -> dict | None:
    return next((one for one in house.items("incidents?status=open") if one["key"] == key), None)


def claimed_at(house: House) -> float | None:
    """The moment, on our clock, at which the trailing manager's tick was seen to be at it."""
    doing = next(one["doing"] for one in house.items("processes") if one["name"] == "worker")
    return time.monotonic() if doing == "trading.tick trailing" else None


def switch(house: House, name: str, enabled: str) -> None:
    """Beat's schedule, as the admin's form changes it."""
    code = (
        "from django_celery_beat.models import PeriodicTask as T;"
        f"t = T.objects.get(name='tick: {name}'); t.enabled = {enabled}; t.save()"
    )
    done = house.spawn("shell", "-c", code)
    assert done.wait(60) == 0

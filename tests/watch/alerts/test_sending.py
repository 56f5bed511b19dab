"""Real messages to a real webhook and a real mail server, and a notifier that is killed while it sends."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitoring.models import Alert, AlertDelivery
from monitoring.watch.alerts.sender import cleaned, post
from monitoring.watch.alerts.words import message
from quantum.channels import Channel

ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("ALERT_KILLS", "40"))
OWN = frozenset({"127.0.0.1"})
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def receiving(kind: str, ledger: Path):
    ledger.touch()
    command = [sys.executable, "-m", "tests.watch.alerts.receiver", kind, str(ledger)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def ledger_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def an_alert() -> tuple[str, str]:
    params = {"incident": "STREAM_SILENT", "seconds": 42.0, "limit": 20.0}
    alert = Alert(id=7, key="incident:STREAM_SILENT", severity="page", code="INCIDENT", owner="operator", first_at=NOW,
                  last_at=NOW, link="/incidents/", params=params)  # fmt: skip
    return message([AlertDelivery(alert=alert, channel="x", kind="begun")], "practice", "http://127.0.0.1:8000")


def test_a_webhook_takes_it(tmp_path):
    with receiving("hook", tmp_path / "ledger") as port:
        assert post(Channel("x", "json", f"json://127.0.0.1:{port}/hook"), *an_alert(), True, OWN) == ""
    (got,) = ledger_of(tmp_path / "ledger")
    assert "The exchange's stream is silent" in got["text"]
    assert "42 s without a word, limit 20 s" in got["text"].replace("\u202f", " ").replace("\xa0", " ")
    assert "http://127.0.0.1:8000/incidents/" in got["text"]
    assert got["keys"] == ["7-begun-x"]


def test_a_message_longer_than_the_channel_takes_comes_in_parts(tmp_path, monkeypatch):
    import apprise

    monkeypatch.setattr(apprise.plugins.N_MGR["json"], "body_maxlen", 1024)
    with receiving("hook", tmp_path / "ledger") as port:
        body = "\n\n".join(f"alert {n}: " + "x" * 200 for n in range(20))
        assert post(Channel("x", "json", f"json://127.0.0.1:{port}/hook"), "20 alerts", body, True, OWN) == ""
    parts = [one["text"] for one in ledger_of(tmp_path / "ledger")]
    assert max(map(len, parts)) <= 1024
    assert all(f"alert {n}:" in "".join(parts) for n in range(20))


def test_a_mail_server_takes_it(tmp_path):
    with receiving("mail", tmp_path / "ledger") as port:
        url = f"mailto://127.0.0.1:{port}?from=quantum@example.com&to=me@example.com&mode=insecure&format=text"
        assert post(Channel("x", "mailto", url), *an_alert(), True, OWN) == ""
    (got,) = ledger_of(tmp_path / "ledger")
    assert "[Quantum practice]" in got["text"]


def test_a_private_address_that_nobody_listed_is_not_reached(tmp_path):
    with receiving("hook", tmp_path / "ledger") as port:
        assert post(Channel("x", "json", f"json://127.0.0.1:{port}/hook"), *an_alert(), True, frozenset())
    assert ledger_of(tmp_path / "ledger") == []


def test_what_went_wrong_is_told_without_the_address():
    where = Channel("x", "jsons", "jsons://bob:hunter2hunter2@example.com/hook")
    assert "hunter2" not in cleaned("could not reach bob:hunter2hunter2@example.com", where)


@pytest.mark.slow
@pytest.mark.services
def test_a_notifier_that_is_killed_loses_nothing(tmp_path):
    with receiving("hook", tmp_path / "ledger") as port:
        environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "quantum.settings",
            "QT_ENV_FILE": "/dev/null",
            "QT_VAR": str(tmp_path / "var"),
            "QT_ALERT_URLS": f"json://127.0.0.1:{port}/hook",
            "QT_ALERT_OWN_HOSTS": "127.0.0.1",
        }
        environ.pop("DATABASE_URL", None)
        (tmp_path / "var").mkdir()
        command = [sys.executable, "-m", "tests.watch.alerts.killed", str(KILLS)]
        told = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr[-3000:]
    tally = json.loads(told.stdout.splitlines()[-1])
    taken = [key for line in ledger_of(tmp_path / "ledger") for key in line["keys"]]
    assert tally["waiting"] == 0
    assert tally["killed"] > KILLS / 4
    assert len(tally["keys"]) == KILLS + 1
    assert set(tally["keys"]) <= set(taken)  # duplicates carry the same key
    print(f"{tally['killed']} killed while at it, {len(taken)} messages for {len(tally['keys'])} alerts, 0 lost")

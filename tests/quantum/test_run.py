"""`manage.py run` as a user starts it, on embedded services; the whole system runs in the end-to-end tests."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from quantum import places
from quantum.config import BASE
from tests.quantum.test_supervisor import alive, until

pytestmark = pytest.mark.slow


class Quantum:
    """`manage.py run --only beat` in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environ = kept | {"QT_VAR": str(var), "QT_ENV_FILE": "/dev/null", "PYTHONUNBUFFERED": "1"}
        self.lines: list[str] = []
        self.process = self.manage("run", "--only", "beat")

    def manage(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, words: str) -> str:
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        pytest.fail(f"never said {words!r}:\n{''.join(self.lines)}")

    def children(self) -> dict[str, int]:
        """Command word -> pid of the living processes of this run."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                stat, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == self.process.pid and command:
                found[next(word for word in ("valkey", "beat") if word.encode() in command)] = int(entry.name)
        return found

    def answers(self) -> bool:
        with redis.Redis(unix_socket_path=str(places.socket(self.var))) as client:
            try:
                return client.ping()
            except redis.ConnectionError:
                return False


@pytest.fixture
def var(tmp_path) -> Path:
    """A path that is too long for a unix socket."""
    return tmp_path / ("a-folder-with-a-long-name-" * 4)


@pytest.fixture
def quantum(var) -> Iterator[Quantum]:
    one = Quantum(var)
    yield one
    one.process.kill()
    one.process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_run_from_its_start_to_its_end(quantum):
    quantum.until("Ctrl-C stops everything")
    said = "".join(quantum.lines)
    told = (quantum.var / "first-login.txt").read_text()
    assert all(line in said for line in told.splitlines())
    assert re.search(r"\[ +\d+\.\ds\] schedules: \d+ modules", said)
    assert quantum.answers()

    second = quantum.manage("run", "--only", "beat")
    assert "Another run (process" in second.communicate(timeout=60)[0]
    assert second.returncode == 1

    first = quantum.children()
    os.kill(first["valkey"], signal.SIGKILL)
    quantum.until("valkey was ended by SIGKILL; starting it again in 0.5 s")
    assert until(quantum.answers)
    last = quantum.children()
    assert last["beat"] == first["beat"] and last["valkey"] != first["valkey"]

    quantum.process.send_signal(signal.SIGINT)
    assert quantum.process.wait(20) == 0
    assert not any(alive(pid) for pid in last.values())
    assert not places.socket(quantum.var).parent.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_after_a_kill_nothing_is_left_and_the_next_start_keeps_the_data(quantum, var):
    quantum.until("Ctrl-C stops everything")
    told = (var / "first-login.txt").read_text()
    left = quantum.children()
    quantum.process.kill()
    assert until(lambda: not any(alive(pid) for pid in left.values()), 5)
    again = Quantum(var)
    try:
        again.until("Ctrl-C stops everything")
        said = "".join(again.lines)
        assert "first user made" not in said and " 0 of them new" in said
        assert (var / "first-login.txt").read_text() == told
    finally:
        again.process.terminate()
        again.process.communicate(timeout=20)

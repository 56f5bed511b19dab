"""How `manage.py run` starts the system: each step is one line with the seconds since the start.

1. Locks and ports: a second run on the same folder, or a port in use, is refused before anything starts.
2. The broker: Valkey of our own, or the Redis of REDIS_URL.
3. The database: whose it is, migrations, the stamp, the first user, the beat schedules.
4. The processes: the practice exchange and the page first; once the exchange answers, all others.
5. Minding them, until a signal comes.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from monitoring.watch import restarts
from quantum import places, preparation
from quantum.claims import CannotStart, check_ports, lock, ports, shown
from quantum.config import BASE, Config
from quantum.milestones import Milestones
from quantum.programs import Program, chosen, valkey
from quantum.supervisor import Supervisor

ANSWER = 90  # seconds a process may take to answer for the first time


@dataclass
class Voice:
    """Says one line a step, with the seconds since the start."""

    began: float = field(default_factory=time.monotonic)

    def __call__(self, text: str) -> None:
        self.plain(f"[{time.monotonic() - self.began:5.1f}s] {text}")

    def plain(self, text: str) -> None:
        try:
            print(text, flush=True)
        except (BrokenPipeError, ValueError):  # nobody reads any more: no reason to stop trading
            return


def run(port: int, only: Collection[str] = ()) -> int:
    """Start the system, mind it, end it. The exit code."""
    config: Config = settings.QUANTUM
    say = Voice()
    say.plain(headline(config))
    programs = chosen(config, only, port, sys.executable)
    names = [program.name for program in programs] + ([] if config.REDIS_URL else ["valkey"])
    locks = lock(settings.VAR / "locks", names)
    supervisor = Supervisor(settings.VAR / "log", say, on_loss=on_loss, cwd=BASE)
    supervisor.listen()
    try:
        check_ports(ports(config, programs, port))
        launch(supervisor, config, programs, port, say)
        wishes = Wishes(supervisor, settings.VAR / "restarts")
        courtesy = Courtesy(say)
        supervisor.mind(lambda: each_of(courtesy, wishes))
    finally:
        if supervisor.children:
            say("stopping" if not supervisor.failed else f"stopping: {supervisor.failed}")
        code = supervisor.stop()
        if supervisor.children:
            say("everything is stopped")
        if settings.SOCKET.parent != settings.VAR:
            places.forget(settings.SOCKET)
        locks.close()
    return code


def on_loss(name: str, why: str) -> None:
    preparation.stop_entries(name, why)
    close_old_connections()


class Courtesy:
    """Looks for milestones once a second; what it can't read it leaves out."""

    def __init__(self, say: Voice) -> None:
        self.say = say
        self.milestones = Milestones(timezone.now())
        self.next = 0.0

    def __call__(self) -> None:
        if self.milestones.over or time.monotonic() < self.next:
            return
        self.next = time.monotonic() + 1
        with contextlib.suppress(DatabaseError):
            for line in self.milestones.news():
                self.say(line)
        close_old_connections()


def each_of(*acts: Callable[[], None]) -> None:
    for act in acts:
        act()


class Wishes:
    """Looks once a second whether self-healing asks for a process to be started again. What is older is not wanted."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        self.supervisor, self.folder = supervisor, folder
        self.next = 0.0
        restarts.take(folder, supervisor.children)

    def __call__(self) -> None:
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + 1
        for program, why in restarts.take(self.folder, self.supervisor.children):
            self.supervisor.restart(program, why)


def launch(supervisor: Supervisor, config: Config, programs: list[Program], port: int, say: Voice) -> None:
    """Start everything in order; stop in between where the end is asked for or something fails."""
    start_broker(supervisor, config, say)
    if supervisor.over:
        return
    with supervisor.cut_when_asked():  # migrations may take longer than an end may
        preparation.database(config, say)
        preparation.first_user(settings.VAR / "first-login.txt", say)
        preparation.schedules(say)
    if supervisor.over:
        return
    names = {program.name for program in programs}
    first = [program for program in programs if program.name in ("practice", "web")]
    supervisor.start(*first)
    if "practice" in names:
        if not supervisor.wait_for("practice", lambda: answers(f"{config.QT_PRACTICE_URL}/fapi/v1/ping"), ANSWER):
            return
        say(f"practice exchange answers at {config.QT_PRACTICE_URL}")
        if config.relay_url:
            say(relayed(config))
    rest = [program for program in programs if program not in first]
    supervisor.start(*rest)
    if rest:
        say(f"started: {', '.join(program.name for program in rest)}")
    if "worker" in names:
        preparation.first_ticks()
    if "web" in names:
        if not supervisor.wait_for("web", lambda: answers(f"http://127.0.0.1:{port}/healthz"), ANSWER):
            return
        say("the page answers")
        preparation.invitation(port, say)
        preparation.way_to_the_venue(port, say)
    close_old_connections()
    say.plain(f"Logs:    {shown(settings.VAR / 'log')}")
    say.plain("Ctrl-C stops everything.")


def start_broker(supervisor: Supervisor, config: Config, say: Voice) -> None:
    if config.REDIS_URL:
        if (problem := preparation.redis_problem()) is not None:
            raise CannotStart(f"REDIS_URL: Redis does not answer ({problem}). Start it, or unset REDIS_URL.")
        say("Redis answers")
        return
    folder = settings.VAR / "kv"
    try:
        binary = preparation.valkey_binary()
        places.private_folder(folder)
        if settings.SOCKET.parent != settings.VAR:
            places.private_folder(settings.SOCKET.parent)
    except (ImportError, RuntimeError, OSError) as error:
        raise CannotStart(
            f"The embedded Valkey can't start ({error}). Set REDIS_URL to a Redis of your own."
        ) from error
    supervisor.start(valkey(binary, settings.SOCKET, folder))
    if supervisor.wait_for("valkey", lambda: preparation.redis_problem() is None, 15):
        say("embedded Valkey answers")


def headline(config: Config) -> str:
    what = config.market if config.practising else f"{config.venue}, {config.timeframe} candles"
    orders = "on" if config.execution_enabled else "off (QT_ENABLE_EXECUTION=false)"
    head = f"Quantum {settings.VERSION} ({settings.BUILD}): mode {config.mode}, {what}"
    return f"{head}, orders {orders}"


def relayed(config: Config) -> str:
    """What the practice exchange hears of the venue whose prices it relays."""
    said = ask(f"{config.QT_PRACTICE_URL}/practice/state")
    try:
        market = json.loads(said or "")["market"]
    except (ValueError, KeyError, TypeError):
        market = f"{config.relayed}, relayed"
    waits = "; entries wait for fresh prices, everything else runs, and it is asked again and again"
    return f"{market} ({config.relay_url}){waits if 'not reachable' in market else ''}"


def answers(url: str) -> bool:
    """Whether the address answers with success."""
    return ask(url) is not None


def ask(url: str) -> str | None:
    """What the address answers with success, asked without any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return answer.read().decode() if answer.status == 200 else None
    except (urllib.error.URLError, OSError, ValueError):
        return None

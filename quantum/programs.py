"""Which processes make up the system, with their commands, in the order they start."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from quantum.config import Config

NO_CHECKS = {"CELERY_SKIP_CHECKS": "1"}  # they would import every page: trading never depends on the web
PARTS = ("web", "worker", "beat", "stream", "practice")  # what `run --only` can name


@dataclass(frozen=True, slots=True)
class Program:
    """One process: its command, what it adds to the environment, and how it is ended."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    stage: int = 0  # the lower ends first; those of one stage end together
    grace: float = 4.5  # seconds between TERM and KILL
    vital: bool = False  # without it nothing else can work


def chosen(config: Config, only: Collection[str], port: int, python: str) -> list[Program]:
    """The programs of this run; `only` names parts, and none means all."""
    parts = set(only or PARTS) - (set() if config.practising else {"practice"})
    found = [practice(config, python)] if "practice" in parts else []
    if "web" in parts:
        found.append(web(port, python))
    if "worker" in parts:
        found += [
            worker("worker", config, python, ("trade",), 1, {}),
            worker("trainer", config, python, ("work", "train"), 2, {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}),
        ]
    if "beat" in parts:
        found.append(beat(python))
    if "stream" in parts:
        found.append(Program("stream", (python, "manage.py", "stream")))
    return found


def valkey(binary: Path, socket: Path, folder: Path) -> Program:
    """The embedded Valkey: on a unix socket only, its journal in the var folder."""
    flags = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    argv = [str(binary)]
    for flag, value in flags.items():
        argv += [f"--{flag}", value]
    return Program("valkey", tuple(argv), stage=2, grace=1, vital=True)


def practice(config: Config, python: str) -> Program:
    """It reads the same settings as we do."""
    argv = (python, "manage.py", "practice", "--port", str(config.practice_port))
    return Program("practice", argv, stage=1, grace=2.5, vital=True)


def web(port: int, python: str) -> Program:
    command = f"-m quantum.web -b 127.0.0.1 -p {port} -v 0 --no-server-name quantum.asgi:application"
    return Program("web", (python, *command.split()), env={"PORT": str(port)})


def worker(
    name: str, config: Config, python: str, queues: tuple[str, ...], threads: int, env: dict[str, str]
) -> Program:
    """Threads, not forks: models and candle arrays stay warm in one process."""
    names = ",".join(f"{config.mode}-{queue}" for queue in queues)
    command = f"-m celery -q -A quantum worker -P threads -c {threads} -Q {names} -n {name}@%h"
    command += " -l WARNING --without-gossip --without-mingle"
    return Program(name, (python, *command.split()), NO_CHECKS | env)


def beat(python: str) -> Program:
    command = "-m celery -q -A quantum beat --max-interval 1 --pidfile= -l WARNING"
    return Program("beat", (python, *command.split()), NO_CHECKS)

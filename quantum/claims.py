"""What a run claims before it starts anything: a lock a process, and its ports."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from quantum.config import Config
from quantum.programs import Program


class CannotStart(RuntimeError):
    """Why nothing was started, or what was started had to end."""


def lock(folder: Path, names: Iterable[str]) -> contextlib.ExitStack:
    """Hold one lock a process until closed or until we die; refuse where another run holds one of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        for name in sorted(names):
            hold(held.enter_context((folder / name).open("a+")), name, folder.parent)
        return held.pop_all()


def hold(file: IO[str], name: str, var: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        other = file.read().strip() or "unknown"
        raise CannotStart(
            f"Another run (process {other}) is using {shown(var)} already: its {name} is running. "
            "Stop it first, or choose another folder with QT_VAR and other ports with PORT and QT_PRACTICE_URL."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def ports(config: Config, programs: Sequence[Program], port: int) -> dict[str, int]:
    """The ports that this run will listen on, by the setting that names them."""
    names = {program.name for program in programs}
    wanted = {"PORT": port} if "web" in names else {}
    return wanted | ({"QT_PRACTICE_URL": config.practice_port} if "practice" in names else {})


def check_ports(wanted: dict[str, int]) -> None:
    """Refuse, naming each port, where somebody else listens."""
    problems = [f"{name}: {problem}" for name, port in wanted.items() if (problem := port_problem(port))]
    if len(set(wanted.values())) < len(wanted):
        problems.append(f"{' and '.join(wanted)} are the same port: change one of them.")
    if problems:
        raise CannotStart("\n".join(problems))


def port_problem(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except PermissionError:
            return f"port {port} may not be opened by this user: choose one above 1023."
        except OSError:
            return f"port {port} is in use by another program: stop that, or choose another port."
    return None


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)

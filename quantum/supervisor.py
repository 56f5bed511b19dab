"""The supervisor: starts the processes, restarts what dies, ends them all.

1. Each child has a session of its own, so that a terminal's Ctrl-C reaches the supervisor alone, and a leash: it dies
   with the supervisor, even by kill -9.
2. What dies before its first answer ends the start. What dies later is started again after 0.5, 1, 2, 4 s; the fifth
   death within 60 s is the last: the process is given up, `on_loss` hears of it (entries stop), the others go on
   minding what is open. Without a vital one everything ends. `restart` ends a process on purpose: that counts too.
3. TERM, INT or HUP end all, in stages: TERM, a grace, KILL. A second one kills at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from quantum.childlogs import ChildLog
from quantum.programs import Program
from quantum.restarts import Budget

LEASH = Path(__file__).with_name("leash.py")
LOOK = 0.2  # seconds between two looks
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Say = Callable[[str], None]


@dataclass
class Child:
    """A program's process of the moment, and its past."""

    program: Program
    log: ChildLog
    process: subprocess.Popen | None = None
    due: float | None = None  # when to start it (again)
    awaited: bool = False  # the start waits for its first answer
    given_up: bool = False
    doomed: float | None = None  # it was asked to end, and is killed at this time
    deaths: list[float] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Asked(BaseException):
    """The end was asked for while something long was at work that may be cut anywhere."""


class Supervisor:
    def __init__(
        self,
        folder: Path,
        say: Say,
        on_loss: Callable[[str, str], None] = lambda name, why: None,
        budget: Budget | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.logs = folder
        self.say = say
        self.on_loss = on_loss
        self.budget = budget or Budget()
        self.cwd = cwd
        self.children: dict[str, Child] = {}
        self.stopping = False
        self.cuttable = False
        self.failed = ""  # why everything ends although nobody asked

    # -- signals ------------------------------------------------------------------------------------------------------
    def listen(self) -> None:
        """From now on a signal asks for the end instead of being it."""
        for number in SIGNALS:
            signal.signal(number, self.asked)

    def asked(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            self.kill(list(self.children.values()))
        self.stopping = True
        if self.cuttable:
            self.cuttable = False
            raise Asked

    @contextlib.contextmanager
    def cut_when_asked(self) -> Iterator[None]:
        """What is done in here is cut off by a signal, as a kill would; nothing is raised."""
        self.cuttable = not self.stopping
        with contextlib.suppress(Asked):
            yield
        self.cuttable = False

    # -- starting and minding -----------------------------------------------------------------------------------------
    def start(self, *programs: Program) -> None:
        for program in programs:
            child = Child(program, ChildLog(self.logs / f"{program.name}.log"))
            self.children[program.name] = child
            self.spawn(child)

    def spawn(self, child: Child) -> None:
        command = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *child.program.argv]
        with child.log.path.open("ab") as output:
            child.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **child.program.env},
                cwd=self.cwd,
                start_new_session=True,
            )
        child.due = child.doomed = None

    def look(self) -> None:
        """One look at every child: tell its errors, note its death, start it where that is due."""
        now = time.monotonic()
        for child in self.children.values():
            for line in child.log.news(now):
                self.say(f"{child.program.name} | {line}")
            if child.process is not None and child.process.poll() is not None:
                self.bury(child, now)
            elif child.due is not None and now >= child.due and not self.stopping:
                self.spawn(child)
            elif child.doomed is not None and now >= child.doomed:
                self.kill([child])

    def restart(self, name: str, why: str) -> None:
        """End a process that runs but does nothing; it is started again like one that died."""
        child = self.children.get(name)
        if child is None or child.program.vital or child.doomed is not None or not child.running:
            return
        self.say(f"{name} is ended, to be started again: {why}")
        child.doomed = time.monotonic() + child.program.grace
        child.process.terminate()  # type: ignore[union-attr]

    def bury(self, child: Child, now: float) -> None:
        """A child has ended though nobody asked: start it again later, or give it up."""
        assert child.process is not None
        how, name = ending(child.process.returncode), child.program.name
        child.process, child.deaths = None, [*child.deaths[-20:], now]
        count, wait = self.budget.recent(child.deaths, now), self.budget.wait(child.deaths, now)
        if child.awaited:
            self.failed = f"{name} {how} before it answered"
            self.last_words(child, self.failed)
        elif wait is None:
            self.give_up(child, f"{name} {how} for the {count}th time within {self.budget.window:g} s and is given up")
        else:
            child.due = now + wait
            again = f"starting it again in {wait:g} s ({count} of {self.budget.deaths} within {self.budget.window:g} s)"
            self.say(f"{name} {how}; {again}")

    def give_up(self, child: Child, why: str) -> None:
        child.given_up = True
        self.last_words(child, why)
        self.on_loss(child.program.name, why)
        if child.program.vital or not any(other.running or other.due for other in self.children.values()):
            self.failed = why

    def last_words(self, child: Child, why: str) -> None:
        self.say(f"{why}; its last words ({child.log.path}):")
        for line in child.log.tail():
            self.say(f"    {line}")

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> bool:
        """Mind the children until this one is ready; False where the end was asked for or it failed."""
        deadline, child = time.monotonic() + seconds, self.children[name]
        child.awaited = True
        while not self.over:
            if ready():
                child.awaited = False
                return True
            if time.monotonic() > deadline:
                self.failed = f"{name} did not answer within {seconds:g} s: see {child.log.path}"
            time.sleep(LOOK / 2)
            self.look()
        return False

    @property
    def over(self) -> bool:
        return self.stopping or bool(self.failed)

    def mind(self, each: Callable[[], None] = lambda: None) -> None:
        """Look after the children until the end is asked for, or nothing is left to look after."""
        while not self.over:
            time.sleep(LOOK)
            self.look()
            each()

    # -- ending -------------------------------------------------------------------------------------------------------
    def stop(self) -> int:
        """End all, in stages. The exit code: 1 where something was given up, else 0."""
        self.stopping = True
        for stage in sorted({child.program.stage for child in self.children.values()}):
            children = reversed(self.children.values())  # what was started last ends first
            group = [child for child in children if child.program.stage == stage and child.running]
            for child in group:
                child.process.terminate()  # type: ignore[union-attr]
            self.await_end(group)
        return 1 if self.failed or any(child.given_up for child in self.children.values()) else 0

    def await_end(self, group: Sequence[Child]) -> None:
        began, killed = time.monotonic(), set()
        while running := [child for child in group if child.running]:
            late = [c for c in running if time.monotonic() - began > c.program.grace and c.program.name not in killed]
            if late:
                killed |= {child.program.name for child in late}
                self.say(f"killing {', '.join(child.program.name for child in late)}: still busy")
                self.kill(late)
            time.sleep(0.02)
        self.kill(group)  # whatever such a child started itself
        for child in group:
            child.process = None

    @staticmethod
    def kill(group: Sequence[Child]) -> None:
        """Kill whole sessions, at once."""
        for child in group:
            if child.process is not None:
                try:
                    os.killpg(child.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended (exit {code})"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
